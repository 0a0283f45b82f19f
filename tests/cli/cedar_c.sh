#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/cedar_c.sh SOURCE_DIR BUILD_DIR CEDAR_C - the cedar-c command, its man page, and the library as
# another program would use it: installed, found by pkg-config, with the example of cedar(3). TAP.
set -u
source=$(realpath "$1")
build=$(realpath "$2")
cedar_c=$(realpath "$3")
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
n=0
check() { # what, wanted status and output, then the command
	local what=$1 want=$2 got
	shift 2
	n=$((n + 1))
	got=$("$@" 2>&1)
	got="$? $got"
	if [ "$got" = "$want" ]; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		printf '%s\n' "wanted: $want" "got: $got" | sed 's/^/# /'
	fi
}
cat >p.cedar <<'P'
@id("view") permit(principal in Group::"g", action == Action::"view", resource) when { context.n > 1 };
P
cat >s.cedarschema <<'S'
entity Group;
entity User in [Group];
entity Doc;
action view appliesTo { principal: User, resource: Doc, context: { n: Long } };
S
echo '[{"uid": {"type": "User", "id": "a"}, "attrs": {}, "parents": [{"type": "Group", "id": "g"}]}]' >e.json
echo '{"principal": "User::\"a\"", "action": {"type": "Action", "id": "view"}, "resource": "Doc::\"d\"", "context": {"n": 2}}' >r.json
echo '{"n": 1}' >c.json

check "a request is allowed" "0 ALLOW" "$cedar_c" authorize --policies p.cedar --entities e.json --schema s.cedarschema --request r.json
check "and denied in another context" "2 DENY" "$cedar_c" authorize --policies p.cedar --entities e.json --request r.json --context c.json
check "as JSON" '0 {"decision":"allow","reason":["policy0"],"errors":[]}' "$cedar_c" authorize --policies p.cedar --entities e.json --request r.json --json
check "a policy that fails is listed" '2 DENY
  policy policy0 failed: p.cedar:1:96: the record has no attribute '"'n'" "$cedar_c" authorize --policies p.cedar --entities e.json --principal 'User::"a"' --action 'Action::"view"' --resource 'Doc::"d"'
check "policies are valid" "0 valid" "$cedar_c" validate --policies p.cedar --schema s.cedarschema
sed 's/Group::"g"/Gruop::"g"/' p.cedar >bad.cedar
check "or not, with status 3, place and nearest name" "0 3 1" bash -c "'$cedar_c' validate --policies bad.cedar --schema s.cedarschema >out; echo \$? \$(grep -c \"bad.cedar:1:.*'Gruop'.*'Group'\" out)"
check "files are well formed" "0 " "$cedar_c" check-parse --policies p.cedar --schema s.cedarschema --entities e.json
check "or not" "1 cedar-c: <stdin>:1:7: expected '(', found ';'" bash -c "echo 'permit;' | '$cedar_c' check-parse"
check "what is not laid out has status 3" "3 " "$cedar_c" format --policies p.cedar --check
check "it is written" "0 " "$cedar_c" format --policies p.cedar --write
check "and then laid out" "0 " "$cedar_c" format --policies p.cedar --check
check "text to JSON to text" "0 " bash -c "'$cedar_c' translate-policy --policies p.cedar | '$cedar_c' translate-policy | diff - p.cedar"
check "a schema to JSON to a schema to JSON" "0 " bash -c "'$cedar_c' translate-schema --schema s.cedarschema >s.json && '$cedar_c' translate-schema --schema s.json | '$cedar_c' translate-schema | diff - s.json"
check "policies in JSON are taken too" "0 ALLOW" bash -c "'$cedar_c' translate-policy --policies p.cedar >p.json; '$cedar_c' authorize --policies p.json --entities e.json --request r.json"
check "an option of another command is an error" "1 cedar-c format: unknown option '--mode'" bash -c "'$cedar_c' format --mode strict 2>&1 | head -1; exit \${PIPESTATUS[0]}"

# Every command and option stands in the man page.
missing=
while read -r command; do
	section=$(awk -v words="$command" '/^\.It / || /^\.El/ { on = index($0 " ", ".It Cm " words " ") == 1 } on' "$source/man/cedar-c.1")
	for option in $("$cedar_c" "$command" --help | head -1 | grep -oE -- '--[a-z0-9.-]+' | sort -u); do
		grep -qF "Fl ${option#-}" <<<"$section" || missing="$missing $command:$option"
	done
done < <("$cedar_c" --help | sed -nE 's/^  ([a-z-]+) .*/\1/p')
check "the man page has every option" "0 " echo -n "$missing"

# As installed.
if ! command -v pkg-config >/dev/null || ! command -v meson >/dev/null; then
	echo "ok $((n + 1)) - the installed library # SKIP no pkg-config or meson"
	echo "1..$((n + 1))"
	exit 0
fi
DESTDIR=$tmp/root meson install -C "$build" --no-rebuild --quiet >install.log 2>&1
pc=$(find root -name cedar-c.pc -printf '%h\n' | head -1)
awk '/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { on = 0 } on' "$source/man/cedar.3" | sed 's/\\e/\\/g' >example.c
export PKG_CONFIG_SYSROOT_DIR=$tmp/root PKG_CONFIG_PATH=$tmp/$pc
check "the example of cedar(3) builds against what was installed" "0 " bash -c 'cc -std=gnu2x -Wall -Werror example.c $(pkg-config --cflags --libs cedar-c) -o example'
check "and decides" "0 allow" ./example
echo "1..$n"
