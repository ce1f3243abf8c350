package store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// replied is an error reply, as the client library reports it.
type replied string

func (e replied) Error() string { return string(e) }
func (replied) RedisError()     {}

var _ redis.Error = replied("")

func TestErrorsOfTheClientAreClassified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want error // nil for an error of no class
	}{
		{context.DeadlineExceeded, ErrUnavailable},
		{os.ErrDeadlineExceeded, ErrUnavailable},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), ErrUnavailable},
		{io.EOF, ErrUnavailable},
		{io.ErrUnexpectedEOF, ErrUnavailable},
		{redis.ErrPoolTimeout, ErrUnavailable},
		{redis.ErrPoolExhausted, ErrUnavailable},
		{redis.ErrClosed, ErrUnavailable},
		{net.ErrClosed, ErrUnavailable},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, ErrUnavailable},
		{&net.DNSError{IsNotFound: true}, ErrUnavailable},
		{x509.UnknownAuthorityError{}, ErrUnavailable},
		{errors.New("redis: can't parse reply"), ErrUnavailable},
		{fmt.Errorf("again: %w", ErrUnavailable), ErrUnavailable},

		{context.Canceled, context.Canceled},
		{fmt.Errorf("dial: %w", context.Canceled), context.Canceled},

		{replied("unique constraint violation on node of type Token"), ErrConflict},
		{replied("ERR unique constraint violation on node of type User"), ErrConflict},
		{fmt.Errorf("wrapped: %w", replied("unique constraint violation on node of type Token")), ErrConflict},

		{replied("LOADING Redis is loading the dataset in memory"), ErrUnavailable},
		{replied("READONLY You can't write against a read only replica."), ErrUnavailable},
		{replied("CLUSTERDOWN The cluster is down"), ErrUnavailable},
		{replied("MOVED 3999 127.0.0.1:6381"), ErrUnavailable},
		{replied("MASTERDOWN Link with MASTER is down"), ErrUnavailable},
		{replied("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"), ErrUnavailable},
		{replied("BUSY Redis is busy running a script."), ErrUnavailable},
		{replied("OOM command not allowed when used memory > 'maxmemory'."), ErrUnavailable},
		{replied("MISCONF Errors writing to the AOF file: No space left on device"), ErrUnavailable},
		{replied("NOREPLICAS Not enough good replicas to write."), ErrUnavailable},
		{replied("NOAUTH Authentication required."), ErrUnavailable},
		{replied("WRONGPASS invalid username-password pair or user is disabled."), ErrUnavailable},
		{replied("NOPERM User x has no permissions to run the 'graph.query' command"), ErrUnavailable},
		{replied("ERR max number of clients reached"), ErrUnavailable},
		{replied("ERR unknown command 'GRAPH.QUERY', with args beginning with: 'g'"), ErrUnavailable},
		{replied("ERR Max pending queries exceeded"), ErrUnavailable},
		{replied("Max pending queries exceeded"), ErrUnavailable},
		{replied("Query timed out"), ErrUnavailable},
		{replied("ERR Invalid graph operation on empty key"), ErrUnavailable},

		{replied("errMsg: Invalid input 'X'"), nil},
		{replied("Type mismatch: expected Integer but was String"), nil},
		{replied("WRONGTYPE Operation against a key holding the wrong kind of value"), nil},
		{redis.Nil, nil},
	} {
		got := classify(c.err)
		if got == nil {
			t.Errorf("%q became no error", c.err)
			continue
		}
		for _, class := range []error{ErrUnavailable, ErrConflict, context.Canceled} {
			if wanted := c.want != nil && errors.Is(class, c.want); errors.Is(got, class) != wanted {
				t.Errorf("%q became %q, want %v", c.err, got, c.want)
			}
		}
	}
	if err := classify(nil); err != nil {
		t.Errorf("success became %v", err)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	if err := classify(io.EOF); !errors.Is(err, io.EOF) {
		t.Errorf("%v hides its cause", err)
	}
	if err := classify(replied("LOADING the dataset")); !strings.Contains(err.Error(), "LOADING the dataset") {
		t.Errorf("%v hides the reply", err)
	}
}

// Hashes and sealed passwords are parameters of queries; errors go to logs.
func TestErrorsQuoteNoQuery(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const secret = "0a1b2c3d4e5f"
	_, err := s.read(t.Context(), `MATCH (t:Token RETURN t`, param{"token_hash", secret})
	if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "MATCH") {
		t.Errorf("a query that does not parse: %v", err)
	}
	_, err = s.command(t.Context(), s.sendOnce, "GRAPH.NOPE", s.graph, secret)
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), secret) {
		t.Errorf("a command that is not there: %v", err)
	}
	for _, c := range []struct{ reply, want string }{
		{"errMsg: Invalid input line: 1 errCtx: CYPHER x=\"" + secret, "errMsg: Invalid input line: 1"},
		{"ERR unknown command 'X', with args beginning with: '" + secret, "ERR unknown command 'X'"},
		{"LOADING", "LOADING"},
	} {
		if got := withoutQuery(c.reply); got != c.want {
			t.Errorf("%q became %q, want %q", c.reply, got, c.want)
		}
	}
}

func TestErrorsSayWhatWasTried(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	ctx := t.Context()
	for _, c := range []struct {
		err   error
		class error
		words string
	}{
		{s.CreateToken(ctx, token, nil), ErrConflict, "create token " + token.ID},
		{second(s.TokenByID(ctx, "1-a")), ErrNotFound, "find token by token_id"},
		{second(s.TokenByHash(ctx, "ab")), ErrNotFound, "find token by token_hash"},
		{second(s.SessionByHash(ctx, "ab", noon)), ErrNotFound, "find session"},
	} {
		if !errors.Is(c.err, c.class) || !strings.Contains(c.err.Error(), c.words) {
			t.Errorf("got %v, want %q and %v", c.err, c.words, c.class)
		}
		if strings.Contains(c.err.Error(), token.Hash) || strings.Contains(c.err.Error(), token.SealedPassword) {
			t.Errorf("%v holds what must stay here", c.err)
		}
	}
}
