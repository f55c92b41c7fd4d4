// Package sigsum opens limmat's checkpoints and cosignatures with sigsum.org/sigsum-go. test/lanes/proofs.ts writes the
// file that LIMMAT_PROOFS names.
package sigsum

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sigsum.org/sigsum-go/pkg/checkpoint"
	"sigsum.org/sigsum-go/pkg/crypto"
)

// fixture is what limmat made: a note with the log's lines and its witnesses', and their keys.
type fixture struct {
	Checkpoint string   `json:"checkpoint"`
	Time       uint64   `json:"time"`
	LogKey     string   `json:"logKey"`
	Cosigners  []string `json:"cosigners"`
	Absent     []string `json:"absent"`
}

func read(t *testing.T) (fixture, checkpoint.Checkpoint, []checkpoint.CosignatureLine) {
	t.Helper()
	path := os.Getenv("LIMMAT_PROOFS")
	if path == "" {
		t.Fatal("LIMMAT_PROOFS is not set: run npm run test:interop")
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := json.Unmarshal(bytes, &f); err != nil {
		t.Fatal(err)
	}
	var opened checkpoint.Checkpoint
	if err := opened.FromASCII(strings.NewReader(f.Checkpoint)); err != nil {
		t.Fatalf("sigsum does not read the note: %v\n%s", err, f.Checkpoint)
	}
	_, lines, found := strings.Cut(f.Checkpoint, "\n\n")
	if !found {
		t.Fatal("the note has no signature lines")
	}
	cosignatures, err := checkpoint.CosignatureLinesFromASCII(strings.NewReader(lines))
	if err != nil {
		t.Fatalf("sigsum does not read the cosignatures: %v", err)
	}
	return f, opened, cosignatures
}

// verifier gives the key of a vkey, or false for a type that sigsum does not know.
func verifier(vkey string) (checkpoint.NoteVerifier, bool) {
	var v checkpoint.NoteVerifier
	err := v.FromString(vkey)
	return v, err == nil
}

func TestSigsumVerifiesTheLogsSignature(t *testing.T) {
	f, opened, _ := read(t)
	key, ok := verifier(f.LogKey)
	if !ok {
		t.Fatalf("sigsum does not read the key %s", f.LogKey)
	}
	if opened.Origin != key.Name || opened.KeyId != key.KeyId {
		t.Errorf("%s %x is not %s %x", opened.Origin, opened.KeyId, key.Name, key.KeyId)
	}
	// Checkpoint.Verify takes the origins of Sigsum's own logs alone.
	verifies := func() bool {
		return crypto.Verify(&key.PublicKey, []byte(opened.FormatCheckpoint(opened.Origin)), &opened.Signature)
	}
	if !verifies() {
		t.Error("the log's signature does not verify")
	}
	opened.Size++
	if verifies() {
		t.Error("a changed size verifies")
	}
}

func TestSigsumVerifiesEveryCosignatureAndItsTime(t *testing.T) {
	f, opened, lines := read(t)
	verified := 0
	for _, vkey := range f.Cosigners {
		key, ok := verifier(vkey)
		if !ok {
			// ML-DSA-44: sigsum knows Ed25519 alone.
			continue
		}
		cosignature, err := opened.VerifyCosignatureByKey(lines, &key.PublicKey)
		if err != nil {
			t.Errorf("%s: %v", vkey, err)
			continue
		}
		if cosignature.Timestamp != f.Time {
			t.Errorf("%s signed at %d, not %d", vkey, cosignature.Timestamp, f.Time)
		}
		verified++
		cosignature.Timestamp++
		if opened.VerifyCosignature(&key.PublicKey, &cosignature) {
			t.Errorf("%s: a changed time verifies", vkey)
		}
	}
	if verified < 3 {
		t.Errorf("%d cosignatures verify: nothing was compared", verified)
	}
}

func TestSigsumFindsNobodyWhoDidNotCosign(t *testing.T) {
	f, opened, lines := read(t)
	for _, vkey := range append(f.Absent, f.LogKey) {
		key, ok := verifier(vkey)
		if !ok {
			t.Fatalf("sigsum does not read the key %s", vkey)
		}
		if _, err := opened.VerifyCosignatureByKey(lines, &key.PublicKey); err == nil {
			t.Errorf("%s cosigned", vkey)
		}
	}
}

func TestSigsumHasTheSameKeyIds(t *testing.T) {
	f, _, _ := read(t)
	for _, vkey := range append([]string{f.LogKey}, f.Absent...) {
		key, ok := verifier(vkey)
		if !ok {
			t.Fatalf("sigsum does not read the key %s", vkey)
		}
		if id := checkpoint.NewKeyId(key.Name, key.Type, &key.PublicKey); id != key.KeyId {
			t.Errorf("%s has the key id %x, sigsum says %x", key.Name, key.KeyId, id)
		}
	}
}
