#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fault_serve.py REMIT [NAME...] - real faults under the whole product while an agent works: the
log's disk is filled to the last byte, becomes read-only, answers with EIO where the log lies or
everywhere, loses a segment, has one replaced, or an older checkpoint; a role is stopped and answers
nothing; the clock is set.

For each:
  - before it, and once it was taken away, the same calls are made (the control)
  - a call in progress and new calls are answered within seconds, with a reason of the closed list
  - what was refused was not made, and what was made is in the log, once
  - /healthz is 503 and says why; status says it; a person can stop something
  - it heals, or the start that it needs is said
Needs root, for a disk of its own in a file: without, it is skipped."""
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from served import Agent, Served, Server

DISK_MB = 320  # three segments and what goes with them
SOON_S = 15    # a bound on every answer, not a benchmark


def skip(why):
    print(why)
    sys.exit(77)


def sh(*args):
    return subprocess.run(args, capture_output=True, text=True)


class Disk:
    """An ext4 in a file: what it does when it is full or fails is what a real one does."""

    def __init__(self, top):
        self.image, self.at = top + "/image", top + "/disk"
        os.mkdir(self.at)
        with open(self.image, "wb") as f:
            f.truncate(DISK_MB << 20)
        # What the file system needs for itself lies at the beginning, so that the rest alone can
        # fail.
        out = sh("mkfs.ext4", "-q", "-m", "0", "-E", "packed_meta_blocks=1,lazy_itable_init=0",
                 self.image)
        if out.returncode:
            skip("skipped: no mkfs.ext4: " + out.stderr.strip())
        self.device = sh("losetup", "-f", "--show", self.image).stdout.strip()
        if not self.device:
            skip("skipped: no loop device can be had here")
        if not self.mount():
            skip("skipped: nothing can be mounted here")

    def mount(self):
        return sh("mount", self.device, self.at).returncode == 0

    def fill(self):
        with open(self.at + "/fill", "wb", buffering=0) as f:
            piece = b"x" * (1 << 20)
            while piece:
                try:
                    if f.write(piece) < len(piece):
                        piece = piece[:len(piece) // 2]
                except OSError:
                    piece = piece[:len(piece) // 2]

    def empty(self):
        os.unlink(self.at + "/fill")

    def fail(self):
        """Read-only under open files, as ext4 becomes by an error."""
        out = sh("mount", "-o", "remount,abort", self.at)
        if out.returncode:
            skip("skipped: " + out.stderr)

    def end_at(self, size):
        """The device has so many bytes now, whatever the file system believes: what lies behind is
        answered with EIO, as by a disk that lost it. 0: it is whole again."""
        fd = os.open(self.device, os.O_RDWR)
        info = bytearray(232)  # struct loop_info64
        fcntl.ioctl(fd, 0x4c05, info)  # LOOP_GET_STATUS64
        struct.pack_into("<Q", info, 32, size)  # lo_sizelimit
        fcntl.ioctl(fd, 0x4c04, bytes(info))  # LOOP_SET_STATUS64
        os.close(fd)

    def place_of(self, path):
        """The first byte of the device that the file is written to."""
        out = sh("filefrag", "-v", "-b1", path).stdout
        return min(int(x) for x in re.findall(r"\d+\.\. *\d+: *(\d+)\.\.", out))

    def unmount(self):
        for _ in range(100):
            if not os.path.ismount(self.at) or sh("umount", self.at).returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def free(self):
        self.unmount()
        sh("losetup", "-d", self.device)


class Story:
    def __init__(self, name, remit):
        self.w = Served(remit, "fault-" + name)
        self.disk = Disk(self.w.top)
        self.w.state = self.disk.at + "/state"
        self.w.edit("remit.yaml", ("\nstate: state\n", f"\nstate: {self.w.state}\n"))
        self.n = 0
        self.refused = 0
        self.note = ""
        self.env = {}

    def start(self):
        self.server = Server(self.w, self.env)
        self.server.wait_ready()

    def begin(self, name):
        if os.environ.get("CLOCK_JUMP_SO"):
            self.env = {"LD_PRELOAD": os.environ["CLOCK_JUMP_SO"],
                        "CLOCK_JUMP": self.w.top + "/clock"}
            self.set_clock(0)
        if name in ("sectors", "device"):  # where the log goes on is on another disk
            self.w.edit("remit.yaml", ("\nstate: ",
                                       f"\nlog: {{emergency: {self.w.top}/away}}\nstate: "))
            os.mkdir(self.w.top + "/away", 0o700)
        if name == "store":
            self.add_evidence()
        self.start()
        self.task = self.w.open_task("a fault")
        if not self.task:
            self.w.fail("no task")
        self.connect()
        self.works("before")

    def add_evidence(self):
        """dump makes evidence, and wipe is not made without."""
        path = self.w.d + "/upstreams/box.yaml"
        text = open(path).read()
        read, change = text.split("  act:\n")[1].split("  look:\n")[0], text.split("  change:\n")[1]
        with open(path, "a") as f:
            f.write("  dump:\n    captures: {kind: memory, keep: 1d}\n" + read)
            f.write("  wipe:\n" + change.replace(
                "evidence: {what: nothing is lost, keep: 90d}",
                "evidence: {what: its memory, keep: 90d, requires: [memory], max_age: 1h}"))
        self.w.edit("playbooks/host-alert.yaml", ("box___change]", "box___change, box___dump, box___wipe]"))
        self.w.edit("remit.yaml", ("hold: 20s", "hold: 1s"))

    def set_clock(self, seconds):
        """Of Remit alone: the machine's is not ours to set (clock_jump.c)."""
        with open(self.w.top + "/clock", "r+b" if self.env and os.path.exists(
                self.w.top + "/clock") else "wb") as f:
            f.write(struct.pack("<q", seconds * 1000000000))

    def connect(self):
        self.agent = Agent(self.w, "/mcp/t/" + self.task, SOON_S)
        self.agent.open()

    def end(self):
        self.works("after")
        self.w.wait_published()
        self.w.check_log()
        self.server.stop()
        if not self.disk.unmount():
            self.w.fail("the disk is still in use")
        self.disk.free()
        shutil.rmtree(self.w.top)

    def call(self, tool, agent=None):
        """"done", or the reason. What was refused has not acted."""
        self.n += 1
        before = len(self.w.acted())
        began = time.time()
        try:
            reply = (agent or self.agent).call("box___" + tool, {"host": "web1", "n": self.n})
        except OSError as e:
            self.w.fail(f"'{tool}' got no answer in {time.time() - began:.1f} s: {e!r}")
        except http.client.HTTPException as e:
            self.w.fail(f"'{tool}' got no answer: {e!r}")
        text = json.dumps(reply)
        if "done" in text and not (reply or {}).get("result", {}).get("isError"):
            return "done"
        for reason in ("audit_unavailable", "outcome_unknown", "keeper_unavailable",
                       "upstream_unavailable", "credential_unavailable", "clock_unverified", "evidence_required"):
            if reason in text:
                if reason != "outcome_unknown" and not agent and len(self.w.acted()) != before:
                    self.w.fail(f"'{tool}' was refused with {reason}, and made")
                self.refused += 1
                return reason
        self.w.fail(f"'{tool}' got an answer that says nothing: {text}")

    def until(self, what, wanted, fn):
        got = None
        for _ in range(200):
            got = fn()
            if wanted(got):
                return got
            time.sleep(0.1)
        self.w.fail(f"{what}: {got}")

    def works(self, when):
        for tool in ("act", "change"):
            self.until(f"{when}, '{tool}' is not made", lambda x: x == "done",
                       lambda: self.call(tool))
        self.until(f"{when}, it is not well", lambda x: x[0] == 200, self.health)

    def health(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.w.port + 1}/healthz",
                                        timeout=SOON_S) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError as e:
            return 0, repr(e)

    def is_ill(self, *words):
        self.until(f"/healthz does not say {words}",
                   lambda x: x[0] == 503 and any(w in x[1] for w in words), self.health)

    def refuses(self, tool, reason="audit_unavailable"):
        self.until(f"'{tool}' is not refused", lambda x: x == reason, lambda: self.call(tool))

    def person_can_stop(self):
        out = self.w.run("kill", "tool", "host___memory", "--why", "a test", timeout=SOON_S)
        if out.returncode:
            self.w.fail("nobody can stop anything: " + out.stdout + out.stderr)
        out = self.w.run("status", timeout=SOON_S)
        if out.returncode:
            self.w.fail("no status: " + out.stdout + out.stderr)
        return out.stdout

    def in_progress(self, fault):
        """The fault strikes while a call is being made."""
        open(self.w.box + "/slow", "w").close()
        got = []
        other = Agent(self.w, "/mcp/t/" + self.task, SOON_S)
        other.open()
        before = len(self.w.acted())
        t = threading.Thread(target=lambda: got.append(self.call("act", other)))
        t.start()
        self.until("no call begins", lambda x: x > before, lambda: len(self.w.acted()))
        fault()
        os.unlink(self.w.box + "/slow")
        t.join(SOON_S)
        if not got:
            self.w.fail("the call in progress was not answered")
        return got[0]

    def last_segment(self):
        place = self.w.state + "/segments"
        return place + "/" + sorted(x for x in os.listdir(place) if x.endswith(".seg"))[-1]


