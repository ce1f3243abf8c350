package store

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/FalkorDB/falkordb-go/v2"
	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// The client library waits for a reply whatever becomes of the context; a
// caller that has gone away must not wait with it.
func TestCancelledOperationReturnsAtOnce(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{Timeout: 10 * time.Minute})
	token := create(t, s, alice)
	freeze(t, server)
	for name, operation := range map[string]func(context.Context) error{
		"read":  func(ctx context.Context) error { return second(s.TokenByID(ctx, token.ID)) },
		"write": func(ctx context.Context) error { return s.CreateToken(ctx, newToken(t, alice, noon), nil) },
		"note":  func(ctx context.Context) error { return s.UpdateRole(ctx, token.ID, RoleAdmin) },
		"list": func(ctx context.Context) error {
			return second(s.ListTokens(ctx, ListQuery{Hosts: localhost, Port: 6379, Now: noon, Limit: 1}))
		},
		"ready": s.Ready,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- operation(ctx) }()
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s goes on", name)
		}
	}
}

func TestDeadlineOfTheCallerIsKept(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{Timeout: 10 * time.Minute})
	freeze(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.TokenByID(ctx, "1-a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsWhatIsUnderWayAndWaitsForIt(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{Timeout: 10 * time.Minute})
	create(t, s, alice)
	freeze(t, server)
	const operations = 10
	errs := make(chan error, operations)
	for range operations {
		go func() { errs <- second(s.TokenByID(t.Context(), "1-a")) }()
	}
	eventually(t, "all operations are under way", func() bool { return s.client().PoolStats().TotalConns >= operations })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range operations {
		if err := <-errs; !errors.Is(err, ErrUnavailable) {
			t.Errorf("under way: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// What a caller no longer waits for must not go on after Close.
func TestCloseWaitsForOperationsWhoseCallersHaveLeft(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{URL: db.URL(), Graph: graphOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client().Do(t.Context(), "GRAPH.DELETE", s.graph).Err(); err != nil {
		t.Fatal(err)
	}
	begun, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	_, err = s.call(ctx, func(context.Context, ...any) (any, error) {
		close(begun)
		<-release
		close(ended)
		return nil, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	eventually(t, "nothing may begin any more", func() bool {
		if !s.begin() {
			return true
		}
		s.running.Done()
		return false
	})
	select {
	case err := <-closed:
		t.Errorf("Close has returned before the operation: %v", err)
	default:
	}
	close(release)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	default:
		t.Error("Close did not wait for the operation")
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{URL: db.URL(), Graph: graphOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client().Do(t.Context(), "GRAPH.DELETE", s.graph).Err(); err != nil {
		t.Fatal(err)
	}
	// Closing and beginning may fall together.
	parallel(20, func(i int) error {
		if i == 10 {
			return s.Close()
		}
		_, err := s.TokenByID(t.Context(), "1-a")
		return err
	})
	for name, err := range map[string]error{
		"read":  second(s.TokenByID(t.Context(), "1-a")),
		"write": s.CreateToken(t.Context(), newToken(t, alice, noon), nil),
		"ready": s.Ready(t.Context()),
	} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fillPool gives the store as many idle connections as there may be.
func fillPool(t *testing.T, s *Store) {
	t.Helper()
	s.stopLinking() // which takes a connection now and then
	conns := make([]*redis.Conn, s.poolSize)
	for i := range conns {
		conns[i] = s.client().Conn()
		if err := conns[i].Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range conns {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.client().PoolStats().IdleConns; int(n) != s.poolSize {
		t.Fatalf("%d idle connections, want %d", n, s.poolSize)
	}
}

// Over TLS the client library does not notice that a connection is gone.
func TestConnectionsThatBrokeInThePoolFailNoRead(t *testing.T) {
	t.Parallel()
	files, _ := embeddedtest.WriteCerts(t, t.TempDir())
	for name, server := range map[string]embedded.Server{
		"socket": {Ephemeral: true},
		"TCP":    {Ephemeral: true, Listen: "127.0.0.1:0"},
		"TLS":    {Ephemeral: true, Listen: "127.0.0.1:0", TLS: &files},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := embeddedtest.Start(t, server)
			address := started.URL()
			if server.TLS != nil {
				address += "?skip_verify=true"
			}
			s := open(t, Options{URL: address, PoolSize: 8})
			token := create(t, s, alice)
			other, err := connect(Options{URL: address, Timeout: s.timeout, PoolSize: 1}, refuseReplica)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			for range 3 {
				fillPool(t, s)
				killed, err := other.Do(t.Context(), "CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES").Int()
				if err != nil || killed < s.poolSize {
					t.Fatalf("%d connections were killed, %v", killed, err)
				}
				equal(t, "read", byID(t, s, token.ID), token)
			}
		})
	}
}

func TestReadIsTriedAgainOnlyWhereThatMayHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		{&net.OpError{Op: "dial", Err: syscall.ECONNRESET}, false},
		{context.DeadlineExceeded, false},
		{redis.ErrPoolTimeout, false},
		{redis.ErrClosed, false},
		{replied("LOADING"), false},
		{replied("Max pending queries exceeded"), false},
	} {
		if got := isBrokenConnection(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// hangingUp accepts connections, counts them and ends each at its first word.
func hangingUp(t *testing.T) (address string, accepted func() int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int, 1)
	count <- 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			count <- 1 + <-count
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), func() int {
		n := <-count
		count <- n
		return n
	}
}

func TestTriesAreBoundedWhereEveryConnectionBreaks(t *testing.T) {
	t.Parallel()
	address, accepted := hangingUp(t)
	client, err := connect(Options{URL: "falkor://" + address, Timeout: 20 * time.Second, PoolSize: 4}, refuseReplica)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{
		db: &falkordb.FalkorDB{Conn: client}, graph: "g", timeout: 20 * time.Second, poolSize: 4,
		observe: func(string, time.Duration, error) {},
	}
	defer s.Close()
	if _, err := s.TokenByID(t.Context(), "1-a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	reads := accepted()
	if reads < 1 || reads > 2*(s.poolSize+1) {
		t.Errorf("a read made %d connections", reads)
	}
	if err := s.CreateToken(t.Context(), newToken(t, alice, noon), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
	if writes := accepted() - reads; writes > 2 { // the client greets again in the old way
		t.Errorf("a write made %d connections: it may have been sent more than once", writes)
	}
}

// A pool with no connection to spare must not make callers wait for ever.
func TestWaitForAConnectionIsBounded(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{PoolSize: 1})
	freeze(t, server)
	s.stopLinking() // which reads it too
	s.timeout = 200 * time.Millisecond
	begun := time.Now()
	for _, err := range parallel(10, func(int) error { return second(s.TokenByID(t.Context(), "1-a")) }) {
		if !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took > 50*s.timeout {
		t.Errorf("it took %v", took)
	}
}

func TestStoreRecoversFromARestartOfItsServer(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{}, Options{})
	token := create(t, s, alice)
	fillPool(t, s)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenByID(t.Context(), token.ID); !errors.Is(err, ErrUnavailable) {
		t.Errorf("while it is away: %v", err)
	}
	embeddedtest.Start(t, embedded.Server{Engine: server.Engine, Dir: server.Dir})
	eventually(t, "the store is back", func() bool { return s.Ready(t.Context()) == nil })
	equal(t, "token", byID(t, s, token.ID), token)
	create(t, s, alice, from(token))
}
