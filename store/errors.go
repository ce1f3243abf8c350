package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrNotFound is returned when no row has the ID or hash asked for.
	ErrNotFound = errors.New("not found")
	// ErrNotRotatable is returned for a token that does not work, or that was
	// rotated before.
	ErrNotRotatable = errors.New("does not work, or was rotated before")
	// ErrEnded is returned for a token that was revoked or has expired.
	ErrEnded = errors.New("was revoked or has expired")
	// ErrConflict is returned when an ID or hash is already taken.
	ErrConflict = errors.New("already exists")
	// ErrIssuerInactive is returned when the token that a new token was to be
	// made from has been revoked or has expired meanwhile.
	ErrIssuerInactive = errors.New("issuing token is not active")
	// ErrUnavailable is returned when the store did not answer in time, or not
	// as a store in working order does. Whether a write took place is unknown.
	ErrUnavailable = errors.New("token store unavailable")
	// ErrInvalidText is returned for a text that FalkorDB cannot keep exactly:
	// invalid UTF-8, or one with a NUL. Nothing has been sent then.
	ErrInvalidText = errors.New("text is not valid UTF-8 or holds a NUL")
)

// unavailablePrefixes start the error replies of a server that is up but can't
// serve now: starting, failing over, out of memory or disk, misconfigured, not
// the one that has the graph, or not letting us in. An "ERR " before them does
// not count: some come with it and some without.
var unavailablePrefixes = [...]string{
	"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "MOVED", "ASK", "BUSY", "OOM", "MISCONF", "NOREPLICAS",
	"NOAUTH", "WRONGPASS", "NOPERM", "UNBLOCKED", "max number of clients", "unknown command",
	// FalkorDB's own words: too much to do, and a graph that is not there.
	"Max pending queries exceeded", "Query timed out", "Query's mem consumption exceeded capacity",
	"Invalid graph operation on empty key",
}

// classify turns what the client library reports into this package's errors.
// What is neither a reply nor a cancellation means that no sound reply came.
func classify(err error) error {
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, ErrUnavailable):
		return err
	case errors.As(err, &reply):
		return classifyReply(reply)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// classifyReply does so for an error that the server replied. The reply itself
// is not passed on, only its text, because it may quote the query.
func classifyReply(reply redis.Error) error {
	text := withoutQuery(reply.Error())
	if strings.Contains(text, "unique constraint violation") {
		return fmt.Errorf("%w: %s", ErrConflict, text)
	}
	for _, prefix := range unavailablePrefixes {
		if strings.HasPrefix(strings.TrimPrefix(text, "ERR "), prefix) {
			return fmt.Errorf("%w: %s", ErrUnavailable, text)
		}
	}
	return fmt.Errorf("store refused a query: %s", text)
}

// withoutQuery cuts off where a reply begins to quote the query: hashes and
// sealed passwords are among its parameters, and errors end up in logs.
func withoutQuery(text string) string {
	for _, quote := range [...]string{" errCtx:", ", with args beginning with:"} {
		text, _, _ = strings.Cut(text, quote)
	}
	return text
}
