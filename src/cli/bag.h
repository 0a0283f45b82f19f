/* SPDX-License-Identifier: Apache-2.0 */
/* cli/bag.h - a BagIt 1.0 bag (RFC 8493) being written.
 *
 *	bag_new		the directory, which must not exist
 *	bag_begin, bag_write, bag_end	files of the payload, one after another, below data/
 *	bag_seal	manifest-sha256.txt: the payload is complete
 *	bag_tag		tag files, anywhere but below data/
 *	bag_finish	bagit.txt, bag-info.txt, tagmanifest-sha256.txt
 *
 * Names are relative, of letters, digits, '.', '-', '_' and '/'; directories are made as needed. A
 * bag that is not finished stays where it is, without a tagmanifest: nobody takes it for whole.
 */
#pragma once

#include "base/buf.h"

struct bag;

enum rc bag_new(const char *dir, struct bag **ret, struct err *e);
void bag_free(struct bag *b);
#define AUTO_BAG CLEANUP(bag_cleanup) struct bag *
static inline void bag_cleanup(struct bag **b)
{
	bag_free(*b);
}

enum rc bag_begin(struct bag *b, const char *name, struct err *e);
enum rc bag_write(struct bag *b, struct str bytes, struct err *e);
/* ret_sha256: of the file, in hexadecimal; may be NULL. */
enum rc bag_end(struct bag *b, char ret_sha256[65], struct err *e);
/* ret_sha256: of manifest-sha256.txt. */
enum rc bag_seal(struct bag *b, char ret_sha256[65], struct err *e);
enum rc bag_tag(struct bag *b, const char *name, struct str bytes, struct err *e);
/* info: further lines of bag-info.txt, each with its newline. */
enum rc bag_finish(struct bag *b, struct str info, struct err *e);
