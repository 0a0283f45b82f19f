/* SPDX-License-Identifier: Apache-2.0 */
/* front/published.h - the published log at /log/, as the static files that they are (C2SP
 * tlog-tiles).
 *
 * GET only. A path is a resource of the format in its one spelling, or it does not exist: nothing
 * of a request becomes part of a file name but numbers. The role may read the log's directory and
 * nothing else. Tiles and bundles never change and may be kept for ever; the checkpoint is asked
 * for anew. All readers together get LIMIT_PUBLISHED_PER_S after a burst, so that a crowd of slow
 * ones cannot fill memory: who mirrors a log copies its directory.
 */
#pragma once

#include "net/http_server.h"

struct published;

/* dir is read from later on, inside the sandbox. */
enum rc published_new(struct loop *l, const char *dir, struct published **ret, struct err *e);
void published_free(struct published *p);
/* name: what follows "/log/" in the path. */
void published_answer(struct published *p, struct http_request *r, struct str name);
/* Pure: the file that this name stands for, from the log's directory, its type and how long it may
 * be kept. False: there is no such resource. */
struct published_file {
	char path[64];
	struct str type;
	struct str keep; /* value of Cache-Control */
};
bool published_find(struct str name, struct published_file *ret) MUST_USE;
