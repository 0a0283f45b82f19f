#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/reasons.sh SOURCE_DIR - docs/reasons.md has one line for each reason code, says of each
# whether it is a deviation as src/core/reason.def does, and names no code that does not exist.
set -u
cd "$1" || exit 99
bad=0
say() {
	echo "reasons: $1" >&2
	bad=1
}

# "code yes" or "code no", from both sides
in_code=$(sed -nE 's/^REASON\([A-Z_]+, "([a-z_]+)", (true|false),.*/\1 \2/p' src/core/reason.def |
	sed 's/ true$/ yes/; s/ false$/ no/' | sort)
in_docs=$(sed -nE 's/^\| `([a-z_]+)` \| *(yes)? *\| [^|]+ \|$/\1 \2/p' docs/reasons.md |
	sed 's/ $/ no/' | sort)

[ "$(wc -l <<<"$in_code")" -gt 30 ] || say "src/core/reason.def cannot be read any more"
[ "$(grep -c '^REASON(' src/core/reason.def)" = "$(($(wc -l <<<"$in_code") + 1))" ] ||
	say "a line of src/core/reason.def has another form"
twice=$(cut -d' ' -f1 <<<"$in_docs" | uniq -d)
[ -z "$twice" ] || say "twice in docs/reasons.md: $twice"
while read -r side code deviation; do
	if [ "$side" = ">" ]; then
		say "docs/reasons.md lists '$code' (deviation: $deviation), the code does not"
	elif [ "$side" = "<" ]; then
		say "docs/reasons.md lacks '$code' (deviation: $deviation)"
	fi
done < <(diff <(echo "$in_code") <(echo "$in_docs"))
exit $bad
