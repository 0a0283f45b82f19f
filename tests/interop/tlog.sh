#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A log of ours before verifiers that are not ours: the openssl command (signature), coreutils
# (leaf hashes) and, when TESSERA_FSCK names it, Tessera's fsck (everything):
#
#	go install github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
#	TESSERA_FSCK=$HOME/go/bin/fsck meson test -C build tlog
#
# usage: tlog.sh MAKE_LOG
set -eu

make_log=$1
if [ -w /dev/shm ]; then base=/dev/shm; else base=/tmp; fi
dir=$(mktemp -d "$base/remit-interop-XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "tlog.sh: $1" >&2
	exit 1
}

"$make_log" "$dir/log" 700 >"$dir/vkey"

# The public key is the last 32 bytes of what follows the second '+'; the text ends at the empty
# line; a signature follows 4 bytes of key id.
printf '\060\052\060\005\006\003\053\145\160\003\041\000' >"$dir/pub.der"
cut -d+ -f3- "$dir/vkey" | base64 -d | tail -c 32 >>"$dir/pub.der"
awk 'NF == 0 { exit } { print }' "$dir/log/checkpoint" >"$dir/text"
awk '/^— / { print $3 }' "$dir/log/checkpoint" | base64 -d | tail -c +5 >"$dir/signature"
verify() {
	openssl pkeyutl -verify -pubin -inkey "$dir/pub.der" -keyform DER -rawin \
		-in "$dir/text" -sigfile "$dir/signature" >/dev/null 2>&1
}
verify || fail "openssl does not accept the checkpoint's signature"
sed -i 's/^700$/701/' "$dir/text"
if verify; then fail "openssl accepts a changed checkpoint"; fi

# Hash 3 of the first tile is SHA-256 of a zero byte and the leaf.
want=$(printf '\000{"n":3}' | sha256sum | cut -d' ' -f1)
got=$(tail -c +97 "$dir/log/tile/0/000" | head -c 32 | od -An -v -tx1 | tr -d ' \n')
[ "$want" = "$got" ] || fail "sha256sum does not agree with the tile"

fsck() {
	# On a damaged log it may stop without ending, so it gets its time.
	timeout "$1" "$TESSERA_FSCK" --storage_url="file://$dir/log/" --public_key="$dir/vkey" --ui=false \
		>"$dir/fsck.out" 2>&1
}
if [ -z "${TESSERA_FSCK:-}" ]; then
	echo "openssl and sha256sum agree; TESSERA_FSCK is not set, so Tessera was not asked"
	exit 0
fi
for size in 1 2 255 256 257 700 66000; do
	rm -rf "$dir/log"
	"$make_log" "$dir/log" "$size" >"$dir/vkey"
	fsck 60 || { cat "$dir/fsck.out" >&2; fail "fsck refuses a log of $size leaves"; }
done
printf 'x' | dd of="$dir/log/tile/entries/017" bs=1 seek=5 conv=notrunc status=none
if fsck 5; then fail "fsck accepts a changed entry"; fi
echo "openssl, sha256sum and Tessera agree"
