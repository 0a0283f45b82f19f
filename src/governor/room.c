/* SPDX-License-Identifier: Apache-2.0 */
/* governor/room.c - the log's disk is filling up: stop while there is still room to say so.
 *
 * Segments are preallocated and the next one is made early (checkpoint.c), so a full disk shows
 * long before a leaf cannot be written. Below RESERVE of a segment only reads are allowed
 * (log.degraded, health.c); below half of it agents are answered without a leaf, and what is left
 * is for rollbacks, revocations and outcomes. Once there is room again everything goes on
 * (log.recovered). Of an emergency segment the second half is kept in the same way.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "governor/segment.h"

enum { RESERVE_PARTS = 8, SPARE_PARTS = 2 }; /* of a segment */

static uint64_t segment_bytes(const struct governor *g)
{
	return g->world.segment_bytes ? g->world.segment_bytes : LIMIT_SEGMENT_BYTES;
}

void room_tick(struct governor *g)
{
	struct segment_log *log = book_log(g->book);
	uint64_t bytes = segment_bytes(g);
	uint64_t room = segment_room(log);

	if (segment_is_emergency(log)) {
		bytes = bytes < LIMIT_EMERGENCY_BYTES ? bytes : LIMIT_EMERGENCY_BYTES;
		g->has_no_room = room < bytes / 2;
		return;
	}
	if (!g->checkpointer && room < bytes / SPARE_PARTS) {
		/* Nobody else makes the next segment. Without it the room shrinks, and that is seen
		 * below. */
		(void)segment_prepare_spare(book_io(g->book), g->world.segment_bytes, NULL);
		room = segment_room(log);
	}
	g->has_no_room = room < bytes / RESERVE_PARTS / 2;
	if (room < bytes / RESERVE_PARTS && gov_now_ns(g) >= g->home_ns) {
		g->is_short = true;
	} else if (room >= bytes / RESERVE_PARTS * 2) {
		g->is_short = false;
	}
}
