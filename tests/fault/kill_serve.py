#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_serve.py REMIT ROUNDS [SEED] - the whole product is killed, again and again, while an agent
works with a real tool; then its log is compared with what the agent was told and what the tool did.

Each round starts `remit serve` on the same state, lets an agent call over MCP and mTLS, and kills
all processes (or, in every fourth round, one role) with SIGKILL at a random moment. The tool is a
program that appends the id of its call to a file. At the end, and every so many rounds:
  - every call whose result a reply brought has its decision and its outcome in the published log
  - every line of the tool's file has a call.decided with verdict allow
  - no line is there twice
  - the log verifies
Needs root for nothing. The seed is printed."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

remit, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2])
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20261128
rng = random.Random(seed)
top = tempfile.mkdtemp(prefix="remit-kills.")
os.chmod(top, 0o755)
d, box, log_path = top + "/d", top + "/box", top + "/log"
effects = box + "/effects"
port = rng.randrange(10000, 32000)  # above, the kernel gives ports to whoever connects
told = set()  # indexes of decisions of calls whose result came
n_calls = n_killed = 0


def fail(text):
    sys.stderr.write(f"kill_serve: seed {seed}: {text}\n")
    sys.stderr.write("".join(open(log_path, errors="replace").readlines()[-25:]))
    sys.exit(1)


def run(*args):
    return subprocess.run([remit, *args], capture_output=True, text=True,
                          env={**os.environ, "REMIT_SOCKET": d + "/run/remit.sock",
                               "REMIT_LOG": d + "/state/log"})


def make_deployment():
    if run("init", d).returncode:
        fail("no deployment")
    os.mkdir(box, 0o777)
    os.chmod(box, 0o777)
    open(effects, "w").close()
    os.chmod(effects, 0o666)
    with open(box + "/act", "w") as f:
        f.write('echo "$1" >>' + effects + "\necho done\n")

    def edit(name, *pairs):
        text = open(f"{d}/{name}").read()
        for old, new in pairs:
            if old not in text:
                fail(f"no '{old}' in {name}")
            text = text.replace(old, new)
        open(f"{d}/{name}", "w").write(text)

    edit("remit.yaml", (":8443", f":{port}"), (":8080", f":{port + 1}"))
    with open(d + "/upstreams/box.yaml", "w") as f:
        f.write(f"""transport: command
readable: [{box}]
writable: [{box}]
timeout: 5s
tools:
  act:
    effect: read
    targets: [{{kind: host, pointer: /host}}]
    data: [metrics]
    command: [/bin/sh, {box}/act, "{{call}}"]
    output: text
    definition:
      description: Notes that it was called.
      inputSchema:
        {{type: object, additionalProperties: false, required: [host], properties: {{host: {{type: string}}, n: {{type: integer}}}}}}
""")
    edit("playbooks/host-alert.yaml", ("tools: [host___load, host___memory]",
                                       "tools: [host___load, box___act]"))
    edit("policies/agents/responder/envelope.cedar",
         ('action in [Remit::Action::"host"]',
          'action in [Remit::Action::"host", Remit::Action::"box"]'))
    out = run("check", d)
    if out.returncode:
        fail(out.stdout + out.stderr)


