#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/canaries.sh REMIT - what agents, tools and sources say is sealed. Marks are put
# into arguments (text, number, nested), results, errors, names, intents, incidents and whatever else a
# stranger fills in; then they are looked for: on the disk (leaves, tiles, snapshots, the emergency
# segment, the index), in what Remit says to the console and tells people, in core files, and in the
# memory of the parts that need not know (of credential backends: tests/interop/backend_serve.py).
# With the keys gone, the marks are gone.
#
# Memory needs root; without, that part is left out and said so.
set -u
. "$(dirname "$0")/../ports.sh"
remit=$1
dir=$(mktemp -d /tmp/remit-canary.XXXXXX)
d=$dir/d
export REMIT_SOCKET=$d/run/remit.sock
supervisor=
holder=
listener=
finish() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	[ -z "$listener" ] || kill "$listener" 2>/dev/null
	[ -z "$supervisor" ] || kill -9 "$supervisor" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "canaries: $*" >&2
	tail -25 "$dir/log" >&2
	exit 1
}
wait_for() { # file, fixed string
	local i
	for i in $(seq 300); do
		grep -qF "$2" "$1" && return
		sleep 0.1
	done
	fail "no '$2' in $1: $(tail -3 "$1")"
}
# An agent's call: the task ("" = none), the tool, its arguments; the answer in $dir/answer.
call() {
	local task=() i
	[ -z "$1" ] || task=(--task "$1")
	: >"$dir/answer"
	{
		echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"'"${mark}client"'","version":"'"${mark}version"'"}}}'
		for i in $(seq 200); do
			grep -qs '"id":1' "$dir/answer" && break
			sleep 0.05
		done
		echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
		echo "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"${method:-tools/call}\",\"params\":{\"name\":\"$2\",\"arguments\":$3,\"_meta\":{\"traceparent\":\"00-$trace-b7ad6b7169203331-01\",\"tracestate\":\"${mark}state=${mark}x\"}}}"
		for i in $(seq 400); do
			grep -qsE '"id":(2|null)' "$dir/answer" && break
			sleep 0.05
		done
	} | "$remit" connect "https://127.0.0.1:$port" --cert "$d/identities/responder.pem" \
		--key "$d/identities/responder.key" --ca "$d/ca/bundle.pem" "${task[@]}" \
		>>"$dir/answer" 2>>"$dir/connect"
}
role() { pgrep -P "$supervisor" -f -- "--role $1( |\$)" | head -1; }

# All marks begin alike; the number is one that occurs by chance nowhere.
trace=$(head -c 16 /dev/urandom | xxd -p)
mark=canary$(head -c 8 /dev/urandom | xxd -p)x
title=canary$(head -c 8 /dev/urandom | xxd -p)y # goes through the people's front, which may know it
number=8$(($(od -An -N6 -tu8 /dev/urandom) % 89999999999999 + 10000000000000))
answer=9$(($(od -An -N6 -tu8 /dev/urandom) % 89999999999999 + 10000000000000)) # what tools say
# Looks through files, or the memory of processes, for all marks: as they are, in base64, as the number.
cat >"$dir/seek.py" <<'P'
import base64, os, sys
marks, number, kind = sys.argv[1].encode().split(b","), sys.argv[2].encode(), sys.argv[3]
# base64 of it at any of three positions, without the ends that depend on the neighbours.
needles = {*marks, number}
needles |= {base64.b64encode(b"\0" * k + m)[4:-4] for k in range(3) for m in marks}
needles |= {n.hex().encode() for n in (*marks, number)}
found = 0
def look(what, data):
    global found
    for n in needles:
        at = data.find(n)
        if at >= 0:
            print("%s: %r" % (what, data[max(0, at - 60):at + 80]))
            found += 1
