package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/store"
)

const (
	// DefaultRetention is how long events are kept unless Options say otherwise.
	DefaultRetention = 400 * 24 * time.Hour
	// MinRetention is the shortest time that they can be kept.
	MinRetention = 24 * time.Hour
)

// Options configure New. Those without a default named are required.
type Options struct {
	Store *store.Store
	// Signing signs cursors.
	Signing crypto.SigningRing
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger
	// Instances are the names (store.InstanceName) of those whose old events are
	// deleted.
	Instances []string
	// Retention is how long events are kept; DefaultRetention when zero.
	Retention time.Duration
	// Interval is how often what waits is written and chained; 1 s when zero.
	Interval time.Duration
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil:
		return errors.New("audit: Store is missing")
	case o.Log == nil:
		return errors.New("audit: Log is missing")
	case o.Retention != 0 && o.Retention < MinRetention:
		return errors.New("audit: Retention must be at least 24 hours")
	case o.Now == nil:
		return errors.New("audit: Now is missing")
	case o.Random == nil:
		return errors.New("audit: Random is missing")
	}
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	return nil
}

// Service makes events, lists them and, between Start and Stop, chains them. It
// is safe for concurrent use.
type Service struct {
	store     *store.Store
	signing   crypto.SigningRing
	now       func() time.Time
	log       *slog.Logger
	instances []string
	retention time.Duration
	interval  time.Duration
	queue     queue
	lost      atomic.Uint64
	flushing  sync.Mutex
	loop      loop
	// process and made give every event of every replica an ID of its own.
	process string
	made    atomic.Uint64
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var process [8]byte
	if _, err := io.ReadFull(o.Random, process[:]); err != nil {
		return nil, fmt.Errorf("audit: draw the name of this process: %w", err)
	}
	return &Service{
		store: o.Store, signing: o.Signing, now: o.Now, log: o.Log, instances: o.Instances, retention: o.Retention, interval: o.Interval,
		queue: queue{told: map[string]time.Time{}}, process: hex.EncodeToString(process[:]),
	}, nil
}

// Success begins the event of a change that is about to be made to a token, by
// whoever the context says. It concerns the instance of the token's user.
func (s *Service) Success(ctx context.Context, action store.Action, t *store.Token) store.Event {
	e := s.event(ctx, action, t.User)
	e.Outcome = store.OutcomeSuccess
	e.TokenID, e.TokenName, e.Owner = t.ID, t.Name, t.User.Username
	return e
}

// OfSession begins the event of a sign-in or sign-out that is about to be written.
func (s *Service) OfSession(ctx context.Context, action store.Action, session *store.Session) store.Event {
	e := s.event(WithActor(ctx, session.User, ""), action, session.User)
	e.Outcome = store.OutcomeSuccess
	return e
}

// event begins an event that concerns the instance of a user.
func (s *Service) event(ctx context.Context, action store.Action, of store.User) store.Event {
	by, from := actorFrom(ctx), originFrom(ctx)
	e := store.Event{
		ID: s.process + "-" + strconv.FormatUint(s.made.Add(1), 16), At: s.now().Truncate(time.Millisecond).UTC(),
		Host: of.Host, Port: of.Port, Action: action,
		UserID: by.user.ID, Username: by.user.Username, ActorTokenID: by.tokenID,
		Agent: from.agent,
	}
	if from.ip.IsValid() {
		e.IP = from.ip.String()
	}
	return e
}

type (
	actor struct {
		user    store.User
		tokenID string
	}
	origin struct {
		ip    netip.Addr
		agent string
	}
	// Each type is its own key; nothing outside can make one.
	actorKey  struct{}
	originKey struct{}
)

// WithActor says who acts in what follows: a user, and the token that was
// shown, if it was one.
func WithActor(ctx context.Context, user store.User, tokenID string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor{user, tokenID})
}

// WithOrigin says from where what follows is asked for.
func WithOrigin(ctx context.Context, ip netip.Addr, agent string) context.Context {
	return context.WithValue(ctx, originKey{}, origin{ip, agent})
}

func actorFrom(ctx context.Context) actor {
	a, _ := ctx.Value(actorKey{}).(actor)
	return a
}

func originFrom(ctx context.Context) origin {
	o, _ := ctx.Value(originKey{}).(origin)
	return o
}