def starts_ill(s):
    status, text = s.health()
    if status != 503 or "publishing" not in text:
        s.w.fail(f"after a start on a full disk the first answer is {status}, {text}")


def full(s):
    got = s.in_progress(s.disk.fill)
    if got != "done":  # there is room set aside for it
        s.w.fail(f"the call in progress: {got}")
    s.refuses("change")  # once something could not be published
    s.is_ill("publishing", "room")
    if s.call("act") != "done":  # reading goes on
        s.w.fail("not even a read is made")
    s.person_can_stop()
    # A governor that starts now, and then all of Remit.
    os.kill(s.server.children("governor")[0], signal.SIGKILL)
    s.until("the governor is not back", lambda x: x, lambda: "is back" in s.server.text())
    s.person_can_stop()
    s.server.stop()
    s.start()
    starts_ill(s)
    s.connect()
    s.person_can_stop()
    s.refuses("change")
    if s.call("act") != "done":
        s.w.fail("after a start on a full disk not even a read is made")
    away = s.w.state + "/emergency/life.keys"
    if not any(open(away, "rb").read()):
        s.w.fail("control: the keys of these lives are not in the emergency place")
    s.disk.empty()
    s.until("the keys do not come home", lambda x: not x, lambda: any(open(away, "rb").read()))
    # And one that was filled while nothing ran: nobody has said so yet.
    s.works("with room again")
    s.server.stop()
    s.disk.fill()
    s.start()
    starts_ill(s)
    s.connect()
    s.refuses("change")
    s.disk.empty()


