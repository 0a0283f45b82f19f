#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/log_witness.sh REMIT MAKE_LOG - a log and its receipts are checked with a witness policy:
# what a quorum cosigned is accepted, everything else is refused, with the file and the reason.
set -u
remit=$1
make_log=$2
tmp=$(mktemp -d /tmp/remit-witness.XXXXXX) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0

says() { # exit status, fixed string, command...
	local want=$1 text=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	if [ "$status" != "$want" ] || ! grep -qF -- "$text" <<<"$out"; then
		printf '%s\nshould exit with %s and say "%s"; it ended with %s:\n%s\n' \
			"$*" "$want" "$text" "$status" "$out"
		bad=1
	fi
}
verify() { # directory, exit status, fixed string, arguments
	local d=$1 status=$2 text=$3
	shift 3
	says "$status" "$text" "$remit" log verify --log "$d/log" "$@"
}

# Cosigned by a quorum, up to a size below the published one.
d=$tmp/good
mkdir "$d"
"$make_log" --witnessed 300:2 "$d" 700 299 300 || exit 99
rm "$d/log.vkey" # the policy has the log's key
verify "$d" 0 "witnessed: the first 300 leaves, by w0 as of 2023-11-14T22:13:20Z, by w1 as of" --policy "$d/policy"
verify "$d" 0 '"witnessed":{"size":300,"by":[{"witness":"w0","time":1700000000}' --policy "$d/policy" --json
"$make_log" --witnessed 300:2 "$d" 700 299 300 || exit 99

# A receipt ends in the witnessed checkpoint where that covers the leaf.
for i in 299 300; do
	"$remit" log prove "$i" --log "$d/log" >"$tmp/receipt.$i" || bad=1
	"$remit" log show "$i" --log "$d/log" | head -c -1 >"$tmp/leaf.$i"
done
says 0 "witnessed: all 300 leaves, by w0" "$remit" log verify --receipt "$tmp/receipt.299" \
	--leaf "$tmp/leaf.299" --policy "$d/policy"
says 0 "its tree of 300 leaves" "$remit" log verify --receipt "$tmp/receipt.299" \
	--leaf "$tmp/leaf.299" --key "$d/log.vkey"
says 3 "no quorum: 0 of the policy's 3" "$remit" log verify --receipt "$tmp/receipt.300" \
	--leaf "$tmp/leaf.300" --policy "$d/policy"
says 0 "its tree of 700 leaves" "$remit" log verify --receipt "$tmp/receipt.300" \
	--leaf "$tmp/leaf.300" --key "$d/log.vkey"
says 3 "are not leaf 299" "$remit" log verify --receipt "$tmp/receipt.299" \
	--leaf "$tmp/leaf.300" --policy "$d/policy"

# Too few, or nobody.
d=$tmp/few
mkdir "$d"
"$make_log" --witnessed 300:1 "$d" 700 || exit 99
verify "$d" 8 "checkpoint.witnessed: byte 0: no quorum: 1 of the policy's 3" --policy "$d/policy"
rm "$d/log/checkpoint.witnessed"
verify "$d" 8 "checkpoint: byte 0: no quorum: 0 of the policy's 3" --policy "$d/policy"
verify "$d" 0 "the log holds: 700 leaves"

# Whatever a witness saw that the log does not hold any more is a fault, with or without a policy.
d=$tmp/back
mkdir "$d" "$tmp/later"
"$make_log" --witnessed 300:2 "$d" 300 || exit 99
"$make_log" --witnessed 600:2 "$tmp/later" 700 || exit 99
cp "$tmp/later/log/checkpoint.witnessed" "$d/log/"
verify "$d" 8 "600 leaves were witnessed, and the published checkpoint has 300: the log was put back"
verify "$d" 8 "was put back" --policy "$d/policy"

# Damage: every way a note can be wrong has its words.
d=$tmp/good
damage() { # fixed string, sed script
	cp "$d/log/checkpoint.witnessed" "$tmp/note"
	sed -i "$2" "$d/log/checkpoint.witnessed"
	cmp -s "$tmp/note" "$d/log/checkpoint.witnessed" && { echo "no damage by $2"; bad=1; }
	verify "$d" 8 "$1" --policy "$d/policy"
	cp "$tmp/note" "$d/log/checkpoint.witnessed"
}
damage "signature of 'test.example/by-hand' does not verify" '2s/300/301/'
damage "signature of 'test.example/by-hand' does not verify" '3s/^./+/'
damage "cosignature of 'witness1.example' does not verify" '/witness1/s/A\([^A ]*\)$/B\1/'
damage "no empty line" '4d'
damage "signature of 'test.example/by-hand' does not verify" '2s/300/0300/'
damage "signature of 'test.example/by-hand' does not verify" '3s/$/\nextension/'
head -c -1 "$d/log/checkpoint.witnessed" >"$tmp/cut"
cp "$d/log/checkpoint.witnessed" "$tmp/note"
cp "$tmp/cut" "$d/log/checkpoint.witnessed"
verify "$d" 8 "does not end in a signature line" --policy "$d/policy"
cp "$tmp/note" "$d/log/checkpoint.witnessed"
verify "$d" 0 "witnessed: the first 300 leaves" --policy "$d/policy" # control

# A policy that is none, or of another log.
printf 'quorum x\n' >"$tmp/policy"
verify "$d" 2 "policy:1: no witness or group 'x'" --policy "$tmp/policy"
sed 's|^log .*|log audit.example/gw1+a9d7d3ed+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4|' \
	"$d/policy" >"$tmp/policy"
verify "$d" 3 "knows no log 'test.example/by-hand'" --policy "$tmp/policy"
exit $bad