def memory(pid):
    seen = 0
    with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as mem:
        for line in maps:
            if "r" not in line.split()[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            low, high = (int(x, 16) for x in line.split()[0].split("-"))
            try:
                mem.seek(low)
                data = mem.read(high - low)
            except (OSError, ValueError, OverflowError):
                continue  # a page that nobody may read, such as memfd_secret
            seen += len(data)
            look("memory of %s at %x" % (pid, low), data)
    if seen < 1 << 16:
        print("only %d bytes of process %s could be read" % (seen, pid))
        sys.exit(99)
for arg in sys.argv[4:]:
    if kind == "memory":
        memory(arg)
        continue
    for top, _, files in os.walk(arg) if os.path.isdir(arg) else [(os.path.dirname(arg), [], [os.path.basename(arg)])]:
        for f in files:
            path = os.path.join(top, f)
            look("name", path.encode())
            if os.path.isfile(path):
                with open(path, "rb") as g:
                    look(path, g.read())
sys.exit(1 if found else 0)
P
nowhere_in() { # "files" or "memory", what
	python3 "$dir/seek.py" "${marks:-$mark,$title,$answer}" "$number" "$@" >"$dir/found" || fail "$(head -5 "$dir/found")"
}
somewhere_in() {
	python3 "$dir/seek.py" "${marks:-$mark}" "$number" "$@" >"$dir/found" && fail "control: not found in $*"
	[ $? = 99 ] && fail "$(cat "$dir/found")"
}
# Control of the search itself: each way in which a mark could lie in a file is found in one.
control() {
	local way
	mkdir "$dir/control"
	for way in cat "base64 -w0" "xxd -p -c0"; do
		printf 'before %s after' "$mark" | $way >"$dir/control/file"
		somewhere_in files "$dir/control"
		printf 'before %s after' "$number" | $way >"$dir/control/file"
		[ "$way" = "base64 -w0" ] || somewhere_in files "$dir/control"
	done
	: >"$dir/control/file"
	nowhere_in files "$dir/control"
	: >"$dir/control/$mark"
	somewhere_in files "$dir/control"
}
control

# ---- a deployment whose tools say marks, and one that waits ----

: >"$dir/log"
as=() # the roles' user: what is theirs in /proc tells whether they are dumpable
[ "$(id -u)" != 0 ] || as=(--user nobody)
"$remit" init "$d" "${as[@]}" >/dev/null || fail "no deployment"
port=$(free_ports 3)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
# A snapshot every other second; people are told by a program and by a webhook.
heard=http://127.0.0.1:$((port + 2))
sed -i "s/^state: state/&\nlog: {shard: 2s}/
s|^  syslog: .*|  program: {command: [/usr/bin/curl, -s, --data-binary, '@-', '$heard/program']}\n  hook: {url: '$heard/hook', secret_file: secrets/hook}|" "$d/remit.yaml"
echo "a secret of hook" >"$d/secrets/hook"
chmod 600 "$d/secrets/hook"
sed -i "s/notifiers: \[syslog\]/notifiers: [program, hook]/
s/dave: {full_name: Dave Example,/& uid: $(id -u nobody),/" "$d/people.yaml"
sed -i 's/read: act/read: notify/; s/contain: act/contain: approve/' "$d/agents/responder.yaml"
mkdir "$dir/told"
cat >"$dir/hear.py" <<'P'
import http.server, sys
class Hear(http.server.BaseHTTPRequestHandler):
    n = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hear.n += 1
        with open("%s/%d%s" % (sys.argv[2], Hear.n, self.path.replace("/", ".")), "wb") as f:
            f.write(body)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hear).serve_forever()
P
python3 "$dir/hear.py" $((port + 2)) "$dir/told" &
listener=$!
mkdir -p "$dir/box"
chmod 0755 "$dir"
chmod 0777 "$dir/box"
printf '{"good": 1, "note": "%sresult", "n": %s, "deep": [{"a": ["%sdeep"]}]}' "$mark" "$answer" "$mark" >"$dir/box/answer"
mkfifo -m 0666 "$dir/box/fifo"
tool() { # name, effect, output, command
	cat <<-END
	  $1:
	    effect: $2
	    targets: [{kind: host, pointer: /host}]
	    data: [metrics]
	    command: [$4]
	    variables: {note: /note}
	    output: $3
	    definition:
	      description: $1
	      inputSchema:
	        type: object
	        additionalProperties: false
	        required: [host]
	        properties:
	          host: {type: string}
	          note: {type: string}
	          n: {type: integer}
	          deep: {type: object, properties: {list: {type: array, items: {type: object}}}}
	END
}
{
	printf 'transport: command\nreadable: [%s]\ntimeout: 30s\ntools:\n' "$dir/box"
	tool read read text "/bin/cat, $dir/box/answer"
	tool fail read text '/bin/ls, "{note}"'
	tool wait read text "/bin/cat, $dir/box/fifo"
	tool look read json "/bin/cat, $dir/box/answer"
	tool change contain text "/bin/cat, $dir/box/answer"
	cat <<-END
	    inverse: {not_needed_by: alice, reason: nothing is changed}
	    evidence: {what: nothing is lost, keep: 90d}
	    verify: {tool: look, arguments: {host: {\$args: /host}}, pointer: /good, equals: 1}
	END
} >"$d/upstreams/box.yaml"
sed -i 's/tools: \[host___load, host___memory\]/tools: [host___load, box___read, box___fail, box___wait, box___change]/' \
	"$d/playbooks/host-alert.yaml"
sed -i 's/action in \[Remit::Action::"host"\]/action in [Remit::Action::"host", Remit::Action::"box"]/' \
	"$d/policies/agents/responder/envelope.cedar"
"$remit" check "$d" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
[ "$(id -u)" != 0 ] || chown -R nobody "$d"
"$remit" serve "$d" 2>>"$dir/log" &
supervisor=$!
wait_for "$dir/log" "ready roles="

# ---- marks everywhere ----

"$remit" incident open --class host-alert --severity 2 --environment production \
	--asset host:web1 --title "$title" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
incident=$(grep -oE 'i[0-9]+' "$dir/out" | head -1)
open_task() {
	call "" remit___declare_intent "{\"incident\":\"$incident\",\"playbook\":\"host-alert\",\"goal\":\"${mark}goal\",\"targets\":[\"host:web1\"]}"
	task=$(grep -oE '\bt[0-9]+\b' "$dir/answer" | head -1)
	[ -n "$task" ] || fail "no task: $(cat "$dir/answer")"
}
open_task
arguments='{"host":"web1","note":"'$mark'note","n":'$number',"deep":{"list":[{"'$mark'key":"'$mark'value"}]}}'
call "$task" box___read "$arguments"
grep -qF "${mark}deep" "$dir/answer" || fail "the tool did not answer: $(cat "$dir/answer")"
call "$task" box___fail "$arguments"
grep -qF '"isError":true' "$dir/answer" || fail "the tool did not fail: $(cat "$dir/answer")"
# ---- in flight: those who must know it do, the others do not ----

call "$task" box___wait "$arguments" &
holder=$!
for i in $(seq 200); do
	pgrep -f "^/bin/cat $dir/box/fifo" >/dev/null && break
	sleep 0.05
done
if [ "$(id -u)" = 0 ]; then
	somewhere_in memory "$(role governor)"
	somewhere_in memory "$(role runner)"
	nowhere_in memory "$supervisor" "$(role keeper)" "$(role index)" "$(role courier)" "$(role store)"
	marks=$mark nowhere_in memory "$(role people)"
fi
timeout 20 sh -c 'cat "$1/answer" >"$1/fifo"' sh "$dir/box" || fail "nobody reads: $(cat "$dir/answer")"
wait "$holder"
holder=
grep -qF "${mark}deep" "$dir/answer" || fail "the waiting call was not answered: $(cat "$dir/answer")"
# ---- what is refused ----

# A name that is not in the schema, a value that does not fit, a tool, a playbook, an
# incident and a task that are none, a method, and arguments that are no object.
call "$task" box___read '{"host":"web1","'$mark'extra":1}'
call "$task" box___read '{"host":"web1","n":"'$mark'type"}'
call "$task" box___read '["'$mark'list"]'
call "$task" "box___${mark}tool" '{}'
call "$task" "${mark}tool" '{}'
call "$task" remit___note '{"text":"'$mark'claim"}'
call "" remit___declare_intent "{\"incident\":\"$incident\",\"playbook\":\"${mark}book\",\"goal\":\"x\",\"targets\":[\"host:web1\"]}"
call "" remit___declare_intent "{\"incident\":\"${mark}incident\",\"playbook\":\"host-alert\",\"goal\":\"x\",\"targets\":[]}"
call "${mark}task" box___read '{"host":"web1"}'
method=${mark}method call "$task" box___read '{"host":"web1"}'
call "$task" remit___close_task '{"'$mark'reason":"'$mark'"}'

"$remit" calls >"$dir/out" || fail "no calls"
"$remit" task log "$task" >>"$dir/out" || fail "no task log"
"$remit" calls --trace "$trace" --json >"$dir/calls" || fail "no calls of the trace"
grep -qF "\"trace\":\"$trace\"" "$dir/calls" || fail "the trace has no calls: $(cat "$dir/calls")"
"$remit" calls --trace "${trace%?}g" --json | grep -qF '"id"' && fail "another trace has calls"
if [ "$(id -u)" = 0 ]; then
	# Whoever asks for calls is answered by the index through the people's front: neither learnt more.
	nowhere_in memory "$supervisor" "$(role keeper)" "$(role index)" "$(role courier)" "$(role store)"
	marks=$mark nowhere_in memory "$(role people)"
fi
nowhere_in files "$dir/out" "$dir/calls" "$dir/log" "$dir/connect"

# ---- what people are told: the question has what is to be judged, and nobody is told anything else ----

first=$task # which was closed
open_task
call "$task" box___change "$arguments" &
holder=$!
approval=
for i in $(seq 200); do
	approval=$("$remit" approvals | grep -oE '\ba[0-9]+\b' | head -1)
	[ -n "$approval" ] && break
	sleep 0.1
done
[ -n "$approval" ] || fail "nobody is asked: $(cat "$dir/answer")"
if [ "$(id -u)" = 0 ]; then # who opened the incident may not answer; root can be somebody else
	cp "$remit" "$dir/remit"
	setpriv --reuid nobody --clear-groups "$dir/remit" approve "$approval" >"$dir/out" 2>&1 ||
		fail "$(cat "$dir/out")"
	wait "$holder"
	holder=
	grep -qF "${mark}deep" "$dir/answer" || fail "what was approved is not done: $(cat "$dir/answer")"
fi
told() { # type, way: how many messages of it
	grep -lF "\"type\":\"$1\"" "$dir/told/"*".$2" 2>/dev/null | wc -l
}
for way in program hook; do
	for i in $(seq 100); do
		[ "$(told approval.opened $way)" -ge 1 ] && [ "$(told call.allowed $way)" -ge 3 ] && break
		sleep 0.1
	done
	[ "$(told approval.opened $way)" -ge 1 ] || fail "nobody was asked by $way: $(ls "$dir/told")"
	[ "$(told call.allowed $way)" -ge 3 ] || fail "nobody was told of calls by $way: $(ls "$dir/told")"
	mkdir "$dir/asked.$way"
	mv $(grep -lF '"type":"approval.opened"' "$dir/told/"*".$way") "$dir/asked.$way"
	somewhere_in files "$dir/asked.$way"
	marks=${mark}note somewhere_in files "$dir/asked.$way"
	marks=$title somewhere_in files "$dir/asked.$way"
	marks=${mark}result,${mark}deep,$answer number=$answer nowhere_in files "$dir/asked.$way"
done
nowhere_in files "$dir/told"
if [ "$(id -u)" = 0 ]; then
	# The courier has carried the question, and nothing else.
	marks=${mark}result,${mark}deep,$answer number=$answer nowhere_in memory "$(role courier)"
	nowhere_in memory "$supervisor" "$(role keeper)" "$(role index)" "$(role store)"
fi

# ---- away: the log goes on in its emergency segment, and a refusal is written there ----

segment=$(find "$d/state/segments" -name '*.seg' | sort | tail -1)
ln "$segment" "$dir/kept"
rm "$segment"
call "$task" box___read "$arguments"
call "$task" box___change "$arguments"
grep -qF audit_unavailable "$dir/answer" || fail "a call is made without a log: $(cat "$dir/answer")"
call "$task" box___read '{"host":"web1","'$mark'extra":1}'
away=$(find "$d/state/emergency" -name '*.seg')
[ -s "$away" ] || fail "no emergency segment is written: $(ls "$d/state/emergency")"
cp "$away" "$dir/away" # what it was, once it has come home
grep -qa 'box___change.*call.decided' "$dir/away" || fail "no refusal is in the emergency segment"
nowhere_in files "$dir/away" "$d/state/emergency"
mv "$dir/kept" "$segment"
wait_for "$dir/log" "the log is well again"

# ---- on the disk: everything that Remit has written ----

leaves=$("$remit" status --json | sed -nE 's/.*"leaves":([0-9]+).*/\1/p')
for i in $(seq 100); do
	[ "$(sed -n 2p "$d/state/log/checkpoint")" -ge "$leaves" ] && break
	sleep 0.1
done
[ "$(find "$d/state/segments" -type f | wc -l)" -gt 0 ] || fail "there are no segments to look into"
[ -s "$d/state/emergency/spare" ] || fail "there is no emergency segment to look into"
cat "$d/state/index/"index.sqlite* | grep -qaF box___read || fail "there is no index of the calls to look into"
# A snapshot of the state after all that.
snapshot=
for i in $(seq 200); do
	snapshot=$(find "$d/state/snapshots" -name '*-*.snapshot' | sort | tail -1)
	size=$(basename "${snapshot:-0-}" | sed 's/-.*//; s/^0*//')
	[ "${size:-0}" -ge "$leaves" ] && break
	sleep 0.1
done
[ "${size:-0}" -ge "$leaves" ] || fail "no snapshot of $leaves leaves is taken: $(ls "$d/state/snapshots")"
grep -qaF box___read "$snapshot" || fail "no call is in the snapshot"
nowhere_in files "$d/state" "$d/run"
"$remit" log verify --log "$d/state/log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
"$remit" log grep type=call.decided task="$first" --log "$d/state/log" >"$dir/out" || fail "no leaves"
"$remit" log grep trace="$trace" purpose=agent --log "$d/state/log" | grep -q . || fail "no leaf has the trace"
[ "$(grep -c '"args":"[0-9a-f]\{64\}"' "$dir/out")" -ge 3 ] || fail "the leaves commit to no arguments"

# ---- core files: no part leaves one, and none may be looked into ----

for name in agents people governor keeper runner courier store index; do
	pid=$(role $name)
	grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits" || fail "$name may leave a core file"
	if [ "$(id -u)" = 0 ]; then
		# What is dumpable belongs to its user in /proc, what is not to root.
		[ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" != 0 ] || fail "$name is root"
		[ "$(stat -c %u "/proc/$pid/environ")" = 0 ] || fail "$name can be dumped"
	fi
done
kill -SEGV "$(role governor)"
wait_for "$dir/log" "generation=2 after_ms"
find "$dir" / -maxdepth 1 -name 'core*' -newer "$d/remit.yaml" 2>/dev/null | grep . && fail "a core file"
nowhere_in files "$d/state" "$d/run" "$dir/log"

# ---- erased: a key is destroyed, and with it what it sealed; everything else goes on ----

"$remit" incident show "$incident" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
grep -qF "$title" "$dir/out" || fail "control: its words cannot be read: $(cat "$dir/out")"
kill -TERM "$supervisor"
wait "$supervisor" || fail "it ended with status $?"
[ "$(find "$d/state/keys" -name "*-${incident#i}.key" -delete -print | wc -l)" = 1 ] ||
	fail "the incident has not one key: $(ls "$d/state/keys")"
: >"$dir/log"
"$remit" serve "$d" 2>>"$dir/log" &
supervisor=$!
wait_for "$dir/log" "ready roles="
"$remit" incident show "$incident" >"$dir/out" 2>&1 || fail "the incident is gone: $(cat "$dir/out")"
grep -qF host:web1 "$dir/out" || fail "the incident is gone: $(cat "$dir/out")"
nowhere_in files "$dir/out" "$d/state" "$d/run" "$dir/log"
if [ "$(id -u)" = 0 ]; then
	for name in agents people governor keeper runner courier store index; do
		nowhere_in memory "$(role $name)"
	done
fi
"$remit" log verify --log "$d/state/log" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
kill -TERM "$supervisor"
wait "$supervisor" || fail "it ended with status $?"
supervisor=
[ "$(id -u)" = 0 ] || echo "the memory of running roles was not looked into: that takes root"
exit 0
