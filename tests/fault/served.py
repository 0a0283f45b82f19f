# SPDX-License-Identifier: Apache-2.0
"""served.py - a deployment with a tool that notes its calls, `remit serve` on it, an agent and a
person: what the tests of the whole product share.

The tool appends the id of its call to box/effects. What a reply says was done is in `told`."""
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time


reserved = []  # open files, whose locks are ours


def reserve_ports(count):
    """The first of so many ports, ours as long as this process lives: a world that is down for a
    moment finds them as they were. Below those that other tests look for (tests/ports.sh)."""
    places = os.path.join(tempfile.gettempdir(), f"remit-ports-{os.getuid()}")
    os.makedirs(places, mode=0o700, exist_ok=True)
    firsts = list(range(2000, 9990, 10))
    for first in firsts[os.getpid() % len(firsts):] + firsts:
        place = open(f"{places}/{first}", "w")
        sockets = [socket.socket() for _ in range(count)]
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for i, s in enumerate(sockets):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", first + i))
        except OSError:
            place.close()  # somebody else's
            continue
        finally:
            for s in sockets:
                s.close()
        reserved.append(place)
        return first
    raise OSError("no ports are free")


class Served:
    """A deployment in a directory of its own; more keys of remit.yaml may be edited in."""

    def __init__(self, remit, name, **keys):
        self.remit, self.name = remit, name
        self.top = tempfile.mkdtemp(prefix=f"remit-{name}.")
        os.chmod(self.top, 0o755)
        self.d, self.box, self.log_path = self.top + "/d", self.top + "/box", self.top + "/log"
        self.state = keys.get("state") or self.d + "/state"
        self.effects = self.box + "/effects"
        self.port = reserve_ports(2)
        self.told = set()  # indexes of decisions of calls whose result came
        open(self.log_path, "a").close()
        self.make_deployment(keys)

    def fail(self, text):
        sys.stderr.write(f"{self.name}: {text}\n")
        sys.stderr.write("".join(open(self.log_path, errors="replace").readlines()[-25:]))
        sys.exit(1)

    def run(self, *args, timeout=60):
        env = {**os.environ, "REMIT_SOCKET": self.d + "/run/remit.sock",
               "REMIT_LOG": self.state + "/log"}
        return subprocess.run([self.remit, *args], capture_output=True, text=True, env=env,
                              timeout=timeout)

    def edit(self, name, *pairs):
        text = open(f"{self.d}/{name}").read()
        for old, new in pairs:
            if old not in text:
                self.fail(f"no '{old}' in {name}")
            text = text.replace(old, new)
        open(f"{self.d}/{name}", "w").write(text)

    def make_deployment(self, keys):
        if self.run("init", self.d).returncode:
            self.fail("no deployment")
        os.mkdir(self.box, 0o777)
        os.chmod(self.box, 0o777)
        open(self.effects, "w").close()
        os.chmod(self.effects, 0o666)
        with open(self.box + "/act", "w") as f:
            f.write('echo "$1" >>' + self.effects + "\n[ ! -e " + self.box +
                    "/slow ] || sleep 2\necho done\n")
        with open(self.box + "/look", "w") as f:
            f.write("echo '{\"changed\":1}'\n")
        self.edit("remit.yaml", (":8443", f":{self.port}"), (":8080", f":{self.port + 1}"),
                  *[(f"\n{k}: {k}\n", f"\n{k}: {v}\n") for k, v in keys.items()])
        schema = ("{type: object, additionalProperties: false, required: [host], "
                  "properties: {host: {type: string}, n: {type: integer}}}")
        with open(self.d + "/upstreams/box.yaml", "w") as f:
            f.write(f"""transport: command
readable: [{self.box}]
writable: [{self.box}]
timeout: 5s
tools:
  act:
    effect: read
    targets: [{{kind: host, pointer: /host}}]
    data: [metrics]
    command: [/bin/sh, {self.box}/act, "{{call}}"]
    output: text
    definition:
      description: Notes that it was called.
      inputSchema: {schema}
  look:
    effect: read
    targets: [{{kind: host, pointer: /host}}]
    data: [metrics]
    command: [/bin/sh, {self.box}/look]
    output: json
    definition:
      description: Says that it was changed.
      inputSchema: {schema}
  change:
    effect: contain
    targets: [{{kind: host, pointer: /host}}]
    data: [metrics]
    inverse: {{not_needed_by: alice, reason: a note may stay}}
    evidence: {{what: nothing is lost, keep: 90d}}
    verify: {{tool: look, arguments: {{host: {{$args: /host}}}}, pointer: /changed, equals: 1}}
    command: [/bin/sh, {self.box}/act, "{{call}}"]
    output: text
    definition:
      description: Notes that it was called, and changes something.
      inputSchema: {schema}
""")
        self.edit("playbooks/host-alert.yaml",
                  ("tools: [host___load, host___memory]",
                   "tools: [host___load, box___act, box___change]"), ("calls: 30", "calls: 1000"))
        self.edit("policies/agents/responder/envelope.cedar",
                  ('action in [Remit::Action::"host"]',
                   'action in [Remit::Action::"host", Remit::Action::"box"]'))
        out = self.run("check", self.d)
        if out.returncode:
            self.fail(out.stdout + out.stderr)

    def open_task(self, title):
        """The task's id, or None."""
        self.run("incident", "open", "--class", "host-alert", "--severity", "2", "--environment",
                 "production", "--asset", "host:web1", "--title", title)
        incident = re.findall(r"\bi\d+\b", self.run("incident", "list").stdout)
        try:
            agent = Agent(self, "/mcp")
            agent.open()
            reply = agent.call("remit___declare_intent", {
                "incident": incident[-1], "playbook": "host-alert", "goal": "look",
                "targets": ["host:web1"]})
            task = re.search(r"\bt\d+\b", json.dumps(reply))
        except (OSError, http.client.HTTPException, ValueError, IndexError):
            return None
        return task[0] if task else None

    def acted(self):
        return open(self.effects).read().split()

    def leaves(self):
        """index -> leaf of the published log, from its bundles alone."""
        found, index, number = {}, 0, 0
        base = self.state + "/log/tile/entries"
        size = int(open(self.state + "/log/checkpoint").read().split("\n")[1])
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

    def wait_published(self):
        """Until the outcome of all that was told or done is published, or it is late for that."""
        wanted = self.told | {int(line[1:]) for line in self.acted()}
        for _ in range(200):
            try:
                log = self.leaves().values()
            except (OSError, ValueError):
                log = []
            if wanted <= {x["call"] for x in log if x["type"] == "call.completed"}:
                break
            time.sleep(0.1)

    def check_log(self):
        """All that was told or done is in the log, and once. Returns the number of its leaves."""
        log, lines = self.leaves(), self.acted()
        out = self.run("log", "verify")
        if out.returncode:
            self.fail(out.stdout + out.stderr)
        completed = {}
        for leaf in log.values():
            if leaf["type"] == "call.completed":
                completed.setdefault(leaf["call"], []).append(leaf)
        for index in self.told:
            if index not in log or index not in completed:
                self.fail(f"c{index} was answered, and is not in the log")
        for x in completed.values():  # one; or it was unknown first
            if len(x) > 2 or (len(x) == 2 and [y["kind"] == "unknown" for y in x] != [True, False]):
                self.fail("a call has two outcomes")
        if len(set(lines)) != len(lines):
            self.fail("a call acted twice")
        for line in lines:
            leaf = log.get(int(line[1:]), {})
            if leaf.get("type") != "call.decided" or leaf.get("verdict") != "allow":
                self.fail(f"{line} acted, and the log says {leaf}")
        return len(log)


