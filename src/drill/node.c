/* SPDX-License-Identifier: Apache-2.0 */
/* drill/node.c - JSON trees that are made and changed. */
#include "drill/node.h"

#include <stdarg.h>
#include <stdio.h>

static struct json *node_new(struct arena *a, const struct json *at, enum json_type type)
{
	struct json *j = arena_alloc(a, sizeof(*j));

	if (j) {
		j->type = type;
		j->line = at ? at->line : 0;
		j->column = at ? at->column : 0;
	}
	return j;
}

struct json *node_object(struct arena *a, const struct json *at)
{
	return node_new(a, at, JSON_OBJECT);
}

struct json *node_array(struct arena *a, const struct json *at)
{
	return node_new(a, at, JSON_ARRAY);
}

struct json *node_text(struct arena *a, const struct json *at, struct str text)
{
	struct json *j = node_new(a, at, JSON_STRING);

	if (j) {
		j->text = arena_str(a, text);
	}
	return j;
}

struct json *node_textf(struct arena *a, const struct json *at, const char *fmt, ...)
{
	struct json *j = node_new(a, at, JSON_STRING);
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* names and short texts: they fit */
	va_end(ap);
	if (j) {
		j->text = arena_str(a, str_from(text));
	}
	return j;
}

struct json *node_number(struct arena *a, const struct json *at, uint64_t n)
{
	struct json *j = node_new(a, at, JSON_NUMBER);

	if (j) {
		j->text = arena_strf(a, "%llu", (unsigned long long)n);
		j->raw = j->text;
	}
	return j;
}

struct json *node_bool(struct arena *a, const struct json *at, bool is_true)
{
	return node_new(a, at, is_true ? JSON_TRUE : JSON_FALSE);
}

struct json *node_mutable(const struct json *j)
{
	return (struct json *)(uintptr_t)j;
}

static struct json *last_child(const struct json *parent)
{
	const struct json *c = parent->child;

	while (c && c->next) {
		c = c->next;
	}
	return node_mutable(c);
}

void node_push(struct json *array, struct json *value)
{
	struct json *last;

	if (!array || !value) {
		return;
	}
	last = last_child(array);
	value->next = NULL;
	if (last) {
		last->next = value;
	} else {
		array->child = value;
	}
	array->count++;
}

struct json *node_copy(struct arena *a, const struct json *j)
{
	struct json *copy = j ? arena_alloc(a, sizeof(*copy)) : NULL;

	if (!copy) {
		return NULL;
	}
	*copy = *j;
	copy->child = NULL;
	copy->next = NULL;
	copy->count = 0;
	for (const struct json *c = j->child; c; c = c->next) {
		node_push(copy, node_copy(a, c));
	}
	return copy;
}

bool node_remove(struct json *parent, const struct json *child)
{
	struct json *before = NULL;

	for (const struct json *c = parent ? parent->child : NULL; c; c = c->next) {
		if (c == child) {
			if (before) {
				before->next = c->next;
			} else {
				parent->child = c->next;
			}
			parent->count--;
			return true;
		}
		before = node_mutable(c);
	}
	return false;
}

void node_put(struct arena *a, struct json *object, struct str key, struct json *value)
{
	if (!object || !value) {
		return;
	}
	(void)node_remove(object, json_get(object, key)); /* often there is none */
	value->key = arena_str(a, key);
	node_push(object, value);
}

void node_default(struct arena *a, struct json *object, struct str key, struct json *value)
{
	if (object && !json_get(object, key)) {
		node_put(a, object, key, value);
	}
}

struct str node_word(const struct json *j, struct str otherwise)
{
	struct str text;

	return json_str(j, &text) ? text : otherwise;
}
