#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backend_serve.py REMIT SETUP.SQL - all of Remit with a credential lent from a real PostgreSQL.

  - what an agent says and what its tool answers is not in the memory of the backend, nor in that of
    other roles that need not know it; what is lent is in no role that does not carry it
  - a backend that is stopped: a call that needs a new credential is refused with a reason and not
    made, all others go on, health says who is silent; when it goes on again, so does everything
  - nothing that was lent is left

Needs root, for the memory of processes and to be PostgreSQL's user as well."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../fault")
from served import Agent, Served, Server  # noqa: E402

BIN = "/usr/lib/postgresql/15/bin/"
if os.geteuid() != 0 or not os.path.exists(BIN + "initdb"):
    print("skipped: needs root and PostgreSQL 15")
    sys.exit(77)

w = Served(os.path.abspath(sys.argv[1]), "backend")
pg = w.top + "/pg"
mark = "canary" + os.urandom(8).hex()
AS_NOBODY = ["runuser", "-u", "nobody", "--"]


def pg_run(*args):
    out = subprocess.run([*AS_NOBODY, *args], capture_output=True, text=True, cwd=pg)
    if out.returncode:
        w.fail(f"{args[0]}: {out.stdout}{out.stderr}")
    return out.stdout.strip()


def pg_start():
    os.mkdir(pg)
    shutil.chown(pg, "nobody")
    shutil.copy(sys.argv[2], pg + "/setup.sql")
    os.chmod(pg + "/setup.sql", 0o644)
    pg_run(BIN + "initdb", "-D", pg + "/data", "-A", "trust", "-U", "postgres", "-N")
    subprocess.run([*AS_NOBODY, BIN + "pg_ctl", "-D", pg + "/data", "-w", "-l", pg + "/log", "-o",
                    f"-k {pg} -c listen_addresses= -c fsync=off", "start"],
                   stdout=subprocess.DEVNULL, check=True, cwd=pg)
    sql("-f", pg + "/setup.sql")
    sql("-c", "CREATE ROLE readers NOLOGIN", "-c", "SELECT remit.allow('readers')")


def sql(*args):
    return pg_run(BIN + "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", pg, "-U",
                  "postgres", *args)


def lent_roles():
    return sql("-c", r"SELECT rolname FROM pg_roles WHERE rolname ~ '^remit_[0-9a-f]{8}_l'").split()


def deploy():
    with open(w.box + "/use", "w") as f:
        f.write(f'cat "$LENT" >{w.box}/lent\necho "$1" >>{w.effects}\necho {mark}answer\n')
    open(w.box + "/lent", "w").close()
    os.chmod(w.box + "/lent", 0o666)
    with open(w.d + "/upstreams/lent.yaml", "w") as f:
        f.write(f"""transport: command
credential:
  backend: database
  scope: readers
  file: "user={{user}} password={{password}}"
env: {{LENT: "{{secret}}"}}
readable: [{w.box}]
writable: [{w.box}]
timeout: 5s
tools:
  use:
    effect: read
    targets: [{{kind: host, pointer: /host}}]
    data: [metrics]
    command: [/bin/sh, {w.box}/use, "{{call}}"]
    output: text
    definition:
      description: Uses what it is lent.
      inputSchema:
        type: object
        additionalProperties: false
        required: [host]
        properties: {{host: {{type: string}}, note: {{type: string}}}}
""")
    with open(w.d + "/secrets/broker", "w") as f:
        f.write("what the broker is let in by\n")
    os.chmod(w.d + "/secrets/broker", 0o600)
    w.edit("remit.yaml", ("\nnotifiers:", f"""
backends:
  database: {{type: postgresql, host: {pg}, dbname: postgres, user: remit_broker,
    password_file: secrets/broker, ttl: 1h}}
notifiers:"""))
    w.edit("playbooks/host-alert.yaml", ("box___change]", "box___change, lent___use]"))
    w.edit("policies/agents/responder/envelope.cedar",
           ('Remit::Action::"box"]', 'Remit::Action::"box", Remit::Action::"lent"]'))
    out = w.run("check", w.d)
    if out.returncode:
        w.fail(out.stdout + out.stderr)


