// SPDX-License-Identifier: Apache-2.0

// Command foreign shows a log to code that is not ours, and makes one with code that is not ours.
//
//	foreign fsck VKEY_FILE LOG_DIRECTORY              Tessera's fsck: signature, bundles, tiles, root
//	foreign note VKEY_FILE LOG_DIRECTORY              x/mod: the note, and the root from all leaves
//	foreign receipt VKEY_FILE RECEIPT_FILE LEAF_FILE  x/mod: the note, and the inclusion proof
//	foreign make LOG_DIRECTORY LEAVES...              Tessera's POSIX storage: the log, grown to each
//	                                                  of these sizes; prints its verifier key
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A check of a damaged log must end too.
const patience = 60 * time.Second

func verifier(vkeyFile string) (note.Verifier, error) {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(vkey)))
}

// leafHashes is what fsck wants to know of a bundle: its leaves' hashes.
func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(b.Entries))
	for _, entry := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func checkWhole(vkeyFile, dir string) error {
	v, err := verifier(vkeyFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return fsck.New(v.Name(), v, &client.FileFetcher{Root: dir}, leafHashes, fsck.Opts{N: 2}).Check(ctx)
}

// openCheckpoint gives size and root of a checkpoint that x/mod takes for signed.
func openCheckpoint(v note.Verifier, bytes []byte) (int64, tlog.Hash, error) {
	n, err := note.Open(bytes, note.VerifierList(v))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		return 0, tlog.Hash{}, errors.New("this is no checkpoint of that log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

// checkNote computes the root with x/mod's mathematics over the leaves of the bundles.
func checkNote(vkeyFile, dir string) error {
	v, err := verifier(vkeyFile)
	if err != nil {
		return err
	}
	files := &client.FileFetcher{Root: dir}
	bytes, err := files.ReadCheckpoint(context.Background())
	if err != nil {
		return err
	}
	size, root, err := openCheckpoint(v, bytes)
	if err != nil {
		return err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			hashes[i] = stored[x]
		}
		return hashes, nil
	})
	for at := int64(0); at < size; {
		width := min(size-at, 256)
		data, err := files.ReadEntryBundle(context.Background(), uint64(at/256), uint8(width%256))
		if err != nil {
			return err
		}
		var b api.EntryBundle
		if err := b.UnmarshalText(data); err != nil {
			return err
		}
		for _, entry := range b.Entries[:width] {
			hashes, err := tlog.StoredHashes(at, entry, reader)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
			at++
		}
	}
	got, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	if got != root {
		return errors.New("the leaves do not give the signed root")
	}
	return nil
}

func checkReceipt(vkeyFile, receiptFile, leafFile string) error {
	v, err := verifier(vkeyFile)
	if err != nil {
		return err
	}
	receipt, err := os.ReadFile(receiptFile)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	head, checkpoint, _ := strings.Cut(string(receipt), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("this is no receipt")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	size, root, err := openCheckpoint(v, []byte(checkpoint))
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(leaf))
}

// grow appends leaves until the log has that many, and returns when a checkpoint covers them.
func grow(dir string, signer note.Signer, from, size int) error {
	ctx := context.Background()
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(uint(size-from), 100*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 20*time.Millisecond)
	var last tessera.IndexFuture
	for i := from; i < size; i++ {
		last = appender.Add(ctx, tessera.NewEntry([]byte(fmt.Sprintf("leaf %d", i))))
	}
	if _, _, err := await.Await(ctx, last); err != nil {
		return err
	}
	return shutdown(ctx)
}

func makeLog(dir string, sizes []string) error {
	skey, vkey, err := note.GenerateKey(rand.Reader, "tessera.example/log")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	from := 0
	for _, text := range sizes {
		size, err := strconv.Atoi(text)
		if err != nil || size <= from {
			return fmt.Errorf("'%s' is no size beyond %d", text, from)
		}
		if err := grow(dir, signer, from, size); err != nil {
			return err
		}
		from = size
	}
	fmt.Println(vkey)
	return nil
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "fsck":
		return checkWhole(args[1], args[2])
	case len(args) == 3 && args[0] == "note":
		return checkNote(args[1], args[2])
	case len(args) == 4 && args[0] == "receipt":
		return checkReceipt(args[1], args[2], args[3])
	case len(args) >= 3 && args[0] == "make":
		return makeLog(args[1], args[2:])
	}
	return errors.New("usage: foreign fsck|note|receipt|make ...")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "foreign: %v\n", err)
		os.Exit(1)
	}
}
