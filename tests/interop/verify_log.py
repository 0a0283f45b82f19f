#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies a log directory, or one receipt, with the public key alone.

Written from the specifications (C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof; RFC 6962
section 2.1; RFC 8032 for Ed25519) and from nothing else: it shares no code with what writes the
log, and needs no package beside Python's own library. Where a format allows several spellings of one
thing (base64 with stray bits, numbers with leading zeros), only the one that a log writes is accepted.

usage: verify_log.py VKEY_FILE LOG_DIRECTORY
       verify_log.py VKEY_FILE --receipt RECEIPT LEAF
"""
import base64
import functools
import hashlib
import os
import re
import sys

TILE_WIDTH = 256
ED25519 = 1


class Wrong(Exception):
    """What does not hold."""


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- Ed25519 (RFC 8032, section 5.1); points as (X, Y, Z) with x = X/Z, y = Y/Z ----

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    """The addition law of the curve -x^2 + y^2 = 1 + D x^2 y^2, denominators multiplied out."""
    zz = a[2] * b[2] % P
    xx, yy = a[0] * b[0] % P, a[1] * b[1] % P
    mixed = D * xx * yy % P
    low, high = (zz * zz - mixed) % P, (zz * zz + mixed) % P
    cross = (a[0] * b[1] + a[1] * b[0]) % P
    return (zz * cross * low % P, zz * (yy + xx) * high % P, low * high % P)


def multiply(n, point):
    result = (0, 1, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def is_same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decompress(data):
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    sign = data[31] >> 7
    if y >= P:
        raise Wrong("a point that is not reduced")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        raise Wrong("bytes that are no point of the curve")
    return (P - x if x & 1 != sign else x, y, 1)


BASE = decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@functools.lru_cache(maxsize=16)
def signature_holds(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    try:
        a, r = decompress(key), decompress(signature[:32])
    except Wrong:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    h = int.from_bytes(digest, "little") % ORDER
    return is_same(multiply(s, BASE), add(r, multiply(h, a)))


# ---- notes and checkpoints ----

def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("%s is not base64" % what) from None
    if base64.b64encode(data).decode() != text:
        raise Wrong("%s is base64 in another spelling" % what)
    return data


class Key:
    """A verifier key: <name>+<id>+<base64 of type and key>."""

    def __init__(self, line):
        parts = line.split("+", 2)
        if len(parts) != 3 or not parts[0] or re.search(r"\s", parts[0]):
            raise Wrong("this is no verifier key")
        self.name, shown, rest = parts
        data = unbase64(rest, "the key")
        if len(data) != 33 or data[0] != ED25519:
            raise Wrong("this is no Ed25519 key")
        self.id = sha256(self.name.encode() + b"\n" + data)[:4]
        if self.id.hex() != shown:
            raise Wrong("the key's id is not that of its bytes")
        self.bytes = data[1:]


def open_note(note, key):
    """The text of a signed note, when the key signed it."""
    try:
        note = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong("the note is not UTF-8") from None
    if re.search("[\x00-\x09\x0b-\x1f\x7f]", note):
        raise Wrong("the note holds control characters")
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise Wrong("the note has no signatures")
    text, lines = note[:at + 1], note[at + 2:].split("\n")[:-1]
    found = False
    for line in lines:
        m = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        if not m:
            raise Wrong("a line of the note is no signature")
        data = unbase64(m[2], "a signature")
        if len(data) < 5:
            raise Wrong("a signature is too short")
        if m[1] != key.name or data[:4] != key.id:
            continue
        if found or len(data) != 68 or not signature_holds(key.bytes, text.encode(), data[4:]):
            raise Wrong("the signature of %s does not hold" % key.name)
        found = True
    if not found:
        raise Wrong("%s did not sign this" % key.name)
    return text


def open_checkpoint(note, key):
    """(size, root) of a checkpoint that the key signed."""
    lines = open_note(note, key).split("\n")
    if len(lines) != 4 or lines[3] != "" or lines[0] != key.name:
        raise Wrong("this is no checkpoint of %s" % key.name)
    if not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise Wrong("the size is no number")
    root = unbase64(lines[2], "the root")
    if len(root) != 32:
        raise Wrong("the root is no hash")
    return int(lines[1]), root


# ---- the tree (RFC 6962, section 2.1) ----

def leaf_hash(leaf):
    return sha256(b"\0" + leaf)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def tree_hash(hashes):
    """The root over equally high hashes, after the recursive definition."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


def root_from_path(hash, index, size, path):
    """The root that an inclusion path leads to, None when it has the wrong length."""
    last = size - 1
    for beside in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            hash = node_hash(beside, hash)
            while index and not index & 1:
                index >>= 1
                last >>= 1
        else:
            hash = node_hash(hash, beside)
        index >>= 1
        last >>= 1
    return hash if last == 0 else None


# ---- tiles ----

def number_path(n):
    parts = ["%03d" % (n % 1000)]
    while n >= 1000:
        n //= 1000
        parts.insert(0, "x%03d" % (n % 1000))
    return "/".join(parts)


def width_at(size, level, n):
    """How many hashes tile n of a level has in a tree of that size."""
    there = (size >> 8 * level) - n * TILE_WIDTH
    return max(0, min(TILE_WIDTH, there))


def split_bundle(data, name):
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise Wrong("%s ends within an entry" % name)
        entries.append(data[at + 2:end])
        at = end
    return entries


