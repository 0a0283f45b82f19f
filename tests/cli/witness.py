#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A witness written from the specifications alone (C2SP tlog-witness, tlog-cosignature, signed-note; RFC
6962, RFC 8032), with nothing of Remit in it and nothing but Python's own library.

    witness.py vkey NAME SEED                    print its verifier key
    witness.py serve NAME SEED LOG_VKEY STATE PORT_FILE [PORT]

SEED is one number, LOG_VKEY the file of the log's verifier key, STATE where it keeps size and root. Serves
on 127.0.0.1 and writes the port to PORT_FILE. Not for use: the seed is no secret.
"""
import base64
import hashlib
import http.server
import os
import sys
import time

# ---- Ed25519 (RFC 8032, section 6, plain numbers) ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, t, z, y = f - e, h - g, h + g, f + e
    return x * t % P, z * y % P, t * z % P, x * y % P


def times(n, a):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, a)
        a = add(a, a)
        n >>= 1
    return total


def x_of(y, sign):
    if y >= P:
        raise ValueError("not a point")
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT % P
    if (x * x - xx) % P or (x == 0 and sign):
        raise ValueError("not a point")
    return P - x if x & 1 != sign else x


def unpack(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x = x_of(y, sign)
    return x, y, 1, x * y % P


def pack(a):
    z = pow(a[2], P - 2, P)
    x, y = a[0] * z % P, a[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = unpack(BASE_Y.to_bytes(32, "little"))


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (2**254 - 8) | 2**254
    return a, h[32:]


def public_of(seed):
    return pack(times(expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = expand(seed)
    public = pack(times(a, BASE))
    r = number(prefix, message) % L
    big_r = pack(times(r, BASE))
    s = (r + number(big_r, public, message) * a) % L
    return big_r + s.to_bytes(32, "little")


def verifies(public, message, signature):
    try:
        a, r = unpack(public), unpack(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    left = times(s, BASE)
    right = add(r, times(number(signature[:32], public, message) % L, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- Notes and proofs ----


def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name, kind, public):
    return "%s+%s+%s" % (name, key_id(name, kind, public).hex(), base64.b64encode(bytes([kind]) + public).decode())


def read_vkey(text):
    name, _, blob = text.strip().split("+", 2)
    raw = base64.b64decode(blob, validate=True)
    assert raw[0] == 1 and len(raw) == 33
    return name, raw[1:]


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_consistent(m, n, old, new, path):
    """RFC 9162, section 2.1.4.2."""
    if m == 0:
        return not path
    if m == n:
        return not path and old == new
    if not path or m > n:
        return False
    if m & (m - 1) == 0:
        path = [old] + path
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old and sr == new and sn == 0


class Refused(Exception):
    def __init__(self, status, body=b"", kind="text/plain"):
        super().__init__(status)
        self.status, self.body, self.kind = status, body, kind


class Witness:
    def __init__(self, name, seed, log_vkey, state):
        self.name, self.seed, self.log_vkey, self.state = name, seed, log_vkey, state

    def held(self):
        try:
            size, root = open(self.state, encoding="ascii").read().split()
            return int(size), bytes.fromhex(root)
        except FileNotFoundError:
            return 0, b""

    def keep(self, size, root):
        with open(self.state + ".new", "w", encoding="ascii") as f:
            f.write("%d %s\n" % (size, root.hex()))
            f.flush()
            os.fsync(f.fileno())
        os.rename(self.state + ".new", self.state)

    def check_signature(self, text, lines):
        name, public = read_vkey(open(self.log_vkey, encoding="utf-8").read())
        if text.split("\n")[0] != name:
            raise Refused(404)
        for line in lines:
            dash, who, blob = line.split(" ")
            raw = base64.b64decode(blob, validate=True)
            if dash == "\u2014" and who == name and raw[:4] == key_id(name, 1, public):
                if verifies(public, text.encode(), raw[4:]):
                    return
        raise Refused(403)

    def add_checkpoint(self, body):
        try:
            request, rest = body.decode().split("\n\n", 1)
            text, signatures = rest.split("\n\n", 1)
            text += "\n"
            head, *proof = request.split("\n")
            word, old = head.split(" ")
            assert word == "old" and str(int(old)) == old and len(proof) <= 63
            path = [base64.b64decode(line, validate=True) for line in proof]
            assert all(len(h) == 32 for h in path)
            _, size, root, last = text.split("\n")
            assert last == "" and str(int(size)) == size
            root = base64.b64decode(root, validate=True)
            assert len(root) == 32 and signatures.endswith("\n")
        except (ValueError, AssertionError) as e:
            raise Refused(400) from e
        old, size = int(old), int(size)
        self.check_signature(text, signatures[:-1].split("\n"))
        if old > size:
            raise Refused(400)
        held, held_root = self.held()
        if old != held:
            raise Refused(409, b"%d\n" % held, "text/x.tlog.size")
        if old == size and held and held_root != root:
            raise Refused(409, b"%d\n" % held, "text/x.tlog.size")
        if not is_consistent(old, size, held_root, root, path):
            raise Refused(422)
        self.keep(size, root)
        now = int(time.time())
        signature = sign(self.seed, b"cosignature/v1\ntime %d\n" % now + text.encode())
        raw = key_id(self.name, 4, public_of(self.seed)) + now.to_bytes(8, "big") + signature
        return "\u2014 %s %s\n" % (self.name, base64.b64encode(raw).decode())


def serve(witness, port_file, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            status, kind = 200, "text/plain; charset=utf-8"
            try:
                if self.path != "/prefix/add-checkpoint":
                    raise Refused(404)
                answer = witness.add_checkpoint(body).encode()
            except Refused as e:
                status, answer, kind = e.status, e.body, e.kind
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    with open(port_file + ".new", "w", encoding="ascii") as f:
        f.write("%d\n" % server.server_port)
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


def main(argv):
    seed = hashlib.sha256(argv[3].encode()).digest()
    if argv[1] == "vkey":
        print(vkey(argv[2], 4, public_of(seed)))
    else:
        serve(Witness(argv[2], seed, argv[4], argv[5]), argv[6], int(argv[7]) if len(argv) > 7 else 0)


main(sys.argv)
