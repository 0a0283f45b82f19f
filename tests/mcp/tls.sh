#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tls.sh - the agents' front with mutual TLS: who is let in, as whom, and who no longer.
#
#	tls.sh FRONT_DOUBLE SOURCE_ROOT REMIT SCRIPT
set -eu
double=$1
root=$2
remit=$3
script=$4

command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
dir=$(mktemp -d)
double_pid=
cleanup() {
	[ -z "$double_pid" ] || kill "$double_pid" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT

cp -R "$root/tests/data/deployment/." "$dir"
mkdir -p "$dir/secrets" "$dir/state" "$dir/other" "$dir/id"
(umask 077 && echo token-of-a-source >"$dir/secrets/alerts.token")
{
	"$remit" ca create --dir "$dir" --trust-domain example.org
	"$remit" ca server --dir "$dir" --name localhost
	"$remit" ca issue --dir "$dir" --id agent/responder --out "$dir/id/responder"
	"$remit" ca issue --dir "$dir" --id agent/brief --out "$dir/id/brief" --valid 5s
	# The same name from somebody else's CA, and a trust domain that nobody trusts.
	"$remit" ca create --dir "$dir/other" --trust-domain example.org
	"$remit" ca issue --dir "$dir/other" --id agent/responder --out "$dir/id/forged"
} >"$dir/ca.out" 2>&1 || { cat "$dir/ca.out"; exit 1; }
sed -e 's|secrets/agents.crt|ca/server.pem|; s|secrets/agents.key|ca/server.key|' \
	-e 's|secrets/clients.crt|ca/bundle.pem|; s|127.0.0.1:8443|127.0.0.1:@PORT@|' \
	"$dir/remit.yaml" >"$dir/remit.yaml.in"
cp "$script" "$dir/client.mjs"
"$double" "$dir" >"$dir/double.out" 2>"$dir/double.err" &
double_pid=$!
for _ in $(seq 100); do
	grep -q '^ready ' "$dir/double.out" && break
	kill -0 "$double_pid" 2>/dev/null || { cat "$dir/double.err"; exit 1; }
	sleep 0.1
done
status=0
node "$dir/client.mjs" "$(sed -n 's/^ready //p' "$dir/double.out")" "$dir" || status=$?
[ "$status" = 0 ] || cat "$dir/double.err"
exit "$status"