def read_only(s):
    """There is nowhere to write even a refusal, so there is no governor: but there are answers."""
    s.in_progress(s.disk.fail)
    s.is_ill("governor")
    for _ in range(3):
        if s.call("act") == "done" or s.call("change") == "done":
            s.w.fail("a call was made and cannot be in the log")
    for _ in range(20):  # whoever asks meanwhile is answered
        if s.w.run("status", timeout=SOON_S).returncode == 0:
            s.w.fail("status without a governor")
    s.until("no word of the disk", lambda x: x, lambda: "Read-only file system" in s.server.text())
    if s.server.p.poll() is not None or "all roles are restarted" in s.server.text():
        s.w.fail("the fronts did not stay to say so")
    for end in ("people ended", "people was killed", "agents ended", "agents was killed"):
        if end in s.server.text():
            s.w.fail("a front has died of it: " + end)
    s.server.stop()  # such a file system wants to be mounted again
    s.disk.unmount()
    s.disk.mount()
    s.start()
    s.connect()


def sectors(s):
    """EIO of what is behind the beginning of the log's segment: the rest of the disk is well."""
    place = s.disk.place_of(s.last_segment())
    got = s.in_progress(lambda: s.disk.end_at(place))
    if got != "done":  # its outcome is in the emergency place
        s.w.fail(f"the call in progress: {got}")
    s.refuses("act")
    s.refuses("change")
    s.is_ill("emergency")
    status = s.person_can_stop()
    if "Input/output error" not in status:
        s.w.fail("status does not say why: " + status)
    if not any(x.endswith(".seg") for x in os.listdir(s.w.top + "/away")):
        s.w.fail("control: the log is not in the emergency place")
    s.disk.end_at(0)
    s.works("with the disk well again")  # it comes home by itself
    read_again(s)


