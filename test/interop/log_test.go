// Package interop checks a running limmat log with the clients of others: golang.org/x/mod/sumdb (note, tlog) and
// github.com/transparency-dev/tessera (client, fsck). test/lanes/interop.ts starts the log and sets the environment.
package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const requestTimeout = 20 * time.Second

// environment names what test/lanes/interop.ts hands over.
type environment struct {
	base   *url.URL // the log, with a trailing slash
	vkey   string   // its Ed25519 verifier key
	skey   string   // its Ed25519 signer key, of a log that exists for this test only
	export string   // a directory that `limmat export` wrote
	out    string   // a directory that this test writes to and limmat reads afterwards
}

func readEnvironment(t *testing.T) environment {
	t.Helper()
	need := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			t.Fatalf("%s is not set: run npm run test:interop", name)
		}
		return value
	}
	base, err := url.Parse(need("LIMMAT_URL") + "/")
	if err != nil {
		t.Fatal(err)
	}
	return environment{
		base:   base,
		vkey:   need("LIMMAT_VKEY"),
		skey:   need("LIMMAT_SKEY"),
		export: need("LIMMAT_EXPORT"),
		out:    need("LIMMAT_OUT"),
	}
}

func (e environment) get(t *testing.T, path string) []byte {
	t.Helper()
	body, err := e.fetch(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (e environment) fetch(path string) ([]byte, error) {
	u, err := e.base.Parse(path)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: requestTimeout}
	response, err := client.Get(u.String())
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return body, nil
}

// add appends an entry to the log and returns its index.
func (e environment) add(t *testing.T, entry []byte) int64 {
	t.Helper()
	u, err := e.base.Parse("add")
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: requestTimeout}
	response, err := client.Post(u.String(), "application/octet-stream", bytes.NewReader(entry))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST add: %s: %s", response.Status, body)
	}
	index, err := strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
	if err != nil {
		t.Fatalf("POST add answered %q: %v", body, err)
	}
	return index
}

func (e environment) verifier(t *testing.T) note.Verifier {
	t.Helper()
	verifier, err := note.NewVerifier(e.vkey)
	if err != nil {
		t.Fatalf("sumdb/note does not take the vkey %q: %v", e.vkey, err)
	}
	return verifier
}

