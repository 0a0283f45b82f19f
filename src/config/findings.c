/* SPDX-License-Identifier: Apache-2.0 */
/* config/findings.c - collecting and printing findings.
 *
 * Trust:  texts quote configuration, which may hold any byte; printing escapes control bytes.
 * Holds:  n_errors counts every error, also when there was no room or memory to keep it.
 */
#include "config/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/json.h"

void findings_fini(struct findings *f)
{
	vec_fini(&f->items);
	arena_fini(&f->arena);
	f->n_errors = 0;
	f->n_warnings = 0;
}

void findings_add(struct findings *f, enum finding_level level, struct str file, uint32_t line,
		  uint32_t column, const char *fmt, ...)
{
	struct finding one = {.level = level, .line = line, .column = column};
	char text[600];
	va_list ap;
	int n;

	if (level == FINDING_ERROR) {
		f->n_errors++;
	} else {
		f->n_warnings++;
	}
	if (f->items.n >= FINDINGS_MAX) {
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0) {
		return;
	}
	one.text = arena_str(&f->arena, str_from(text));
	one.file = arena_str(&f->arena, file);
	if (one.text.p && one.file.p) {
		(void)vec_push(&f->items, one); /* without memory it stays counted */
	}
}

static const char *level_name(enum finding_level level)
{
	return level == FINDING_ERROR ? "error" : "warning";
}

static enum rc add_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f) {
			TRY(buf_addf(b, "\\x%02x", c));
		} else {
			TRY(buf_add_char(b, s.p[i]));
		}
	}
	return RC_OK;
}

enum rc findings_print(const struct findings *f, struct buf *b)
{
	for (size_t i = 0; i < f->items.n; i++) {
		const struct finding *one = &f->items.p[i];

		if (one->file.n > 0) {
			TRY(add_escaped(b, one->file));
			if (one->line > 0) {
				TRY(buf_addf(b, ":%u:%u", one->line, one->column));
			}
			TRY(buf_add(b, STR(": ")));
		}
		TRY(buf_addf(b, "%s: ", level_name(one->level)));
		TRY(add_escaped(b, one->text));
		TRY(buf_add_char(b, '\n'));
	}
	if (f->n_errors + f->n_warnings > f->items.n) {
		TRY(buf_addf(b, "(%zu more not shown)\n",
			     f->n_errors + f->n_warnings - f->items.n));
	}
	return buf_addf(b, "%zu error%s, %zu warning%s\n", f->n_errors, f->n_errors == 1 ? "" : "s",
			f->n_warnings, f->n_warnings == 1 ? "" : "s");
}

enum rc findings_print_json(const struct findings *f, struct buf *b, struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_u64(&w, "errors", f->n_errors);
	json_out_key_u64(&w, "warnings", f->n_warnings);
	json_out_key(&w, STR("findings"));
	json_out_array(&w);
	for (size_t i = 0; i < f->items.n; i++) {
		const struct finding *one = &f->items.p[i];

		json_out_object(&w);
		json_out_key_str(&w, "level", str_from(level_name(one->level)));
		json_out_key_str(&w, "file", one->file);
		json_out_key_u64(&w, "line", one->line);
		json_out_key_u64(&w, "column", one->column);
		json_out_key_str(&w, "text", one->text);
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, e);
}
