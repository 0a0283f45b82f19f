/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h - where a story's log is published, and the keeper's own signer, for properties.c.
 *
 * The tiles and the checkpoint are real files, of a directory in memory where there is one; the
 * signer is keeper/signer.h with its record beside them. What it is asked and what it signs is held
 * against the leaves that became durable:
 *
 *	(18) what is signed is the root of leaves that are durable, and grows; each lease that was
 *	     ordered rests on the leaf that it names, and is shown to do so; what is published
 *	     in the end is whole and is all
 */
#pragma once

#include "core/leaf.h"
#include "drill/sim.h"

struct publisher;

enum rc publisher_new(struct publisher **ret, struct err *e);
void publisher_free(struct publisher *p);
/* An empty place, and a signer that has signed nothing. */
enum rc publisher_begin(struct publisher *p, struct err *e);
const struct sim_publishing *publisher_face(const struct publisher *p);
/* Each of these finds what does not hold: publisher_broken. A durable leaf, each once, in order. */
void publisher_leaf(struct publisher *p, uint64_t ix, struct str bytes, const struct leaf *l);
/* All durable leaves were shown. */
void publisher_step(struct publisher *p);
void publisher_end(struct publisher *p);
/* "" = all holds. */
const char *publisher_broken(const struct publisher *p);
/* The size of the last tree whose signature was given out. */
uint64_t publisher_given(const struct publisher *p);
/* Of this story. */
size_t publisher_signed(const struct publisher *p);
size_t publisher_proven(const struct publisher *p);
