#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/evidence_serve.sh REMIT - evidence with all parts real: an agent over MCP and mTLS, a
# program as the tool, the store in its sandbox, people at the socket, the log on disk. What a
# remediation destroys is in the store before it, survives a kill of the store and of everything,
# can be exported and checked by hand, and is found when somebody changes it on the disk.
set -u
remit=$1
. "$(dirname "$0")/served.sh"
export REMIT_SOCKET=$d/run/remit.sock
export REMIT_LOG=$d/state/log
expect() { # fixed string in the answer
	grep -qF "$1" "$dir/answer" || fail "no '$1' in: $(cat "$dir/answer")"
}
by_hand() {
	(cd "$1" && sed -n 's/^    //p' VERIFY.txt | bash 2>&1)
}
verify_says() { # exit status, fixed string
	"$remit" evidence verify >"$dir/out" 2>&1
	[ $? = "$1" ] && grep -qF "$2" "$dir/out" || fail "verify says: $(cat "$dir/out")"
}

: >"$dir/answer"
"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
mkdir -p "$dir/box"
chmod 0755 "$dir"
chmod 0777 "$dir/box"
head -c 90000 /dev/urandom | base64 -w 0 >"$dir/box/memory"
chmod 0666 "$dir/box/memory"
cp "$dir/box/memory" "$dir/memory"
echo '{"ok": true}' >"$dir/box/state"
tool() { # name, description
	cat <<-END
	    definition:
	      description: $1
	      inputSchema:
	        {type: object, additionalProperties: false, required: [host], properties: {host: {type: string}}}
	END
}
cat >"$d/upstreams/box.yaml" <<END
transport: command
readable: [$dir/box]
writable: [$dir/box]
timeout: 5s
tools:
  dump:
    effect: read
    targets: [{kind: host, pointer: /host}]
    data: [metrics]
    captures: {kind: memory, keep: 1d}
    command: [/bin/cat, $dir/box/memory]
    output: text
$(tool "Its memory.")
  look:
    effect: read
    targets: [{kind: host, pointer: /host}]
    data: [metrics]
    command: [/bin/cat, $dir/box/state]
    output: json
$(tool "How it is.")
  reimage:
    effect: contain
    targets: [{kind: host, pointer: /host}]
    data: [metrics]
    inverse: {not_needed_by: alice, reason: a box is made anew from its image}
    verify: {tool: look, arguments: {host: {\$args: /host}}, pointer: /ok, equals: true}
    evidence: {what: its memory, keep: 90d, requires: [memory], max_age: 1h}
    command: [/usr/bin/truncate, -s, "0", $dir/box/memory]
    output: text
$(tool "Makes it anew; its memory is gone.")
END
sed -i 's/tools: \[host___load, host___memory\]/effect: contain\n    tools: [host___load, box___dump, box___look, box___reimage]/' \
	"$d/playbooks/host-alert.yaml"
sed -i 's/action in \[Remit::Action::"host"\]/action in [Remit::Action::"host", Remit::Action::"box"]/' \
	"$d/policies/agents/responder/envelope.cedar"
"$remit" check "$d" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"

"$remit" serve "$d" 2>>"$dir/log" &
supervisor=$!
wait_for 1 "ready roles="
"$remit" incident open --class host-alert --severity 2 --environment production \
	--asset host:web1 --title "x" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
incident=$(grep -oE 'i[0-9]+' "$dir/out" | head -1)
call "" remit___declare_intent "{\"incident\":\"$incident\",\"playbook\":\"host-alert\",\"goal\":\"make it anew\",\"targets\":[\"host:web1\"]}"
task=$(grep -oE 't[0-9]+' "$dir/answer" | head -1)
[ -n "$task" ] || fail "no task: $(cat "$dir/answer")"

# Not before its memory is kept.
call "$task" box___reimage '{"host":"web1"}'
expect evidence_required
[ -s "$dir/box/memory" ] || fail "it was made anew without evidence"
call "$task" box___dump '{"host":"web1"}'
expect "$(head -c 40 "$dir/memory")"
call "$task" box___reimage '{"host":"web1"}'
grep -q evidence_required "$dir/answer" && fail "the evidence does not count: $(cat "$dir/answer")"
[ -s "$dir/box/memory" ] && fail "it was not made anew: $(cat "$dir/answer")"
[ "$(ls "$d/state/objects" | wc -l)" = 1 ] || fail "the store has not one object"
object=$d/state/objects/$(ls "$d/state/objects")
grep -qF "$(head -c 40 "$dir/memory")" "$object" && fail "it is not encrypted"
[ "$(sha256sum <"$object" | cut -c1-64)" = "$(basename "$object")" ] || fail "its name is not its digest"
verify_says 0 " holds"

