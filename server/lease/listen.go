package lease

import (
	"context"
	"maps"
	"strings"

	"github.com/redis/go-redis/v9"
)

// renewLoop asks for leases.
func (l *Lease) renewLoop(ctx context.Context) {
	held, warned := false, false
	for {
		err := l.renew(ctx)
		if err != nil && !held && !warned && ctx.Err() == nil {
			warned = true
			l.o.Log.WarnContext(ctx, "no lease: every token is looked up in the store; its user needs EVAL, INFO, PUBLISH and SUBSCRIBE, and the channels "+l.channels(), "error", err)
		}
		if !wait(ctx, l.o.Length/renewals, l.renewNow) {
			return
		}
		now := l.Held(l.o.Now())
		if now == held {
			continue
		}
		held = now
		l.o.Metrics.Held(held)
		if held {
			l.o.Log.InfoContext(ctx, "lease held: what is known of tokens is remembered", "holder", l.id)
		} else {
			l.o.ForgetAll() // of what changes from now on nobody waits for this replica
			l.o.Log.WarnContext(ctx, "lease lost: every token is looked up in the store", "holder", l.id, "error", err)
		}
	}
}

// channels is the pattern of all channels of the protocol.
func (l *Lease) channels() string { return strings.TrimSuffix(l.own, "to:") + "*" }

// renew asks for a lease. The grant itself comes by the channel.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Length)
	defer cancel()
	stamp, settled := l.stamp()
	reply, err := renewScript.Run(ctx, l.o.Client, l.keys, l.id, stamp, l.own+l.id, !l.o.Off, settled).Result()
	if err != nil {
		return err //nolint:wrapcheck // logged as it is
	}
	t, err := parseTable(reply)
	if err != nil {
		return err
	}
	l.mu.Lock()
	now := l.clock()
	l.census.note(now, t)
	dead := l.census.dead(now)
	maps.DeleteFunc(l.confirmations, func(holder string, _ message) bool { _, there := t.holders[holder]; return !there })
	l.mu.Unlock()
	for holder, seen := range dead {
		if err := removeScript.Run(ctx, l.o.Client, l.keys[:1], holder, seen).Err(); err != nil {
			return err //nolint:wrapcheck // logged as it is
		}
	}
	return nil
}

// stamp makes the stamp of a renewal that is about to be sent: a lease lasts
// from now. It also names the server, if it has been watched for a term.
func (l *Lease) stamp() (stamp, settled string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	l.stamps++
	l.sent = renewal{stamp: stampText(l.stamps), at: now.Sub(l.start), wall: now.UnixNano()}
	if l.census.settled(l.sent.at) {
		settled = l.census.server
	}
	return l.sent.stamp, settled
}

// listenLoop hears what the store publishes, on one connection after the other.
func (l *Lease) listenLoop(ctx context.Context) {
	for {
		l.listen(ctx)
		if !wait(ctx, retryPause, nil) {
			return
		}
	}
}

// listen hears one connection until it is silent for longer than it can be, as
// each renewal is answered by it.
func (l *Lease) listen(ctx context.Context) {
	sub := l.o.Client.Subscribe(ctx, l.changes, l.own+l.id)
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	defer func() { _ = sub.Close() }()
	for {
		got, err := sub.ReceiveTimeout(ctx, l.o.Length)
		if err != nil {
			return
		}
		switch got := got.(type) {
		case *redis.Subscription:
			wake(l.renewNow) // what was granted before was not heard
		case *redis.Message:
			m, err := parseMessage(got.Payload)
			if err != nil {
				l.o.Log.WarnContext(ctx, "a message on the store's channel is not ours", "channel", got.Channel, "error", err)
				continue
			}
			l.hear(m)
		}
	}
}

// hear takes one message in. What it drops is dropped before any lease that
// depends on it begins, and before it is confirmed.
func (l *Lease) hear(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch m.kind {
	case kindChanged:
		if l.view.changed(m.server, m.seq) {
			l.dropAll()
		}
		if m.subject == l.id {
			break // dropped before it was told
		}
		l.dropNames(m.names)
		l.owe(m.subject, m)
	case kindGranted:
		if m.subject != l.sent.stamp {
			break
		}
		if l.view.granted(m.server, m.seq, l.sent.at, l.o.Length) {
			l.dropAll()
			l.owe(everybody, m) // they wait for what was missed
		}
	case kindApplied:
		l.applied(m)
	}
	l.term.Store(l.termNow())
}

// termNow is the lease for those who read it; nil when there is none.
func (l *Lease) termNow() *term {
	if l.o.Off || l.view.until == 0 {
		return nil
	}
	if t := l.term.Load(); t != nil && t.until == l.view.until {
		return t
	}
	return &term{until: l.view.until, wall: l.sent.wall + int64(l.o.Length)}
}

// everybody stands for all changers.
const everybody = ""

// owe has a changer told that all changes up to a message's are applied. Whoever
// never holds a lease is not waited for.
func (l *Lease) owe(changer string, m message) {
	if !l.o.Off {
		l.owed[changer] = m
		wake(l.confirmNow)
	}
}

func (l *Lease) dropAll() {
	l.marks.dropAll()
	l.o.ForgetAll()
}

func (l *Lease) dropNames(names string) {
	if names == everything {
		l.dropAll()
		return
	}
	for name := range strings.SplitSeq(names, ",") {
		l.marks.drop(name)
		l.o.Forget(name)
	}
}

// confirmLoop tells changers that their changes have been applied; one message
// confirms all changes up to one.
func (l *Lease) confirmLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.confirmNow:
		}
		l.mu.Lock()
		owed := l.owed
		l.owed = make(map[string]message)
		l.mu.Unlock()
		l.confirm(ctx, owed)
	}
}

// confirm sends confirmations. One that gets lost costs its changer the wait for
// the end of the lease.
func (l *Lease) confirm(ctx context.Context, owed map[string]message) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Length)
	defer cancel()
	_, err := l.o.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for changer, m := range owed {
			channel := l.own + changer
			if changer == everybody {
				channel = l.changes
			}
			p.Publish(ctx, channel, message{kind: kindApplied, server: m.server, seq: m.seq, subject: l.id}.String())
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		l.o.Log.WarnContext(ctx, "a change was applied but not confirmed", "error", err)
	}
}
