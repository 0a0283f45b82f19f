#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/init.sh REMIT - remit init writes a directory that remit check passes, for every choice of
# packs, and remit check shows each mistake with its place.
set -u
remit=$1
dir=$(mktemp -d /tmp/remit-cli.XXXXXX)
trap 'rm -rf "$dir"' EXIT
bad=0
want() { # what, expected status, extended regular expression, command...
	local what=$1 status=$2 expected=$3 out got
	shift 3
	out=$("$@" 2>&1)
	got=$?
	if [ $got != "$status" ] || ! [[ $out =~ $expected ]]; then
		echo "init: $what: status $got, wanted $status and '$expected':" >&2
		echo "$out" >&2
		bad=1
	fi
}

want "plain" 0 'passes `remit check`' "$remit" init "$dir/plain"
want "check of it" 0 $'0 errors, 0 warnings\nbundle sha256:[0-9a-f]{64}$' "$remit" check "$dir/plain"
want "all packs" 0 'passes' "$remit" init "$dir/all" --pack postgresql --pack nginx \
	--trust-domain example.org --origin audit.example.org/log --name gateway.example.org
want "check of all" 0 '^0 errors' "$remit" check "$dir/all"
want "no second time" 3 'is a deployment already' "$remit" init "$dir/plain"
want "no such pack" 2 "no pack 'mysql'" "$remit" init "$dir/x" --pack mysql
want "no directory" 2 'which directory' "$remit" init
want "an option without value" 2 'needs a value' "$remit" init "$dir/x" --pack
want "no such directory" 9 'no deployment directory' "$remit" check "$dir/none"

for key in ca/ca.key ca/server.key identities/responder.key secrets/alerts.token; do
	[ "$(stat -c %a "$dir/plain/$key")" = 600 ] || { echo "init: $key is not private" >&2; bad=1; }
done

sed -i 's/owner: alice/owner: alcie/' "$dir/plain/agents/responder.yaml"
want "a mistake" 2 "agents/responder.yaml:3:8: error: no person 'alcie'; did you mean 'alice'\?" \
	"$remit" check "$dir/plain"
want "a mistake as JSON" 2 '"errors":1,.*"level":"error","file":"agents/responder.yaml","line":3,"column":8' \
	"$remit" check --json "$dir/plain"
chmod 640 "$dir/all/ca/server.key"
want "a key that others may read" 2 'its mode is 0640' "$remit" check "$dir/all"
exit $bad
