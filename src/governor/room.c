/* SPDX-License-Identifier: Apache-2.0 */
/* governor/room.c - the log's disk is filling up: stop while there is still room to say so.
 *
 * Segments are preallocated and the next one is made early (checkpoint.c), so a full disk shows
 * long before a leaf cannot be written. Below RESERVE of a segment only reads are allowed
 * (log.degraded, core/decide_room.c); below half of it agents are answered without a leaf, and what
 * is left is for rollbacks, revocations and outcomes. Once there is room again everything goes on
 * (log.recovered).
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"
#include "governor/segment.h"

enum { RESERVE_PARTS = 8, SPARE_PARTS = 2 }; /* of a segment */

static uint64_t segment_bytes(const struct governor *g)
{
	return g->world.segment_bytes ? g->world.segment_bytes : LIMIT_SEGMENT_BYTES;
}

void room_tick(struct governor *g)
{
	uint64_t room = segment_room(book_log(g->book));
	uint64_t since = state_degraded_since(g->state);
	struct leaf degraded = {.kind = LEAF_LOG_DEGRADED, .log_degraded = {.room = room}};
	struct leaf recovered = {.kind = LEAF_LOG_RECOVERED,
				 .log_recovered = {.since = since, .room = room}};

	if (!g->checkpointer && room < segment_bytes(g) / SPARE_PARTS) {
		/* Nobody else makes the next segment. Without it the room shrinks, and that is seen
		 * below. */
		(void)segment_prepare_spare(book_io(g->book), g->world.segment_bytes, NULL);
		room = segment_room(book_log(g->book));
	}
	g->has_no_room = room < segment_bytes(g) / RESERVE_PARTS / 2;
	if (!since && room < segment_bytes(g) / RESERVE_PARTS) {
		log_err("the log's disk is full: only reads are allowed now");
		(void)gov_record(g, &degraded); /* it logs */
	} else if (since && room >= segment_bytes(g) / RESERVE_PARTS * 2) {
		log_warn("the log has room again");
		(void)gov_record(g, &recovered); /* it logs */
	}
}
