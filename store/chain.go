package store

import (
	"context"
	"fmt"
	"strconv"
)

// The events of an instance form a chain: each has the number after that of the
// one before it, and its hash. Events are made by whatever query makes a change,
// at any replica, and no such query can know which event is the latest; so they
// get their places behind the answers, a second later at most.
//
// A replica reads the head of the chain, works out the places of what waits, and
// writes them with the new head in one query, which does nothing when the head
// has moved or an event has got its place meanwhile. So chains never fork,
// however many replicas try.
const (
	queryUnchained = `MATCH (e:Event) WHERE e.unchained = true WITH e LIMIT $limit RETURN` + eventColumns
	queryChain     = `MATCH (c:Chain {instance: $instance}) RETURN c.seq, c.hash, c.anchor_seq, c.anchor_hash`
	queryLink      = `MERGE (c:Chain {instance: $instance}) ON CREATE SET c.seq = 0, c.hash = '', c.anchor_seq = 0, c.anchor_hash = ''
		WITH c WHERE c.seq = $seq AND c.hash = $prev
		UNWIND $links AS link MATCH (e:Event {event_id: link.id}) WHERE e.unchained = true
		WITH c, collect([e, link]) AS pairs WHERE size(pairs) = size($links)
		SET c.seq = $seq + size(pairs), c.hash = $hash
		WITH pairs UNWIND pairs AS pair WITH pair[0] AS e, pair[1] AS link
		SET e.seq = link.seq, e.prev = link.prev, e.hash = link.hash, e.unchained = null
		RETURN count(e)`
	queryPruneChain = `MATCH (c:Chain {instance: $instance}) WHERE c.anchor_seq = $seq
		SET c.anchor_seq = $until, c.anchor_hash = $hash
		WITH c MATCH (e:Event) WHERE e.instance = $instance AND e.seq > $seq AND e.seq <= $until
		DELETE e RETURN count(e)`
)

// ChainPlace is a place in a chain: an event's number and its hash.
type ChainPlace struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Chain says how far a chain goes. Before its first event both are zero.
type Chain struct {
	// Head is the place of the latest event, Anchor that of the latest one that
	// has been deleted because it was old enough.
	Head, Anchor ChainPlace
}

// Link gives an event its place in a chain.
type Link struct {
	EventID    string
	Seq        int64
	Prev, Hash string
}

// Unchained finds events that have no place in a chain yet, of any instance, at
// most limit, about in the order in which they were written.
func (s *Store) Unchained(ctx context.Context, limit int) ([]Event, error) {
	rows, err := s.read(ctx, queryUnchained, param{"limit", limit})
	if err != nil {
		return nil, fmt.Errorf("find unchained events: %w", err)
	}
	return scanEvents(rows)
}

// Chain reads how far the chain of an instance goes.
func (s *Store) Chain(ctx context.Context, instance string) (Chain, error) {
	rows, err := s.read(ctx, queryChain, param{"instance", instance})
	if err != nil || len(rows) == 0 {
		return Chain{}, wrapped(err, "read chain")
	}
	r := &rows[0]
	c := Chain{Head: ChainPlace{r.integer(0), r.text()}, Anchor: ChainPlace{r.integer(0), r.text()}}
	return c, wrapped(r.err, "read chain")
}

// LinkEvents gives events their places behind the head of an instance's chain,
// all of them or none. It tells whether it did: not when the head has moved, or
// one of them is there no more or has its place already.
func (s *Store) LinkEvents(ctx context.Context, instance string, head ChainPlace, links []Link) (bool, error) {
	if len(links) == 0 {
		return true, nil
	}
	rows, err := s.write(ctx, queryLink, param{"instance", instance}, param{"seq", head.Seq}, param{"prev", head.Hash},
		param{"hash", links[len(links)-1].Hash}, param{"links", links})
	n, err := countOf(rows, err, "link events")
	return n > 0, err
}

// PruneChain deletes an instance's events from behind its anchor until another
// place, which becomes the anchor. It tells how many; none when the anchor has
// moved.
func (s *Store) PruneChain(ctx context.Context, instance string, anchor, until ChainPlace) (int, error) {
	rows, err := s.write(ctx, queryPruneChain, param{"instance", instance}, param{"seq", anchor.Seq}, param{"until", until.Seq}, param{"hash", until.Hash})
	return countOf(rows, err, "prune chain")
}

func appendLink(b []byte, l Link) ([]byte, error) {
	b = strconv.AppendInt(append(b, "{seq:"...), l.Seq, 10)
	for _, field := range [...]struct{ name, value string }{{",id:", l.EventID}, {",prev:", l.Prev}, {",hash:", l.Hash}} {
		var err error
		if b, err = appendString(append(b, field.name...), field.value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
