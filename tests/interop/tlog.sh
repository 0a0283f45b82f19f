#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/interop/tlog.sh SOURCE_DIR MAKE_LOG REMIT go|rest - logs of ours before verifiers that are not:
# docs/verify-by-hand.md (openssl, coreutils) and verify_log.py; with "go" Tessera's fsck and the
# packages note and tlog of x/mod. And a log that Tessera made before ours.
#
# The log that all of them see is one that `remit serve` wrote; others have the sizes at which tiles
# begin and end. Each verifier must also refuse: what it accepts is worth as much as what it refuses.
set -u
. "$(dirname "$0")/../ports.sh"
source=$1
make_log=$2
remit=$3
part=$4
dir=$(mktemp -d /tmp/remit-interop.XXXXXX) || exit 99
supervisor=
finish() {
	[ -z "$supervisor" ] || kill -9 "$supervisor" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "tlog: $*" >&2
	exit 1
}
must() { "$@" >"$dir/out" 2>&1 || fail "refused: $* ($(tail -1 "$dir/out"))"; }
must_refuse() {
	"$@" >"$dir/out" 2>&1
	[ $? = 1 ] || fail "not refused: $* ($(tail -1 "$dir/out"))"
}

# ---- a log of a running Remit: $dir/d/state/log, a leaf and its receipt ----
log=$dir/d/state/log
key=$dir/d/state/log.vkey
serve_some() {
	"$remit" init "$dir/d" >/dev/null || fail "no deployment"
	local port=$(free_ports 2) i
	sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$dir/d/remit.yaml"
	"$remit" serve "$dir/d" 2>"$dir/serve" &
	supervisor=$!
	for i in $(seq 300); do
		grep -qF "ready roles=" "$dir/serve" && break
		sleep 0.1
	done
	for i in $(seq 20); do
		"$remit" incident open --socket "$dir/d/run/remit.sock" --class host-alert --severity 2 \
			--environment production --asset host:web1 --title "number $i" >"$dir/out" 2>&1 ||
			fail "no incident: $(cat "$dir/out" "$dir/serve")"
	done
	# The last of them is published when the log proves it.
	for i in $(seq 100); do
		"$remit" log prove 20 --log "$log" >"$dir/receipt" 2>/dev/null && break
		sleep 0.1
	done
	kill -TERM "$supervisor"
	wait "$supervisor" || fail "it ended with status $?"
	supervisor=
	must "$remit" log prove 20 --log "$log"
	cp "$dir/out" "$dir/receipt"
	must "$remit" log show 20 --log "$log"
	head -c -1 "$dir/out" >"$dir/leaf"
}

