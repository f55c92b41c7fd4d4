// Command litewitness runs litewitness of filippo.io/torchwood for one log, with a key in an SSH agent of its own. It
// prints the witness's key and its address as JSON, and ends when its standard input does.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func main() {
	bin := flag.String("bin", "", "the litewitness binary")
	dir := flag.String("dir", "", "where its database may be")
	origin := flag.String("origin", "", "the log's origin")
	vkey := flag.String("vkey", "", "the log's Ed25519 verifier key")
	name := flag.String("name", "litewitness.invalid/witness", "the witness's name")
	flag.Parse()

	db := filepath.Join(*dir, "litewitness.db")

	_, secret, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	signer, err := ssh.NewSignerFromKey(secret)
	check(err)
	keyring := agent.NewKeyring()
	check(keyring.Add(agent.AddedKey{PrivateKey: secret}))
	socket := filepath.Join(*dir, "agent")
	listener, err := net.Listen("unix", socket)
	check(err)
	go func() {
		for {
			conn, err := listener.Accept()
			check(err)
			go func() { _ = agent.ServeAgent(keyring, conn) }()
		}
	}()

	address := freeAddress()
	child := exec.Command(*bin, "-db", db, "-ssh-agent", socket, "-name", *name,
		"-key", ssh.FingerprintSHA256(signer.PublicKey()), "-listen", address)
	stderr, err := child.StderrPipe()
	check(err)
	check(child.Start())
	go func() {
		verifierKey := regexp.MustCompile(`vkey="?([^"\s]+)`)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if match := verifierKey.FindStringSubmatch(lines.Text()); match != nil {
				addLog(db, *origin, *vkey)
				check(json.NewEncoder(os.Stdout).Encode(map[string]any{
					"vkeys": []string{match[1]},
					"url":   "http://" + address,
				}))
			}
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = child.Process.Signal(os.Interrupt)
	_ = child.Wait()
}

// addLog does what `witnessctl add-log` and `witnessctl add-key` do, which needs modules that litewitness does not.
func addLog(db, origin, vkey string) {
	conn, err := sqlite.OpenConn(db)
	check(err)
	defer conn.Close()
	empty := sha256.Sum256(nil)
	check(sqlitex.Execute(conn, "INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)",
		&sqlitex.ExecOptions{Args: []any{origin, base64.StdEncoding.EncodeToString(empty[:])}}))
	check(sqlitex.Execute(conn, "INSERT INTO key (origin, key) VALUES (?, ?)",
		&sqlitex.ExecOptions{Args: []any{origin, vkey}}))
}

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	return listener.Addr().String()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