class Agent:
    def __init__(self, world, path, timeout=20):
        self.world, self.path, self.timeout = world, path, timeout
        self.session, self.id, self.conn = None, 0, None

    def post(self, method, params, is_note=False):
        if not self.conn:
            d = self.world.d
            ctx = ssl.create_default_context(cafile=d + "/ca/bundle.pem")
            ctx.check_hostname = False
            ctx.load_cert_chain(d + "/identities/responder.pem", d + "/identities/responder.key")
            self.conn = http.client.HTTPSConnection("127.0.0.1", self.world.port, context=ctx,
                                                    timeout=self.timeout)
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
                                 "clientInfo": {"name": self.world.name, "version": "1"}})
        self.post("notifications/initialized", {}, True)

    def call(self, name, args):
        """A result says that both leaves of the call are in the log."""
        reply = self.post("tools/call", {"name": name, "arguments": args})
        result = (reply or {}).get("result", {})
        call = result.get("_meta", {}).get("io.remit/call")
        if call and not result.get("isError"):
            self.world.told.add(call["leaf"])
        return reply


class Server:
    def __init__(self, world, env=None):
        self.world = world
        self.log = open(world.log_path, "a")
        self.seen = os.path.getsize(world.log_path)
        self.p = subprocess.Popen([world.remit, "serve", world.d], stderr=self.log,
                                  env={**os.environ, **(env or {})})

    def text(self):
        with open(self.world.log_path, errors="replace") as f:
            f.seek(self.seen)
            return f.read()

    def wait_ready(self):
        for _ in range(1200):
            if "ready roles=" in self.text():
                return
            if self.p.poll() is not None:
                self.world.fail("it does not start")
            time.sleep(0.05)
        self.world.fail("it is not ready")

    def children(self, role=""):
        out = subprocess.run(["pgrep", "-P", str(self.p.pid), "-f", "--", f"--role {role}"],
                             capture_output=True, text=True)
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

    def stop(self):
        self.p.terminate()
        if self.p.wait(30):
            self.world.fail("it ended badly")
