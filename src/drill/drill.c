/* SPDX-License-Identifier: Apache-2.0 */
/* drill/drill.c - playing files, and saying what came of it. */
#include "drill/drill.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"

static const char *const state_names[DRILL_STATES] = {"green", "not due", "failed", "invalid"};

const char *drill_state_name(enum drill_state s)
{
	return state_names[s];
}

/* ---- running ---- */

static enum rc run(struct drill *d, const struct drill_options *o)
{
	AUTO_BUF text = BUF_INIT(SCENARIO_BYTES);
	struct scenario *s;

	TRY(file_read(d->file.p, &text, &d->err));
	TRY(scenario_read(d->file, buf_view(&text), o->dir, &d->scenario, &d->findings, &d->err));
	s = d->scenario;
	if (s->not_due.n) {
		d->state = DRILL_NOT_DUE;
		return RC_OK;
	}
	TRY(play_run(s, &s->tree, &s->steps, o->seed, NULL, &d->steps, &d->findings, &d->err));
	if (s->twin.n > 0) {
		const struct json *end = s->end;
		enum rc rc;

		s->end = NULL; /* it is about the steps */
		rc =
		    play_run(s, &s->tree, &s->twin, o->seed, NULL, &d->twin, &d->findings, &d->err);
		s->end = end;
		TRY(rc);
	}
	if (d->steps.n_failed + d->twin.n_failed > 0) {
		d->state = DRILL_FAILED;
	}
	return o->ablates ? ablate(s, &d->steps, o->seed, &d->ablation, &d->err) : RC_OK;
}

void drill_run(struct drill *d, const char *path, const struct drill_options *o)
{
	*d = (struct drill){.file = str_from(path),
			    .findings = FINDINGS_INIT,
			    .steps = PLAY_REPORT_INIT,
			    .twin = PLAY_REPORT_INIT,
			    .ablation = ABLATION_INIT};
	if (run(d, o) != RC_OK) {
		d->state = DRILL_INVALID;
	}
}

void drill_fini(struct drill *d)
{
	findings_fini(&d->findings);
	scenario_free(d->scenario);
	play_report_fini(&d->steps);
	play_report_fini(&d->twin);
	ablation_fini(&d->ablation);
}

/* ---- for people ---- */

static enum rc print_expected(struct buf *b, const struct step *st)
{
	TRY(buf_addf(b, "%s", answer_name(st->answer)));
	for (size_t i = 0; i < st->codes.n; i++) {
		TRY(buf_addf(b, "%s" STR_FMT, i ? "|" : " ", STR_ARG(st->codes.p[i])));
	}
	return RC_OK;
}

static enum rc print_step(struct buf *b, size_t n, const struct step_result *r)
{
	const char *mark = !r->is_due ? "later" : r->problem.n ? "FAIL" : "ok";

	TRY(buf_addf(b, "  %-5s %2zu  " STR_FMT, mark, n, STR_ARG(r->what)));
	if (!r->is_due) {
		return buf_addf(b, " (not due: " STR_FMT ")\n", STR_ARG(r->step->not_due));
	}
	if (r->answer != ANSWER_ANY) {
		TRY(buf_addf(b, "  -> %s%s" STR_FMT, answer_name(r->answer), r->reason.n ? " " : "",
			     STR_ARG(r->reason)));
	}
	if (!r->problem.n) {
		return buf_add_char(b, '\n');
	}
	TRY(buf_addf(b, "\n           " STR_FMT, STR_ARG(r->problem)));
	if (r->step->answer != ANSWER_ANY) {
		TRY(buf_add(b, STR("; expected: ")));
		TRY(print_expected(b, r->step));
	}
	return buf_addf(b, " (line %u)\n", r->step->node->line);
}

static enum rc print_steps(struct buf *b, const struct play_report *r)
{
	for (size_t i = 0; i < r->steps.n; i++) {
		TRY(print_step(b, i + 1, &r->steps.p[i]));
	}
	if (r->problem.n) {
		TRY(buf_addf(b, "  FAIL  end  " STR_FMT "\n", STR_ARG(r->problem)));
	}
	return RC_OK;
}

static enum rc print_points(struct buf *b, const struct drill *d)
{
	for (size_t i = 0; i < d->ablation.points.n; i++) {
		const struct single_point *p = &d->ablation.points.p[i];

		TRY(buf_addf(
		    b, "  single point of failure: without " STR_FMT " step %llu is answered %s\n",
		    STR_ARG(p->defence), (unsigned long long)p->step,
		    p->becomes == ANSWER_ANY ? "not at all" : answer_name(p->becomes)));
	}
	if (d->ablation.n_tried > 0 && d->ablation.points.n == 0) {
		TRY(buf_addf(b, "  %zu defences removed in turn: each time another one held\n",
			     d->ablation.n_tried));
	}
	return RC_OK;
}

