#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/interop/witness.sh REMIT - litewitness, a witness of somebody else, cosigns the log of a running
# Remit, and goes on where it was when Remit starts again. It is installed by Go's own client; the key that
# it signs with is in an ssh-agent.
set -u
. "$(dirname "$0")/../ports.sh"
remit=$1
version=v0.8.0
dir=$(mktemp -d /tmp/remit-litewitness.XXXXXX) || exit 99
d=$dir/d
supervisor=
witness=
agent=
finish() {
	[ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null
	[ -z "$witness" ] || kill "$witness" 2>/dev/null
	[ -z "$agent" ] || kill "$agent" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "witness: $*" >&2
	tail -5 "$dir/remit" "$dir/witness" >&2
	exit 1
}
until_true() { # what, command...
	local what=$1 i
	shift
	for i in $(seq 300); do
		"$@" >"$dir/out" 2>&1 && return
		sleep 0.1
	done
	fail "never: $what: $(cat "$dir/out")"
}
start() {
	"$remit" serve "$d" 2>>"$dir/remit" &
	supervisor=$!
	until_true "it is up" test -S "$d/run/remit.sock"
}
open_incident() {
	until_true "an incident" "$remit" incident open --socket "$d/run/remit.sock" --class host-alert \
		--severity 2 --environment production --asset host:web1 --title "$1"
}
all_witnessed() {
	"$remit" log verify --log "$d/state/log" --policy "$d/witnesses.policy" |
		grep "witnessed: all .* by lite as of 20"
}
leaves() {
	"$remit" log verify --log "$d/state/log" | sed -n 's/.*holds: \([0-9]*\) leaves.*/\1/p'
}
more_than() {
	[ "$(leaves)" -gt "$1" ]
}

: >"$dir/remit"
: >"$dir/witness"
for tool in go python3 ssh-agent ssh-add ssh-keygen; do
	command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
if ! GOBIN=$dir/bin go install "filippo.io/torchwood/cmd/litewitness@$version" >"$dir/out" 2>&1; then
	echo "litewitness cannot be had here: $(tail -1 "$dir/out")"
	exit 77
fi

# A log with its key, a witness that knows it.
"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
start
until_true "a key" test -s "$d/state/log.vkey"
kill -TERM "$supervisor"
wait "$supervisor"
vkey=$(cat "$d/state/log.vkey")
ssh-keygen -q -t ed25519 -N '' -f "$dir/key" || fail "no key for the witness"
ssh-agent -D -a "$dir/agent" >/dev/null 2>&1 &
agent=$!
until_true "an agent" test -S "$dir/agent"
SSH_AUTH_SOCK=$dir/agent ssh-add -q "$dir/key" || fail "the agent takes no key"
"$dir/bin/litewitness" -db "$dir/db" -name lite.example/w -ssh-agent "$dir/agent" \
	-key "$(ssh-keygen -lf "$dir/key.pub" | cut -d' ' -f2)" -listen "127.0.0.1:$((port + 2))" \
	>>"$dir/witness" 2>&1 &
witness=$!
until_true "the witness's key" grep -q 'vkey=' "$dir/witness"
# What witnessctl add-log and add-key do; that needs modules which not every mirror has.
python3 - "$dir/db" "${vkey%%+*}" "$vkey" >"$dir/out" 2>&1 <<'END' || fail "$(cat "$dir/out")"
import base64, hashlib, sqlite3, sys
_, path, origin, key = sys.argv
with sqlite3.connect(path, timeout=10) as db:
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    db.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (origin, empty))
    db.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (origin, key))
END
its=$(sed -n 's/.*vkey="\{0,1\}\([^ "]*\).*/\1/p' "$dir/witness" | head -1)
printf 'witness lite %s http://127.0.0.1:%d\nquorum lite\n' "$its" $((port + 2)) >"$d/witnesses.policy"
printf 'witnesses: {every: 200ms, away_after: 1s, required_for: [destroy]}\n' >>"$d/remit.yaml"

# It cosigns, and again when both have grown apart.
start
open_incident first
until_true "everything is witnessed" all_witnessed
before=$(leaves)
kill -TERM "$supervisor"
wait "$supervisor"
start
for i in 1 2 3; do open_incident "again $i"; done
until_true "it is published" more_than "$before"
until_true "everything is witnessed again" all_witnessed
grep -q disputed "$dir/remit" && fail "it was disputed"
exit 0