# A hold stops what would alter the box.
"$remit" evidence legal-hold case-7 host:web1 >/dev/null || fail "no hold"
call "$task" box___reimage '{"host":"web1"}'
expect legal_hold
"$remit" evidence release case-7 >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"

# The store is killed, and all with it: nothing is lost, nothing is left over.
touch "$d/state/objects/new"
pid=$(pgrep -P "$supervisor" -f -- "--role store")
[ -n "$pid" ] || fail "there is no store"
kill -9 "$pid"
wait_for 1 "generation=2 after_ms"
verify_says 0 " holds"
[ -e "$d/state/objects/new" ] && fail "what was being written is still there"

# Out of the house: the very bytes, with the five commands.
"$remit" evidence export "$incident" --to "$dir/bag" --purpose "case 7" --recipient court \
	>"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
by_hand "$dir/bag" >"$dir/out"
grep -q '^ok: the bag is whole' "$dir/out" && ! grep -qv '^ok: ' "$dir/out" ||
	fail "a good bag is refused: $(cat "$dir/out")"
grep -qF "$(cat "$dir/memory")" "$dir"/bag/data/*/artefact || fail "the artefact is not what was dumped"
"$remit" evidence audit >"$dir/out" 2>&1 || fail "audit says: $(cat "$dir/out")"
grep -q "required for 1, preserved for 1, waived for 0" "$dir/out" || fail "audit says: $(cat "$dir/out")"
"$remit" log verify >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"

# Every decision is made again, by somebody who may read the keys; without them it is said.
lint_says() { # status, texts
	local status=$1 text
	shift
	"$remit" log lint >"$dir/out" 2>&1
	[ $? = "$status" ] || fail "lint ends otherwise: $(cat "$dir/out")"
	for text in "$@"; do
		grep -qF "$text" "$dir/out" || fail "lint does not say '$text': $(cat "$dir/out")"
	done
}
lint_says 0 "0 otherwise; 0 not recomputable" "the log is whole"

# What the policies said of a call, and what they looked at; not without the keys.
asked=$("$remit" log grep type=call.decided purpose=agent verdict=allow tool=box___reimage |
	sed -n '1s/^{"leaf":\([0-9]*\),.*/\1/p')
[ -n "$asked" ] || fail "no call to explain"
"$remit" policy explain "c$asked" >"$dir/out" 2>&1 || fail "explain says: $(cat "$dir/out")"
grep -q "box___reimage: allow allowed" "$dir/out" || fail "explain says: $(cat "$dir/out")"
grep -q "permit responder-acts: satisfied" "$dir/out" || fail "explain says: $(cat "$dir/out")"
grep -q 'context.effect = "contain"' "$dir/out" || fail "explain says: $(cat "$dir/out")"
"$remit" policy explain "c$asked" --json >"$dir/out" 2>&1 || fail "explain says: $(cat "$dir/out")"
grep -q '"as_in_the_log":true' "$dir/out" || fail "explain says: $(cat "$dir/out")"
mv "$d/state/keeper/wrap.key" "$dir/wrap.key"
"$remit" policy explain "c$asked" >"$dir/out" 2>&1
[ $? = 3 ] || fail "what is sealed is explained without its key: $(cat "$dir/out")"
mv "$dir/wrap.key" "$d/state/keeper/wrap.key"
mv "$d/state/keeper/wrap.key" "$dir/wrap.key"
lint_says 0 " sealed (leaf" "no keys: " "as far as it can be decided again"
mv "$dir/wrap.key" "$d/state/keeper/wrap.key"
mv "$d/state/bundles" "$dir/bundles"
lint_says 0 "what governed is not there (leaf" "no bundles: "
mv "$dir/bundles" "$d/state/bundles"
for key in "$d"/state/keys/*-*.key; do
	mv "$key" "$key.kept"
done
lint_says 0 "is erased (leaf"
for key in "$d"/state/keys/*.kept; do
	mv "$key" "${key%.kept}"
done
lint_says 0 "0 otherwise; 0 not recomputable"

# Somebody changes a byte on the disk: it is found, and it counts for nothing any more.
chmod u+w "$object"
printf 'x' | dd of="$object" bs=1 seek=50000 conv=notrunc status=none
verify_says 8 "is damaged"
call "$task" box___reimage '{"host":"web1"}'
expect evidence_required
grep -q "killed by its sandbox" "$dir/log" && fail "a role ran into its own sandbox"
kill -TERM "$supervisor"
wait "$supervisor" || fail "it ended with status $?"
supervisor=
exit 0