enum rc drill_print(const struct drill *d, struct buf *b)
{
	if (d->state == DRILL_INVALID) {
		if (d->findings.items.n > 0) {
			TRY(findings_print(&d->findings, b));
		} else {
			TRY(buf_addf(b, "%s\n", d->err.msg));
		}
		return buf_addf(b, "invalid  " STR_FMT "\n", STR_ARG(d->file));
	}
	TRY(buf_addf(b, "%-8s " STR_FMT "  " STR_FMT "\n", drill_state_name(d->state),
		     STR_ARG(d->scenario->name), STR_ARG(d->scenario->title)));
	if (d->state == DRILL_NOT_DUE) {
		return buf_addf(b, "  " STR_FMT "\n", STR_ARG(d->scenario->not_due));
	}
	TRY(print_steps(b, &d->steps));
	if (d->twin.steps.n > 0) {
		TRY(buf_add(b, STR("  twin:\n")));
		TRY(print_steps(b, &d->twin));
	}
	return print_points(b, d);
}

/* ---- for programs ---- */

static void json_steps(struct json_out *w, const char *name, const struct play_report *r)
{
	json_out_key(w, str_from(name));
	json_out_array(w);
	for (size_t i = 0; i < r->steps.n; i++) {
		const struct step_result *one = &r->steps.p[i];

		json_out_object(w);
		json_out_key_u64(w, "n", i + 1);
		json_out_key_u64(w, "line", one->step->node->line);
		json_out_key_str(w, "what", one->what);
		json_out_key_str(w, "expected", str_from(answer_name(one->step->answer)));
		json_out_key(w, STR("codes"));
		json_out_array(w);
		for (size_t k = 0; k < one->step->codes.n; k++) {
			json_out_str(w, one->step->codes.p[k]);
		}
		json_out_close(w);
		json_out_key_str(w, "got", str_from(answer_name(one->answer)));
		json_out_key_str(w, "reason", one->reason);
		json_out_key_bool(w, "due", one->is_due);
		json_out_key_bool(w, "ok", one->problem.n == 0);
		if (one->problem.n) {
			json_out_key(w, STR("problem"));
			json_out_text(w, one->problem);
		}
		json_out_close(w);
	}
	json_out_close(w);
}

static void json_points(struct json_out *w, const struct ablation *a)
{
	json_out_key(w, STR("single_points"));
	json_out_array(w);
	for (size_t i = 0; i < a->points.n; i++) {
		json_out_object(w);
		json_out_key_u64(w, "step", a->points.p[i].step);
		json_out_key_str(w, "defence", a->points.p[i].defence);
		json_out_key_str(w, "becomes", str_from(answer_name(a->points.p[i].becomes)));
		json_out_close(w);
	}
	json_out_close(w);
	json_out_key_u64(w, "defences_removed", a->n_tried);
}

static void json_findings(struct json_out *w, const struct drill *d)
{
	json_out_key(w, STR("findings"));
	json_out_array(w);
	for (size_t i = 0; i < d->findings.items.n; i++) {
		const struct finding *f = &d->findings.items.p[i];

		json_out_object(w);
		json_out_key_str(w, "file", f->file);
		json_out_key_u64(w, "line", f->line);
		json_out_key_u64(w, "column", f->column);
		json_out_key(w, STR("text"));
		json_out_text(w, f->text);
		json_out_close(w);
	}
	json_out_close(w);
	if (d->state == DRILL_INVALID) {
		json_out_key(w, STR("error"));
		json_out_text(w, str_from(d->err.msg));
	}
}

void drill_print_json(const struct drill *d, struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "file", d->file);
	json_out_key_str(w, "state", str_from(drill_state_name(d->state)));
	if (d->scenario) {
		json_out_key_str(w, "scenario", d->scenario->name);
		json_out_key_str(w, "title", d->scenario->title);
		json_out_key(w, STR("controls"));
		json_out_array(w);
		for (size_t i = 0; i < d->scenario->controls.n; i++) {
			json_out_str(w, d->scenario->controls.p[i]);
		}
		json_out_close(w);
		json_steps(w, "steps", &d->steps);
		json_steps(w, "twin", &d->twin);
		if (d->steps.problem.n) {
			json_out_key(w, STR("problem"));
			json_out_text(w, d->steps.problem);
		}
		json_points(w, &d->ablation);
	}
	json_findings(w, d);
	json_out_close(w);
}
