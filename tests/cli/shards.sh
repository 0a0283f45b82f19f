#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/shards.sh REMIT - the log in shards of two seconds: leaves that are old enough go when two
# persons say so, and what is left is proven, folded, found and served as before.
set -u
remit=$1
[ "$(id -u)" = 0 ] || { echo "needs root: it speaks for two persons"; exit 77; }
command -v curl >/dev/null || exit 77
. "$(dirname "$0")/served.sh"
log=$d/state/log
starts=0
start_again() {
	start
	starts=$((starts + 1))
	wait_for "$starts" "ready roles="
}
carol() { "$remit" "$@" --socket "$d/run/remit.sock"; }
dave() { setpriv --reuid 65534 --clear-groups "$remit" "$@" --socket "$d/run/remit.sock"; }
must() { "$@" >"$dir/out" 2>&1 || fail "refused: $* ($(cat "$dir/out"))"; }
# status, what it says, command
must_refuse() {
	local want=$1 says=$2
	shift 2
	"$@" >"$dir/out" 2>&1
	local got=$?
	[ "$got" = "$want" ] && grep -qF "$says" "$dir/out" || fail "$* ends with $got: $(cat "$dir/out")"
}

umask 0022
"$remit" init "$d" >/dev/null || fail "no deployment"
chmod 755 "$dir" "$d" "$d/run"
cp "$remit" "$dir/remit" && remit=$dir/remit
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/; s/mode: \"0660\"/mode: \"0666\"/" "$d/remit.yaml"
sed -i 's/^state: state/state: state\nlog: {shard: 2s}/' "$d/remit.yaml"
sed -i 's/dave: {full_name: Dave Example,/& uid: 65534,/' "$d/people.yaml"
# min, max: of the leaves in the search index, while nobody has it open
indexed() {
	python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT %s(ix) FROM leaves" % sys.argv[2]).fetchone()[0] or 0)' \
		"$d/state/index/index.sqlite" "$1" || fail "no index"
}
serve_until_indexed() { # a leaf beyond that one
	local i
	for i in $(seq 20); do
		start_again
		sleep 0.5
		stop
		[ "$(indexed max)" -gt "$1" ] && return
	done
	fail "the index ends with leaf $(indexed max), and not behind $1"
}
# A search index that was put aside early is put back when what follows it is gone.
serve_until_indexed 0
cp -a "$d/state/index" "$dir/early"
start_again

# Six hundred leaves that nothing needs later.
asset=$(carol inventory --json | grep -oE '"asset": ?"[^"]*"' | head -1 | cut -d'"' -f4)
[ -n "$asset" ] || fail "no asset: $(carol inventory --json)"
for i in $(seq 600); do
	[ $((i % 2)) = 0 ] && health=up || health=down
	[ "$i" = 1 ] || echo "next"
	echo "unix-socket = $d/run/remit.sock"
	echo "url = http://remit/v1/inventory"
	echo "data = \"{\\\"asset\\\":\\\"$asset\\\",\\\"health\\\":\\\"$health\\\"}\""
	echo "header = \"Content-Type: application/json\""
	echo "output = /dev/null"
done >"$dir/curl"
curl -s -K "$dir/curl" || fail "the inventory cannot be set"
carol log shards >"$dir/out" 2>&1
wait_for 1 "of the log begins with leaf"

# A shard that begins behind them.
past() { # number of the first shard behind leaf $1
	carol log shards --json | tr '{' '\n' | sed -n 's/.*"number": *\([0-9]*\),"first": *\([0-9]*\).*/\1 \2/p' |
		awk -v leaf="$1" '$2 > leaf {print $1; exit}'
}
number=
for i in $(seq 100); do
	number=$(past 600)
	[ -n "$number" ] && break
	sleep 0.1
done
[ -n "$number" ] || fail "no shard begins behind leaf 600: $(carol log shards)"

# Kept for ever, unless the deployment says how long.
must_refuse 3 "log.keep is not set" carol log prune "$number"
stop
sed -i 's/^log: {shard: 2s}/log: {shard: 2s, keep: 1h}/' "$d/remit.yaml"
start_again
must_refuse 3 "they are kept until" carol log prune "$number"
stop
sed -i 's/^log: {shard: 2s, keep: 1h}/log: {shard: 2s, keep: 1s}/' "$d/remit.yaml"
start_again
sleep 1.5

