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
