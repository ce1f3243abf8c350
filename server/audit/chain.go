package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// timeFormat is how the time of an event goes into its hash: RFC 3339 in UTC
// with three digits after the second.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Hash is the hash of an event at its place in a chain: the SHA-256, in base64url
// without padding (so that nobody takes it for a token's hash), of its fields, each as a netstring (its length in bytes in decimal, a
// colon, its bytes, a comma), in this order:
//
//	"falkorpat-event-1", instance (host:port), seq, hash of the event before
//	(empty for the first), ID, time, action, outcome, reason, user ID, username,
//	actor's token ID, IP, agent, token ID, token name, owner,
//	then each detail's key and value, by key.
//
// What is not there is the empty text. So every byte of an event, and all that
// came before it, goes into its hash, and no two different events have the same
// encoding.
func Hash(e *store.Event) string {
	fields := []string{
		"falkorpat-event-1", store.InstanceName(e.Host, e.Port), strconv.FormatInt(e.Seq, 10), e.Prev,
		e.ID, e.At.UTC().Format(timeFormat), string(e.Action), string(e.Outcome), e.Reason,
		e.UserID, e.Username, e.ActorTokenID, e.IP, e.Agent, e.TokenID, e.TokenName, e.Owner,
	}
	for _, key := range slices.Sorted(maps.Keys(e.Details)) {
		fields = append(fields, key, e.Details[key])
	}
	var encoded []byte
	for _, field := range fields {
		encoded = append(strconv.AppendInt(encoded, int64(len(field)), 10), ':')
		encoded = append(append(encoded, field...), ',')
	}
	sum := sha256.Sum256(encoded)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const (
	// chainBatch is how many events get their places by one query at most.
	chainBatch = 200
	// chainRounds bounds how often one call goes on after other replicas' turns.
	chainRounds = 100
)

// Chain gives all events that have none a place in their instance's chain.
func (s *Service) Chain(ctx context.Context) error {
	for range chainRounds {
		waiting, err := s.store.Unchained(ctx, chainBatch)
		if err != nil {
			return err
		}
		for instance, events := range byInstance(waiting) {
			if err := s.link(ctx, instance, events); err != nil {
				return err
			}
		}
		if len(waiting) == 0 {
			return nil
		}
	}
	return nil // the next call takes the rest
}

// byInstance sorts events by instance, and those of each by time.
func byInstance(events []store.Event) map[string][]store.Event {
	sorted := map[string][]store.Event{}
	slices.SortStableFunc(events, func(a, b store.Event) int { return a.At.Compare(b.At) })
	for i := range events {
		name := store.InstanceName(events[i].Host, events[i].Port)
		sorted[name] = append(sorted[name], events[i])
	}
	return sorted
}

// link puts events behind the head of a chain. That another replica was faster
// is no error.
func (s *Service) link(ctx context.Context, instance string, events []store.Event) error {
	chain, err := s.store.Chain(ctx, instance)
	if err != nil {
		return err
	}
	place := chain.Head
	links := make([]store.Link, len(events))
	for i := range events {
		e := &events[i]
		e.Seq, e.Prev = place.Seq+1, place.Hash
		place = store.ChainPlace{Seq: e.Seq, Hash: Hash(e)}
		links[i] = store.Link{EventID: e.ID, Seq: e.Seq, Prev: e.Prev, Hash: place.Hash}
	}
	_, err = s.store.LinkEvents(ctx, instance, chain.Head, links)
	return err
}

// pruneBatch is how many events one query deletes at most.
const pruneBatch = 500

// Prune deletes the events of an instance that are older than the retention,
// from the chain's beginning on, and tells how many. The place of the latest one
// is kept as the chain's anchor, so that the rest can still be verified.
func (s *Service) Prune(ctx context.Context, instance string) (int, error) {
	pruned, limit := 0, s.now().Add(-s.retention)
	for {
		chain, err := s.store.Chain(ctx, instance)
		if err != nil {
			return pruned, err
		}
		oldest, err := s.store.Events(ctx, store.EventQuery{
			Instance: instance, After: chain.Anchor.Seq, Until: min(chain.Head.Seq, chain.Anchor.Seq+pruneBatch), Limit: pruneBatch,
		})
		if err != nil {
			return pruned, err
		}
		until, ok := lastBefore(oldest, limit)
		if !ok {
			return pruned, nil
		}
		n, err := s.store.PruneChain(ctx, instance, chain.Anchor, until)
		if err != nil || n == 0 { // another replica does it
			return pruned, err
		}
		pruned += n
	}
}

// lastBefore finds the place, in a stretch of a chain that is given newest
// first, until which all events are older than a time.
func lastBefore(stretch []store.Event, limit time.Time) (store.ChainPlace, bool) {
	var place store.ChainPlace
	for _, e := range slices.Backward(stretch) {
		if !e.At.Before(limit) {
			break
		}
		place = store.ChainPlace{Seq: e.Seq, Hash: e.Hash}
	}
	return place, place.Seq > 0
}