# One person is not two, and what nobody may prune stays.
must_refuse 9 "no shard" carol log prune 4000
must_prune() {
	local i
	for i in $(seq 100); do # until the time is over, and two snapshots are newer
		"$1" log prune "$number" >"$dir/out" 2>&1 && return
		sleep 0.1
	done
	fail "it may not be pruned: $(cat "$dir/out")"
}
must_prune carol
grep -q proposed "$dir/out" || fail "one person prunes: $(cat "$dir/out")"
must carol log prune "$number"
grep -q proposed "$dir/out" || fail "one person prunes by asking twice: $(cat "$dir/out")"
[ -e "$log/tile/entries/000" ] || fail "leaves went without a second person"
"$remit" log prove 5 --log "$log" >"$dir/receipt" || fail "no receipt"
"$remit" log show 5 --log "$log" | head -c -1 >"$dir/leaf"
cursor=$("$remit" log show 5 --log "$log" --json | sed -E 's/.*"leaf":([0-9]+),"hash":"([0-9a-f]+)".*/\1:\2/')
must "$remit" log tail --log "$log" --since "$cursor"
must_prune dave
grep -q pruned "$dir/out" || fail "two persons do not prune: $(cat "$dir/out")"
# What was begun is finished, whenever all of it ends.
children=$(pgrep -P "$supervisor")
kill -9 "$supervisor"
wait "$supervisor" 2>/dev/null
for i in $(seq 100); do
	left=$(for p in $children; do kill -0 "$p" 2>/dev/null && echo "$p"; done)
	[ -z "$left" ] && break
	sleep 0.1
done
start_again
wait_for 1 "are gone"

# What is gone is gone, and the rest is what it was.
first=$(head -1 "$log/pruned")
[ "$first" -gt 600 ] || fail "the log begins with leaf $first"
[ ! -e "$log/tile/entries/000" ] && [ ! -e "$log/tile/entries/001" ] || fail "leaves are still there"
[ -e "$log/tile/0/000" ] || fail "hashes are gone"
must "$remit" log verify --log "$log"
grep -q "pruned: leaves before $first are gone" "$dir/out" || fail "$(cat "$dir/out")"
must "$remit" log lint --log "$log"
grep -q "it begins with leaf $first" "$dir/out" || fail "$(cat "$dir/out")"
"$remit" log lint --log "$log" --json | grep -qE '"states":[1-9][0-9]*,"wrong_states":0' ||
	fail "no snapshot's state was looked at"
must_refuse 9 "was pruned" "$remit" log show 5 --log "$log"
must "$remit" log grep type=snapshot.taken --log "$log"
[ "$(head -1 "$dir/out" | grep -oE "^.\"leaf\":[0-9]+" | cut -d: -f2)" = "$first" ] ||
	fail "the first leaf is not $first: $(head -c 300 "$dir/out")"
# A reader that stood before them learns that there is a gap.
must_refuse 9 "was pruned" "$remit" log tail --log "$log" --since "$cursor"
# A receipt of a leaf that is gone is still good, and can still be made.
must "$remit" log verify --receipt "$dir/receipt" --leaf "$dir/leaf" --key "$d/state/log.vkey"
"$remit" log prove 5 --log "$log" >"$dir/receipt" || fail "no receipt of a pruned leaf"
must "$remit" log verify --receipt "$dir/receipt" --leaf "$dir/leaf" --key "$d/state/log.vkey"

# It goes on, also from nothing but the log; and a search index made again begins where the log does.
stop
rm -rf "$d/state/index"
start_again
must carol incident open --class host-alert --severity 2 --environment production --asset host:web1 \
	--title after
for i in $(seq 100); do
	"$remit" log verify --log "$log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	[ "$("$remit" log grep type=incident.opened --log "$log" | wc -l)" -ge 1 ] && break
	sleep 0.1
done
must "$remit" log lint --log "$log"
must carol calls
stop
[ "$(indexed min)" = "$first" ] || fail "the index begins with leaf $(indexed min)"
rm -rf "$d/state/index"
cp -a "$dir/early" "$d/state/index"
[ "$(indexed max)" -lt 256 ] || fail "the index was put aside late"
serve_until_indexed "$first"
start_again
must carol calls

# An open incident keeps its leaf, and so all after it.
number=
for i in $(seq 100); do
	number=$(past "$("$remit" log grep type=incident.opened --log "$log" | grep -oE "^.\"leaf\":[0-9]+" | cut -d: -f2)")
	[ -n "$number" ] && break
	sleep 0.1
done
[ -n "$number" ] || fail "no shard begins behind the incident"
for i in $(seq 100); do
	carol log prune "$number" >"$dir/out" 2>&1 && fail "an open incident was pruned"
	grep -q "an incident, from leaf" "$dir/out" && break
	sleep 0.1
done
grep -q "an incident, from leaf" "$dir/out" || fail "it says: $(cat "$dir/out")"
stop

# A hint that lies is found out.
cp -a "$log" "$dir/lying"
printf "%s\n%s\n" $((first + 1)) "$(tail -1 "$log/pruned")" >"$dir/lying/pruned"
must_refuse 8 "the file 'pruned' says" "$remit" log verify --log "$dir/lying" --key "$d/state/log.vkey"
for command in "show $((first + 2))" "grep type=shard.began" tail lint; do
	must_refuse 8 "the file 'pruned' says" "$remit" log $command --log "$dir/lying" --key "$d/state/log.vkey"
done
must "$remit" log show $((first + 2)) --log "$log" # control
exit 0