// tree opens the served checkpoint with sumdb/note and reads the three lines of its body.
func (e environment) tree(t *testing.T) (tlog.Tree, *note.Note) {
	t.Helper()
	opened, err := note.Open(e.get(t, "checkpoint"), note.VerifierList(e.verifier(t)))
	if err != nil {
		t.Fatalf("sumdb/note does not open the checkpoint: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		t.Fatalf("checkpoint body has %d lines: %q", len(lines), opened.Text)
	}
	if want := e.verifier(t).Name(); lines[0] != want {
		t.Fatalf("origin is %q, key name is %q", lines[0], want)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Tree{N: size, Hash: root}, opened
}

// waitForSize polls the checkpoint until the tree has at least this size.
func (e environment) waitForSize(t *testing.T, size int64) tlog.Tree {
	t.Helper()
	for deadline := time.Now().Add(requestTimeout); ; time.Sleep(50 * time.Millisecond) {
		tree, _ := e.tree(t)
		if tree.N >= size {
			return tree
		}
		if time.Now().After(deadline) {
			t.Fatalf("the published size is %d after %v, want %d", tree.N, requestTimeout, size)
		}
	}
}

func TestNoteOpensCheckpoint(t *testing.T) {
	e := readEnvironment(t)
	_, opened := e.tree(t)
	if len(opened.Sigs) != 1 {
		t.Errorf("%d signatures verified, want 1", len(opened.Sigs))
	}
	if len(opened.UnverifiedSigs) == 0 {
		t.Error("no second line: the log's ML-DSA-44 line should be there, unknown to sumdb/note")
	}
}

func TestNoteRefusesChangedCheckpoint(t *testing.T) {
	e := readEnvironment(t)
	raw := e.get(t, "checkpoint")
	changed := bytes.Replace(raw, []byte("\n"), []byte("x\n"), 1)
	if _, err := note.Open(changed, note.VerifierList(e.verifier(t))); err == nil {
		t.Error("a changed checkpoint opens")
	}
}

func TestNoteSignsTheSameLine(t *testing.T) {
	e := readEnvironment(t)
	signer, err := note.NewSigner(e.skey)
	if err != nil {
		t.Fatalf("sumdb/note does not take the skey: %v", err)
	}
	_, opened := e.tree(t)
	signed, err := note.Sign(&note.Note{Text: opened.Text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	line := signed[len(opened.Text)+1:]
	if !bytes.Contains(e.get(t, "checkpoint"), line) {
		t.Errorf("sumdb/note signs %q, which is not a line of the checkpoint", line)
	}
}

// TestNoteKeyForLimmat writes a key and a note of sumdb/note's making; limmat opens them after this run.
func TestNoteKeyForLimmat(t *testing.T) {
	e := readEnvironment(t)
	skey, vkey, err := note.GenerateKey(rand.Reader, "go.invalid/interop")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := e.tree(t)
	text := fmt.Sprintf("go.invalid/interop\n%d\n%s\n", tree.N, tree.Hash)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(map[string]string{"skey": skey, "vkey": vkey, "note": string(signed)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.out+"/go-note.json", encoded, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tiles reads a log's tiles for sumdb/tlog, whose own paths carry the tile height.
type tiles struct{ env environment }

func (tiles) Height() int { return 8 }

func (r tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path, found := strings.CutPrefix(tile.Path(), "tile/8/")
		if !found {
			return nil, fmt.Errorf("unexpected path %q", tile.Path())
		}
		body, err := r.env.fetch("tile/" + path)
		if err != nil {
			return nil, err
		}
		data[i] = body
	}
	return data, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// sample returns indexes below size: both ends, tile borders and some in between.
func sample(size int64) []int64 {
	candidates := []int64{0, 1, 254, 255, 256, 257, 511, 512, size / 3, size / 2, size - 2, size - 1}
	var indexes []int64
	for _, index := range candidates {
		if index >= 0 && index < size {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

func (e environment) entry(t *testing.T, index, size int64) []byte {
	t.Helper()
	tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(min(256, size-index/256*256))}
	path, _ := strings.CutPrefix(tile.Path(), "tile/8/0/")
	bundle := e.get(t, "tile/entries/"+path)
	for i := int64(0); ; i++ {
		if len(bundle) < 2 {
			t.Fatalf("bundle of entry %d ends early", index)
		}
		length := int(bundle[0])<<8 | int(bundle[1])
		if len(bundle) < 2+length {
			t.Fatalf("bundle of entry %d is cut off", index)
		}
		if i == index%256 {
			return bundle[2 : 2+length]
		}
		bundle = bundle[2+length:]
	}
}

func TestTlogRootAndInclusion(t *testing.T) {
	e := readEnvironment(t)
	tree, _ := e.tree(t)
	reader := tlog.TileHashReader(tree, tiles{e})
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		t.Fatal(err)
	}
	if root != tree.Hash {
		t.Fatalf("tlog computes root %v, the checkpoint has %v", root, tree.Hash)
	}
	for _, index := range sample(tree.N) {
		ours, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			t.Fatal(err)
		}
		leaf := tlog.RecordHash(e.entry(t, index, tree.N))
		if err := tlog.CheckRecord(ours, tree.N, tree.Hash, index, leaf); err != nil {
			t.Errorf("index %d: proof from tiles: %v", index, err)
		}
		var answer struct {
			AuditPath []string `json:"audit_path"`
			LeafIndex int64    `json:"leaf_index"`
		}
		query := url.Values{"hash": {leaf.String()}, "tree_size": {strconv.FormatInt(tree.N, 10)}}
		if err := json.Unmarshal(e.get(t, "ct/v1/get-proof-by-hash?"+query.Encode()), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.LeafIndex != index {
			t.Errorf("get-proof-by-hash finds index %d, want %d", answer.LeafIndex, index)
		}
		if err := tlog.CheckRecord(hashes(t, answer.AuditPath), tree.N, tree.Hash, index, leaf); err != nil {
			t.Errorf("index %d: proof from get-proof-by-hash: %v", index, err)
		}
	}
}

func hashes(t *testing.T, texts []string) []tlog.Hash {
	t.Helper()
	parsed := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed[i] = hash
	}
	return parsed
}

func TestTlogConsistency(t *testing.T) {
	e := readEnvironment(t)
	tree, _ := e.tree(t)
	reader := tlog.TileHashReader(tree, tiles{e})
	for _, size := range []int64{1, 2, 255, 256, 257, tree.N / 2, tree.N - 1, tree.N} {
		if size < 1 || size > tree.N {
			continue
		}
		old, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Consistency []string `json:"consistency"`
		}
		path := fmt.Sprintf("ct/v1/get-sth-consistency?first=%d&second=%d", size, tree.N)
		if err := json.Unmarshal(e.get(t, path), &answer); err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(hashes(t, answer.Consistency), tree.N, tree.Hash, size, old); err != nil {
			t.Errorf("from %d to %d: %v", size, tree.N, err)
		}
	}
}

// TestTlogProofFile checks a C2SP tlog-proof file line by line with sumdb's own primitives.
func TestTlogProofFile(t *testing.T) {
	e := readEnvironment(t)
	tree, _ := e.tree(t)
	index := tree.N / 2
	file := string(e.get(t, fmt.Sprintf("api/v1/entries/%d/proof", index)))
	head, checkpoint, found := strings.Cut(file, "\n\n")
	if !found {
		t.Fatalf("no blank line in the proof file %q", file)
	}
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		t.Fatalf("first line %q", lines[0])
	}
	lines = lines[1:]
	var leaf tlog.Hash
	if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
		statement, err := base64.StdEncoding.DecodeString(extra)
		if err != nil {
			t.Fatal(err)
		}
		leaf = tlog.RecordHash(statement)
		lines = lines[1:]
	} else {
		t.Fatal("the proof file does not carry the statement")
	}
	if want := fmt.Sprintf("index %d", index); lines[0] != want {
		t.Fatalf("line %q, want %q", lines[0], want)
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(e.verifier(t)))
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(body[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(body[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(hashes(t, lines[1:]), size, root, index, leaf); err != nil {
		t.Error(err)
	}
}

// TestGrowth appends through POST /add and follows the growth with sumdb/tlog.
func TestGrowth(t *testing.T) {
	e := readEnvironment(t)
	before, _ := e.tree(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tracker := newTracker(ctx, t, e)
	var last int64
	for i := range 300 {
		entry := fmt.Appendf(nil, "interop entry %d at %d", i, time.Now().UnixNano())
		last = e.add(t, entry)
		if again := e.add(t, entry); again != last {
			t.Fatalf("the same entry again got index %d, first %d", again, last)
		}
	}
	after := e.waitForSize(t, last+1)
	proof, err := tlog.ProveTree(after.N, before.N, tlog.TileHashReader(after, tiles{e}))
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(proof, after.N, after.Hash, before.N, before.Hash); err != nil {
		t.Error(err)
	}
	if _, _, _, err := tracker.Update(ctx); err != nil {
		t.Errorf("tessera's LogStateTracker: %v", err)
	}
	if got := tracker.Latest().Size; got < uint64(after.N) {
		t.Errorf("tessera's LogStateTracker is at %d, want at least %d", got, after.N)
	}
}
