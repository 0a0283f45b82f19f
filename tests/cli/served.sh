# SPDX-License-Identifier: Apache-2.0
# tests/cli/served.sh - sourced by tests that serve a deployment with $remit. Gives them $dir, removed
# at the end, in it $d for the deployment and the file log for what is said, and what follows.
. "$(dirname "$0")/../ports.sh"
dir=$(mktemp -d "/tmp/remit-$(basename "$0" .sh).XXXXXX")
d=$dir/d
supervisor=
: >"$dir/log"
finish() {
	[ -z "$supervisor" ] || kill -9 "$supervisor" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "$(basename "$0" .sh): $*" >&2
	tail -25 "$dir/log" >&2
	exit 1
}
wait_for() { # count, fixed string in the log
	local i
	for i in $(seq 300); do
		[ "$(grep -cF "$2" "$dir/log")" -ge "$1" ] && return
		sleep 0.1
	done
	fail "not $1 times '$2'"
}
start() {
	"$remit" serve "$d" 2>>"$dir/log" &
	supervisor=$!
}
stop() {
	kill -TERM "$supervisor"
	wait "$supervisor" || fail "it ended with status $?"
	supervisor=
}
# An agent's call: the task ("" = none), the tool, its arguments; the answer in $dir/answer. Takes $port.
call() {
	local task=() i
	[ -z "$1" ] || task=(--task "$1")
	: >"$dir/answer" # before the writer looks into it for the first answer
	{
		echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}'
		for i in $(seq 200); do
			grep -q '"id":1' "$dir/answer" && break
			sleep 0.05
		done
		echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
		echo "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"$2\",\"arguments\":$3}}"
		for i in $(seq 400); do
			grep -qE '"id":(2|null)' "$dir/answer" && break
			sleep 0.05
		done
	} | "$remit" connect "https://127.0.0.1:$port" --cert "$d/identities/responder.pem" \
		--key "$d/identities/responder.key" --ca "$d/ca/bundle.pem" "${task[@]}" \
		>>"$dir/answer" 2>>"$dir/log"
}
