/* SPDX-License-Identifier: Apache-2.0 */
/* serve/alone.h - one role is started again while the others run on.
 *
 * A child that ended is started after a pause that doubles with each try (ALONE_FIRST_MS); after
 * ALONE_TRIES within STEADY_MS it is given up, and all roles are restarted; unless its last words
 * were of a disk (exit status of RC_IO), which no restart of others mends. A start makes a new pair
 * of sockets for each neighbour: the new process finds its ends as it would in a start of all, and
 * each neighbour that runs is sent its own with PLUG. A neighbour that does not run has the pair's
 * other end closed: it plugs itself in when it is started in turn. So any number of roles may be
 * down at a time, in any order.
 */
#pragma once

#include "base/base.h"

struct child;
struct message;
struct msg_lost;
struct supervisor;

/* May its end be the end of nothing else? Only while all run, and where the table says so. */
bool alone_can(const struct supervisor *s, const struct child *c);
/* c's channel ended; its process has a moment to follow. */
void alone_leaves(struct supervisor *s, struct child *c);
/* c was reaped: starts it again, now or later. by_disk: it said that a disk had failed it. */
void alone_ended(struct supervisor *s, struct child *c, bool by_disk);
/* c, which was started alone, is ready. */
void alone_is_ready(struct supervisor *s, struct child *c);
/* from says that a peer is of no use to it. */
void alone_on_lost(struct supervisor *s, const struct child *from, const struct msg_lost *m);
/* All are to be stopped: nothing is started any more. */
void alone_forget(struct supervisor *s);
/* Tells who wants to know (the people's front, the governor) how c is; c NULL: all about all. */
void alone_tell(struct supervisor *s, const struct child *c);
