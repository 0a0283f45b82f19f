/* SPDX-License-Identifier: Apache-2.0 */
/* serve/watch.h - a role that is there but does nothing is ended.
 *
 * While all run, each is asked PING every WATCH_TICK_MS and answers PONG from its loop. Of one that
 * has answered nothing for a while (told_ms of its row of the table) those are told who wait for it
 * (ROLE_STATE), and when it answers again: they give their answers without it, and no more than
 * that happens. One that has answered nothing for as long as its row allows (silent_ms) is stopped,
 * stuck or waits for a disk that does not come back: it is killed, and its neighbours are told at
 * once (UNPLUG), for a process that waits for a disk keeps its sockets open. What follows is as
 * with any end.
 *
 * Silence is counted in ticks, not in time: if all of the machine has slept, nobody was silent.
 */
#pragma once

struct loop_timer;
struct child;
struct supervisor;

void watch_tick(struct loop_timer *t);
/* All are ready: the first tick is on its way. */
void watch_start(struct supervisor *s);
void watch_stop(struct supervisor *s);
/* It has said PONG. */
void watch_answered(struct supervisor *s, struct child *c);
