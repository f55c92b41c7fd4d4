// Command witness runs the witness of github.com/transparency-dev/witness, with its own handlers and its in-memory store,
// for one log. It prints its key and its address as JSON, and ends when its standard input does.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	origin := flag.String("origin", "", "the log's origin")
	vkey := flag.String("vkey", "", "the log's Ed25519 verifier key")
	name := flag.String("name", "transparency-dev.invalid/witness", "the witness's name")
	flag.Parse()

	verifier, err := note.NewVerifier(*vkey)
	check(err)
	skey, noteKey, err := note.GenerateKey(rand.Reader, *name)
	check(err)
	ed25519, err := f_note.NewSignerForCosignatureV1(skey)
	check(err)
	mldsaKey, mldsaVkey, err := f_note.GenerateMLDSAKey(*name)
	check(err)
	mldsa, err := f_note.NewMLDSASigner(mldsaKey)
	check(err)

	ctx := context.Background()
	w, err := witness.New(ctx, witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{ed25519, mldsa},
		VerifierForLog: func(_ context.Context, asked string) (note.Verifier, bool, error) {
			return verifier, asked == *origin, nil
		},
	})
	check(err)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	hash := sha256.Sum256([]byte(*origin))
	mux.HandleFunc("GET /"+hex.EncodeToString(hash[:])+"/checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		checkpoint, err := w.GetCheckpoint(r.Context(), *origin)
		if err != nil || checkpoint == nil {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write(checkpoint)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(listener, mux)) }()
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"vkeys": []string{cosignatureKey(*name, noteKey), mldsaVkey},
		"url":   fmt.Sprintf("http://%s", listener.Addr()),
	}))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// cosignatureKey is the key of type 0x04 with the same public key as an Ed25519 note key.
func cosignatureKey(name, noteKey string) string {
	// The key's base64 may hold a plus sign of its own.
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(noteKey, "+", 3)[2])
	check(err)
	key[0] = 0x04
	hash := sha256.Sum256(append([]byte(name+"\n"), key...))
	return fmt.Sprintf("%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString(key))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
