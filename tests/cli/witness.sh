#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/witness.sh REMIT - a running Remit and two witnesses that share no code with it: they cosign,
# one goes away and comes back, the whole state is put back to an older image behind everybody's back;
# and strangers read the log over HTTP.
set -u
. "$(dirname "$0")/../ports.sh"
remit=$1
python=/usr/bin/python3
[ -x "$python" ] && command -v curl >/dev/null || exit 77
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d /tmp/remit-witness.XXXXXX)
d=$dir/d
declare -A pids
supervisor=
finish() {
	[ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "witness: $*" >&2
	tail -25 "$dir/log" >&2
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
witness() { # name [port]
	rm -f "$dir/$1.port"
	"$python" "$here/witness.py" serve "$1.example" "$1" "$d/state/log.vkey" "$dir/$1.state" \
		"$dir/$1.port" "${2:-0}" 2>>"$dir/log" &
	pids[$1]=$!
	until_true "$1 listens" test -s "$dir/$1.port"
}
start() {
	"$remit" serve "$d" 2>>"$dir/log" &
	supervisor=$!
	until_true "it is up" test -S "$d/run/remit.sock"
}
stop() {
	kill -TERM "$supervisor"
	wait "$supervisor"
	supervisor=
}
quorum_is() {
	"$remit" status --json --socket "$d/run/remit.sock" 2>&1 | tr -d ' \n' | tee "$dir/status" |
		grep -qF "\"quorum\":\"$1\""
}
leaves() {
	"$remit" log verify --log "$d/state/log" | sed -n 's/.*holds: \([0-9]*\) leaves.*/\1/p'
}
more_than() {
	[ "$(leaves)" -gt "$1" ]
}
open_incident() {
	until_true "an incident" "$remit" incident open --socket "$d/run/remit.sock" --class host-alert \
		--severity 2 --environment production --asset host:web1 --title "$1"
}
all_witnessed() {
	"$remit" log verify --log "$d/state/log" --policy "$d/witnesses.policy" |
		grep "witnessed: all .* by north as of 20.*, by south as of 20"
}
get() { # status, path, curl's arguments
	local want=$1 path=$2 got
	shift 2
	got=$(curl -s --path-as-is -D "$dir/head" -o "$dir/body" -w '%{http_code}' "$@" \
		"http://127.0.0.1:$((port + 1))$path")
	[ "$got" = "$want" ] || fail "$path answered $got, not $want"
}
header() {
	grep -qiE "^$1: $2"$'\r?$' "$dir/head" || fail "no '$1: $2' in: $(cat "$dir/head")"
}

: >"$dir/log"
"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/; s/^\( *\)http: .*/&\n\1log: true/" "$d/remit.yaml"
printf 'witnesses: {every: 200ms, away_after: 1s, required_for: [destroy]}\n' >>"$d/remit.yaml"
witness north
witness south
for w in north south; do
	echo "witness $w $("$python" "$here/witness.py" vkey "$w.example" "$w")" \
		"http://127.0.0.1:$(cat "$dir/$w.port")/prefix"
done >"$d/witnesses.policy"
printf 'group both all north south\nquorum both\n' >>"$d/witnesses.policy"
"$remit" check "$d" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"

# Both cosign, to the end of an idle log; so do receipts end.
start
open_incident first
until_true "everything is witnessed" all_witnessed
until_true "the quorum" quorum_is ok
"$remit" log prove 0 --log "$d/state/log" >"$dir/receipt" || fail "no receipt"
"$remit" log show 0 --log "$d/state/log" | head -c -1 >"$dir/leaf"
"$remit" log verify --receipt "$dir/receipt" --leaf "$dir/leaf" --key "$d/state/log.vkey" \
	--policy "$d/witnesses.policy" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
grep -q "witnessed: all .* by north as of" "$dir/out" || fail "$(cat "$dir/out")"

# Strangers read it over HTTP, and nothing else.
get 200 /log/checkpoint
header content-type 'text/plain; charset=utf-8'
header cache-control no-cache
cmp -s "$dir/body" "$d/state/log/checkpoint" || fail "another checkpoint is served"
size=$(sed -n 2p "$dir/body")
for name in "tile/0/000.p/$size" "tile/entries/000.p/$size"; do
	get 200 "/log/$name"
	header content-type application/octet-stream
	cmp -s "$dir/body" "$d/state/log/$name" || fail "another $name is served"
done
get 404 "/log/tile/0/000"
get 404 "/log/../keeper/log.key"
get 404 "/log/tile/../../keeper/log.key"
get 404 "/log/%2e%2e/keeper/log.key"
get 404 "/log/tile/entries"
get 404 "/log/"
get 405 "/log/checkpoint" -X POST -d x
ln -s /etc/passwd "$d/state/log/tile/0/001"
get 404 "/log/tile/0/001"
rm "$d/state/log/tile/0/001"

get 200 /healthz
get 200 /metrics
grep -qx "remit_witness_quorum_well 1" "$dir/body" || fail "$(cat "$dir/body")"
for w in north south; do
	grep -qxE "remit_witness_cosigned_age_seconds.witness=\"$w\". [0-9]+" "$dir/body" ||
		fail "no age of $w: $(cat "$dir/body")"
done

# One goes away: the log goes on, and says so.
kill "${pids[south]}"
wait "${pids[south]}" 2>/dev/null
open_incident "one is away"
until_true "away" quorum_is away
grep -q '"name":"south","state":"away"' "$dir/status" || fail "$(cat "$dir/status")"
get 503 /healthz
grep -qx "witnesses: away" "$dir/body" || fail "$(cat "$dir/body")"
grep -qxE "witness south: cosigned [0-9]+ s ago" "$dir/body" || fail "$(cat "$dir/body")"
get 200 /metrics
grep -qx "remit_witness_quorum_well 0" "$dir/body" || fail "$(cat "$dir/body")"
grep -qx "remit_log_well 1" "$dir/body" || fail "$(cat "$dir/body")"
"$remit" log verify --log "$d/state/log" --policy "$d/witnesses.policy" >"$dir/out" 2>&1 ||
	fail "$(cat "$dir/out")"
grep -q "witnessed: the first" "$dir/out" || fail "$(cat "$dir/out")"
witness south "$(sed -n 's|.*south .*http://127.0.0.1:\([0-9]*\)/.*|\1|p' "$d/witnesses.policy")"
until_true "back" quorum_is ok
until_true "everything is witnessed again" all_witnessed
stop

# Everything is put back, the keeper's record too: on this machine nobody can know. The witnesses do.
cp -a "$d/state" "$dir/old"
before=$(leaves)
start
for i in 1 2 3 4 5 6 7 8; do open_incident "to be forgotten $i"; done
until_true "it is published" more_than $((before + 8))
until_true "it is witnessed" all_witnessed
stop
rm -rf "$d/state"
cp -a "$dir/old" "$d/state"
start
until_true "the log is disputed" quorum_is disputed
grep -qE "has seen [0-9]+ leaves of this log, which has fewer" "$dir/log" || fail "it does not say why"
grep -q "rollback" "$dir/log" && fail "control: the keeper should not have noticed"
exit 0
