#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clients.sh - runs one script of a real MCP client against the agents' front.
#
#	clients.sh FRONT_DOUBLE SOURCE_ROOT SCRIPT [UPSTREAM_SCRIPT]
#
# Skipped (77) without node, or without the packages that the script imports (tests/clients/install).
set -eu
double=$1
root=$2
script=$3
upstream=${4:-}

command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
if grep -q '@modelcontextprotocol/' "$script" && [ ! -d "$root/tests/clients/node_modules" ]; then
	echo "skipped: run tests/clients/install first"
	exit 77
fi

dir=$(mktemp -d)
double_pid=
upstream_pid=
cleanup() {
	[ -z "$double_pid" ] || kill "$double_pid" 2>/dev/null || :
	[ -z "$upstream_pid" ] || kill "$upstream_pid" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT

# A deployment like the one the configuration's own tests load, with a plain listener.
cp -R "$root/tests/data/deployment/." "$dir"
mkdir -p "$dir/secrets" "$dir/state"
(umask 077 && echo token-of-a-source >"$dir/secrets/alerts.token")
awk '
	/^    tls:/ { print "    tls: off"; print "    assume_agent: spiffe://example.org/agent/responder"; skip = 1; next }
	skip && /^      / { next }
	{ skip = 0 }
	/^    address:/ { print "    address: 127.0.0.1:@PORT@"; next }
	/fronts:/ { next }
	{ print }' "$dir/remit.yaml" >"$dir/remit.yaml.in"

# Node finds packages beside the script that imports them.
if [ -d "$root/tests/clients/node_modules" ]; then
	ln -s "$root/tests/clients/node_modules" "$dir/node_modules"
fi
cp "$script" "$dir/client.mjs"

if [ -n "$upstream" ]; then
	cp "$upstream" "$dir/upstream.mjs"
	node "$dir/upstream.mjs" >"$dir/upstream.out" 2>&1 &
	upstream_pid=$!
	for _ in $(seq 100); do
		grep -q '^ready ' "$dir/upstream.out" && break
		sleep 0.1
	done
	port=$(sed -n 's/^ready //p' "$dir/upstream.out")
	cat >"$dir/upstreams/upstream.yaml" <<-END
	transport: http
	url: "http://127.0.0.1:$port/mcp"
	timeout: 5s
	tools:
	  echo:
	    effect: read
	    targets: [{kind: service, constant: echo}]
	    data: [accounts]
	    definition:
	      description: Says it again.
	      inputSchema: {type: object}
	END
fi

"$double" "$dir" >"$dir/double.out" 2>"$dir/double.err" &
double_pid=$!
for _ in $(seq 100); do
	grep -q '^ready ' "$dir/double.out" && break
	kill -0 "$double_pid" 2>/dev/null || { cat "$dir/double.err"; exit 1; }
	sleep 0.1
done
port=$(sed -n 's/^ready //p' "$dir/double.out")
status=0
node "$dir/client.mjs" "http://127.0.0.1:$port" || status=$?
[ "$status" = 0 ] || { cat "$dir/double.err"; [ -z "$upstream" ] || cat "$dir/upstream.out"; }
exit "$status"