def device(s):
    """EIO of all of the disk: the file system gives itself up, and wants to be mounted again."""
    s.in_progress(lambda: s.disk.end_at(4096))
    s.refuses("act")
    s.refuses("change")
    s.is_ill("emergency")
    s.person_can_stop()
    s.disk.end_at(0)
    if s.call("act") == "done" or s.call("change") == "done":
        s.w.fail("a call was made on a file system that has given itself up")
    read_again(s)
    if "host___memory" not in s.w.run("kills").stdout + s.w.run("status").stdout:
        s.w.fail("the stop that was recorded in the emergency place is gone")


def read_again(s):
    """What is on the disk, not what the kernel remembers of it."""
    s.server.stop()
    if not s.disk.unmount() or not s.disk.mount():
        s.w.fail("the disk cannot be mounted again")
    s.start()
    s.connect()


def unlinked(s):
    segment, kept = s.last_segment(), s.disk.at + "/kept"
    os.link(segment, kept)
    s.in_progress(lambda: os.unlink(segment))
    s.refuses("act")
    s.refuses("change")
    s.is_ill("emergency")
    s.person_can_stop()
    os.rename(kept, segment)


def replaced(s):
    segment, kept = s.last_segment(), s.disk.at + "/kept"
    os.link(segment, kept)
    shutil.copy(segment, kept + ".copy")  # which lacks what follows
    s.works("between")
    s.in_progress(lambda: os.rename(kept + ".copy", segment))
    s.refuses("act")
    s.refuses("change")
    s.is_ill("emergency")
    status = s.person_can_stop()
    if "lacks leaves" not in status:
        s.w.fail("status does not say what to do: " + status)
    os.rename(kept, segment)


def checkpoint(s):
    path = s.w.state + "/log/checkpoint"
    old = open(path).read()
    s.works("between")
    s.until("nothing is published", lambda x: x != old, lambda: open(path).read())
    with open(path + ".old", "w") as f:
        f.write(old)
    s.in_progress(lambda: os.rename(path + ".old", path))
    s.until("the older one stays", lambda x: x != old, lambda: open(path).read())
    s.person_can_stop()


def stopped(role, *allowed, told=False):
    """told: who waits for it is answered, and its silence is shown, before it is killed."""
    def story(s):
        pid = s.server.children(role)[0]
        began = time.time()
        got = s.in_progress(lambda: os.kill(pid, signal.SIGSTOP))
        if got not in ("done", "outcome_unknown", *allowed):
            s.w.fail(f"the call in progress: {got}")
        s.note = f"; the call in progress: {got} after {time.time() - began:.1f} s"
        got = s.call("act")  # answered, whatever it is: is it back already?
        if told:
            if "ms: killed" in s.server.text():
                s.w.fail(f"a call waits until the {role} is killed")
            if got not in ("outcome_unknown", "audit_unavailable"):
                s.w.fail(f"with the {role} stopped a call is answered: {got}")
            if s.health() == (200, "ok\n"):
                s.w.fail(f"all is well without the {role}")
            if "ms: killed" in s.server.text():
                s.w.fail("control: it is killed already")
        s.until(f"the {role} is not ended", lambda x: x, lambda: "ms: killed" in s.server.text())
        s.until(f"the {role} is not back", lambda x: x, lambda: "is back" in s.server.text())
        s.person_can_stop()
    return story


