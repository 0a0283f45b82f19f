/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ext.c - the functions of the extension types.
 *
 * Trust:  arguments are hostile values of any type and number.
 */
#include "cedar/ext.h"

static const struct {
	struct str name;
	bool is_method;
	uint8_t arity;
} functions[] = {[CEDAR_FN_NONE] = {.name = {"", 0}},
#define FN(id_, name_, is_method_, arity_)                                                         \
	[CEDAR_FN_##id_] = {                                                                       \
	    .name = {name_, sizeof(name_) - 1},                                                    \
	    .is_method = (is_method_),                                                             \
	    .arity = (arity_),                                                                     \
	},
		 CEDAR_FUNCTIONS(FN)
#undef FN
};

enum cedar_fn cedar_fn_find(struct str name)
{
	for (size_t i = 1; i < ARRAY_LEN(functions); i++) {
		if (str_eq(functions[i].name, name)) {
			return (enum cedar_fn)i;
		}
	}
	return CEDAR_FN_NONE;
}

struct str cedar_fn_name(enum cedar_fn fn)
{
	return functions[fn].name;
}

bool cedar_fn_is_method(enum cedar_fn fn)
{
	return functions[fn].is_method;
}

bool cedar_fn_is_constructor(enum cedar_fn fn)
{
	return fn >= CEDAR_FN_IP && fn <= CEDAR_FN_DURATION;
}

enum { SHOWN_BYTES = 80 };

/* One call: what the helpers below need. */
struct call {
	struct arena *arena;
	enum cedar_fn fn;
	const struct cedar_value *args;
	struct cedar_value *ret;
	struct cedar_error *why;
};

static enum rc fail(struct call *c, struct str argument, const char *what)
{
	size_t n = argument.n < SHOWN_BYTES ? argument.n : SHOWN_BYTES;

	/* A short form, of whole characters: a hostile argument may be a megabyte. */
	while (n > 0 && n < argument.n && ((unsigned char)argument.p[n] & 0xc0) == 0x80) {
		n--;
	}
	c->why->class = CEDAR_ERROR_EXT;
	c->why->subject = functions[c->fn].name;
	c->why->detail = arena_strf(c->arena, "%s: '%.*s'", what, (int)n, n ? argument.p : "");
	return c->why->detail.p ? RC_INPUT : RC_NOMEM;
}

static enum rc overflow(struct call *c)
{
	c->why->class = CEDAR_ERROR_EXT;
	c->why->subject = functions[c->fn].name;
	c->why->detail = STR("overflow");
	return RC_INPUT;
}

static enum rc want(struct call *c, size_t i, enum cedar_type type)
{
	if (c->args[i].type == type) {
		return RC_OK;
	}
	c->why->class = CEDAR_ERROR_TYPE;
	c->why->expected = 1u << type;
	c->why->got = (enum cedar_type)c->args[i].type;
	return RC_INPUT;
}

static enum rc construct_ip(struct call *c, struct str text)
{
	struct cedar_ip *ip = arena_alloc(c->arena, sizeof(*ip));
	const char *wrong;

	if (!ip) {
		return RC_NOMEM;
	}
	wrong = cedar_ip_parse(text, ip);
	if (wrong) {
		return fail(c, text, wrong);
	}
	*c->ret = (struct cedar_value){.type = CEDAR_IPADDR, .ip = ip};
	return RC_OK;
}

static enum rc construct(struct call *c, enum cedar_type type,
			 const char *(*parse)(struct str s, int64_t *ret))
{
	struct str text;
	const char *wrong;
	int64_t v = 0;

	TRY(want(c, 0, CEDAR_STRING));
	text = cedar_value_text(&c->args[0]);
	if (type == CEDAR_IPADDR) {
		return construct_ip(c, text);
	}
	wrong = parse(text, &v);
	if (wrong) {
		return fail(c, text, wrong);
	}
	*c->ret = cedar_make_int(type, v);
	return RC_OK;
}

static enum rc ask_ip(struct call *c)
{
	const struct cedar_ip *ip;
	bool yes = false;

	TRY(want(c, 0, CEDAR_IPADDR));
	ip = c->args[0].ip;
	if (c->fn == CEDAR_FN_IS_IN_RANGE) {
		TRY(want(c, 1, CEDAR_IPADDR));
		yes = cedar_ip_in_range(ip, c->args[1].ip);
	} else if (c->fn == CEDAR_FN_IS_IPV4) {
		yes = !ip->is_v6;
	} else if (c->fn == CEDAR_FN_IS_IPV6) {
		yes = ip->is_v6;
	} else if (c->fn == CEDAR_FN_IS_LOOPBACK) {
		yes = cedar_ip_is_loopback(ip);
	} else {
		yes = cedar_ip_is_multicast(ip);
	}
	*c->ret = cedar_make_bool(yes);
	return RC_OK;
}

