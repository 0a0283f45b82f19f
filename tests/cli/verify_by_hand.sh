#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/verify_by_hand.sh SOURCE_DIR MAKE_LOG - the commands of docs/verify-by-hand.md, run as
# they stand there, accept what a log proves and refuse what it does not.
set -u
page=$1/docs/verify-by-hand.md
make_log=$2
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0

# The blocks marked sh, in their order.
sed -n '/^```sh$/,/^```$/p' "$page" | sed '/^```/d' > "$tmp/commands"
[ "$(wc -l < "$tmp/commands")" -gt 30 ] || { echo "the page has no commands any more"; exit 1; }

witnesses=/dev/null
by_hand() { # directory, receipt
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	(cd "$tmp/work" && LOG=$1/log KEY=$1/log.vkey RECEIPT=$2 WITNESSES=$witnesses \
		bash "$tmp/commands" 2>&1)
}

must_hold() { # directory, index
	local out
	out=$(by_hand "$1" "$1/receipt.$2")
	if [ "$(grep -c '^ok: ' <<<"$out")" != 3 ] || grep -q WRONG <<<"$out" ||
		! grep -qF "{\"i\":$2,\"type\":\"leaf\"}" <<<"$out"; then
		printf 'leaf %s of %s should be proven:\n%s\n' "$2" "$1" "$out"
		bad=1
	fi
}

must_fail() { # directory, receipt, what
	if ! by_hand "$1" "$2" | grep -q '^WRONG: '; then
		echo "not refused: $3"
		bad=1
	fi
}

for case in "1 0" "2 0 1" "7 0 3 6" "300 0 255 256 299"; do
	set -- $case
	dir=$tmp/log-$1
	mkdir "$dir"
	"$make_log" "$dir" "$@" || exit 99
	for index in "${@:2}"; do
		must_hold "$dir" "$index"
	done
done

dir=$tmp/log-7
sed 's/^index 3$/index 4/' "$dir/receipt.3" > "$tmp/other-index"
must_fail "$dir" "$tmp/other-index" "the path of another leaf"
# The root's line replaced by the first hash of the path: the signature must not hold.
other=$(sed -n 3p "$dir/receipt.3")
awk -v other="$other" '/^$/ { n++ } { print (n == 1 && ++line == 4) ? other : $0 }' \
	"$dir/receipt.3" > "$tmp/other-root"
cmp -s "$dir/receipt.3" "$tmp/other-root" && { echo "the root was not replaced"; bad=1; }
must_fail "$dir" "$tmp/other-root" "a root that was not signed"
cp -r "$dir" "$tmp/changed"
sed -i 's/"i":3/"i":8/' "$tmp/changed"/log/tile/entries/000.p/7
must_fail "$tmp/changed" "$dir/receipt.3" "a leaf that was changed"
cp -r "$dir" "$tmp/stranger"
sed -i 's/by-hand+/by-foot+/' "$tmp/stranger/log.vkey"
must_fail "$tmp/stranger" "$dir/receipt.3" "another key"

# A receipt that ends in the note that two of three witnesses cosigned.
dir=$tmp/witnessed
mkdir "$dir"
"$make_log" --witnessed 7:2 "$dir" 7 3 || exit 99
sed '/^$/q' "$dir/receipt.3" | cat - "$dir/log/checkpoint.witnessed" > "$tmp/cosigned"
sed -n 's/^witness w[01] //p' "$dir/policy" > "$tmp/two"
sed -n 's/^witness w[0-9] //p' "$dir/policy" > "$tmp/three"
witnesses=$tmp/two
out=$(by_hand "$dir" "$tmp/cosigned")
if [ "$(grep -c '^ok: ' <<<"$out")" != 5 ] || grep -q WRONG <<<"$out" ||
	! grep -qF "ok: witness1.example saw this tree, as of 2023-11-14T22:13:20Z" <<<"$out"; then
	printf 'both witnesses should be seen:\n%s\n' "$out"
	bad=1
fi
sed '/witness1/s/ [A-Za-z0-9]\([^ ]*\)$/ B\1/' "$tmp/cosigned" > "$tmp/forged"
must_fail "$dir" "$tmp/forged" "a cosignature that was changed"
witnesses=$tmp/three
must_fail "$dir" "$tmp/cosigned" "a witness that did not cosign"
exit $bad