class Agent:
    def __init__(self, path):
        self.path, self.session, self.id, self.conn = path, None, 0, None

    def post(self, method, params, is_note=False):
        if not self.conn:
            ctx = ssl.create_default_context(cafile=d + "/ca/bundle.pem")
            ctx.check_hostname = False
            ctx.load_cert_chain(d + "/identities/responder.pem", d + "/identities/responder.key")
            self.conn = http.client.HTTPSConnection("127.0.0.1", port, context=ctx, timeout=20)
        self.id += 1
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        if not is_note:
            body["id"] = self.id
        head = {"Content-Type": "application/json",
                "Accept": "application/json, text/event-stream"}
        if self.session:
            head["Mcp-Session-Id"] = self.session
            head["MCP-Protocol-Version"] = "2025-11-25"
        self.conn.request("POST", self.path, json.dumps(body), head)
        reply = self.conn.getresponse()
        text = reply.read().decode()
        if reply.getheader("Mcp-Session-Id"):
            self.session = reply.getheader("Mcp-Session-Id")
        for line in text.splitlines():
            line = line.removeprefix("data: ")
            if line.startswith("{") and '"id"' in line:
                return json.loads(line)
        return None

    def open(self):
        self.post("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                 "clientInfo": {"name": "kills", "version": "1"}})
        self.post("notifications/initialized", {}, True)

    def call(self, name, args):
        reply = self.post("tools/call", {"name": name, "arguments": args})
        note(reply)
        return reply


def note(reply):
    """What a reply says is in the log, both leaves of the call."""
    result = (reply or {}).get("result", {})
    call = result.get("_meta", {}).get("io.remit/call")
    if call and not result.get("isError"):
        told.add(call["leaf"])


class Server:
    def __init__(self):
        self.log = open(log_path, "a")
        self.seen = os.path.getsize(log_path)
        self.p = subprocess.Popen([remit, "serve", d], stderr=self.log)

    def text(self):
        with open(log_path, errors="replace") as f:
            f.seek(self.seen)
            return f.read()

    def wait_ready(self):
        for _ in range(1200):
            if "ready roles=" in self.text():
                return
            if self.p.poll() is not None:
                fail("it does not start")
            time.sleep(0.05)
        fail("it is not ready")

    def children(self):
        out = subprocess.run(["pgrep", "-P", str(self.p.pid)], capture_output=True, text=True)
        return [int(x) for x in out.stdout.split()]

    def kill(self):
        os.kill(self.p.pid, signal.SIGSTOP)  # it starts nobody any more
        kids = self.children()
        for pid in [self.p.pid, *kids]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.p.wait()
        for pid in kids:  # whoever was not ours to wait for
            for _ in range(200):
                if not os.path.exists(f"/proc/{pid}"):
                    break
                time.sleep(0.01)

    def kill_one(self):
        kids = self.children()
        if kids:
            try:
                os.kill(rng.choice(kids), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        self.p.terminate()
        if self.p.wait(30):
            fail("it ended badly")


def work(path, until, stop):
    global n_calls
    try:
        agent = Agent(path)
        agent.open()
        while time.time() < until and not stop.is_set():
            reply = agent.call("box___act", {"host": "web1", "n": n_calls})
            n_calls += 1
            if not reply:
                return
    except (OSError, http.client.HTTPException, ValueError):
        pass  # it was killed


def a_round(server, number):
    global n_killed
    run("incident", "open", "--class", "host-alert", "--severity", "2", "--environment",
        "production", "--asset", "host:web1", "--title", f"round {number}")
    listing = run("incident", "list").stdout
    incident = re.findall(r"\bi\d+\b", listing)
    task = None
    try:
        agent = Agent("/mcp")
        agent.open()
        reply = agent.call("remit___declare_intent", {
            "incident": incident[-1], "playbook": "host-alert", "goal": "look",
            "targets": ["host:web1"]})
        task = re.search(r"\bt\d+\b", json.dumps(reply))
    except (OSError, http.client.HTTPException, ValueError, IndexError):
        pass
    stop = threading.Event()
    threads = []
    if task:
        threads = [threading.Thread(target=work, args=("/mcp/t/" + task[0], time.time() + 20, stop))
                   for _ in range(3)]
    for t in threads:
        t.start()
    time.sleep(rng.random() * 0.5)
    if number % 4 == 3:
        server.kill_one()
        time.sleep(rng.random() * 0.3)
    server.kill()
    n_killed += 1
    stop.set()
    for t in threads:
        t.join(30)
    return task is not None


def leaves():
    """index -> leaf of the published log, from its bundles alone."""
    found, index, number = {}, 0, 0
    base = d + "/state/log/tile/entries"
    size = int(open(d + "/state/log/checkpoint").read().split("\n")[1])
    while index < size:
        x = "/".join(f"x{part:03d}" for part in ([number // 1000] if number >= 1000 else []))
        name = f"{base}/{x + '/' if x else ''}{number % 1000:03d}"
        if size - index < 256:
            name += f".p/{size - index}"
        data, at = open(name, "rb").read(), 0
        while at < len(data):
            n = int.from_bytes(data[at:at + 2], "big")
            entry = data[at + 2:at + 2 + n]
            found[index] = json.loads(entry)
            at, index = at + 2 + n, index + 1
        number += 1
    return found


def check():
    lines = open(effects).read().split()
    wanted = max([0, *told, *[int(line[1:]) for line in lines]])
    server = Server()
    server.wait_ready()
    for _ in range(200):  # what is durable is published in a moment
        try:
            log = leaves()
        except (OSError, ValueError):
            log = {}
        if log and max(log) > wanted + 3:
            break
        time.sleep(0.1)
    server.stop()
    log = leaves()
    out = run("log", "verify")
    if out.returncode:
        fail(out.stdout + out.stderr)
    completed = {}
    for leaf in log.values():
        if leaf["type"] == "call.completed":
            completed.setdefault(leaf["call"], []).append(leaf)
    for index in told:
        if index not in log or index not in completed:
            fail(f"c{index} was answered, and is not in the log")
    for x in completed.values():  # one; or it was unknown first
        if len(x) > 2 or (len(x) == 2 and [y["kind"] == "unknown" for y in x] != [True, False]):
            fail("a call has two outcomes")
    if len(set(lines)) != len(lines):
        fail("a call acted twice")
    for line in lines:
        leaf = log.get(int(line[1:]), {})
        if leaf.get("type") != "call.decided" or leaf.get("verdict") != "allow":
            fail(f"{line} acted, and the log says {leaf}")
    return len(log), len(lines)


make_deployment()
open(log_path, "a").close()
began = time.time()
n_working = 0
for i in range(rounds):
    s = Server()
    s.wait_ready()
    n_working += a_round(s, i)
    if i % 50 == 49 or i + 1 == rounds:
        size, acted = check()
        print(f"seed {seed}: {n_killed} kills, {n_working} with a task, {n_calls} calls answered, "
              f"{len(told)} results told, {acted} effects, {size} leaves; none lost, none "
              f"without its leaf, none twice; {time.time() - began:.0f} s", flush=True)
if rounds and (not told or not open(effects).read()):
    fail("nothing was acknowledged or done: the test tests nothing")
shutil.rmtree(top)
