package interop

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
)

func newFetcher(t *testing.T, e environment) *client.HTTPFetcher {
	t.Helper()
	fetcher, err := client.NewHTTPFetcher(e.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fetcher
}

func newTracker(ctx context.Context, t *testing.T, e environment) *client.LogStateTracker {
	t.Helper()
	fetcher := newFetcher(t, e)
	verifier := e.verifier(t)
	consensus := client.UnilateralConsensus(fetcher.ReadCheckpoint)
	tracker, err := client.NewLogStateTracker(ctx, fetcher.ReadTile, nil, verifier, verifier.Name(), consensus)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

func bundleLeafHashes(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(bundle.Entries))
	for i, entry := range bundle.Entries {
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(entry)
	}
	return hashes, nil
}

func TestTesseraProofs(t *testing.T) {
	e := readEnvironment(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fetcher := newFetcher(t, e)
	verifier := e.verifier(t)
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		t.Fatal(err)
	}
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, fetcher.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range sample(int64(checkpoint.Size)) {
		path, err := builder.InclusionProof(ctx, uint64(index))
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := client.GetEntryBundle(ctx, fetcher.ReadEntryBundle, uint64(index)/256, checkpoint.Size)
		if err != nil {
			t.Fatal(err)
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), checkpoint.Size, leaf, path, checkpoint.Hash); err != nil {
			t.Errorf("index %d: %v", index, err)
		}
	}
}

func TestTesseraStreamsEveryEntry(t *testing.T) {
	e := readEnvironment(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fetcher := newFetcher(t, e)
	tree, _ := e.tree(t)
	size := uint64(tree.N)
	bundles := client.EntryBundles(ctx, 2, func(context.Context) (uint64, error) { return size, nil }, fetcher.ReadEntryBundle, 0, size)
	var seen uint64
	for entry, err := range client.Entries(bundles, bundleLeafHashes) {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Index != seen {
			t.Fatalf("entry %d comes after %d entries", entry.Index, seen)
		}
		seen++
	}
	if seen != size {
		t.Errorf("%d entries of %d", seen, size)
	}
}

func checkWithFsck(t *testing.T, e environment, fetcher fsck.Fetcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	verifier := e.verifier(t)
	check := fsck.New(verifier.Name(), verifier, fetcher, bundleLeafHashes, fsck.Opts{N: 2})
	if err := check.Check(ctx); err != nil {
		t.Errorf("tessera's fsck: %v\n%s", err, formatStatus(check.Status()))
	}
}

func formatStatus(status fsck.Status) string {
	var out bytes.Buffer
	for _, entries := range status.EntryRanges {
		fmt.Fprintf(&out, "entries %s\n", entries.String())
	}
	for level, ranges := range status.TileRanges {
		for _, tiles := range ranges {
			fmt.Fprintf(&out, "level %d %s\n", level, tiles.String())
		}
	}
	return out.String()
}

func TestTesseraFsckOverHTTP(t *testing.T) {
	e := readEnvironment(t)
	checkWithFsck(t, e, newFetcher(t, e))
}

func TestTesseraFsckOverExport(t *testing.T) {
	e := readEnvironment(t)
	checkWithFsck(t, e, &client.FileFetcher{Root: e.export})
}

// corrupting answers one resource with a changed byte, to show that the checks above can fail.
type corrupting struct{ fsck.Fetcher }

func (c corrupting) ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error) {
	bundle, err := c.Fetcher.ReadEntryBundle(ctx, index, partial)
	if err == nil && index == 0 {
		bundle[len(bundle)-1] ^= 1
	}
	return bundle, err
}

func TestTesseraFsckCanFail(t *testing.T) {
	e := readEnvironment(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	verifier := e.verifier(t)
	check := fsck.New(verifier.Name(), verifier, corrupting{newFetcher(t, e)}, bundleLeafHashes, fsck.Opts{N: 2})
	if err := check.Check(ctx); err == nil {
		t.Error("tessera's fsck passes a log with a changed entry")
	}
}
