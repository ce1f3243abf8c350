package lease

import (
	"maps"
	"time"
)

// census is what one replica knows of the holders, from the tables that the
// store has returned to it. Times are on its own clock.
type census struct {
	// term is how long a lease lasts after it was sent, on any replica's clock:
	// its length and the margin.
	term time.Duration
	// server is whose tables these are, since when it was first seen.
	server string
	since  time.Duration
	// seen are the holders.
	seen map[string]sighting
}

// sighting is a holder's stamp and when it was first seen: a lease that was
// renewed with it was asked for before.
type sighting struct {
	stamp string
	at    time.Duration
}

// table is what every script returns.
type table struct {
	// server executed the script, seq is its count of changes then.
	server string
	seq    uint64
	// settled says that somebody has watched the server for a term, so that
	// every lease that another server granted is over.
	settled bool
	// holders are those that may hold a lease, with the stamps of their renewals.
	holders map[string]string
}

// note takes in a table that arrived at at.
func (c *census) note(at time.Duration, t table) {
	if t.server != c.server || c.seen == nil {
		*c = census{term: c.term, server: t.server, since: at, seen: make(map[string]sighting)}
	}
	if t.settled {
		c.since = min(c.since, at-c.term)
	}
	maps.DeleteFunc(c.seen, func(holder string, _ sighting) bool { _, there := t.holders[holder]; return !there })
	for holder, stamp := range t.holders {
		if c.seen[holder].stamp != stamp {
			c.seen[holder] = sighting{stamp, at}
		}
	}
}

// settled tells whether no lease of another server can be left at now.
func (c *census) settled(now time.Duration) bool { return c.seen != nil && now >= c.since+c.term }

// dead are the holders, with their stamps, whose lease is over at now.
func (c *census) dead(now time.Duration) map[string]string {
	found := make(map[string]string)
	for holder, s := range c.seen {
		if now >= s.at+c.term {
			found[holder] = s.stamp
		}
	}
	return found
}

// await begins the wait for a change, with the table that it has returned. The
// changer itself is not waited for.
func (c *census) await(seq uint64, self string) *confirmation {
	w := &confirmation{server: c.server, seq: seq, floor: c.since + c.term, ends: make(map[string]time.Duration)}
	for holder, s := range c.seen {
		if holder != self {
			w.ends[holder] = s.at + c.term
		}
	}
	return w
}

// confirmation is the wait for one change to have reached every holder.
type confirmation struct {
	server string
	seq    uint64
	// floor is until when there may be holders that no table of this server has.
	floor time.Duration
	// ends are the holders that have not confirmed, and when their leases end.
	ends map[string]time.Duration
}

// applied takes in that a holder has applied the server's changes up to seq.
func (w *confirmation) applied(server, holder string, seq uint64) {
	if server == w.server && seq >= w.seq {
		delete(w.ends, holder)
	}
}

// until is when the wait is over if nobody else confirms.
func (w *confirmation) until() time.Duration {
	end := w.floor
	for _, e := range w.ends {
		end = max(end, e)
	}
	return end
}
