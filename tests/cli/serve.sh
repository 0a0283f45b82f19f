#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/serve.sh REMIT - the whole product is started, its roles and its supervisor are killed,
# and its log is put back to an older state behind its back.
set -u
remit=$1
. "$(dirname "$0")/served.sh"
open_incident() {
	"$remit" incident open --socket "$d/run/remit.sock" --class host-alert --severity 2 \
		--environment production --asset host:web1 --title "$1" >"$dir/out" 2>&1 ||
		fail "no incident could be opened: $(cat "$dir/out")"
}
verify() {
	"$remit" log verify --log "$d/state/log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	"$remit" log lint --log "$d/state/log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	grep -q "0 otherwise; 0 not recomputable" "$dir/out" || fail "$(cat "$dir/out")"
}
# How many leaves the published log has.
leaves() {
	"$remit" log verify --log "$d/state/log" | sed -n 's/.*holds: \([0-9]*\) leaves.*/\1/p'
}
# Waits until more than that many are signed.
until_published() {
	local i
	for i in $(seq 300); do
		[ "$(leaves)" -gt "$1" ] 2>/dev/null && return
		sleep 0.1
	done
	fail "no more than $1 leaves are published"
}

"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
start
wait_for 1 "ready roles="
open_incident first

# Each role is killed while people are at work. It comes back alone, with a new generation.
generation=1
role_pid() { pgrep -P "$supervisor" -f -- "--role $1"; }
others() { pgrep -P "$supervisor" -a | grep -v -- "--role $1" | cut -d' ' -f1 | sort | tr '\n' ' '; }
kill_role() {
	pid=$(role_pid "$1")
	[ -n "$pid" ] || fail "there is no $1"
	before=$(others "$1")
	kill -9 "$pid"
	generation=$((generation + 1))
	wait_for 1 "generation=$generation after_ms"
	kill -0 "$pid" 2>/dev/null && fail "the killed $1 is there"
	open_incident "after $1"
}
for role in index courier store people runner agents governor keeper; do
	kill_role "$role"
	[ "$(others "$role")" = "$before" ] || fail "others than the $role were restarted"
	wait_for 1 "the $role is back"
done
"$remit" status --socket "$d/run/remit.sock" >"$dir/out" 2>&1 || fail "no status: $(cat "$dir/out")"
grep -q courier "$dir/out" || fail "the status does not show a restart: $(cat "$dir/out")"
"$remit" calls --socket "$d/run/remit.sock" >"$dir/out" 2>&1 ||
	fail "the new index is not asked: $(cat "$dir/out")"
sleep 0.5
verify
[ "$(leaves)" -gt 8 ] || fail "only $(leaves) leaves are published"
grep -q "killed by its sandbox" "$dir/log" && fail "a role ran into its own sandbox"

# The supervisor itself: nothing stays, and the next start goes on.
children=$(pgrep -P "$supervisor")
kill -9 "$supervisor"
wait "$supervisor" 2>/dev/null
for i in $(seq 50); do
	left=$(for p in $children; do kill -0 "$p" 2>/dev/null && echo "$p"; done)
	[ -z "$left" ] && break
	sleep 0.1
done
[ -z "$left" ] || fail "roles outlive their supervisor: $left"
start
wait_for 2 "generation=1 after_ms"
open_incident "after all"
sleep 0.5
stop
verify

# A log that was put back to an older state: what was signed since would be forgotten. The record
# of the keeper, which lies apart, knows.
before=$(leaves)
cp -a "$d/state" "$dir/old"
start
wait_for 3 "generation=1 after_ms"
for i in 1 2 3; do open_incident "to be forgotten $i"; done
sleep 0.5
stop
[ "$(leaves)" -gt "$before" ] || fail "control: the log did not grow"
for part in segments keys log; do
	rm -rf "${d:?}/state/$part"
	cp -a "$dir/old/$part" "$d/state/$part"
done
start
for i in $(seq 100); do
	grep -q "rollback: the log has" "$dir/log" && break
	sleep 0.1
done
grep -q "rollback: the log has" "$dir/log" || fail "a log that was rolled back is served"
grep -qE "not signed: (rollback|fork)" "$dir/log" && fail "an older image was noticed only when it was to be signed"
kill -9 "$supervisor" 2>/dev/null # unless it has given up
wait "$supervisor" 2>/dev/null
supervisor=
sleep 0.3

# The record on a disk of its own: of a copy of the whole state, and of a second instance, it knows.
rm -rf "$d/state"
sed -i "s|^state:.*|&\nkeeper: {anchor: $dir/anchor}|" "$d/remit.yaml"
starts=$(grep -cF "ready roles=" "$dir/log")
start
wait_for $((starts + 1)) "ready roles="
open_incident "on a new log"
until_published 0
copied=$(leaves)
cp -a "$d" "$dir/second"
sed -i "s|127.0.0.1:[0-9]*|127.0.0.1:0|" "$dir/second/remit.yaml"
grep -q "^last-signed$" <(ls "$dir/anchor") || fail "the record is not in its anchor"
[ -e "$d/state/keeper/last-signed" ] && fail "the record is still beside the keys"
timeout 30 "$remit" serve "$dir/second" 2>"$dir/log2" && fail "a second instance is served"
grep -q "another instance of this log runs" "$dir/log2" || fail "$(tail -5 "$dir/log2")"
# The copy may hold leaves that were not signed yet when it was made.
for i in 1 2 3 4 5 6; do open_incident "the copy does not know of this $i"; done
until_published $((copied + 5))
stop
timeout 30 "$remit" serve "$dir/second" 2>"$dir/log2" && fail "an older copy of the state is served"
grep -q "rollback: the log has" "$dir/log2" || fail "$(tail -5 "$dir/log2")"
verify

# Lost keys are not replaced behind anybody's back.
mv "$d/state/keeper" "$dir/keeper"
"$remit" serve "$d" 2>>"$dir/log" && fail "a log without its keys is served"
grep -qF "its keys" "$dir/log" || fail "it does not say that the keys are gone"
exit 0
