package audit

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

const (
	// maxQueued bounds the events that wait to be written.
	maxQueued = 10_000
	// maxSampled bounds what is remembered of events that were told a moment ago.
	maxSampled = 100_000
	// sampleTime is how long one like it is not told again.
	sampleTime = time.Minute
	// recordBatch is how many events one query writes.
	recordBatch = 200
)

// queue holds events that accompany no change, until they are written. Anybody
// can cause them, as often as they like, so they are sampled and bounded.
type queue struct {
	mu      sync.Mutex
	events  []store.Event
	told    map[string]time.Time
	dropped int
}

// Note tells of what accompanies no change, mostly that something was refused to
// whoever the context says. One that is like another is told once a minute.
//
// The token is the one it was about; its user's instance is the one that it
// concerns. Without a token, give one that has only a user.
func (s *Service) Note(ctx context.Context, action store.Action, t *store.Token, outcome store.Outcome, reason string) {
	e := s.Success(ctx, action, t)
	e.Outcome, e.Reason = outcome, reason
	s.Sample(e)
}

// Sample is Note for an event that says more. What else it says does not make it
// unlike another one.
func (s *Service) Sample(e store.Event) {
	keepAll(&e)
	key := strings.Join([]string{string(e.Action), e.TokenID, e.Reason}, " ")
	if e.TokenID == "" {
		key += " " + store.InstanceName(e.Host, e.Port) + " " + e.IP + " " + e.ActorTokenID + " " + e.Owner
	}
	s.queue.add(e, key)
}

// Tell writes the event of a change that was made elsewhere than in the store, and
// so in no query with it. While the store can't be reached it waits, as long as
// there is room.
func (s *Service) Tell(ctx context.Context, e store.Event) {
	keepAll(&e)
	// Whoever has hung up has made the change all the same.
	ctx = context.WithoutCancel(ctx)
	if err := s.store.RecordEvents(ctx, []store.Event{e}); err != nil {
		s.log.WarnContext(ctx, "event not written; the next try takes it", "error", err)
		s.queue.giveBack([]store.Event{e}) // it may be there: writing it twice is writing it once
	}
}

// keepAll makes an event one that the store can keep: of what is refused, anything
// may be whatever somebody typed.
func keepAll(e *store.Event) {
	for _, text := range [...]*string{&e.Host, &e.Reason, &e.Username, &e.ActorTokenID, &e.Agent, &e.TokenID, &e.TokenName, &e.Owner} {
		*text = keepable(*text)
	}
	for key, text := range e.Details {
		e.Details[key] = keepable(text)
	}
}

// keepable puts U+FFFD where the store could not keep a text as it is: one event
// that cannot be written would keep all others from it too.
func keepable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func (q *queue) add(e store.Event, key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, ok := q.told[key]; ok && e.At.Sub(last).Abs() < sampleTime {
		return
	}
	if len(q.events) >= maxQueued || len(q.told) >= maxSampled {
		q.dropped++
		return
	}
	q.told[key] = e.At
	q.events = append(q.events, e)
}

// take empties the queue, and forgets what was told long enough ago.
func (q *queue) take(now time.Time) (events []store.Event, dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, at := range q.told {
		if now.Sub(at).Abs() >= sampleTime {
			delete(q.told, key)
		}
	}
	events, dropped = q.events, q.dropped
	q.events, q.dropped = nil, 0
	return events, dropped
}

// giveBack puts events in front again, as many as there is room for.
func (q *queue) giveBack(events []store.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := max(0, maxQueued-len(q.events))
	if len(events) > room {
		q.dropped += len(events) - room
		events = events[:room]
	}
	q.events = append(events, q.events...)
}

// Queued is how many events wait to be written.
func (s *Service) Queued() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.events)
}

// Lost is how many events were not recorded since the start, because too many
// waited.
func (s *Service) Lost() uint64 { return s.lost.Load() }

// Flush writes the events that wait. What cannot be written stays for the next
// time.
func (s *Service) Flush(ctx context.Context) error {
	// Whoever finds the queue empty must find in the store what was in it.
	s.flushing.Lock()
	defer s.flushing.Unlock()
	events, dropped := s.queue.take(s.now())
	if dropped > 0 {
		s.lost.Add(uint64(dropped))
		s.log.WarnContext(ctx, "more refusals than the history keeps up with; some were not recorded", "events", dropped)
	}
	for len(events) > 0 {
		batch := events[:min(recordBatch, len(events))]
		if err := s.store.RecordEvents(ctx, batch); err != nil {
			s.queue.giveBack(events)
			return err
		}
		events = events[len(batch):]
	}
	return nil
}
