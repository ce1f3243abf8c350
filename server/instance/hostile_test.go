package instance

import (
	"context"
	"errors"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// margin is what a loaded machine may add to a bounded wait.
const margin = 3 * time.Second

// hello is the answer of a peer to the client's greeting, before AUTH.
const hello = "-ERR unknown command\r\n"

func TestNothingThatIsNotAllowedIsDialled(t *testing.T) {
	t.Parallel()
	bait := newBait(t)
	baitPort := at(t, bait.Addr().String(), "", "").Port
	d := setup(t, db.Addr()+",db.example:1")
	dbPort := at(t, db.Addr(), "", "").Port
	for _, host := range []string{
		"localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "::ffff:127.0.0.1", "::1", "[::1]",
		"LOCALHOST.", "localhost%00", "localhost\x00", "localhost@evil", "evil@localhost", "0.0.0.0", "::", "", " localhost",
		bait.Addr().String(), bait.Addr().String() + "#", "db.example@" + bait.Addr().String(), "/tmp/socket", "unix:///tmp/socket",
		"redis://" + bait.Addr().String(), strings.Repeat("a", 1<<16),
	} {
		for _, port := range []int{baitPort, 0, -1, 1, 65536 + baitPort} {
			for _, useTLS := range []bool{false, true} {
				c := Credentials{Username: "default", Host: host, Port: port, TLS: useTLS}
				if _, err := d.Login(t.Context(), c); !errors.Is(err, ErrNotAllowed) || !errors.Is(err, ErrLogin) {
					t.Errorf("Login at %.40q:%d: %v, want ErrNotAllowed", host, port, err)
				}
				if err := d.Ping(t.Context(), c); !errors.Is(err, ErrNotAllowed) {
					t.Errorf("Ping at %.40q:%d: %v, want ErrNotAllowed", host, port, err)
				}
			}
		}
		if strings.Contains(host, "127.1") || strings.Contains(host, "@") || strings.Contains(host, "%") || strings.Contains(host, "\x00") {
			_, err := d.Login(t.Context(), Credentials{Username: "default", Host: host, Port: dbPort})
			if !errors.Is(err, ErrNotAllowed) {
				t.Errorf("Login at %q with the port of an allowed instance: %v, want ErrNotAllowed", host, err)
			}
		}
	}
	if n := bait.accepted.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestOtherSpellingsOfAnAllowedInstanceReachIt(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	c := at(t, db.Addr(), "default", "")
	for _, host := range []string{"localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "::ffff:127.0.0.1"} {
		c.Host = host
		got, err := d.Login(t.Context(), c)
		if err != nil || got.Instance != d.Instances()[0] {
			t.Errorf("at %q: %+v, %v", host, got, err)
		}
	}
}

func TestHostilePeerIsUnreachableWithinTheTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	for _, test := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"silent", silent},
		{"trickling", trickles},
		{"closing", func(net.Conn) {}},
		{"half closing", says("")},
		{"echo", echoes},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")},
		{"binary", floods("", "\x16\x03\x01\x02\x00\xff\x00\r\n")},
		{"endless line", floods("+", strings.Repeat("x", 1<<16))},
		{"endless statuses", floods("", strings.Repeat("+PONG\r\n", 1000))},
		{"endless bulk string", floods(hello+"$2147483647\r\n", strings.Repeat("x", 1<<16))},
		{"announcing a terabyte", floods("$1099511627776\r\n", "x")},
		{"announcing more than there is", floods("$9223372036854775807\r\n", "x")},
		{"announcing an array for ever", floods("", "*2147483647\r\n")},
		{"nesting for ever", floods("", "*1\r\n")},
		{"announcing a map", floods("%2147483647\r\n", "+x\r\n")},
		{"silent after AUTH", func(conn net.Conn) { _, _ = conn.Write([]byte(hello + "+OK\r\n")); silent(conn) }},
		{"ending after AUTH", says(hello + "+OK\r\n")},
		{"ending within the probe", says(hello + "+OK\r\n-NOPERM no\r\n")},
		{"ending within a reply", says(hello + "+OK\r\n-NOPERM no\r\n-NOPERM n")},
		{"flooding as the probe's answer", floods(hello+"+OK\r\n", "*9\r\n")},
		{"another word for AUTH", says(hello + "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n")},
		{"a number for AUTH", says(hello + ":1\r\n:1\r\n:1\r\n")},
		{"nothing for AUTH", says(hello + "$-1\r\n*-1\r\n-NOPERM no\r\n")},
		{"AUTH unknown", says(hello + "-ERR unknown command\r\n*0\r\n-ERR arguments\r\n")},
		{"loading", says(hello + "-LOADING wait\r\n-LOADING wait\r\n-LOADING wait\r\n")},
		{"loading the graphs only", says(hello + "+OK\r\n*0\r\n-LOADING wait\r\n")},
		{"loading, to a user without administration", says(hello + "+OK\r\n-NOPERM no\r\n-LOADING wait\r\n")},
		{"busy", says(hello + "+OK\r\n-BUSY script\r\n-BUSY script\r\n")},
		{"forgetting who logged in", says(hello + "+OK\r\n-NOAUTH who\r\n-NOAUTH who\r\n")},
		{"full", says("-ERR max number of clients reached\r\n")},
		{"protected mode", says("-DENIED protected mode\r\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, test.serve)
			d := setup(t, p.Addr().String(), withTimeout(timeout))
			for _, useTLS := range []bool{false, true} {
				c := at(t, p.Addr().String(), "alice", "secret")
				c.TLS = useTLS
				begin := time.Now()
				got, err := d.Login(t.Context(), c)
				if !errors.Is(err, ErrUnreachable) || !errors.Is(err, ErrLogin) || errors.Is(err, ErrRefused) || got != (Identity{}) {
					t.Errorf("TLS %t: Login = %+v, %v, want ErrUnreachable", useTLS, got, err)
				}
				if took := time.Since(begin); took > timeout+margin {
					t.Errorf("TLS %t: Login took %v", useTLS, took)
				}
			}
			if p.accepted.Load() != 2 {
				t.Errorf("%d connections for 2 logins", p.accepted.Load())
			}
		})
	}
}