def clock(s):
    """Somebody sets the clock; a person says that it is right, or it comes back."""
    if not s.env:
        skip("skipped: no clock that can be set (CLOCK_JUMP_SO)")
    for by, back in ((1800, False), (600, True)):  # within the task's hour
        got = s.in_progress(lambda: s.set_clock(by))
        if got != "done":
            s.w.fail(f"the call in progress: {got}")
        s.until("'change' is not refused", lambda x: x == "clock_unverified",
                lambda: s.call("change"))
        if s.call("act") != "done":
            s.w.fail("not even a read is made")
        s.is_ill("clock: jumped")
        s.person_can_stop()
        if back:
            s.set_clock(1800)
        elif s.w.run("clock", "confirm").returncode:
            s.w.fail("nobody can confirm the clock")
        s.works("with a clock again")


def store(s):
    """What needs evidence that is on its way waits, and is not made; all else goes on."""
    s.refuses("wipe", "evidence_required")
    pid = s.server.children("store")[0]
    os.kill(pid, signal.SIGSTOP)
    if s.call("dump") != "done":
        s.w.fail("evidence that cannot be kept yet keeps its reading from being told")
    before = len(s.w.acted())
    reply = json.dumps(s.agent.call("box___wipe", {"host": "web1", "n": 1}))
    if "evidence_required" not in reply:
        s.w.fail("without a store an agent is told: " + reply)
    if len(s.w.acted()) != before:
        s.w.fail("what needs evidence is made without")
    for tool in ("act", "change"):
        if s.call(tool) != "done":
            s.w.fail(f"'{tool}' waits for the store")
    s.is_ill("silent: store")
    if s.call("act") != "done":
        s.w.fail("a stopped store keeps an agent from reading")
    s.person_can_stop()
    os.kill(pid, signal.SIGCONT)  # before its evidence is given up
    s.until("with its evidence kept it is not made", lambda x: x == "done", lambda: s.call("wipe"))
    if "has been silent" in s.server.text() or "not kept" in s.server.text():
        s.w.fail("control: the store or the evidence was given up")


def index(s):
    """Nobody's call needs it; who asks it is answered all the same."""
    pid = s.server.children("index")[0]
    os.kill(pid, signal.SIGSTOP)
    s.works("while the index is stopped")
    out = s.w.run("calls", timeout=SOON_S)
    if not out.returncode or "the index does not answer" not in out.stderr:
        s.w.fail("a stopped index has answered: " + out.stdout + out.stderr)
    os.kill(pid, signal.SIGCONT)
    s.until("the index does not answer again", lambda x: x.returncode == 0,
            lambda: s.w.run("calls", timeout=SOON_S))


stories = {
    "full": full, "read-only": read_only, "sectors": sectors, "device": device, "unlinked": unlinked, "replaced": replaced,
    "checkpoint": checkpoint, "index": index, "clock": clock,
    "store": store,
    "governor": stopped("governor", told=True), "keeper": stopped("keeper", told=True),
    "runner": stopped("runner"),
}

if os.geteuid() != 0:
    skip("skipped: only root can mount a disk of its own")


def tell(name):
    began = time.time()
    story = Story(name, os.path.abspath(sys.argv[1]))
    try:
        story.begin(name)
        stories[name](story)
        story.end()
    finally:
        if hasattr(story, "server") and story.server.p.poll() is None:
            story.server.kill()
        story.disk.free()
        shutil.rmtree(story.w.top, ignore_errors=True)
    print(f"{name}: {story.n} calls, {story.refused} of them refused, "
          f"{len(story.w.told)} results told; {time.time() - began:.1f} s{story.note}", flush=True)


def tell_all():
    """They wait much more than they work, so they are told at the same time."""
    running = [subprocess.Popen([sys.executable, *sys.argv[:2], name]) for name in stories]
    ends = [p.wait() for p in running]
    sys.exit(1 if any(x not in (0, 77) for x in ends) else max(ends))


if sys.argv[2:]:
    for one in sys.argv[2:]:
        tell(one)
else:
    tell_all()
