// tesseralog runs a live Tessera log on the local file system for test/lanes/interop.ts: tiles and checkpoint over HTTP,
// and POST /add, which answers once the entry is published. Its first line on standard output is its URL.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	// The shortest that Tessera allows on a file system.
	checkpointInterval = 100 * time.Millisecond
	batchAge           = 50 * time.Millisecond
	batchSize          = 256
	maxEntry           = 65535
)

func main() {
	dir := flag.String("dir", "", "directory of the log")
	skey := flag.String("skey", "", "signer key, of a log that exists for this test only")
	address := flag.String("listen", "127.0.0.1:0", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *dir, *skey, *address); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir, skey, address string) error {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(checkpointInterval).
		WithBatching(batchSize, batchAge)
	// Its own context: what was taken is published after the signal too.
	appender, shutdown, reader, err := tessera.NewAppender(context.Background(), driver, options)
	if err != nil {
		return err
	}
	await := tessera.NewPublicationAwaiter(context.Background(), reader.ReadCheckpoint, checkpointInterval)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(dir, appender.Add, await), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintf(os.Stdout, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return shutdown(context.Background())
}

func handler(dir string, add tessera.AddFn, await *tessera.PublicationAwaiter) http.Handler {
	mux := http.NewServeMux()
	files := http.FileServer(http.Dir(dir))
	mux.Handle("GET /checkpoint", files)
	mux.Handle("GET /tile/", files)
	mux.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEntry))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		index, _, err := await.Await(r.Context(), add(r.Context(), tessera.NewEntry(body)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%d\n", index.Index)
	})
	return mux
}
