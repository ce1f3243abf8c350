package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// ErrNoSession is returned when a cookie leads to no session that is still
// going on.
var ErrNoSession = errors.New("no session")

// MaxLifetime is how long a session lasts at most.
const MaxLifetime = 24 * time.Hour

// Options configure New. All but Lifetime and CookiePath are required.
type Options struct {
	Store   *store.Store
	Keeper  *credentials.Keeper
	Signing crypto.SigningRing
	// Ended is called for a session that has ended, for what replicas know of it;
	// Keeper.Forget, at this one, when nil.
	Ended func(ctx context.Context, id string)
	// Audit makes the events that are written with every change.
	Audit  *audit.Service
	Now    func() time.Time
	Random io.Reader
	// Lifetime is how long a session lasts, 24 hours at most and by default.
	Lifetime time.Duration
	// CookiePath is the path that browsers send the cookie to; "/" when empty.
	CookiePath string
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil:
		return errors.New("session: Store is missing")
	case o.Keeper == nil:
		return errors.New("session: Keeper is missing")
	case o.Audit == nil:
		return errors.New("session: Audit is missing")
	case o.Now == nil:
		return errors.New("session: Now is missing")
	case o.Random == nil:
		return errors.New("session: Random is missing")
	case o.Lifetime < 0 || o.Lifetime > MaxLifetime:
		return errors.New("session: Lifetime must be at most 24 hours")
	}
	if o.Ended == nil {
		o.Ended = func(_ context.Context, id string) { o.Keeper.Forget(id) }
	}
	if o.Lifetime == 0 {
		o.Lifetime = MaxLifetime
	}
	if o.CookiePath == "" {
		o.CookiePath = "/"
	}
	return nil
}

// Service signs in and out. It is safe for concurrent use.
type Service struct {
	options Options
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Service{options: o}, nil
}

// Accepted is a session that has been verified; only Verify and SignIn make one.
type Accepted struct {
	session *store.Session
	role    store.Role
}

// Session is what is kept of the session.
func (a Accepted) Session() *store.Session { return a.session }

// Role is what the user may do now.
func (a Accepted) Role() store.Role { return a.role }

// SignIn logs in and makes a session. The cookie is for HTTPS only when secure
// is set. Errors are those of credentials.Keeper.Login and of the store.
func (s *Service) SignIn(ctx context.Context, peer netip.Addr, c instance.Credentials, secure bool) (Accepted, *http.Cookie, error) {
	identity, err := s.options.Keeper.Login(ctx, peer, c)
	if err != nil {
		return Accepted{}, nil, err
	}
	row, err := s.row(identity, c)
	if err != nil {
		return Accepted{}, nil, err
	}
	cookie, err := s.cookie(row, secure)
	if err != nil {
		return Accepted{}, nil, err
	}
	if err := s.options.Store.CreateSession(ctx, row, s.options.Audit.OfSession(ctx, store.ActionSignedIn, row)); err != nil {
		return Accepted{}, nil, err
	}
	s.options.Keeper.Remember(credentials.OfSession(row), row.Role)
	return Accepted{session: row, role: row.Role}, cookie, nil
}

func (s *Service) row(identity instance.Identity, c instance.Credentials) (*store.Session, error) {
	id, err := uuid.NewRandomFromReader(s.options.Random)
	if err != nil {
		return nil, fmt.Errorf("draw session ID: %w", err)
	}
	now := s.options.Now().Truncate(time.Second).UTC()
	row := &store.Session{
		ID: id.String(), Hash: crypto.HashSession(id.String()), User: identity.User(), Role: identity.Role,
		CreatedAt: now, ExpiresAt: now.Add(s.options.Lifetime),
		TLS: c.TLS, CA: c.CA,
	}
	row.SealedPassword, err = s.options.Keeper.Seal(c.Password, row.ID, row.User)
	return row, err
}

// Verify finds the session that a cookie leads to, and what its user may do now.
//
// It returns ErrNoSession when there is none, credentials.ErrStale when its
// user can't log in any more, and store.ErrUnavailable or
// instance.ErrUnreachable when that can't be told.
func (s *Service) Verify(ctx context.Context, cookie *http.Cookie) (Accepted, error) {
	id, err := s.open(cookie)
	if err != nil {
		return Accepted{}, err
	}
	return s.find(ctx, id)
}

// Recheck tells whether a session still is one. Errors are those of Verify.
func (s *Service) Recheck(ctx context.Context, a Accepted) error {
	_, err := s.find(ctx, a.session.ID)
	return err
}

func (s *Service) find(ctx context.Context, id string) (Accepted, error) {
	row, err := s.options.Store.SessionByHash(ctx, crypto.HashSession(id), s.options.Now())
	if errors.Is(err, store.ErrNotFound) {
		return Accepted{}, fmt.Errorf("session %s: %w", id, ErrNoSession)
	}
	if err != nil {
		return Accepted{}, err
	}
	canonical(row)
	role, err := s.options.Keeper.Role(ctx, credentials.OfSession(row))
	if err != nil {
		return Accepted{}, err
	}
	return Accepted{session: row, role: role}, nil
}

// canonical puts a row's user under the name that this program has for it,
// however another program that shares the store has spelt it.
func canonical(row *store.Session) {
	row.User.Host = instance.Canonical(row.User.Host)
	row.User.ID = store.UserID(row.User.Username, row.User.Host, row.User.Port)
}

// SignOut ends the session that a cookie leads to. A cookie that leads to none
// is no error.
func (s *Service) SignOut(ctx context.Context, cookie *http.Cookie) error {
	id, err := s.open(cookie)
	if err != nil {
		return nil //nolint:nilerr // nobody is signed in with it
	}
	hash := crypto.HashSession(id)
	row, err := s.options.Store.SessionByHash(ctx, hash, s.options.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nil // it has ended, and what is left of it is swept
	}
	if err != nil {
		return err
	}
	canonical(row)
	if err := s.options.Store.DeleteSession(ctx, hash, s.options.Audit.OfSession(ctx, store.ActionSignedOut, row)); err != nil {
		return err
	}
	s.options.Ended(ctx, id)
	return nil
}
