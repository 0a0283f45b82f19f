#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_serve.py REMIT ROUNDS [SEED] - the whole product is killed, again and again, while an agent
works with a real tool; then its log is compared with what the agent was told and what the tool did.

Each round starts `remit serve` on the same state, lets an agent call over MCP and mTLS, and kills
all processes with SIGKILL at a random moment. In every fourth round something happens to one role
a moment before: it is killed, or stopped, or killed and its successor killed while it begins. The
tool is a program that appends the id of its call to a file. At the end, and every so many rounds:
  - every call whose result a reply brought has its decision and its outcome in the published log
  - every line of the tool's file has a call.decided with verdict allow
  - no line is there twice
  - the log verifies
Needs root for nothing. The seed is printed."""
import http.client
import os
import random
import shutil
import signal
import sys
import threading
import time

from served import Agent, Served, Server

rounds = int(sys.argv[2])
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20261128
rng = random.Random(seed)
world = Served(os.path.abspath(sys.argv[1]), "kills")
n_calls = n_killed = 0


def signal_one(server, number, choose):
    kids = server.children()
    try:
        if kids:
            os.kill(choose(kids), number)
    except ProcessLookupError:
        pass


def hurt_one(server):
    how = rng.choice(("killed", "stopped", "killed twice"))
    signal_one(server, signal.SIGSTOP if how == "stopped" else signal.SIGKILL, rng.choice)
    if how == "killed twice":
        time.sleep(rng.random() * 0.05)
        signal_one(server, signal.SIGKILL, max)  # the youngest, if it is there already


def work(path, until, stop):
    global n_calls
    try:
        agent = Agent(world, path)
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
    task = world.open_task(f"round {number}")
    stop = threading.Event()
    threads = []
    if task:
        threads = [threading.Thread(target=work, args=("/mcp/t/" + task, time.time() + 20, stop))
                   for _ in range(3)]
    for t in threads:
        t.start()
    time.sleep(rng.random() * 0.5)
    if number % 4 == 3:
        hurt_one(server)
        time.sleep(rng.random() * 0.3)
    server.kill()
    n_killed += 1
    stop.set()
    for t in threads:
        t.join(30)
    return task is not None


def check():
    server = Server(world)
    server.wait_ready()
    world.wait_published()
    server.stop()
    return world.check_log(), len(world.acted())


began = time.time()
n_working = 0
for i in range(rounds):
    s = Server(world)
    s.wait_ready()
    n_working += a_round(s, i)
    if i % 50 == 49 or i + 1 == rounds:
        size, acted = check()
        print(f"seed {seed}: {n_killed} kills, {n_working} with a task, {n_calls} calls answered, "
              f"{len(world.told)} results told, {acted} effects, {size} leaves; none lost, none "
              f"without its leaf, none twice; {time.time() - began:.0f} s", flush=True)
if rounds and (not world.told or not world.acted()):
    world.fail("nothing was acknowledged or done: the test tests nothing")
shutil.rmtree(world.top)
