package tokens

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/store"
)

// unknownAge is how long it is remembered that no token has a text. Only texts
// that our keys have signed are looked up at all, and nobody has one before its
// token is in the store; but a store can be put back from a copy.
const unknownAge = 2 * time.Second

const (
	// remembered is how many tokens are remembered unless Options say otherwise.
	remembered = 100_000
	// looked is how many of those that were looked at by ID are, at the most.
	looked = 10_000
)

// known is what the store has said of a text that our keys have signed.
type known struct {
	// mark says for how long that counts.
	mark lease.Mark
	// expires is the end that the text itself names, in Unix seconds; 0 means never.
	expires int64
	// row is the token; empty when no token has the text.
	row packed
	// usage is where uses of the token are noted.
	usage atomic.Pointer[usage]
}

// memory remembers what the store has said of tokens' texts, for as long as the
// lease lets it. It is safe for concurrent use.
type memory struct {
	store   *store.Store
	lease   *lease.Lease
	signing crypto.SigningRing
	metrics Metrics
	// texts are found by their SHA-256. Who does not have a text can't choose
	// where its digest falls, so how long a look-up takes tells nothing of it.
	texts *otter.Cache[crypto.Digest, *known]
	// ids hold tokens that were asked for by their ID.
	ids *otter.Cache[string, *known]

	mu sync.Mutex
	// underWay are the questions that others may wait for the answer of.
	underWay map[question]*answer
}

// question is a look-up of a text that began at a point: nobody who comes after
// a change may be told what was asked before it.
type question struct {
	text  crypto.Digest
	point lease.Point
}

type answer struct {
	done  chan struct{}
	known *known
	err   error
}

func newMemory(o Options) (*memory, error) {
	texts, err := otter.New(&otter.Options[crypto.Digest, *known]{MaximumSize: o.Remember})
	if err != nil {
		return nil, fmt.Errorf("tokens: make cache: %w", err)
	}
	ids, err := otter.New(&otter.Options[string, *known]{MaximumSize: min(o.Remember, looked)})
	if err != nil {
		return nil, fmt.Errorf("tokens: make cache: %w", err)
	}
	return &memory{
		store: o.Store, lease: o.Lease, signing: o.Signing, metrics: o.Metrics, texts: texts, ids: ids, underWay: make(map[question]*answer),
	}, nil
}

// find finds the token of a text. It returns an error under ErrUnauthenticated
// when there is none, and store.ErrUnavailable when that can't be told.
func (m *memory) find(ctx context.Context, text string, now time.Time) (*known, error) {
	digest := crypto.DigestToken(text)
	k, ok := m.remembered(digest, now)
	if ok {
		m.metrics.Hit()
	} else {
		m.metrics.Missed()
		verified, err := m.signing.Verify(text, now)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
		}
		if k, err = m.lookUp(ctx, digest, verified.Claims(), now); err != nil {
			return nil, err
		}
	}
	if k.row == "" {
		return nil, fmt.Errorf("verify token: %w", ErrUnknown)
	}
	return k, nil
}

// remembered is what is known of a text, and may be used now.
func (m *memory) remembered(text crypto.Digest, now time.Time) (*known, bool) {
	k, ok := m.texts.GetIfPresent(text)
	return k, ok && m.lease.Trusted(k.mark, now) && (k.expires == 0 || now.Unix() < k.expires)
}

// lookUp asks the store, or waits for one who does. Without a lease everybody
// asks for themselves: an answer that is under way may be older than a change
// that nobody has told us of.
func (m *memory) lookUp(ctx context.Context, text crypto.Digest, claims crypto.Claims, now time.Time) (*known, error) {
	mark := m.lease.Mark(claims.ID, now)
	if !m.lease.Trusted(mark, now) {
		return m.ask(ctx, text, claims, mark)
	}
	q := question{text, mark.Point}
	m.mu.Lock()
	a, asked := m.underWay[q]
	if !asked {
		if k, ok := m.remembered(text, now); ok { // the answer came a moment ago
			m.mu.Unlock()
			return k, nil
		}
		a = &answer{done: make(chan struct{}), err: errors.New("look-up has panicked")}
		m.underWay[q] = a
	}
	m.mu.Unlock()
	if asked {
		select {
		case <-a.done:
			return a.known, a.err
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller's own
		}
	}
	defer func() {
		m.mu.Lock()
		delete(m.underWay, q)
		m.mu.Unlock()
		close(a.done)
	}()
	// Others may wait: the first asker's hanging up must not become theirs.
	if a.known, a.err = m.ask(context.WithoutCancel(ctx), text, claims, mark); a.err == nil {
		m.texts.Set(text, a.known)
	}
	return a.known, a.err
}

func (m *memory) ask(ctx context.Context, text crypto.Digest, claims crypto.Claims, mark lease.Mark) (*known, error) {
	k := &known{mark: mark}
	if !claims.ExpiresAt.IsZero() {
		k.expires = claims.ExpiresAt.Unix()
	}
	t, err := m.store.TokenByHash(ctx, text.String())
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return nil, err
	case t.ID == claims.ID: // else the row is another's
		k.row = pack(canonical(t))
	}
	if k.row == "" {
		k.mark = m.lease.Shorten(mark, unknownAge)
	}
	return k, nil
}

// byID gives the row of an ID. It returns store.ErrNotFound when there is none.
func (m *memory) byID(ctx context.Context, id string, now time.Time) (*store.Token, error) {
	if k, ok := m.ids.GetIfPresent(id); ok && m.lease.Trusted(k.mark, now) {
		return k.row.token(), nil
	}
	mark := m.lease.Mark(id, now)
	t, err := m.store.TokenByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.lease.Trusted(mark, now) {
		m.ids.Set(id, &known{mark: mark, row: pack(canonical(t))})
	}
	return t, nil
}