// echoes sends back what it gets.
func echoes(conn net.Conn) {
	buffer := make([]byte, 512)
	for {
		n, err := conn.Read(buffer)
		if err == nil {
			_, err = conn.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func TestUserDeletedWithinTheLoginIsRefused(t *testing.T) {
	t.Parallel()
	p := newPeer(t, says(hello+"+OK\r\n*-1\r\n-ERR arguments\r\n"))
	got, err := setup(t, p.Addr().String()).Login(t.Context(), at(t, p.Addr().String(), "alice", "secret"))
	if !errors.Is(err, ErrRefused) {
		t.Errorf("Login = %+v, %v, want ErrRefused", got, err)
	}
}

func TestServerWithoutACLCommandHasNoAdmins(t *testing.T) {
	t.Parallel()
	p := newPeer(t, says(hello+"+OK\r\n-ERR unknown command\r\n-ERR wrong number of arguments\r\n"))
	got, err := setup(t, p.Addr().String()).Login(t.Context(), at(t, p.Addr().String(), "alice", "secret"))
	if err != nil || got.Role != store.RoleReadWrite {
		t.Errorf("Login = %+v, %v, want %s", got, err, store.RoleReadWrite)
	}
}

func TestPingNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]error{
		hello + "+OK\r\n+PONG\r\n":        nil,
		hello + "+OK\r\n-NOPERM no\r\n":   nil,
		hello + "+OK\r\n-LOADING no\r\n":  ErrUnreachable,
		hello + "+OK\r\n-ERR no\r\n":      ErrUnreachable,
		hello + "+OK\r\n":                 ErrUnreachable,
		hello + "+OK\r\n!":                ErrUnreachable,
		hello + "-WRONGPASS\r\n+PONG\r\n": ErrRefused,
	} {
		p := newPeer(t, says(answer))
		err := setup(t, p.Addr().String()).Ping(t.Context(), at(t, p.Addr().String(), "alice", "secret"))
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("after %q: %v, want %v", answer, err, want)
		}
	}
}

