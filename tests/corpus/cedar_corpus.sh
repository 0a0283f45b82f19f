#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks the Cedar corpus into a temporary directory and runs cedar-corpus over it.
# usage: cedar_corpus.sh CEDAR-CORPUS-BINARY DATA-DIRECTORY ARCHIVE [ANSWERS]; skips (77) without the
# data. ANSWERS is an archive of what the reference says of the tests, unpacked beside them.
set -eu
archive="${REMIT_CEDAR_CORPUS:-$2}/$3"
if [ ! -e "$archive" ]; then
	echo "skipped: no $archive; set REMIT_CEDAR_CORPUS to the directory that has it"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tar -xzf "$archive" -C "$dir"
if [ -n "${4:-}" ]; then
	tar -xzf "${archive%/*}/$4" -C "$dir"
fi
find "$dir/corpus-tests" "$dir/tests" -name '*.json' ! -name '*.entities.json' 2>/dev/null |
	sort >"$dir/list" || true
# One run over all, so that the counts are of the whole.
xargs -n 100000 -s 2000000 "$1" "$dir" <"$dir/list"
