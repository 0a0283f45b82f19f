/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/record.c - four lines of text, replaced as a whole. */
#include "keeper/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"

#define HEAD "remit last signed v1"

static enum rc path_of(const char *dir, char ret[PATH_MAX], struct err *e)
{
	int n = snprintf(ret, PATH_MAX, "%s/last-signed", dir);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	return RC_OK;
}

enum rc record_store(const char *dir, struct str origin, const struct record *r, struct err *e)
{
	AUTO_BUF b = BUF_INIT(1024);
	char path[PATH_MAX];

	TRY(path_of(dir, path, e));
	if (buf_addf(&b, HEAD "\n" STR_FMT "\n%llu\n", STR_ARG(origin),
		     (unsigned long long)r->size) != RC_OK ||
	    buf_add_hex(&b, r->root.bytes, sizeof(r->root.bytes)) != RC_OK ||
	    buf_add_char(&b, '\n') != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the record of what was signed");
	}
	return file_replace(path, buf_view(&b), 0600, e);
}

enum rc record_create(const char *dir, struct str origin, struct err *e)
{
	const struct record none = {0};
	struct record there;
	char path[PATH_MAX];
	struct stat st;

	TRY(path_of(dir, path, e));
	if (lstat(path, &st) == 0) {
		TRY(record_load(dir, origin, &there, e));
		if (there.size > 0) {
			FAIL(
			    e, RC_DENIED,
			    "'%s' says that this log has signed %llu leaves: it cannot begin again",
			    path, (unsigned long long)there.size);
		}
	}
	return record_store(dir, origin, &none, e);
}

enum rc record_lock(const char *dir, int *ret_fd, struct err *e)
{
	char path[PATH_MAX];
	AUTO_FD fd = -1;
	int n = snprintf(path, PATH_MAX, "%s/lock", dir);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot open '%s'", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK) {
			FAIL(e, RC_DENIED, "'%s' is locked: another instance of this log runs",
			     path);
		}
		return err_set_sys(e, RC_IO, __func__, "cannot lock '%s'", path);
	}
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

enum rc record_load(const char *dir, struct str origin, struct record *ret, struct err *e)
{
	AUTO_BUF b = BUF_INIT(1024);
	struct record r = {0};
	char path[PATH_MAX];
	struct str rest;
	struct str head;
	struct str name;
	struct str size;
	struct str root;
	enum rc rc;

	TRY(path_of(dir, path, e));
	rc = file_read(path, &b, e);
	if (rc == RC_ABSENT) {
		FAIL(e, RC_BROKEN,
		     "'%s' is missing: without it nobody can tell whether the log was rolled back",
		     path);
	}
	TRY(rc);
	rest = buf_view(&b);
	head = str_cut(&rest, '\n');
	name = str_cut(&rest, '\n');
	size = str_cut(&rest, '\n');
	root = str_cut(&rest, '\n');
	if (!str_eq(head, STR(HEAD)) || rest.n != 0 || !rest.p ||
	    !num_u64(size, UINT64_MAX, &r.size) ||
	    !num_hex(root, r.root.bytes, sizeof(r.root.bytes))) {
		FAIL(e, RC_BROKEN, "'%s' is damaged", path);
	}
	if (!str_eq(name, origin)) {
		FAIL(e, RC_BROKEN, "'%s' is of log '" STR_FMT "', not '" STR_FMT "'", path,
		     STR_ARG(name), STR_ARG(origin));
	}
	*ret = r;
	return RC_OK;
}