func TestHostilePeerCannotTakeMemory(t *testing.T) { //nolint:paralleltest // it looks at what the whole program allocates
	p := newPeer(t, floods("+", strings.Repeat("x", 1<<16)))
	d := setup(t, p.Addr().String(), withTimeout(2*time.Second))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := d.Login(t.Context(), at(t, p.Addr().String(), "alice", "secret")); !errors.Is(err, errTooMuch) {
		t.Errorf("%v, want %v", err, errTooMuch)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("one login allocated %d MiB", took>>20)
	}
}

func TestLoginEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, useTLS := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPeer(t, func(conn net.Conn) {
			// Once the client has spoken, it waits for an answer.
			_, _ = conn.Read(make([]byte, 1))
			cancel()
			silent(conn)
		})
		d := setup(t, p.Addr().String(), withTimeout(time.Minute), func(o *Options) { o.FailureFloor = time.Minute })
		begin := time.Now()
		c := at(t, p.Addr().String(), "alice", "secret")
		c.TLS = useTLS
		_, err := d.Login(ctx, c)
		if !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.Canceled) {
			t.Errorf("TLS %t: %v, want ErrUnreachable for context.Canceled", useTLS, err)
		}
		if took := time.Since(begin); took > margin {
			t.Errorf("TLS %t: took %v", useTLS, took)
		}
	}
}

func TestLoginLeavesNoConnectionBehind(t *testing.T) { //nolint:paralleltest // it stops the garbage collector, which would close a forgotten connection
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for name, answer := range map[string]string{
		"success":   hello + "+OK\r\n*0\r\n-ERR arguments\r\n",
		"refusal":   hello + "-WRONGPASS\r\n*0\r\n-ERR arguments\r\n",
		"not Redis": "!\r\n",
	} {
		ended := make(chan struct{}, 2)
		p := newPeer(t, func(conn net.Conn) {
			_, _ = conn.Write([]byte(answer))
			silent(conn) // until the client closes
			ended <- struct{}{}
		})
		d := setup(t, p.Addr().String())
		_, _ = d.Login(t.Context(), at(t, p.Addr().String(), "alice", "secret"))
		_ = d.Ping(t.Context(), at(t, p.Addr().String(), "alice", "secret"))
		for range 2 {
			select {
			case <-ended:
			case <-time.After(margin):
				t.Errorf("after %s a connection stays open", name)
			}
		}
	}
}

func TestNoMoreLoginsAtOnceThanMaxLogins(t *testing.T) {
	t.Parallel()
	p := newPeer(t, silent)
	d := setup(t, p.Addr().String()+","+db.Addr(), withTimeout(10*time.Second), func(o *Options) { o.MaxLogins = 2 })
	hung := at(t, p.Addr().String(), "alice", "secret")
	stuck, free := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		go func() { ended <- d.Ping(stuck, hung) }()
		p.await(t)
	}

	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := d.Recheck(impatient, hung)
	if !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrLogin) {
		t.Errorf("a check without a slot: %v, want ErrBusy for its deadline", err)
	}
	if _, err := d.Recheck(t.Context(), at(t, db.Addr(), "default", "")); err != nil {
		t.Errorf("another instance waits too: %v", err)
	}
	stranger, hangUp := context.WithCancel(t.Context())
	turned := make(chan error, 1)
	go func() {
		_, err := d.Login(stranger, hung)
		turned <- err
	}()
	p.await(t) // a stranger's login has slots of its own
	if strangers, kept := d.Logins(Instance{Host: Canonical(hung.Host), Port: hung.Port}); strangers != 1 || kept != 2 {
		t.Errorf("%d logins of strangers and %d of others are said to be under way, want 1 and 2", strangers, kept)
	}
	hangUp()
	if err := <-turned; !errors.Is(err, ErrUnreachable) {
		t.Errorf("the stranger: %v, want ErrUnreachable", err)
	}

	free()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled ping: %v", err)
		}
	}
	for key, slots := range d.slots {
		if n := len(slots); n != 0 {
			t.Errorf("%d slots of %v are still taken", n, key)
		}
	}
}
