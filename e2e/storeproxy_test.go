package e2e

import (
	"net"
	"sync"
	"testing"
	"time"
)

// storeProxy is a TCP proxy in front of a store, that a test can break.
type storeProxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	open    map[net.Conn]struct{}
	refuse  bool          // new connections are closed at once
	stalled chan struct{} // closed when bytes flow again; nil while they do
	delay   time.Duration // each way, at most
	served  int           // connections until now
	turn    int           // how often there was a delay
	running sync.WaitGroup
}

// delayShares is into how many parts a delay is divided.
const delayShares = 3

// startStoreProxy starts a proxy that ends with the test.
func startStoreProxy(t *testing.T, target string) *storeProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &storeProxy{listener: listener, target: target, open: make(map[net.Conn]struct{})}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.mend()
		p.reset()
		p.running.Wait()
	})
	return p
}

func (p *storeProxy) addr() string { return p.listener.Addr().String() }

func (p *storeProxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(near) })
	}
}

func (p *storeProxy) serve(near net.Conn) {
	defer near.Close()
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	if refuse {
		return
	}
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	share := p.keep(near, far)
	defer p.drop(near, far)
	var both sync.WaitGroup
	both.Go(func() { p.pipe(far, near, share) })
	both.Go(func() { p.pipe(near, far, share) })
	both.Wait()
}

// pipe carries bytes one way. Each piece waits for the delay by itself, so that a
// delay takes nothing from how much flows.
func (p *storeProxy) pipe(to, from net.Conn, share int) {
	type piece struct {
		bytes []byte
		at    time.Time
	}
	pieces := make(chan piece, 1024)
	var sender sync.WaitGroup
	sender.Go(func() {
		defer to.Close()
		for one := range pieces {
			<-time.After(time.Until(one.at))
			if _, err := to.Write(one.bytes); err != nil {
				_ = from.Close()
			}
		}
	})
	defer sender.Wait()
	defer close(pieces)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		delay, stalled := p.delay*time.Duration((share+p.turn)%(delayShares+1))/delayShares, p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if n > 0 {
			pieces <- piece{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}
		}
		if err != nil {
			return
		}
	}
}

// keep remembers a pair of connections, and gives it its share of delays.
func (p *storeProxy) keep(conns ...net.Conn) (share int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.open[c] = struct{}{}
	}
	p.served++
	return p.served
}

func (p *storeProxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.open, c)
	}
}

// reset ends all connections at once, by RST.
func (p *storeProxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// cut ends all connections, and lets none in.
func (p *storeProxy) cut() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.reset()
}

// stall keeps all connections open, and lets nothing through.
func (p *storeProxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = make(chan struct{})
}

// slow delays what goes through, each way: some connections not at all, others by
// a third, by two thirds or by all of the delay, each in its turn. What was asked
// first is so answered last.
func (p *storeProxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
	p.turn++
}

// flap resets all connections again and again, until the function that it gives
// is called.
func (p *storeProxy) flap(every time.Duration) (stop func()) {
	done := make(chan struct{})
	var loop sync.WaitGroup
	loop.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.reset()
			}
		}
	})
	return func() { close(done); loop.Wait() }
}

// mend lets everything through again.
func (p *storeProxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse, p.delay = false, 0
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}
