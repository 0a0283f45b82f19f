#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/catalog.sh REMIT REMIT_NGINX - a server's list becomes a catalog that passes the check, and
# remit catalog diff says what differs. The server is remit-nginx: it lists without an nginx.
set -u
remit=$(realpath "$1")
server=$(realpath "$2")
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0
fail() {
	echo "catalog: $1"
	bad=1
}
want() { # name, exit status, text in the output, command
	local name=$1 status=$2 text=$3 got
	shift 3
	out=$("$@" 2>&1)
	got=$?
	[ $got = "$status" ] || fail "$name: exit status $got, not $status: $out"
	[[ "$out" == *"$text"* ]] || fail "$name: no '$text' in: $out"
}
command=("$server" --log /dev/null --blocked "$dir/blocked.conf" --pid "$dir/pid")

want "a deployment" 0 '' "$remit" init "$dir/d"
want "import" 0 '4 tools proposed' \
	"$remit" catalog import web --out "$dir/d/upstreams/web.yaml" -- "${command[@]}"
want "import does not overwrite" 3 'is there already' \
	"$remit" catalog import web --out "$dir/d/upstreams/web.yaml" -- "${command[@]}"
want "the proposal passes the check" 0 "0 errors" "$remit" check "$dir/d"
grep -q 'effect: read' "$dir/d/upstreams/web.yaml" && fail "a guess became an effect"
want "nothing differs" 0 '  log_search' "$remit" catalog diff web --dir "$dir/d"
sed -i 's/Refuses requests/Does something to requests/' "$dir/d/upstreams/web.yaml"
want "a description differs" 3 '! block: another description' "$remit" catalog diff web --dir "$dir/d"
sed -i 's/"unblock":/"unblocked":/' "$dir/d/upstreams/web.yaml"
want "a tool is new" 3 '+ unblock: the upstream has it' "$remit" catalog diff web --dir "$dir/d"
want "a tool is gone" 3 '- unblocked: the catalog has it' "$remit" catalog diff web --dir "$dir/d"
want "programs list nothing" 2 'list nothing' "$remit" catalog diff host --dir "$dir/d"
want "no such upstream" 9 "no upstream 'nobody'" "$remit" catalog diff nobody --dir "$dir/d"
want "a server that is none" 6 'does not list its tools' "$remit" catalog import x -- /bin/true
want "neither" 2 'either --url' "$remit" catalog import x
exit $bad
