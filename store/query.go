package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// read runs a query that changes nothing.
func (s *Store) read(ctx context.Context, query string, params ...param) ([]row, error) {
	return s.query(ctx, s.sendRead, "GRAPH.RO_QUERY", query, params)
}

// write runs a query that changes something and returns when the change would
// survive a crash of the store, and the edition is another one.
func (s *Store) write(ctx context.Context, query string, params ...param) ([]row, error) {
	return s.query(ctx, s.sendConfirmed, "GRAPH.QUERY", query, params)
}

// writeSoon runs a query whose change nobody has been promised. It does not
// wait for the store's log, which may take a second or two where that is
// written to disk once a second; for the next edition it does.
func (s *Store) writeSoon(ctx context.Context, query string, params ...param) ([]row, error) {
	return s.query(ctx, s.sendCounted, "GRAPH.QUERY", query, params)
}

// sender sends one command. Its error is the client library's.
type sender func(ctx context.Context, args ...any) (any, error)

func (s *Store) query(ctx context.Context, send sender, command, query string, params []param) ([]row, error) {
	text, err := cypherText(query, params)
	if err != nil {
		return nil, err
	}
	reply, err := s.command(ctx, send, command, s.graph, text)
	if err != nil {
		return nil, err
	}
	return rowsOf(reply)
}

// command is call with this package's errors.
func (s *Store) command(ctx context.Context, send sender, args ...any) (any, error) {
	start := time.Now()
	reply, err := s.call(ctx, send, args...)
	name, _ := args[0].(string) // every command begins with its name
	s.observe(name, time.Since(start), err)
	return reply, classify(err)
}

// call sends one command within the store's timeout, and returns early when ctx
// is cancelled: the client library watches deadlines only, so it runs in a
// goroutine, which ends with the timeout at the latest and which Close waits
// for. Whether a write that was cancelled took place is unknown.
func (s *Store) call(ctx context.Context, send sender, args ...any) (any, error) {
	if !s.begin() {
		return nil, redis.ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel() // not before the answer is here: it would look like the caller's
	type answer struct {
		reply any
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		defer s.running.Done()
		reply, err := send(ctx, args...)
		answers <- answer{reply, err}
	}()
	select {
	case a := <-answers:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // the caller classifies it
	}
}

// begin counts an operation as running; false when the store has been closed.
func (s *Store) begin() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// sendOnce sends a command and never repeats it.
func (s *Store) sendOnce(ctx context.Context, args ...any) (any, error) {
	return s.client().Do(ctx, args...).Result() //nolint:wrapcheck // the caller classifies it
}

// sendRead sends a command that may be repeated. A connection that broke while
// it lay in the pool is no fault of the caller's, and when the store starts
// anew all of them have: so there is one try for each, and one more.
func (s *Store) sendRead(ctx context.Context, args ...any) (any, error) {
	for try := 0; ; try++ {
		reply, err := s.client().Do(ctx, args...).Result()
		if err == nil || try >= s.poolSize || ctx.Err() != nil || !isBrokenConnection(err) {
			return reply, err //nolint:wrapcheck // the caller classifies it
		}
	}
}

// isBrokenConnection tells whether a connection that had been there is gone. A
// store that accepts none is another matter: trying again at once would not help.
func isBrokenConnection(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// sendConfirmed sends a writing command and, where the store confirms writes
// only when asked to, WAITAOF behind it on the same connection.
func (s *Store) sendConfirmed(ctx context.Context, args ...any) (any, error) {
	if s.durability != durabilityWaitAOF {
		return s.sendCounted(ctx, args...)
	}
	conn := s.client().Conn()
	defer func() { _ = conn.Close() }() // it goes back to the pool, or has shown its error already
	reply, err := s.counted(ctx, conn.Pipeline(), args...)
	if err != nil {
		return nil, err
	}
	return reply, confirmed(conn.Do(ctx, "WAITAOF", 1, 0, s.timeout.Milliseconds()))
}

// confirmed reads the answer to WAITAOF 1 0: how many local logs hold the write.
func confirmed(waitaof *redis.Cmd) error {
	counts, err := waitaof.Int64Slice()
	if err != nil {
		return fmt.Errorf("%w: confirm write: %w", ErrUnavailable, err)
	}
	if len(counts) == 0 || counts[0] < 1 {
		return fmt.Errorf("%w: write not confirmed in time", ErrUnavailable)
	}
	return nil
}
