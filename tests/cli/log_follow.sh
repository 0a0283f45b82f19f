#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/log_follow.sh SOURCE_DIR REMIT MAKE_LOG - who follows a log that grows gets every leaf, can
# prove it, can go on where it was, and is not led into another history.
set -u
source=$1
remit=$2
make_log=$3
dir=$(mktemp -d) || exit 99
follower=
finish() {
	[ -z "$follower" ] || kill "$follower" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "log_follow: $*" >&2
	exit 1
}
wait_for() { # text, file
	local i
	for i in $(seq 300); do
		grep -qF "$1" "$2" && return
		kill -0 "$follower" 2>/dev/null || fail "it ended: $(cat "$dir/err")"
		sleep 0.05
	done
	fail "no '$1'"
}

# Sizes across bundles and tiles, partial and full.
"$make_log" "$dir" 7 || exit 99
"$remit" log tail --log "$dir/log" --since 0 --follow --checkpoints >"$dir/lines" 2>"$dir/err" &
follower=$!
for size in 7 8 256 300 700; do
	"$make_log" "$dir" $size || exit 99
	wait_for "\"size\":$size," "$dir/lines"
done

# The lines are proof: their indices have no gap, their hashes are those of their records, and give
# the root of each checkpoint. A line left out shows.
cat >"$dir/prove.py" <<P
import json, sys
sys.path.insert(0, "$source/tests/interop")
import verify_log
key = verify_log.Key(open("$dir/log.vkey").read().strip())
hashes, signed = [], []
for line in open(sys.argv[1]):
    o = json.loads(line)
    if "checkpoint" in o:
        size, root = verify_log.open_checkpoint(o["note"].encode(), key)
        assert size == len(hashes) == o["checkpoint"]["size"], (size, len(hashes))
        assert root == verify_log.tree_hash(hashes) and root.hex() == o["checkpoint"]["root"]
        signed.append(size)
        continue
    record = line[line.index('"record":') + 9:].rstrip("\n")[:-1]
    assert verify_log.leaf_hash(record.encode()).hex() == o["hash"]
    hashes.append(bytes.fromhex(o["hash"]))
    assert o["leaf"] == len(hashes) - 1
assert signed[-1] == 700 and len(signed) == int(sys.argv[2]), signed
P
python3 "$dir/prove.py" "$dir/lines" 5 || fail "the lines prove nothing"
sed 100d "$dir/lines" >"$dir/gap"
python3 "$dir/prove.py" "$dir/gap" 5 2>/dev/null && fail "a gap is not seen"

# A log with fewer leaves, and one with others, are not the log that was followed. Logs change places
# at once, by a link: a reader that finds nothing for a moment would end for that.
kill "$follower"
wait "$follower" 2>/dev/null
mv "$dir/log" "$dir/good"
ln -s good "$dir/log"
put() { # log
	ln -s "$1" "$dir/link"
	mv -T "$dir/link" "$dir/log"
}
follow() {
	"$remit" log tail --log "$dir/log" --key "$dir/log.vkey" -n 1 --follow --checkpoints \
		>"$dir/lines" 2>"$dir/err" &
	follower=$!
	wait_for '"size":700,' "$dir/lines"
}
must_end_with() {
	wait "$follower"
	[ $? = 8 ] || fail "it follows: $(cat "$dir/err")"
	follower=
	grep -qF "$1" "$dir/err" || fail "$(cat "$dir/err")"
}
mkdir "$dir/old" "$dir/forged" "$dir/empty"
"$make_log" "$dir/old" 300 || exit 99
"$make_log" --other "$dir/forged" 800 || exit 99
follow
put old/log
must_end_with "had 700 leaves and now has 300"
put good
follow
put forged/log
must_end_with "are not those that were shown"
put empty # not even a checkpoint
"$remit" log tail --log "$dir/log" --key "$dir/log.vkey" 2>/dev/null && fail "an empty directory is shown"
put good

# Going on: the leaf that the cursor names comes again, and must be the same.
"$remit" log show 299 --log "$dir/log" --key "$dir/log.vkey" --json >"$dir/one"
hash=$(sed 's/.*"hash":"\([0-9a-f]*\)".*/\1/' "$dir/one")
"$remit" log tail --log "$dir/log" --key "$dir/log.vkey" --since "299:$hash" >"$dir/rest" || fail "a cursor is refused"
[ "$(wc -l <"$dir/rest")" = 401 ] || fail "$(wc -l <"$dir/rest") lines after a cursor"
head -1 "$dir/rest" | cmp -s - "$dir/one" || fail "it goes on elsewhere"
"$remit" log tail --log "$dir/log" --key "$dir/log.vkey" --since "298:$hash" >"$dir/rest" 2>/dev/null
[ $? = 8 ] || fail "a cursor of another log is taken"
[ -s "$dir/rest" ] && fail "it printed something first"
"$remit" log tail --log "$dir/log" --key "$dir/log.vkey" --since "700:$hash" 2>/dev/null
[ $? = 9 ] || fail "a cursor beyond the log is taken"
[ -z "$("$remit" log tail --log "$dir/log" --key "$dir/log.vkey" --since 700)" ] || fail "there is more than there is"
exit 0
