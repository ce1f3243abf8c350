package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// Options configure New. All are required.
type Options struct {
	Now    func() time.Time
	Random io.Reader
}

func (o *Options) validate() error {
	switch {
	case o.Now == nil:
		return errors.New("audit: Now is missing")
	case o.Random == nil:
		return errors.New("audit: Random is missing")
	}
	return nil
}

// Service makes events. It is safe for concurrent use.
type Service struct {
	now func() time.Time
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
	return &Service{now: o.Now, process: hex.EncodeToString(process[:])}, nil
}

// Success begins the event of a change that is about to be made to a token, by
// whoever the context says. It concerns the instance of the token's user.
func (s *Service) Success(ctx context.Context, action store.Action, t *store.Token) store.Event {
	e := s.event(ctx, action, t.User)
	e.Outcome = store.OutcomeSuccess
	e.TokenID, e.TokenName, e.Owner = t.ID, t.Name, t.User.Username
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