# The same log with one thing wrong: $1 says what; in $dir/bad.
damage() {
	local size
	rm -rf "$dir/bad"
	cp -r "$log" "$dir/bad"
	# Beyond it there may be more, of a checkpoint that was not signed any more.
	size=$(sed -n 2p "$log/checkpoint")
	case $1 in
	signature) sed -i '2s/.*/99/' "$dir/bad/checkpoint" ;;
	leaf) flip "$dir/bad/tile/entries/000.p/$size" 40 ;;
	tile) flip "$dir/bad/tile/0/000.p/$size" 40 ;;
	end) truncate -s -1 "$dir/bad/tile/entries/000.p/$size" ;;
	esac
}
flip() { # file, offset
	local byte
	byte=$(tail -c +$(($2 + 1)) "$1" | head -c 1 | xxd -p)
	printf "%02x" $((16#$byte ^ 1)) | xxd -r -p | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Asks a verifier about all of it: what it looks at, then the words before the key.
ask() {
	local size what damages=$1
	shift
	must "$@" "$key" "$log"
	for what in $damages; do
		damage $what
		must_refuse "$@" "$key" "$dir/bad"
	done
	must_refuse "$@" "$dir/other.vkey" "$log"
	for size in 1 2 255 256 257 700 65536 66000; do
		rm -rf "$dir/sized"
		"$make_log" "$dir/sized" "$size" >"$dir/sized.vkey" || exit 99
		must "$@" "$dir/sized.vkey" "$dir/sized"
	done
}

ask_receipt() {
	must "$@" "$dir/receipt" "$dir/leaf"
	printf x >"$dir/other-leaf"
	must_refuse "$@" "$dir/receipt" "$dir/other-leaf"
	sed 's/^index 20$/index 19/' "$dir/receipt" >"$dir/other-receipt"
	must_refuse "$@" "$dir/other-receipt" "$dir/leaf"
}

by_hand() { # receipt
	rm -rf "$dir/hand"
	mkdir "$dir/hand"
	sed -n '/^```sh$/,/^```$/p' "$source/docs/verify-by-hand.md" | sed '/^```/d' >"$dir/commands"
	(cd "$dir/hand" && LOG=$log KEY=$key RECEIPT=$1 bash "$dir/commands") >"$dir/out" 2>&1
}

ask_tessera() {
	local log_of_tessera=$dir/tessera
	mkdir "$log_of_tessera"
	"$foreign" make "$log_of_tessera" 1 5 300 700 >"$dir/tessera.vkey" 2>"$dir/out" ||
		fail "Tessera makes no log: $(tail -3 "$dir/out")"
	must "$remit" log verify --log "$log_of_tessera" --key "$dir/tessera.vkey"
	grep -qF "the log holds: 700 leaves" "$dir/out" || fail "remit log verify saw something else"
	must python3 "$source/tests/interop/verify_log.py" "$dir/tessera.vkey" "$log_of_tessera"
	must "$remit" log prove 299 --log "$log_of_tessera" --key "$dir/tessera.vkey"
	cp "$dir/out" "$dir/tessera.receipt"
	printf 'leaf 299' >"$dir/tessera.leaf"
	must "$foreign" receipt "$dir/tessera.vkey" "$dir/tessera.receipt" "$dir/tessera.leaf"
	flip "$log_of_tessera/tile/entries/001" 40
	"$remit" log verify --log "$log_of_tessera" --key "$dir/tessera.vkey" >"$dir/out" 2>&1
	[ $? = 8 ] || fail "remit log verify accepts a changed log of Tessera's"
}

if [ "$part" = go ]; then
	command -v go >/dev/null || { echo "go is not installed"; exit 77; }
	foreign=$dir/foreign
	if ! (cd "$source/tests/interop/go" && go build -o "$foreign" .) >"$dir/out" 2>&1; then
		# Its modules come from the network; a mistake of ours does not look like that.
		grep -qE "dial tcp|no such host|module lookup disabled|i/o timeout|requires go" "$dir/out" &&
			{ echo "the Go modules cannot be had here: $(tail -1 "$dir/out")"; exit 77; }
		fail "$(cat "$dir/out")"
	fi
fi
serve_some
"$make_log" "$dir/other" 1 >"$dir/other.vkey" || exit 99
if [ "$part" = go ]; then
	ask "signature leaf tile end" "$foreign" fsck
	ask "signature leaf end" "$foreign" note # it reads no tiles
	ask_receipt "$foreign" receipt "$key"
	ask_tessera
	echo "Tessera's fsck and x/mod agree with us, and we with a log of Tessera's"
	exit 0
fi
by_hand "$dir/receipt"
[ "$(grep -c '^ok: ' "$dir/out")" = 3 ] || fail "by hand: $(cat "$dir/out")"
by_hand <(sed 's/^index 20$/index 19/' "$dir/receipt")
grep -q '^WRONG: ' "$dir/out" || fail "by hand a wrong receipt is accepted"
ask "signature leaf tile end" python3 "$source/tests/interop/verify_log.py"
ask_receipt python3 "$source/tests/interop/verify_log.py" "$key" --receipt
must python3 "$source/tests/interop/flip_log.py" "$key" "$log"
echo "openssl, coreutils and verify_log.py agree with us; $(tail -1 "$dir/out")"
