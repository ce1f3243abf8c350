package instance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// db is the FalkorDB of all tests that need none to themselves. Its user
// "default" has no password, as out of the box.
var db = &embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true}

// TestMain runs the tests and then looks for goroutines that they left behind,
// so that every test here is also a test of that.
func TestMain(m *testing.M) {
	code := embeddedtest.Run(m, &db)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// setup returns a Directory for an allow-list. Failures come back after a
// millisecond unless change says otherwise.
func setup(t *testing.T, list string, change ...func(*Options)) *Directory {
	t.Helper()
	allowed, err := ParseAllowed(list)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Allowed: allowed, FailureFloor: time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// withTimeout sets Options.Timeout.
func withTimeout(timeout time.Duration) func(*Options) {
	return func(o *Options) { o.Timeout = timeout }
}

// at returns credentials for the server at addr.
func at(t *testing.T, addr, username, password string) Credentials {
	t.Helper()
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{Username: username, Password: password, Host: host, Port: port}
}

// newUser makes an ACL user on the shared server for the length of a test.
func newUser(t *testing.T, rules ...string) (name string) {
	t.Helper()
	name = "user-" + rand.Text()
	setUser(t, name, rules...)
	return name
}

// setUser is newUser with a chosen name.
func setUser(t *testing.T, name string, rules ...string) {
	t.Helper()
	setUserAt(t, db.Addr(), name, rules...)
	t.Cleanup(func() {
		// The test's context has ended by now.
		if err := do(context.WithoutCancel(t.Context()), db.Addr(), "ACL", "DELUSER", name); err != nil {
			t.Error(err)
		}
	})
}

// setUserAt gives a user of the server at addr these ACL rules and no others.
func setUserAt(t *testing.T, addr, name string, rules ...string) {
	t.Helper()
	args := []any{"ACL", "SETUSER", name, "reset"}
	for _, rule := range rules {
		args = append(args, rule)
	}
	if err := do(t.Context(), addr, args...); err != nil {
		t.Fatal(err)
	}
}

// do runs a command as the user "default" without a password.
func do(ctx context.Context, addr string, args ...any) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	return errors.Join(client.Do(ctx, args...).Err(), client.Close())
}

// peer is a listener on loopback that is no database: what a login meets when
// the address is wrong, the machine is ill or the operator's network hostile.
type peer struct {
	net.Listener
	accepted atomic.Int64
	arrived  chan struct{} // one token for each accepted connection

	mu    sync.Mutex
	conns []net.Conn
	wait  sync.WaitGroup
}

// gone is an address at which nothing listens.
const gone = "127.0.0.1:1"

// newPeer starts a peer that gives each connection to serve and closes it
// afterwards. All is over when the test is.
func newPeer(t *testing.T, serve func(net.Conn)) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newPeerOn(t, listener, serve)
}

// newBait starts a silent peer on a port that the system gives to nobody by
// itself, so that no other program connects to it by mistake.
func newBait(t *testing.T) *peer {
	t.Helper()
	for port := 20000; port < 30000; port++ {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return newPeerOn(t, listener, silent)
		}
	}
	t.Fatal("no port is free")
	return nil
}

func newPeerOn(t *testing.T, listener net.Listener, serve func(net.Conn)) *peer {
	t.Helper()
	p := &peer{Listener: listener, arrived: make(chan struct{}, 1000)}
	p.wait.Go(func() { p.accept(serve) })
	t.Cleanup(p.stop)
	return p
}

func (p *peer) accept(serve func(net.Conn)) {
	for {
		conn, err := p.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, conn)
		p.mu.Unlock()
		p.accepted.Add(1)
		p.arrived <- struct{}{}
		p.wait.Go(func() {
			defer conn.Close()
			serve(conn)
		})
	}
}

// await waits for the next connection.
func (p *peer) await(t *testing.T) {
	t.Helper()
	select {
	case <-p.arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody connected")
	}
}

func (p *peer) stop() {
	_ = p.Close()
	p.mu.Lock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

// silent reads and never answers.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// says answers with text, whatever is asked, and then ends its side.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
		silent(conn)
	}
}

// floods answers with first and then with more for ever.
func floods(first, more string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, first)
		for err == nil {
			_, err = io.WriteString(conn, more)
		}
	}
}

// trickles answers with a byte at a time for ever, each well within any time
// that a single read may take.
func trickles(conn net.Conn) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	_, err := io.WriteString(conn, "+")
	for err == nil {
		<-tick.C
		_, err = io.WriteString(conn, "O")
	}
}
