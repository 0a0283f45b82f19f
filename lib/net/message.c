/* SPDX-License-Identifier: Apache-2.0 */
/* net/message.c - the table of messages as data, one encoder and one decoder over it.
 *
 * Trust: decoded bytes come from another role, which may have been taken over.
 * Holds: (1) encode(decode(b)) == b for every b that decodes: there is one form per message.
 *        (2) a message at all its limits fits into LIMIT_MESSAGE_BYTES (checked at compile time).
 */
#include "net/message.h"

#include <string.h>

#include "base/reader.h"

enum field_type { FIELD_END = 0, FIELD_U8, FIELD_U32, FIELD_U64, FIELD_BYTES };

struct field {
	enum field_type type;
	size_t offset; /* in the message's own structure */
	size_t max;    /* FIELD_BYTES */
	const char *name;
};

/* One function per message that returns its fields. `this_msg` is how a field, which does not
 * know the message it stands in, finds its offset. */
#define FIELD(type_, field, max_)                                                                  \
	{.type = (type_), .offset = offsetof(this_msg, field), .max = (max_), .name = #field},
#define U8(field)	  FIELD(FIELD_U8, field, 0)
#define U32(field)	  FIELD(FIELD_U32, field, 0)
#define U64(field)	  FIELD(FIELD_U64, field, 0)
#define BYTES(field, max) FIELD(FIELD_BYTES, field, max)
#define MSG(NAME, name_, from, to, ...)                                                            \
	static const struct field *fields_of_##name_(void)                                         \
	{                                                                                          \
		typedef struct msg_##name_ this_msg;                                               \
		static const struct field fields[] = {__VA_ARGS__{.type = FIELD_END}};             \
		return fields;                                                                     \
	}
#include "net/message.def"
#undef MSG
#undef U8
#undef U32
#undef U64
#undef BYTES
#undef FIELD

/* (2) */
#define U8(field)	  +1
#define U32(field)	  +4
#define U64(field)	  +8
#define BYTES(field, max) +4 + (max)
#define MSG(NAME, name, from, to, ...)                                                             \
	_Static_assert(2 __VA_ARGS__ <= LIMIT_MESSAGE_BYTES, #name " can be too large");
#include "net/message.def"
#undef MSG
#undef U8
#undef U32
#undef U64
#undef BYTES

static const struct kind {
	const char *name;
	int from;
	int to;
	const struct field *(*fields)(void);
} kinds[MESSAGE_KINDS] = {
#define MSG(NAME, name, from, to, ...) [MESSAGE_##NAME] = {#name, (from), (to), fields_of_##name},
#include "net/message.def"
#undef MSG
};

static bool is_kind(enum message_kind k)
{
	return k > MESSAGE_NONE && k < MESSAGE_KINDS;
}

const char *role_name(enum role r)
{
	static const char *const names[] = {
	    "supervisor", "agents", "people",  "governor", "keeper",
	    "backend",	  "runner", "courier", "index",	   "store",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((unsigned)r == 1u << i) {
			return names[i];
		}
	}
	return "?";
}

const char *message_name(enum message_kind k)
{
	return is_kind(k) ? kinds[k].name : "?";
}

bool message_is_allowed(enum message_kind k, enum role from, enum role to)
{
	return is_kind(k) && (kinds[k].from & (int)from) != 0 && (kinds[k].to & (int)to) != 0;
}

static enum rc encode_field(struct buf *b, const struct field *f, const char *at)
{
	struct str s;
	uint64_t u64;
	uint32_t u32;

	switch (f->type) {
	case FIELD_U8:
		return buf_add_char(b, *at);
	case FIELD_U32:
		memcpy(&u32, at, sizeof(u32));
		return buf_add_u32(b, u32);
	case FIELD_U64:
		memcpy(&u64, at, sizeof(u64));
		return buf_add_u64(b, u64);
	case FIELD_BYTES:
		memcpy(&s, at, sizeof(s));
		if (s.n > f->max) {
			return RC_LIMIT;
		}
		TRY(buf_add_u32(b, (uint32_t)s.n));
		return buf_add(b, s);
	case FIELD_END:
		break;
	}
	return RC_BROKEN;
}

enum rc message_encode(struct buf *b, const struct message *m)
{
	size_t before = b->n;
	/* All structures of the union begin at the same address. */
	const char *body = (const char *)&m->call;
	enum rc rc;

	MUST(is_kind(m->kind));
	rc = buf_add_u16(b, (uint16_t)m->kind);
	for (const struct field *f = kinds[m->kind].fields(); rc == RC_OK && f->type; f++) {
		rc = encode_field(b, f, body + f->offset);
	}
	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

static bool decode_field(struct reader *r, const struct field *f, char *at)
{
	struct str s;
	uint64_t u64;
	uint32_t u32;
	uint8_t u8;

	switch (f->type) {
	case FIELD_U8:
		if (!rd_u8(r, &u8)) {
			return false;
		}
		memcpy(at, &u8, sizeof(u8));
		return true;
	case FIELD_U32:
		if (!rd_u32(r, &u32)) {
			return false;
		}
		memcpy(at, &u32, sizeof(u32));
		return true;
	case FIELD_U64:
		if (!rd_u64(r, &u64)) {
			return false;
		}
		memcpy(at, &u64, sizeof(u64));
		return true;
	case FIELD_BYTES:
		if (!rd_u32(r, &u32) || u32 > f->max || !rd_take(r, u32, &s)) {
			return false;
		}
		memcpy(at, &s, sizeof(s));
		return true;
	case FIELD_END:
		break;
	}
	return false;
}

enum rc message_decode(struct str bytes, struct message *ret, struct err *e)
{
	struct reader r = reader_of(bytes);
	struct message m = {0};
	char *body = (char *)&m.call;
	uint16_t kind;

	if (!rd_u16(&r, &kind)) {
		FAIL(e, RC_INPUT, "a message without a kind");
	}
	m.kind = (enum message_kind)kind;
	if (!is_kind(m.kind)) {
		FAIL(e, RC_INPUT, "unknown message kind %u", (unsigned)kind);
	}
	for (const struct field *f = kinds[m.kind].fields(); f->type; f++) {
		if (!decode_field(&r, f, body + f->offset)) {
			FAIL(e, RC_INPUT, "message '%s': field '%s' is cut short or over its limit",
			     kinds[m.kind].name, f->name);
		}
	}
	if (r.n != 0) {
		FAIL(e, RC_INPUT, "message '%s': %zu bytes left over", kinds[m.kind].name, r.n);
	}
	*ret = m;
	return RC_OK;
}