class Log:
    def __init__(self, directory, key):
        self.directory = directory
        with open(os.path.join(directory, "checkpoint"), "rb") as f:
            self.size, self.root = open_checkpoint(f.read(), key)
        self.expected = {"checkpoint"}

    def read(self, kind, n, width):
        """A resource of that width: the partial, or the beginning of the full one."""
        full = "tile/%s/%s" % (kind, number_path(n))
        names = [full] if width == TILE_WIDTH else ["%s.p/%d" % (full, width), full]
        for name in names:
            path = os.path.join(self.directory, name)
            if os.path.isfile(path):
                self.expected.add(name)
                with open(path, "rb") as f:
                    return name, f.read()
        raise Wrong("%s is missing" % names[0])

    def hashes(self, level, n, width):
        name, data = self.read(str(level), n, width)
        if len(data) < 32 * width or (not name.endswith("/" + number_path(n)) and
                                      len(data) != 32 * width) or len(data) % 32:
            raise Wrong("%s has the wrong length" % name)
        return name, [data[i:i + 32] for i in range(0, 32 * width, 32)]

    def entries(self, n, width):
        name, data = self.read("entries", n, width)
        entries = split_bundle(data, name)
        if len(entries) not in (width, TILE_WIDTH):
            raise Wrong("%s has %d entries" % (name, len(entries)))
        return name, entries[:width]

    def verify(self):
        """Every leaf, every tile, the root, and that nothing else lies there."""
        # What level 0 must hold comes from the bundles; what a level above must hold from below.
        below, level = [], 0
        for n in range((self.size + 255) // 256):
            width = width_at(self.size, 0, n)
            name, entries = self.entries(n, width)
            below.extend(leaf_hash(entry) for entry in entries)
        right_edge = []
        while below:
            for n in range((len(below) + 255) // 256):
                part = below[n * 256:(n + 1) * 256]
                name, hashes = self.hashes(level, n, len(part))
                if hashes != part:
                    raise Wrong("%s does not hold the hashes of what is below it" % name)
            full = len(below) // 256
            right_edge.append(below[full * 256:])
            below = [tree_hash(below[n * 256:(n + 1) * 256]) for n in range(full)]
            level += 1
        # The tree's root: from the top, each level's rest joins to the right of what is above.
        perfect = []
        for rest in reversed(right_edge):
            at = 0
            for bit in reversed(range(8)):
                if len(rest) & 1 << bit:
                    perfect.append(tree_hash(rest[at:at + (1 << bit)]))
                    at += 1 << bit
        root = perfect.pop() if perfect else tree_hash([])
        while perfect:
            root = node_hash(perfect.pop(), root)
        if root != self.root:
            raise Wrong("the leaves do not give the signed root")
        self.verify_rest()

    def verify_rest(self):
        """Partials of earlier checkpoints begin what is there now; other files are foreign."""
        for directory, _, files in os.walk(os.path.join(self.directory, "tile")):
            for file in files:
                path = os.path.join(directory, file)
                name = os.path.relpath(path, self.directory)
                if name in self.expected or name.endswith(".new"):
                    continue
                m = re.fullmatch(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})"
                                 r"(?:\.p/([1-9][0-9]{0,2}))?", name)
                if not m:
                    raise Wrong("%s does not belong into a log" % name)
                n = int(m[2].replace("x", "").replace("/", ""))
                width = int(m[3] or TILE_WIDTH)
                now = width_at(self.size, 0 if m[1] == "entries" else int(m[1]), n)
                if width > TILE_WIDTH or number_path(n) != m[2] or width == now:
                    raise Wrong("%s does not belong into a log" % name)
                if width > now:
                    continue  # of a checkpoint that is not signed yet
                with open(path, "rb") as f:
                    old = f.read()
                if m[1] == "entries":
                    holds = split_bundle(old, name) == self.entries(n, now)[1][:width]
                else:
                    holds = old == b"".join(self.hashes(int(m[1]), n, now)[1][:width])
                if not holds:
                    raise Wrong("%s is not the beginning of what came later" % name)


# ---- receipts (tlog-proof) ----

def verify_receipt(receipt, leaf, key):
    """(index, size) when the receipt shows that the leaf is in the key's log."""
    head, _, note = receipt.partition(b"\n\n")
    lines = head.decode("utf-8").split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1":
        raise Wrong("this is no receipt")
    lines.pop(0)
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:], "the extra line")
    m = re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[0]) if lines else None
    if not m:
        raise Wrong("the receipt names no index")
    path = [unbase64(line, "a hash") for line in lines[1:]]
    if any(len(hash) != 32 for hash in path):
        raise Wrong("a line of the path is no hash")
    index = int(m[1])
    size, root = open_checkpoint(note, key)
    if index >= size or root_from_path(leaf_hash(leaf), index, size, path) != root:
        raise Wrong("the path does not lead from this leaf to the signed root")
    return index, size


def main(arguments):
    if len(arguments) not in (2, 4) or (len(arguments) == 4 and arguments[1] != "--receipt"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as f:
            key = Key(f.read().rstrip("\n"))
        if len(arguments) == 4:
            with open(arguments[2], "rb") as f, open(arguments[3], "rb") as g:
                index, size = verify_receipt(f.read(), g.read(), key)
            print("leaf %d is in the tree of %d leaves that %s signed" % (index, size, key.name))
        else:
            log = Log(arguments[1], key)
            log.verify()
            print("the log of %d leaves holds" % log.size)
    except (Wrong, OSError) as e:
        print("WRONG: %s" % e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
