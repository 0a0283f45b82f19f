#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/erasure.sh REMIT TRY_KEYS - two persons erase what is sealed for a task. Then no key of the
# state opens any of it, whichever the values name; what is sealed for another task is read as before.
set -u
remit=$1
try_keys=$2
[ "$(id -u)" = 0 ] || { echo "needs root: it speaks for two persons"; exit 77; }
. "$(dirname "$0")/served.sh"
carol() { "$remit" "$@" --socket "$d/run/remit.sock"; }
dave() { setpriv --reuid 65534 --clear-groups "$remit" "$@" --socket "$d/run/remit.sock"; }
must() { "$@" >"$dir/out" 2>&1 || fail "refused: $* ($(cat "$dir/out"))"; }
# How many values hold the text, by any key.
found() {
	"$try_keys" "$d/state" "$1" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	sed -n 's/.* found //p' "$dir/out"
}

umask 0022
"$remit" init "$d" >/dev/null || fail "no deployment"
chmod 755 "$dir" "$d" "$d/run"
cp "$remit" "$dir/remit" && remit=$dir/remit
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/; s/mode: \"0660\"/mode: \"0666\"/" "$d/remit.yaml"
sed -i 's/dave: {full_name: Dave Example,/& uid: 65534,/' "$d/people.yaml"
start
wait_for 1 "ready roles="

# Two tasks, each with a goal and a note of its own.
must carol incident open --class host-alert --severity 2 --environment production --asset host:web1 --title t
incident=$(grep -oE 'i[0-9]+' "$dir/out" | head -1)
for name in first second; do
	call "" remit___declare_intent "{\"incident\":\"$incident\",\"playbook\":\"host-alert\",\"goal\":\"goal-of-$name\",\"targets\":[\"host:web1\"]}"
	task=$(grep -oE '\bt[0-9]+' "$dir/answer" | head -1)
	[ -n "$task" ] || fail "no task: $(cat "$dir/answer")"
	call "$task" host___memory '{"host":"web1"}'
	call "$task" remit___note "{\"text\":\"note-of-$name\"}"
	grep -qF untrusted_claim "$dir/answer" || fail "no note: $(cat "$dir/answer")"
	[ $name = second ] || first=$task
	call "$task" remit___close_task '{}'
done
for i in $(seq 100); do
	[ "$(found note-of-second)" -ge 1 ] && break
	sleep 0.1
done
for text in goal-of-first note-of-first goal-of-second note-of-second; do
	[ "$(found $text)" -ge 1 ] || fail "control: '$text' is not found: $(cat "$dir/out")"
done
opened=$(sed -n 's/.* opened \([0-9]*\) .*/\1/p' "$dir/out")
grep -qF "values $opened opened $opened" "$dir/out" || fail "control: not all is opened: $(cat "$dir/out")"

must carol task erase "$first"
[ "$(found note-of-first)" = 1 ] || fail "one person is not two: $(cat "$dir/out")"
must dave task erase "$first"
for i in $(seq 100); do
	find "$d/state/keys" -name "*-${first#t}.key" | grep -q . || break
	sleep 0.1
done
for text in goal-of-first note-of-first; do
	[ "$(found $text)" = 0 ] || fail "'$text' is still there: $(cat "$dir/out")"
done
for text in goal-of-second note-of-second; do
	[ "$(found $text)" -ge 1 ] || fail "'$text' is gone: $(cat "$dir/out")"
done
grep -qF "values $opened opened $opened" "$dir/out" && fail "nothing was erased: $(cat "$dir/out")"

# It stays so, and the log is whole.
stop
start
wait_for 2 "ready roles="
[ "$(found note-of-first)" = 0 ] || fail "it came back: $(cat "$dir/out")"
must "$remit" log lint --log "$d/state/log" --state "$d/state"
grep -qiE "erased" "$dir/out" || fail "lint does not say that something was erased: $(cat "$dir/out")"
must "$remit" log verify --log "$d/state/log"
stop
