#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/evidence.sh REMIT STAND_IN - remit evidence export makes a bag that its own five commands
# accept, and that they refuse when anything in it is changed; verify and audit say what they find.
set -u
remit=$1
stand_in=$2
unset REMIT_SOCKET REMIT_LOG
export LC_ALL=C
tmp=$(mktemp -d) || exit 99
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT
bad=0
say() { echo "evidence: $1"; bad=1; }

start() { # directory, further arguments
	mkdir "$1"
	mkfifo "$1/out"
	"$stand_in" "$@" > "$1/out" &
	pids+=($!)
	read -r line < "$1/out"
	[ "$line" = ready ] || exit 99
}

# The commands of VERIFY.txt, run in the bag.
by_hand() {
	(cd "$1" && sed -n 's/^    //p' VERIFY.txt | bash 2>&1)
}

must_fail() { # what, then the change as a shell command to be run in a copy of the bag
	rm -rf "$tmp/changed"
	cp -r "$tmp/bag" "$tmp/changed"
	(cd "$tmp/changed" && eval "$2") || exit 99
	by_hand "$tmp/changed" | grep -q '^WRONG: ' || say "not refused: $1"
}

# Whoever changes a file may change the list of digests too.
rewrite='(find . -type f ! -name "*manifest*" -path "./data/*" | sed "s/^..//" | sort | xargs sha256sum > manifest-sha256.txt; find . -type f ! -path "./data/*" ! -name "tagmanifest*" | sed "s/^..//" | sort | xargs sha256sum > tagmanifest-sha256.txt)'

start "$tmp/good"
export REMIT_SOCKET=$tmp/good/people.sock
"$remit" evidence export i1 --to "$tmp/bag" --purpose "case 7" --recipient court \
	--log "$tmp/good/log" > "$tmp/said" 2>&1 || { cat "$tmp/said"; say "the export failed"; exit 1; }
grep -q "^1 item in " "$tmp/said" || say "the export says $(cat "$tmp/said")"

[ "$(sed -n 's/^    //p' "$tmp/bag/VERIFY.txt" | wc -l)" = 5 ] || say "VERIFY.txt has not five commands"
out=$(by_hand "$tmp/bag")
if [ "$(grep -c '^ok: ' <<<"$out")" != 7 ] || grep -qv '^ok: ' <<<"$out"; then
	say "a good bag is refused:"
	echo "$out"
fi
# e5: captured, read, exported. The key is the one that the log has.
[ "$(ls "$tmp/bag/log/e5/" | grep -c leaf)" = 3 ] || say "not all events are in the bag"
cmp -s "$tmp/bag/log/key.vkey" "$tmp/good/log.vkey" || say "the key is not the log's"
[ "$(stat -c %s "$tmp/bag/data/e5/artefact")" = 150000 ] || say "the artefact is not whole"
grep -qx "Payload-Oxum: $(cat "$tmp"/bag/data/e5/* | wc -c).3" "$tmp/bag/bag-info.txt" ||
	say "bag-info.txt does not say what is in the bag"
head -1 "$tmp/bag/bagit.txt" | grep -qx "BagIt-Version: 1.0" || say "this is no bag"
(cd "$tmp/bag" && find . -type f ! -name 'tagmanifest*' | sed 's/^..//' | sort) > "$tmp/files"
cut -c67- "$tmp/bag/manifest-sha256.txt" "$tmp/bag/tagmanifest-sha256.txt" | sort | cmp -s - "$tmp/files" ||
	say "a file is in no list"

must_fail "a byte of the artefact" 'printf x | dd of=data/e5/artefact bs=1 seek=70000 conv=notrunc status=none'
must_fail "a byte of the artefact, and the lists" "printf x | dd of=data/e5/artefact bs=1 seek=70000 conv=notrunc status=none; $rewrite"
must_fail "a missing file" 'rm data/e5/salt'
must_fail "another salt" "tr 0123 1230 < data/e5/salt > s; mv s data/e5/salt; $rewrite"
must_fail "a leaf" "sed -i 's/alice/malle/' log/e5/*.leaf; $rewrite"
must_fail "a leaf that is left out" "rm \$(ls -v log/e5/*.leaf | sed -n 2p); $rewrite"
must_fail "the export left out" "rm \$(ls -v log/e5/*.leaf | tail -1); $rewrite"
must_fail "the checkpoint" "sed -i 2s/.*/999/ log/checkpoint.text; $rewrite"
must_fail "the signature" "tr '\\000-\\377' '\\001-\\377\\000' < log/checkpoint.signature > s; mv s log/checkpoint.signature; $rewrite"
must_fail "another key" "openssl genpkey -algorithm ed25519 | openssl pkey -pubout > log/key.pem; $rewrite"
must_fail "a receipt of another leaf" "sed -i 's/^index .*/index 1/' log/e5/*.proof; $rewrite"
must_fail "another bag's export" "printf x >> data/e5/about.json; $rewrite"

"$remit" evidence export e5 --to "$tmp/bag" --purpose again --log "$tmp/good/log" 2>/dev/null &&
	say "an existing directory is written into"
"$remit" evidence export e9 --to "$tmp/none" --purpose x --log "$tmp/good/log" 2>/dev/null &&
	say "what is not there is exported"
[ "$("$remit" evidence verify)" = "e5 holds" ] || say "verify does not say that e5 holds"

out=$("$remit" evidence audit --log "$tmp/good/log") || say "a good log is refused: $out"
grep -q "^no remediation ran without qualifying evidence$" <<<"$out" || say "audit says $out"
start "$tmp/bad" --without-evidence
out=$("$remit" evidence audit --log "$tmp/bad/log") && say "a remediation without evidence is not found"
grep -q "c6 (edr___reimage) ran without evidence of kind memory" <<<"$out" || say "audit says $out"
"$remit" evidence audit --json --log "$tmp/bad/log" | grep -q '"ok":false' || say "audit --json"
printf x >> "$tmp/bad/log/tile/entries/000.p/7"
"$remit" evidence audit --log "$tmp/bad/log" 2>/dev/null && say "a log that does not hold is audited"
exit $bad
