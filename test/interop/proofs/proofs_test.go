// Package proofs opens limmat's proof files with the code of others: filippo.io/torchwood (tlog-proof, tlog-policy),
// golang.org/x/mod/sumdb/note and github.com/transparency-dev/formats (cosignatures). test/lanes/proofs.ts writes the file
// that LIMMAT_PROOFS names.
package proofs

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"filippo.io/torchwood"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// fixture is what limmat made: a leaf, its proof file, the keys, and policies with what limmat says of them.
type fixture struct {
	Leaf       []byte   `json:"leaf"`
	Proof      []byte   `json:"proof"`
	Checkpoint string   `json:"checkpoint"`
	Time       uint64   `json:"time"`
	LogKey     string   `json:"logKey"`
	Cosigners  []string `json:"cosigners"`
	Absent     []string `json:"absent"`
	Policies   []struct {
		Text  string `json:"text"`
		Holds bool   `json:"holds"`
	} `json:"policies"`
}

func read(t *testing.T) fixture {
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
	return f
}

func TestTorchwoodJudgesEveryPolicyAsLimmatDoes(t *testing.T) {
	f := read(t)
	hash := tlog.RecordHash(f.Leaf)
	holding := 0
	for _, p := range f.Policies {
		policy, err := torchwood.ParsePolicy([]byte(p.Text))
		if err != nil {
			t.Fatalf("torchwood does not read the policy: %v\n%s", err, p.Text)
		}
		err = torchwood.VerifyProof(policy, hash, f.Proof)
		if (err == nil) != p.Holds {
			t.Errorf("limmat says %v, torchwood says %v of\n%s", p.Holds, err, p.Text)
		}
		if err == nil {
			holding++
		}
	}
	if holding == 0 || holding == len(f.Policies) {
		t.Errorf("%d of %d policies hold: nothing was compared", holding, len(f.Policies))
	}
}

func TestTorchwoodRefusesAnotherLeafAndReadsTheExtraData(t *testing.T) {
	f := read(t)
	for _, p := range f.Policies {
		if !p.Holds {
			continue
		}
		policy, err := torchwood.ParsePolicy([]byte(p.Text))
		if err != nil {
			t.Fatal(err)
		}
		if torchwood.VerifyProof(policy, tlog.RecordHash(append(f.Leaf, 0)), f.Proof) == nil {
			t.Error("another leaf was accepted")
		}
		break
	}
	extra, err := torchwood.ProofExtraData(f.Proof)
	if err != nil || string(extra) != string(f.Leaf) {
		t.Errorf("the extra data are not the leaf: %v", err)
	}
}

func TestGoNoteOpensTheCheckpoint(t *testing.T) {
	f := read(t)
	verifier, err := note.NewVerifier(f.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(f.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != len(f.Cosigners)+1 {
		t.Errorf("%d and %d signatures", len(opened.Sigs), len(opened.UnverifiedSigs))
	}
}

func TestNobodyWhoDidNotCosignIsFound(t *testing.T) {
	f := read(t)
	for _, vkey := range f.Absent {
		verifier, err := torchwood.NewCosignatureVerifier(vkey)
		if err != nil {
			t.Fatalf("%.80s: %v", vkey, err)
		}
		if _, err := note.Open([]byte(f.Checkpoint), note.VerifierList(verifier)); err == nil {
			t.Errorf("%.80s has not cosigned", vkey)
		}
	}
}

func TestFormatsVerifiesEveryCosignatureAndItsTime(t *testing.T) {
	f := read(t)
	for _, vkey := range f.Cosigners {
		verifier, err := fnote.NewVerifier(vkey)
		if err != nil {
			t.Fatalf("%.80s: %v", vkey, err)
		}
		opened, err := note.Open([]byte(f.Checkpoint), note.VerifierList(verifier))
		if err != nil {
			t.Fatalf("%.80s: %v", vkey, err)
		}
		when, err := fnote.CoSigV1Timestamp(opened.Sigs[0])
		if err != nil || uint64(when.Unix()) != f.Time {
			t.Errorf("%.80s: time %v, %v", vkey, when, err)
		}
		changed := strings.Replace(f.Checkpoint, "\n37\n", "\n38\n", 1)
		if _, err := note.Open([]byte(changed), note.VerifierList(verifier)); err == nil {
			t.Errorf("%.80s: another size was accepted", vkey)
		}
	}
}
