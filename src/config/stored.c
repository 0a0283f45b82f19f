/* SPDX-License-Identifier: Apache-2.0 */
/* config/stored.c - a bundle from its stored bytes.
 *
 * Trust:  the file may be anybody's: its digest is compared before a byte of it is read.
 */
#include "config/stored.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "config/load.h"

void stored_name(const uint8_t digest[32], char ret[STORED_NAME_BYTES])
{
	for (size_t i = 0; i < 32; i++) {
		ret[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	ret[STORED_NAME_BYTES - 1] = '\0';
}

/* "<path>\n<length>\n<bytes>\n" from the front of rest. */
static enum rc take_file(struct str *rest, struct tree *t, struct err *e)
{
	struct str path = str_cut(rest, '\n');
	struct str length = rest->p ? str_cut(rest, '\n') : STR_NULL;
	uint64_t n;

	if (!rest->p || !num_u64(length, LIMIT_CONFIG_FILE_BYTES, &n) || rest->n <= n ||
	    rest->p[n] != '\n') {
		FAIL(e, RC_BROKEN, "no stored bundle: a file in it is cut short");
	}
	TRY(tree_add(t, path, str_slice(*rest, 0, n), e));
	*rest = str_slice(*rest, n + 1, rest->n);
	return RC_OK;
}

/* It is JSON, whatever a reader of YAML would make of it. */
static enum rc parse_remit(struct tree *t, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;

	limits.max_bytes = LIMIT_CONFIG_FILE_BYTES;
	limits.want_positions = true;
	for (size_t i = 0; i < t->files.n; i++) {
		struct tree_file *f = &t->files.p[i];

		if (str_eq(f->path, STR("remit.yaml"))) {
			return json_parse(&t->arena, f->bytes, &limits, &f->parsed, e);
		}
	}
	FAIL(e, RC_BROKEN, "no stored bundle: remit.yaml is missing");
}

enum rc stored_load(struct str bytes, const uint8_t digest[32], uint64_t read_unix_ms,
		    struct deployment **ret, struct err *e)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_FINDINGS found = FINDINGS_INIT;
	uint8_t is[32];

	if (EVP_Digest(bytes.p, bytes.n, is, NULL, EVP_sha256(), NULL) != 1 ||
	    memcmp(is, digest, sizeof(is)) != 0) {
		FAIL(e, RC_BROKEN, "the stored bundle is damaged: its digest is another");
	}
	while (bytes.n > 0) {
		TRY(take_file(&bytes, &tree, e));
	}
	TRY(parse_remit(&tree, e));
	TRY(deployment_rebuild(&tree, read_unix_ms, &d, &found, e));
	if (memcmp(d->bundle->digest, digest, sizeof(is)) != 0) {
		FAIL(e, RC_BROKEN, "the stored bundle reads as another than it is");
	}
	*ret = TAKE(d);
	return RC_OK;
}