def holds(pid, text):
    """Is it anywhere in the memory of that process?"""
    needle, seen, found = text.encode(), 0, False
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            if "r" not in line.split()[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            low, high = (int(x, 16) for x in line.split()[0].split("-"))
            try:
                mem.seek(low)
                data = mem.read(high - low)
            except (OSError, ValueError, OverflowError):
                continue  # a page that nobody may read
            seen += len(data)
            found = found or needle in data
    if seen < 1 << 16:
        w.fail(f"only {seen} bytes of process {pid} can be read")
    return found


def use(agent):
    """"done", or the text of the refusal; how long it took."""
    began = time.time()
    text = json.dumps(agent.call("lent___use", {"host": "web1", "note": mark + "note"}))
    return "done" if mark + "answer" in text else text, time.time() - began


def agent_of(title):
    task = w.open_task(title)
    if not task:
        w.fail("no task")
    a = Agent(w, "/mcp/t/" + task)
    a.open()
    return task, a


def until(what, fn):
    for _ in range(300):
        if fn():
            return
        time.sleep(0.1)
    w.fail(what)


def health():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{w.port + 1}/healthz", timeout=15) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def look_into_memory():
    backend = server.children("backend")[0]
    password = open(w.box + "/lent").read().split("password=")[1].strip()
    for text in (mark, password):
        if not holds(server.children("runner")[0], text):
            w.fail("control: the runner does not know what it has carried")
    if not holds(server.children("governor")[0], mark):
        w.fail("control: the governor does not know what it has decided")
    if not holds(backend, "remit_broker"):
        w.fail("control: the backend does not know whom it speaks as")
    if holds(backend, mark):
        w.fail("the backend knows what an agent or a tool has said")
    for role in ("keeper", "store", "courier", "index", "people"):
        if holds(server.children(role)[0], mark):
            w.fail(f"the {role} knows what an agent or a tool has said")
    for role in ("governor", "agents", "store", "courier", "index", "people"):
        if holds(server.children(role)[0], password):
            w.fail(f"the {role} knows what was lent")
    if holds(server.p.pid, mark) or holds(server.p.pid, password):
        w.fail("the supervisor knows what was said or lent")


def stop_the_backend(first):
    backend = server.children("backend")[0]
    task, agent = agent_of("two")
    before = len(w.acted())
    os.kill(backend, signal.SIGSTOP)
    got, took = use(agent)
    if "credential_unavailable" not in got:
        w.fail(f"without a backend an agent is told after {took:.1f} s: {got}")
    if len(w.acted()) != before:
        w.fail("it is made without a credential")
    if use(first)[0] != "done":
        w.fail("control: what is lent already is no use without its backend")
    if "done" not in json.dumps(agent.call("box___act", {"host": "web1"})):
        w.fail("what needs no credential is not made")
    until("health does not say who is silent",
          lambda: health()[0] == 503 and "silent: backend database" in health()[1])
    os.kill(backend, signal.SIGCONT)
    until("with its backend again it is not made", lambda: use(agent)[0] == "done")
    until("health stays ill", lambda: health()[0] == 200)
    if "has been silent" in server.text():
        w.fail("control: the backend was killed")
    print(f"refused after {took:.1f} s")
    return task


server = None
try:
    pg_start()
    deploy()
    server = Server(w)
    server.wait_ready()
    task, agent = agent_of("one")
    if use(agent)[0] != "done":
        w.fail("control: nothing can be lent: " + use(agent)[0])
    look_into_memory()
    for one in (task, stop_the_backend(agent)):
        if w.run("task", "stop", one).returncode:
            w.fail(f"{one} cannot be stopped")
    until("what was lent is left", lambda: not lent_roles())
    w.wait_published()
    w.check_log()
    server.stop()
finally:
    if server and server.p.poll() is None:
        server.kill()
    subprocess.run([*AS_NOBODY, BIN + "pg_ctl", "-D", pg + "/data", "-m", "immediate", "stop"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    shutil.rmtree(w.top, ignore_errors=True)
