#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/restarts.sh REMIT - an agent works over one connection while each role in turn is killed.
# Its tool writes down each call that it was really made with. What must hold: the roles that were not
# killed run on; the agent's connection outlives all but its own front; no call has its effect twice;
# what was answered well was made, what was denied was not; and the log says so.
set -u
remit=$1
. "$(dirname "$0")/served.sh"

mkdir -p "$dir/marks"
chmod 777 "$dir" "$dir/marks"
"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
cat >>"$d/upstreams/host.yaml" <<END
  mark:
    effect: read
    targets: [{kind: host, constant: localhost}]
    data: [metrics]
    command: [/bin/sh, -c, "echo x >>\$1; echo marked", sh, "{path}"]
    variables: {path: /path}
    output: text
    definition:
      title: A mark
      description: Leaves a mark, so that a test can count.
      inputSchema:
        type: object
        additionalProperties: false
        required: [path]
        properties: {path: {type: string}}
END
sed -i "s|^readable:.*|&\nwritable: [$dir/marks]|" "$d/upstreams/host.yaml"
sed -i "s/tools: \[host___load/&, host___mark/; s/calls: 30/calls: 10000/" "$d/playbooks/host-alert.yaml"
rm -f "$d/limits.yaml"
"$remit" check "$d" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
"$remit" serve "$d" 2>>"$dir/log" &
supervisor=$!
wait_for 1 "ready roles="
socket=$d/run/remit.sock
"$remit" incident open --socket "$socket" --class host-alert --severity 2 --environment production \
	--asset host:localhost --title test >"$dir/out" 2>&1 || fail "no incident: $(cat "$dir/out")"
incident=$(grep -oE 'i[0-9]+' "$dir/out" | head -1)

# ---- the agent ----

connect() { # task or ""
	coproc AGENT { exec "$remit" connect "https://localhost:$port" ${1:+--task "$1"} \
		--cert "$d/identities/responder.pem" --key "$d/identities/responder.key" \
		--ca "$d/ca/bundle.pem" 2>>"$dir/log"; }
	say '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'
	hear
	say '{"jsonrpc":"2.0","method":"notifications/initialized"}'
}
say() { echo "$1" >&"${AGENT[1]}"; }
hear() { IFS= read -r -t 60 answer <&"${AGENT[0]}" || fail "the agent is not answered"; }
disconnect() {
	local pid=$AGENT_PID
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null # it ended by the signal
	return 0
}

connect ""
say "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"remit___declare_intent\",\"arguments\":{\"incident\":\"$incident\",\"playbook\":\"host-alert\",\"goal\":\"look\",\"targets\":[\"host:localhost\"]}}}"
hear
task=$(grep -oE 't[0-9]+' <<<"$(grep -oE '"?task\\?"?:\\?"t[0-9]+' <<<"$answer")" | grep -oE 't[0-9]+$' | head -1)
[ -n "$task" ] || fail "no task: $answer"
disconnect
connect "$task"

n=0
: >"$dir/well"
: >"$dir/denied"
call() {
	n=$((n + 1))
	say "{\"jsonrpc\":\"2.0\",\"id\":$((n + 1)),\"method\":\"tools/call\",\"params\":{\"name\":\"host___mark\",\"arguments\":{\"path\":\"$dir/marks/$n\"}}}"
	hear
	case $answer in
	*marked*) echo "$n" >>"$dir/well" ;;
	*outcome_unknown*) ;; # or not
	*audit_unavailable* | *upstream_unavailable*) echo "$n" >>"$dir/denied" ;;
	*'"error"'*) ;; # the connection: nobody knows
	*) fail "an answer that says nothing: $answer" ;;
	esac
}
works_again() {
	local i
	for i in $(seq 200); do
		call
		[[ $answer == *marked* ]] && return
		sleep 0.05
	done
	fail "the agent is not served any more: $answer"
}

works_again
connection=$AGENT_PID
role_pid() { pgrep -P "$supervisor" -f -- "--role $1"; }
others() { pgrep -P "$supervisor" -a | grep -v -- "--role $1" | cut -d' ' -f1 | sort | tr '\n' ' '; }
back=0
for role in governor runner keeper index courier store people governor runner agents; do
	before=$(others "$role")
	pid=$(role_pid "$role")
	[ -n "$pid" ] || fail "there is no $role"
	(sleep "0.0$((RANDOM % 9 + 1))" && kill -9 "$pid") &
	killer=$!
	for i in 1 2 3 4 5 6; do call; done
	wait "$killer"
	for i in 1 2 3; do call; done
	wait_for $((back + 1)) "is back generation"
	back=$((back + 1))
	[ "$role" != agents ] || { disconnect && connect "$task"; }
	works_again
	[ "$(others "$role")" = "$before" ] || fail "others than the $role were restarted"
	[ "$role" = agents ] || kill -0 "$connection" || fail "the agent's connection is gone"
done

# A role that is there and does nothing is no better than none: it is ended, and until it is back
# agents and people are answered.
stopped=0
connection=$AGENT_PID
for role in governor runner keeper people; do
	before=$(others "$role")
	pid=$(role_pid "$role")
	kill -STOP "$pid"
	[ "$role" = people ] || call
	timeout 20 "$remit" status --socket "$socket" >"$dir/out" 2>&1
	[ $? != 124 ] || fail "a person waits for the $role, which is stopped"
	stopped=$((stopped + 1))
	wait_for "$stopped" "ms: killed"
	wait_for $((back + 1)) "is back generation"
	back=$((back + 1))
	works_again
	"$remit" status --socket "$socket" >"$dir/out" 2>&1 || fail "no status: $(cat "$dir/out")"
	[ "$(others "$role")" = "$before" ] || fail "others than the $role were restarted"
	kill -0 "$connection" || fail "the agent's connection is gone"
done

# ---- what came of it ----

for i in $(seq "$n"); do
	[ ! -e "$dir/marks/$i" ] || [ "$(wc -l <"$dir/marks/$i")" = 1 ] || fail "call $i was made twice"
done
while read -r i; do
	[ -e "$dir/marks/$i" ] || fail "call $i was answered and never made"
done <"$dir/well"
while read -r i; do
	[ ! -e "$dir/marks/$i" ] || fail "call $i was denied and made"
done <"$dir/denied"
[ "$(wc -l <"$dir/well")" -ge 11 ] || fail "control: nearly nothing was made"

# Everything that was answered well is in the log, signed.
sleep 1
"$remit" log verify --log "$d/state/log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
disconnect
kill -TERM "$supervisor"
wait "$supervisor" || fail "it ended with status $?"
supervisor=
ok=$("$remit" log grep kind=ok --log "$d/state/log" | grep -c call.completed)
[ "$ok" -ge "$(wc -l <"$dir/well")" ] || fail "the log has $ok outcomes of $(wc -l <"$dir/well")"
exit 0
