#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/lint_doc.sh SOURCE_DIR - docs/formats/lint.md has one row for each kind of leaf, and calls
# "made again" and "looked at again" what src/core/recompute*.c take on.
set -u
cd "$1" || exit 99
bad=0
say() {
	echo "lint_doc: $1" >&2
	bad=1
}

kinds=$(sed -nE 's/^LEAF\(([A-Z_]+), [a-z_]+, "([a-z_.]+)".*/\1 \2/p' src/core/leaf.def)
[ -n "$kinds" ] || say "no kinds found"
made=$(sed -n '/recompute_is_decision(/,/^}/p; /^bool recompute_is_grant(/,/^}/p; /^static bool is_question/,/^}/p' src/core/recompute.c
	sed -n '/recompute_is_of_result(/,/^}/p' src/core/recompute_result.c)
while read -r name wire; do
	n=$(grep -cF "| \`$wire\` |" docs/formats/lint.md)
	[ "$n" = 1 ] || say "docs/formats/lint.md has $n rows of '$wire'"
	row=$(grep -F "| \`$wire\` |" docs/formats/lint.md)
	in_code=$(grep -c "case LEAF_$name:" src/core/recompute_people.c)
	in_docs=$(grep -c "looked at again\*\*" <<<"$row")
	[ "$((in_code > 0))" = "$in_docs" ] || say "'$wire': looked at again in the docs $in_docs, in the code $in_code"
	in_code=$(grep -cw "LEAF_$name" <<<"$made")
	in_docs=$(grep -c "made again\*\*" <<<"$row")
	[ "$((in_code > 0))" = "$in_docs" ] || say "'$wire': made again in the docs $in_docs, in the code $in_code"
done <<<"$kinds"
exit "$bad"