static enum rc compare_decimals(struct call *c)
{
	bool yes = false;
	int64_t a;
	int64_t b;

	TRY(want(c, 0, CEDAR_DECIMAL));
	TRY(want(c, 1, CEDAR_DECIMAL));
	a = c->args[0].i;
	b = c->args[1].i;
	if (c->fn == CEDAR_FN_LESS_THAN) {
		yes = a < b;
	} else if (c->fn == CEDAR_FN_LESS_THAN_OR_EQUAL) {
		yes = a <= b;
	} else if (c->fn == CEDAR_FN_GREATER_THAN) {
		yes = a > b;
	} else {
		yes = a >= b;
	}
	*c->ret = cedar_make_bool(yes);
	return RC_OK;
}

static enum rc move_datetime(struct call *c)
{
	int64_t v = 0;
	bool is_over;

	TRY(want(c, 0, CEDAR_DATETIME));
	if (c->fn == CEDAR_FN_OFFSET) {
		TRY(want(c, 1, CEDAR_DURATION));
		is_over = __builtin_add_overflow(c->args[0].i, c->args[1].i, &v);
		*c->ret = cedar_make_int(CEDAR_DATETIME, v);
	} else if (c->fn == CEDAR_FN_DURATION_SINCE) {
		TRY(want(c, 1, CEDAR_DATETIME));
		is_over = __builtin_sub_overflow(c->args[0].i, c->args[1].i, &v);
		*c->ret = cedar_make_int(CEDAR_DURATION, v);
	} else if (c->fn == CEDAR_FN_TO_DATE) {
		is_over = !cedar_datetime_date(c->args[0].i, &v);
		*c->ret = cedar_make_int(CEDAR_DATETIME, v);
	} else {
		is_over = false;
		*c->ret = cedar_make_int(CEDAR_DURATION, cedar_datetime_time(c->args[0].i));
	}
	return is_over ? overflow(c) : RC_OK;
}

static enum rc divide_duration(struct call *c, int64_t ms_of_unit)
{
	TRY(want(c, 0, CEDAR_DURATION));
	*c->ret = cedar_make_int(CEDAR_LONG, c->args[0].i / ms_of_unit);
	return RC_OK;
}

static enum rc dispatch(struct call *c)
{
	switch (c->fn) {
	case CEDAR_FN_NONE:
		break;
	case CEDAR_FN_IP:
		return construct(c, CEDAR_IPADDR, NULL);
	case CEDAR_FN_DECIMAL:
		return construct(c, CEDAR_DECIMAL, cedar_decimal_parse);
	case CEDAR_FN_DATETIME:
		return construct(c, CEDAR_DATETIME, cedar_datetime_parse);
	case CEDAR_FN_DURATION:
		return construct(c, CEDAR_DURATION, cedar_duration_parse);
	case CEDAR_FN_IS_IPV4:
	case CEDAR_FN_IS_IPV6:
	case CEDAR_FN_IS_LOOPBACK:
	case CEDAR_FN_IS_MULTICAST:
	case CEDAR_FN_IS_IN_RANGE:
		return ask_ip(c);
	case CEDAR_FN_LESS_THAN:
	case CEDAR_FN_LESS_THAN_OR_EQUAL:
	case CEDAR_FN_GREATER_THAN:
	case CEDAR_FN_GREATER_THAN_OR_EQUAL:
		return compare_decimals(c);
	case CEDAR_FN_OFFSET:
	case CEDAR_FN_DURATION_SINCE:
	case CEDAR_FN_TO_DATE:
	case CEDAR_FN_TO_TIME:
		return move_datetime(c);
	case CEDAR_FN_TO_MILLISECONDS:
		return divide_duration(c, 1);
	case CEDAR_FN_TO_SECONDS:
		return divide_duration(c, 1000);
	case CEDAR_FN_TO_MINUTES:
		return divide_duration(c, 60 * 1000);
	case CEDAR_FN_TO_HOURS:
		return divide_duration(c, 60 * 60 * 1000);
	case CEDAR_FN_TO_DAYS:
		return divide_duration(c, 24 * 60 * 60 * 1000);
	}
	MUST(false);
}

enum rc cedar_fn_call(struct arena *arena, enum cedar_fn fn, const struct cedar_value *args,
		      size_t n, struct cedar_value *ret, struct cedar_error *why)
{
	struct call c = {.arena = arena, .fn = fn, .args = args, .ret = ret, .why = why};

	if (n != functions[fn].arity) {
		why->class = CEDAR_ERROR_ARITY;
		why->subject = functions[fn].name;
		why->detail = arena_strf(arena, "expected %u, got %zu", functions[fn].arity, n);
		return why->detail.p ? RC_INPUT : RC_NOMEM;
	}
	return dispatch(&c);
}
