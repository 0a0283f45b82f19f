/* SPDX-License-Identifier: Apache-2.0 */
/* api/signals.c - signals that come by themselves, and those that a webhook carries.
 *
 * Trust: the sender was authenticated; which names it may use is the deployment's word.
 */
#include "api/api_impl.h"

#include "core/signal.h"

enum rc api_signals(const struct source *s, struct str body, struct arena *arena, struct buf *ret,
		    struct err *e)
{
	const struct signal_report *reports;
	const struct json *j;
	size_t n;

	TRY(api_parse(body, arena, &j, e));
	TRY(signal_reports_read(j, arena, &reports, &n, e));
	for (size_t i = 0; i < n; i++) {
		if (!source_may_signal(s, reports[i].name)) {
			FAIL(e, RC_DENIED, "source '" STR_FMT "' may not report '" STR_FMT "'",
			     STR_ARG(s->name), STR_ARG(reports[i].name));
		}
	}
	return json_canonical(ret, j, e);
}

static void write_signal(struct json_out *w, struct str name, struct str value, struct str kind,
			 const struct json *asset)
{
	struct str text;

	if (asset && !json_str(asset, &text)) {
		return; /* no asset's name */
	}
	json_out_object(w);
	json_out_key_str(w, "name", name);
	json_out_key_str(w, "value", value);
	if (asset) {
		json_out_key(w, STR("asset"));
		if (kind.n) {
			json_out_strf(w, STR_FMT ":" STR_FMT, STR_ARG(kind), STR_ARG(text));
		} else {
			json_out_str(w, text);
		}
	}
	json_out_close(w);
}

/* What it cannot say, or says in a sentence, is no signal; that fails no incident. */
void api_write_signals(struct json_out *w, const struct source *s, const struct json *doc)
{
	if (s->n_signals == 0) {
		return;
	}
	json_out_key(w, STR("signals"));
	json_out_array(w);
	for (size_t i = 0; i < s->n_signals; i++) {
		const struct source_signal *x = &s->signals[i];
		const struct json *at =
		    x->asset.pointer.n ? json_pointer(doc, x->asset.pointer) : NULL;
		bool is_list = json_type(at) == JSON_ARRAY;
		struct str value;

		if (api_field(doc, &x->value, "signal", &value, NULL) != RC_OK || value.n == 0 ||
		    value.n > SIGNAL_VALUE_BYTES || (x->asset.pointer.n && !at)) {
			continue;
		}
		if (!at) {
			write_signal(w, x->name, value, STR(""), NULL);
		}
		for (const struct json *one = is_list ? at->child : at; one;
		     one = is_list ? one->next : NULL) {
			write_signal(w, x->name, value, x->asset.kind, one);
		}
	}
	json_out_close(w);
}
