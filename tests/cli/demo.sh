#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/demo.sh REMIT SOURCE - the deployment of the demonstration passes remit check, without
# starting anything, and its policies' schema is what it is in JSON too.
set -u
remit=$(realpath "$1")
source=$2
dir=$(mktemp -d /tmp/remit-demo.XXXXXX)
trap 'rm -rf "$dir"' EXIT
die() {
	echo "demo: $*" >&2
	exit 1
}

mkdir -p "$dir/d/secrets" "$dir/d/policies/base"
cp -r "$source/demo/deployment/." "$dir/d/"
cp "$source"/packs/policies/base/*.cedar "$source"/packs/postgresql/policies/base/*.cedar "$dir/d/policies/base/"
cp "$source/packs/postgresql/upstreams/pg.yaml" "$source/packs/nginx/upstreams/nginx.yaml" "$dir/d/upstreams/"
sed -i "s|rehearsed: .*|rehearsed: $(date -u +%F)|" "$dir/d/upstreams/nginx.yaml"
find "$dir/d" -type f -exec sed -i -e "s|@RUN@|$dir|g; s|@AGENTS_ADDRESS@|127.0.0.1:8443|; s|@HTTP_PORT@|8081|" \
	-e "s|@HOOK_PORT@|8082|; s|@PG_PORT@|5432|; s|@DESK_PORT@|8083|" {} +
umask 077
echo token >"$dir/d/secrets/alertmanager.token"
echo secret >"$dir/d/secrets/broker.password"
"$remit" ca create --dir "$dir/d" --trust-domain quickstart.example >/dev/null || die "no CA"
"$remit" ca server --dir "$dir/d" --name localhost >/dev/null || die "no certificate"
"$remit" check "$dir/d" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; die "remit check finds errors"; }
grep -q '^policies/' "$dir/out" && { cat "$dir/out" >&2; die "remit check warns about a policy"; }

"$remit" policy schema "$dir/d" >"$dir/schema" || die "no schema"
grep -q 'action "pg___role_disable" in \["pg"\] appliesTo {' "$dir/schema" || die "the schema lacks a tool"
"$remit" policy schema "$dir/d" --json | grep -q '"pg___role_disable"' || die "the JSON lacks a tool"

# A mistake in a policy.
sed -i 's/context.incident.severity >= 2/context.incident.severty >= 2/' "$dir/d/policies/agents/watcher/envelope.cedar"
"$remit" check "$dir/d" >"$dir/out" 2>&1 && die "a misspelt attribute passes"
grep -q "policies/agents/watcher/envelope.cedar:8:27: error: .*did you mean 'severity'" "$dir/out" ||
	{ cat "$dir/out" >&2; die "the mistake is not told"; }
"$remit" policy schema "$dir/d" | cmp - "$dir/schema" || die "who mends a policy has another schema"

# A mistake elsewhere.
sed -i 's/pg___sessions/pg___sesions/' "$dir"/d/playbooks/*.yaml
"$remit" policy schema "$dir/d" >/dev/null 2>"$dir/out" && die "a broken catalog has a schema"
grep -q "pg___sesions" "$dir/out" || die "no reason for having no schema"
exit 0
