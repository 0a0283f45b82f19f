/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/same.c - structural equality of expressions, and hashes to find equals by.
 *
 * A node with a known constant is its constant: evaluation looks at nothing else of it.
 */
#include "cedar/same.h"

#include "base/map.h"

static uint64_t join(uint64_t a, uint64_t b)
{
	const uint64_t two[] = {a, b};

	return map_hash(str_of(two, sizeof(two)));
}

/* ---- hashing ---- */

static uint64_t hash_value(const struct cedar_value *v)
{
	uint64_t h = join(v->type, v->n);

	switch ((enum cedar_type)v->type) {
	case CEDAR_NONE:
		return h;
	case CEDAR_BOOL:
		return join(h, v->b);
	case CEDAR_LONG:
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
		return join(h, (uint64_t)v->i);
	case CEDAR_STRING:
		return join(h, map_hash(cedar_value_text(v)));
	case CEDAR_ENTITY:
		return join(h, v->uid->hash);
	case CEDAR_IPADDR:
		return join(h, map_hash(str_of(v->ip->addr, sizeof(v->ip->addr))));
	case CEDAR_SET:
		for (uint32_t i = 0; i < v->n; i++) {
			h = join(h, hash_value(&v->items[i]));
		}
		return h;
	case CEDAR_RECORD:
		for (uint32_t i = 0; i < v->n; i++) {
			h = join(h, map_hash(v->fields[i].name));
			h = join(h, hash_value(&v->fields[i].value));
		}
		return h;
	}
	return h;
}

uint64_t cedar_hash_expr(const struct cedar_expr *x)
{
	uint64_t h;

	if (x->constant) {
		return hash_value(x->constant);
	}
	h = join((uint64_t)x->kind << 16 | (uint64_t)x->variable << 8 | x->fn,
		 (uint64_t)x->n_args << 32 | x->n_names);
	for (uint32_t i = 0; i < x->n_names; i++) {
		h = join(h, map_hash(x->names[i]));
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		h = join(h, cedar_hash_expr(x->args[i]));
	}
	return h;
}

uint64_t cedar_hash_conditions(const struct cedar_policy *p)
{
	uint64_t h = p->n_conditions;

	for (size_t i = 0; i < p->n_conditions; i++) {
		h = join(h, p->conditions[i].is_unless);
		h = join(h, cedar_hash_expr(p->conditions[i].body));
	}
	return h;
}

/* ---- comparing ---- */

bool cedar_same_expr(const struct cedar_expr *a, const struct cedar_expr *b)
{
	if (a == b) {
		return true;
	}
	if (a->constant || b->constant) {
		return a->constant && b->constant && cedar_value_equal(a->constant, b->constant);
	}
	if (a->kind != b->kind || a->variable != b->variable || a->fn != b->fn ||
	    a->n_args != b->n_args || a->n_names != b->n_names) {
		return false;
	}
	for (uint32_t i = 0; i < a->n_names; i++) {
		if (!str_eq(a->names[i], b->names[i])) {
			return false;
		}
	}
	for (uint32_t i = 0; i < a->n_args; i++) {
		if (!cedar_same_expr(a->args[i], b->args[i])) {
			return false;
		}
	}
	return true;
}

bool cedar_same_conditions(const struct cedar_policy *a, const struct cedar_policy *b)
{
	if (a->n_conditions != b->n_conditions) {
		return false;
	}
	for (size_t i = 0; i < a->n_conditions; i++) {
		if (a->conditions[i].is_unless != b->conditions[i].is_unless ||
		    !cedar_same_expr(a->conditions[i].body, b->conditions[i].body)) {
			return false;
		}
	}
	return true;
}
