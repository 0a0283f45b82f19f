/* SPDX-License-Identifier: Apache-2.0 */
/* checker.h - what must hold in every story, for properties.c.
 *
 * After every step the leaves, the upstreams' own record of what was done to them and a naive
 * recount are held against each other. In the code these are cited by their numbers:
 *
 *	(1) no effect without a durable leaf that allowed it
 *	(2) no call acts twice
 *	(3) no cap is exceeded: calls and targets of a task, targets of the fleet within the
 *	    window
 *	(4) no effect after a stop over it is acknowledged, until it is lifted
 *	(5) nothing is changed whose state was not captured before, nor destroyed before its
 *	    evidence
 *	(6) no term stands past its end, unless it was suspended or its rollback does not
 *	    succeed
 *	(7) a rollback restores the captured state
 *	(8) no acknowledged leaf is lost
 *	(9) no credential is left once all is over
 *	(10) the same leaves give the same state, also from a snapshot in between
 *	(11) nothing is destroyed without an approval of that call, granted before
 *	(12) what arrives at an upstream is, byte for byte, what the log commits to, and what
 *	    was approved
 *	(13) nothing is sent after its send-by, nor later than two seconds after it was
 *	    admitted
 *	(14) whoever asks is answered, within a bound, whatever fails
 *	(15) nothing is allowed to an agent by another's task, approval, lease or key
 *	(16) every credential that exists is of a lease that is not gone, at every moment
 *	(17) what came of a call is in the log as its sender said it; once, and once more only
 *	    if it was unknown before
 *	(18) what is signed and published: publisher.h
 *	(19) a task that is closed names each credential under it that is not read back as
 *	    gone
 *	(20) what is too much is refused, and says so: excess.h
 */
#pragma once

#include "drill/play.h"

#include "publisher.h"

struct checker;

/* What was tried at all: a story in which nothing happens proves nothing. */
struct checker_counts {
	uint64_t steps;
	uint64_t leaves;
	uint64_t effects;
	uint64_t wiped;
	uint64_t undone;
	uint64_t stopped;
	uint64_t thefts;   /* that were refused as such */
	uint64_t late;	   /* outcomes of calls that were unknown */
	uint64_t left;	   /* credentials that a closed task named */
	uint64_t lies;	   /* of senders */
	uint64_t excess;   /* inputs that were refused as too much */
	uint64_t compared; /* bytes that arrived, with those in the log */
	uint64_t longest_ms;
};

/* For one story. p is borrowed and outlives it. NULL: no memory. */
struct checker *checker_new(uint64_t seed, struct publisher *p);
void checker_free(struct checker *c);
/* Whom to let look on; it is the checker's. */
const struct play_watch *checker_watch(const struct checker *c);
/* What does not hold, borrowed; "" = all does. */
struct str checker_broken(const struct checker *c);
struct checker_counts checker_counts(const struct checker *c);
