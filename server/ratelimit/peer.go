package ratelimit

import "context"

// peer is what a replica knows of a peer while attempts of it are waiting or
// under way. All fields but the channels are guarded by Limiter.mu.
type peer struct {
	key string
	// waiting counts the attempts that have not begun, inFlight those that
	// have and did not end. With neither, the peer is forgotten.
	waiting, inFlight int
	// failures counts the failures that this replica has spent. A number of
	// failures left that was asked for before one of them is worthless after
	// it: that attempt is no longer in flight, and not yet in the number.
	failures uint64
	// turn is held by the one attempt that is deciding whether to begin, so
	// that the end of an attempt costs one question to the store and not one
	// from each that waits. Who waits for it is served in order.
	turn chan struct{}
	// ended holds a token when an attempt has ended since the holder of turn
	// last looked.
	ended chan struct{}
}

// enter counts an attempt as waiting.
func (l *Limiter) enter(key string) (*peer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, known := l.peers[key]
	if !known && len(l.peers) >= l.maxPeers || known && p.waiting >= l.maxWaiting {
		return nil, &LimitedError{RetryAfter: crowdRetry}
	}
	if !known {
		p = &peer{key: key, turn: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
		l.peers[key] = p
	}
	p.waiting++
	return p, nil
}

// leave counts an attempt as waiting no longer, nor begun.
func (l *Limiter) leave(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.waiting--
	l.forget(p)
}

// end counts an attempt as in flight no longer.
func (l *Limiter) end(p *peer, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.inFlight--
	if failed {
		p.failures++
	}
	select {
	case p.ended <- struct{}{}:
	default: // a token is there already
	}
	l.forget(p)
}

// forget drops a peer that nobody needs. It is called with mu held.
func (l *Limiter) forget(p *peer) {
	if p.waiting == 0 && p.inFlight == 0 {
		delete(l.peers, p.key)
	}
}

// admit waits until an attempt may begin and counts it as in flight, or
// returns Begin's errors.
func (l *Limiter) admit(caller context.Context, p *peer) error {
	ctx, cancel := context.WithTimeout(caller, l.maxWait)
	defer cancel()
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return gaveUp(caller)
	}
	for {
		before := l.failures(p)
		// The question has a time of its own, or one asked at the end of the
		// wait would make the store look out of reach.
		left, retry, err := l.left(caller, p.key)
		if err != nil {
			return err
		}
		if left < 1 {
			// No attempt under way can give one back, so there is nothing to
			// wait for.
			return &LimitedError{RetryAfter: retry}
		}
		if l.begin(p, left, before) {
			return nil
		}
		select {
		case <-p.ended:
		case <-ctx.Done():
			return gaveUp(caller)
		}
	}
}

// failures returns what begin wants to know was so before the store was asked.
func (l *Limiter) failures(p *peer) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.failures
}

// begin turns a waiting attempt into one in flight, if fewer are in flight
// than failures were left, and that is still true. When it returns false, an
// attempt is in flight or a token is in ended.
func (l *Limiter) begin(p *peer, left int, before uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.failures != before || p.inFlight >= left {
		return false
	}
	p.waiting--
	p.inFlight++
	return true
}

// gaveUp is the error of an attempt that waited in vain: its own when the
// caller's patience lasts, the caller's otherwise.
func gaveUp(caller context.Context) error {
	if err := caller.Err(); err != nil {
		return unavailable("wait", err)
	}
	return &LimitedError{RetryAfter: crowdRetry}
}
