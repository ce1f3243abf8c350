package instance

import (
	"container/list"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// pools are the connections to one instance that stay open, by whom they are
// for. Each instance has its own, so that one that hangs holds up nobody else.
type pools struct {
	max, size int
	idleTime  time.Duration

	mu sync.Mutex
	// byKey finds the elements of order, whose values are *pool and which begins
	// with the one that was used last.
	byKey map[string]*list.Element
	order *list.List
}

func newPools(most, size int, idleTime time.Duration) *pools {
	return &pools{max: most, size: size, idleTime: idleTime, byKey: map[string]*list.Element{}, order: list.New()}
}

// pool are the connections of one key. It ends when it is closed; a new one
// takes its place when the key is asked for again.
type pool struct {
	slots    chan struct{}
	idleTime time.Duration
	key      string

	mu    sync.Mutex
	users int
	// closed takes no connection any more, retired none back.
	closed, retired bool
	// open are all connections, idle those that nobody uses, the latest last.
	open map[*Conn]struct{}
	idle []*Conn
}

// count tells how many connections are open, and how many of them are idle.
func (s *pools) count() (open, idle int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.order.Front(); e != nil; e = e.Next() {
		p := e.Value.(*pool) // nothing else is in it
		p.mu.Lock()
		open, idle = open+len(p.open), idle+len(p.idle)
		p.mu.Unlock()
	}
	return open, idle
}

// enter gives a key's pool, which leave must be called of. It returns ErrBusy
// when there are too many pools and all are in use.
func (s *pools) enter(key string) (*pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.byKey[key]; ok {
		s.order.MoveToFront(found)
		p := found.Value.(*pool) // nothing else is in it
		p.mu.Lock()
		defer p.mu.Unlock()
		p.users++
		return p, nil
	}
	if s.order.Len() >= s.max && !s.evict() {
		return nil, fmt.Errorf("%w: too many users", ErrBusy)
	}
	p := &pool{slots: make(chan struct{}, s.size), idleTime: s.idleTime, key: key, open: map[*Conn]struct{}{}, users: 1}
	s.byKey[key] = s.order.PushFront(p)
	return p, nil
}

// evict closes the pool that was unused for the longest time; false when none is.
func (s *pools) evict() bool {
	for e := s.order.Back(); e != nil; e = e.Prev() {
		p := e.Value.(*pool)
		if p.closeIfUnused() {
			s.order.Remove(e)
			delete(s.byKey, p.key)
			return true
		}
	}
	return false
}

// drop closes a key's pool, connections at work included.
func (s *pools) drop(key string) {
	if p := s.remove(key); p != nil {
		p.close()
	}
}

// retire closes a key's pool, but for connections at work, which close with that.
func (s *pools) retire(key string) {
	if p := s.remove(key); p != nil {
		p.retire()
	}
}

// remove makes a key's pool nobody's any more, and gives it; nil for none.
func (s *pools) remove(key string) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byKey[key]
	if !ok {
		return nil
	}
	s.order.Remove(found)
	delete(s.byKey, key)
	return found.Value.(*pool) // nothing else is in it
}

// all drops every pool.
func (s *pools) all() {
	for _, key := range s.keys() {
		s.drop(key)
	}
}

func (s *pools) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.byKey))
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
}

func (p *pool) closeIfUnused() bool {
	p.mu.Lock()
	unused := p.users == 0
	p.mu.Unlock()
	// Nobody enters meanwhile: that takes the lock of pools, which evict holds.
	if unused {
		p.close()
	}
	return unused
}

func (p *pool) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = true
	for _, c := range p.idle {
		c.timer.Stop()
		delete(p.open, c)
		c.close()
	}
	p.idle = nil
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	open := p.open
	p.open, p.idle = map[*Conn]struct{}{}, nil
	p.mu.Unlock()
	for c := range open {
		c.close()
	}
}

// slot waits for the right to use a connection. It returns ErrBusy when ctx
// ends first.
func (p *pool) slot(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

// take gives the idle connection that was used last and still stands; nil for none.
func (p *pool) take() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if c.timer.Stop() && c.stands() {
			return c
		}
		delete(p.open, c)
		c.close()
	}
	return nil
}

// add counts a new connection; false when the pool was closed meanwhile.
func (p *pool) add(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.open[c] = struct{}{}
	}
	return !p.closed
}

// put takes a connection back, to be used again or not.
func (p *pool) put(c *Conn, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	<-p.slots
	if !again || p.closed || p.retired {
		delete(p.open, c)
		c.close()
		return
	}
	p.idle = append(p.idle, c)
	c.timer = time.AfterFunc(p.idleTime, func() { p.expire(c) })
}

// expire closes a connection that has been idle for long enough.
func (p *pool) expire(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, one := range p.idle {
		if one == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			break
		}
	}
	delete(p.open, c)
	c.close()
}
