#!/bin/bash
# tests/cli/drill.sh REMIT SOURCE - what drill says of good, failing and wrong scenarios.
set -u
remit=$1
source=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
bad=0
ok() { # description, condition already evaluated in $?
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
cat >"$dir/ex.yaml" <<'Y'
scenario: EX-1
title: An agent isolates the host of its incident, and no other
fixture:
  upstreams:
    edr:
      tools:
        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}
        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}
incident: {severity: 2, assets: ["host:ws-17"]}
steps:
  - {call: {edr.isolate: {host: ws-17}}, expect: allow, effect: {"host:ws-17": {isolated: true}}}
  - {call: {edr.isolate: {host: dc-01}}, expect: deny target_not_in_incident, effect: none}
Y
"$remit" drill "$dir/ex.yaml" >"$dir/out"
ok $? "the example of docs/scenarios.md is green"
grep -q '1 green, 0 failed' "$dir/out"
ok $? "the summary says so"
"$remit" drill --json "$dir/ex.yaml" | grep -q '"state":"green"'
ok $? "so does the JSON"
sed 's/deny target_not_in_incident/allow/' "$dir/ex.yaml" >"$dir/wrong.yaml"
"$remit" drill "$dir/wrong.yaml" >"$dir/out"
[ $? = 1 ] && grep -q 'expected: allow' "$dir/out" && grep -q 'deny target_not_in_incident' "$dir/out"
ok $? "what is not as expected fails with expected beside got"
sed 's/effect: none/efect: none/' "$dir/ex.yaml" >"$dir/typo.yaml"
"$remit" drill "$dir/typo.yaml" >"$dir/out"
[ $? = 2 ] && grep -q "typo.yaml:12:.*did you mean 'effect'" "$dir/out"
ok $? "an unknown key is an error with line and column"
sed 's/undo: release/undo: relese/' "$dir/ex.yaml" >"$dir/typo2.yaml"
"$remit" drill "$dir/typo2.yaml" >"$dir/out"
[ $? = 2 ] && grep -q "typo2.yaml:7:" "$dir/out"
ok $? "what the loader complains about is reported at the scenario's line"
cat >"$dir/single.yaml" <<'Y'
scenario: EX-2
title: One policy alone
fixture:
  upstreams:
    mail: {tools: {send: {effect: contain, on: mailbox, arguments: {mailbox: string, to: string}}}}
  policies:
    egress: |
      @id("no-outside")
      forbid (principal, action == Remit::Action::"mail___send", resource)
      unless { context.input.to like "*@example.org" };
incident: {assets: ["mailbox:a"]}
steps:
  - {call: {mail.send: {mailbox: a, to: x@evil.example}}, expect: deny forbidden, effect: none}
twin:
  - {call: {mail.send: {mailbox: a, to: x@example.org}}, expect: allow}
Y
"$remit" drill "$dir/single.yaml" >"$dir/out"
[ $? = 0 ] && grep -q "without policy 'no-outside' step 1 is answered allow" "$dir/out"
ok $? "a single point of failure is named"
"$remit" drill --no-ablation "$dir/single.yaml" | grep -q 'single point'
[ $? = 1 ]
ok $? "unless nobody asks"
"$remit" drill "$source"/packs/scenarios/*.yaml --no-ablation >"$dir/out"
ok $? "the packaged scenarios are green"
"$remit" init "$dir/own" >"$dir/init" 2>&1
"$remit" drill --no-ablation --dir "$dir/own" "$source"/packs/scenarios/SC-13.yaml >"$dir/out"
ok $? "a deployment's own files stop the story too"
sed 's/SC-13/EX/; s/destroy, deletes_data: true/contain, sets: {erased: true}, undo: none/; s/expect: ask.*/expect: deny no_rule}/' \
	"$source"/packs/scenarios/SC-13.yaml >"$dir/weak.yaml"
"$remit" drill --no-ablation --dir "$dir/own" "$dir/weak.yaml" >"$dir/out"
[ $? = 1 ] && grep -q 'expected: deny no_rule' "$dir/out"
ok $? "and what they let through is shown"
[ $bad = 0 ] || cat "$dir/out"
echo "1..$n"
exit $bad
