package store

import (
	"context"
	"fmt"
	"time"
)

// FalkorDB takes longer to make an edge the more edges of its type there are:
// 20 µs for every thousand of them, once a query. So the edges that no query of
// ours follows are made behind the answers, many by one query: mostly at once,
// and the more there are in the store, the more of them together. What is still
// without its edge is marked, and the mark is written in the query that creates
// or ends the token, so none is ever forgotten.
const (
	// linkSize is how many edges one query makes at most.
	linkSize = 1000
	// linkPause is how many times as long as it took to make edges none are made.
	linkPause = 4
	// linkLook is how often marks are looked for that another replica left.
	linkLook = 30 * time.Second
)

// Replicas may link the same tokens at once: the second one finds it done.
const (
	queryLinkOwners = `MATCH (t:Token) WHERE t.owner_unlinked = true WITH t LIMIT $limit
		MERGE (u:User {user_id: t.user_id}) ON CREATE SET u.username = t.username, u.host = t.host, u.port = t.port
		MERGE (t)-[:BELONGS_TO]->(u) SET t.owner_unlinked = null RETURN count(t)`
	queryUnlinked     = `MATCH (t:Token) WHERE t.owner_unlinked = true OR t.revoker_unlinked = true RETURN t.token_id LIMIT 1`
	queryLinkRevokers = `MATCH (t:Token) WHERE t.revoker_unlinked = true WITH t LIMIT $limit
		MERGE (u:User {user_id: t.revoked_by})
		MERGE (t)-[r:REVOKED_BY]->(u) ON CREATE SET r.at = t.revoked_at, r.ip = t.revoked_ip
		SET t.revoker_unlinked = null RETURN count(t)`
)

// linker makes edges in a goroutine of its own.
type linker struct {
	wake   chan struct{} // of one place: that there is something to do is enough to know
	cancel context.CancelFunc
	done   chan struct{}
}

// startLinking begins; stopLinking ends it and waits.
func (s *Store) startLinking(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.linker = &linker{wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	s.linker.soon() // a replica may have ended before it was done
	go s.linkLoop(ctx)
}

func (s *Store) stopLinking() {
	if s.linker != nil {
		s.linker.cancel()
		<-s.linker.done
	}
}

// soon says that there is something to link.
func (l *linker) soon() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (s *Store) linkLoop(ctx context.Context) {
	defer close(s.linker.done)
	look := time.NewTicker(linkLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.linker.wake:
		case <-look.C:
		}
		for more := true; more; {
			begun := time.Now()
			var err error
			if more, err = s.linkBatch(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "tokens not linked to their users; the next try takes them", "error", err)
			}
			rest(ctx, time.Since(begun)*linkPause)
		}
	}
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// linkBatch makes a batch of the edges that are missing, of each kind, and tells
// whether there may be more.
func (s *Store) linkBatch(ctx context.Context) (more bool, err error) {
	for _, each := range [...]func(context.Context) (int, error){s.linkOwners, s.linkRevokers} {
		linked, err := each(ctx)
		if err != nil {
			return false, err
		}
		more = more || linked == linkSize
	}
	return more, nil
}

// Unlinked tells whether there are tokens that still lack an edge to their owner
// or to who revoked them, for those who want to measure a store at rest.
func (s *Store) Unlinked(ctx context.Context) (bool, error) {
	rows, err := s.read(ctx, queryUnlinked)
	return len(rows) > 0, wrapped(err, "look for tokens without their edges")
}

func (s *Store) linkOwners(ctx context.Context) (int, error) {
	rows, err := s.writeSoon(ctx, queryLinkOwners, param{"limit", linkSize})
	return countOf(rows, err, "link tokens to their owners")
}

func (s *Store) linkRevokers(ctx context.Context) (int, error) {
	rows, err := s.writeSoon(ctx, queryLinkRevokers, param{"limit", linkSize})
	return countOf(rows, err, "link tokens to who revoked them")
}

// countOf reads the answer of a query that returns one count.
func countOf(rows []row, err error, doing string) (int, error) {
	if err != nil || len(rows) == 0 {
		return 0, wrapped(err, doing)
	}
	n := int(rows[0].integer(0))
	return n, wrapped(rows[0].err, doing)
}

func wrapped(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
