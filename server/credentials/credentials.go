package credentials

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
)

// ErrStale is returned when the password kept for a token or session does not
// log its owner in any more: it was changed, or the user was switched off or
// deleted, or the operator no longer allows the instance.
var ErrStale = errors.New("credentials are no longer valid")

const (
	// maxAge is how old the answer to "what may they do now" is at most: below
	// the 30 seconds promised, by more than a login takes.
	maxAge = 20 * time.Second
	// maxRemembered bounds the answers kept.
	maxRemembered = 100_000
	// downTime is how long an instance that was out of reach is not asked again.
	downTime = 2 * time.Second
	// loginTime bounds a login with the wait for its turn; with what comes
	// after it, a client has its answer within 5 seconds.
	loginTime = 4700 * time.Millisecond
)

// Options configure New. All fields but MaxAge are required.
type Options struct {
	Directory *instance.Directory
	Limiter   *ratelimit.Limiter
	Sealer    *crypto.Sealer
	// MaxAge bounds the age of a remembered role; 20 s when zero.
	MaxAge time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

func (o *Options) validate() error {
	switch {
	case o.Directory == nil:
		return errors.New("credentials: Directory is missing")
	case o.Limiter == nil:
		return errors.New("credentials: Limiter is missing")
	case o.Sealer == nil:
		return errors.New("credentials: Sealer is missing")
	case o.Now == nil:
		return errors.New("credentials: Now is missing")
	case o.Log == nil:
		return errors.New("credentials: Log is missing")
	}
	if o.MaxAge == 0 {
		o.MaxAge = maxAge
	}
	return nil
}

// Keeper looks after credentials. It is safe for concurrent use.
type Keeper struct {
	directory *instance.Directory
	limiter   *ratelimit.Limiter
	sealer    *crypto.Sealer
	log       *slog.Logger
	seed      maphash.Seed
	answers   *otter.Cache[string, answer]
	// down holds the addresses that were out of reach a moment ago: each
	// question to them would wait in vain.
	down *otter.Cache[string, struct{}]
}

// answer is the outcome of a login that reached the instance.
type answer struct {
	role    store.Role
	refused bool
	// about is which sealed password was tried: an answer about one that was
	// replaced since, by whichever replica, is none.
	about uint64
}

// about tells one sealed password from others. Nobody can choose two that it
// takes for the same: its seed is random, and so is what is sealed.
func (k *Keeper) about(kept Kept) uint64 { return maphash.String(k.seed, kept.Sealed) }

// clock is the cache's time: the time since its start, which steps of the
// system's clock do not change.
type clock struct {
	now   func() time.Time
	start time.Time
}

// NowNano implements otter.Clock.
func (c clock) NowNano() int64 { return int64(c.now().Sub(c.start)) }

// Tick implements otter.Clock. Without ticks the cache needs no goroutine: what
// is too old is not given out, and the size is bounded.
func (clock) Tick(time.Duration) <-chan time.Time { return nil }

// New makes a Keeper.
func New(o Options) (*Keeper, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	answers, err := otter.New(&otter.Options[string, answer]{
		MaximumSize:      maxRemembered,
		ExpiryCalculator: otter.ExpiryWriting[string, answer](o.MaxAge),
		Clock:            clock{now: o.Now, start: o.Now()},
	})
	if err != nil {
		return nil, fmt.Errorf("credentials: make cache: %w", err)
	}
	down, err := otter.New(&otter.Options[string, struct{}]{
		MaximumSize:      maxRemembered,
		ExpiryCalculator: otter.ExpiryWriting[string, struct{}](downTime),
		Clock:            clock{now: o.Now, start: o.Now()},
	})
	if err != nil {
		return nil, fmt.Errorf("credentials: make cache: %w", err)
	}
	return &Keeper{directory: o.Directory, limiter: o.Limiter, sealer: o.Sealer, log: o.Log, seed: maphash.MakeSeed(), answers: answers, down: down}, nil
}

// Login checks credentials that a client sent, within the limit on failed
// logins of its address. Errors are those of instance.Directory.Login and
// ratelimit.Limiter.Begin.
func (k *Keeper) Login(ctx context.Context, peer netip.Addr, c instance.Credentials) (instance.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	attempt, err := k.limiter.Begin(ctx, peer)
	if err != nil {
		return instance.Identity{}, fmt.Errorf("log in: %w", err)
	}
	identity, err := k.directory.Login(ctx, c)
	if errors.Is(err, instance.ErrBusy) {
		attempt.Succeeded() // nobody has looked at the password
		return instance.Identity{}, err
	}
	if err != nil {
		k.log.InfoContext(ctx, "login with credentials failed", "client_ip", peer.String())
		return instance.Identity{}, errors.Join(err, attempt.Failed(ctx))
	}
	attempt.Succeeded()
	return identity, nil
}

// Kept is the part of a token or session that concerns its credentials.
type Kept struct {
	// ID is the token's or session's ID.
	ID   string
	User store.User
	// Sealed is the password as Seal returned it for the same ID and user.
	Sealed string
	TLS    bool
	CA     string
	// Role is what the owner could do when that was last written down.
	Role store.Role
}

// OfToken takes what is kept with a token.
func OfToken(t *store.Token) Kept {
	return Kept{ID: t.ID, User: t.User, Sealed: t.SealedPassword, TLS: t.TLS, CA: t.CA, Role: t.Role}
}

// OfSession takes what is kept with a session.
func OfSession(s *store.Session) Kept {
	return Kept{ID: s.ID, User: s.User, Sealed: s.SealedPassword, TLS: s.TLS, CA: s.CA, Role: s.Role}
}

// Seal encrypts a password for the row with the given ID of the given user.
func (k *Keeper) Seal(password, id string, user store.User) (string, error) {
	sealed, err := k.sealer.Seal(password, binding(id, user))
	if err != nil {
		return "", fmt.Errorf("seal password of %s: %w", id, err)
	}
	return sealed, nil
}

// Open gives the credentials back. It returns ErrStale when they cannot be
// opened with the keys at hand, which the log tells the operator.
func (k *Keeper) Open(ctx context.Context, kept Kept) (instance.Credentials, error) {
	password, err := k.sealer.Open(kept.Sealed, binding(kept.ID, kept.User))
	if err != nil {
		k.log.ErrorContext(ctx, "sealed password does not open; is its key still in ENCRYPTION_KEY?", "id", kept.ID, "error", err)
		return instance.Credentials{}, fmt.Errorf("open password of %s: %w", kept.ID, ErrStale)
	}
	return instance.Credentials{
		Username: kept.User.Username, Password: password, Host: kept.User.Host, Port: kept.User.Port, TLS: kept.TLS, CA: kept.CA,
	}, nil
}

func binding(id string, user store.User) crypto.Binding {
	return crypto.Binding{TokenID: id, Username: user.Username, Host: user.Host, Port: user.Port}
}

// Role tells what the owner may do now, asking the instance when the last
// answer is too old; concurrent questions about one row make one login.
//
// It returns ErrStale when the instance refuses the credentials, and
// instance.ErrUnreachable or instance.ErrBusy when it cannot be asked.
func (k *Keeper) Role(ctx context.Context, kept Kept) (store.Role, error) {
	role, _, err := k.Check(ctx, kept)
	return role, err
}

// Check is Role, and tells whether the instance was asked for this very question
// and not for an earlier one.
func (k *Keeper) Check(ctx context.Context, kept Kept) (role store.Role, asked bool, err error) {
	load := otter.LoaderFunc[string, answer](func(ctx context.Context, _ string) (answer, error) {
		asked = true
		return k.ask(ctx, kept)
	})
	found, err := k.answers.Get(ctx, kept.ID, load)
	if err == nil && found.about != k.about(kept) {
		k.answers.Invalidate(kept.ID)
		if found, err = k.answers.Get(ctx, kept.ID, load); err == nil && found.about != k.about(kept) {
			asked = true
			found, err = k.ask(ctx, kept) // others go on asking about another password
		}
	}
	if err != nil {
		return "", asked, err
	}
	if found.refused {
		return "", asked, fmt.Errorf("role of %s: %w", kept.ID, ErrStale)
	}
	return found.role, asked, nil
}

func (k *Keeper) ask(ctx context.Context, kept Kept) (answer, error) {
	// Others may be waiting for this answer: the first asker's hanging up must
	// not become theirs. The directory bounds the time.
	ctx = context.WithoutCancel(ctx)
	c, err := k.Open(ctx, kept)
	if err != nil {
		return answer{refused: true, about: k.about(kept)}, nil //nolint:nilerr // told as an answer, which is remembered
	}
	address := fmt.Sprint(c.Host, " ", c.Port, " ", c.TLS)
	if _, isDown := k.down.GetIfPresent(address); isDown {
		return answer{}, fmt.Errorf("role of %s: %w a moment ago", kept.ID, instance.ErrUnreachable)
	}
	identity, err := k.directory.Recheck(ctx, c)
	switch {
	case err == nil:
		return answer{role: identity.Role, about: k.about(kept)}, nil
	case errors.Is(err, instance.ErrRefused), errors.Is(err, instance.ErrNotAllowed), errors.Is(err, instance.ErrBadCA):
		k.disconnect(kept.ID) // a connection outlives the right to make one
		return answer{refused: true, about: k.about(kept)}, nil
	default:
		if errors.Is(err, instance.ErrUnreachable) {
			k.down.Set(address, struct{}{})
		}
		return answer{}, fmt.Errorf("role of %s: %w", kept.ID, err)
	}
}

// Remember notes a role that a login has just told. A role that is itself
// remembered must not be noted for another row: handed from token to token, it
// would never grow old.
func (k *Keeper) Remember(kept Kept, role store.Role) {
	k.answers.Set(kept.ID, answer{role: role, about: k.about(kept)})
}

// Forget drops what is remembered of a row that has changed, and closes its
// connections, but for those at work: whoever is at work finds out whether the
// row has ended.
func (k *Keeper) Forget(id string) {
	k.answers.Invalidate(id)
	k.directory.Retire(id)
	k.directory.Retire(aside(id))
}

// ForgetAll closes the connections of all rows likewise, since any may have ended.
func (k *Keeper) ForgetAll() { k.directory.RetireAll() }

func (k *Keeper) disconnect(id string) {
	k.directory.Disconnect(id)
	k.directory.Disconnect(aside(id))
}

// Connect gives a connection to the owner's instance, on which the owner is
// logged in; it must be released. Errors are as in Role.
func (k *Keeper) Connect(ctx context.Context, kept Kept) (*instance.Conn, error) {
	return k.connect(ctx, kept, kept.ID)
}

// ConnectAside is Connect for somebody who holds a connection already: it does
// not wait for those that do, who might be waiting for this.
func (k *Keeper) ConnectAside(ctx context.Context, kept Kept) (*instance.Conn, error) {
	return k.connect(ctx, kept, aside(kept.ID))
}

// aside is the key of a row's connections that are not among the others.
func aside(id string) string { return id + " aside" }

func (k *Keeper) connect(ctx context.Context, kept Kept, key string) (*instance.Conn, error) {
	where := instance.Instance{Host: kept.User.Host, Port: kept.User.Port}
	c, err := k.directory.Connect(ctx, where, key, func() (instance.Credentials, error) { return k.Open(ctx, kept) })
	if errors.Is(err, instance.ErrRefused) || errors.Is(err, instance.ErrNotAllowed) || errors.Is(err, instance.ErrBadCA) {
		return nil, fmt.Errorf("connect for %s: %w", kept.ID, ErrStale)
	}
	if err != nil {
		return nil, fmt.Errorf("connect for %s: %w", kept.ID, err)
	}
	return c, nil
}

// Alike gives those of a user's rows that log in with the same name and password
// to the same instance as kept, and so fare as it does. Passwords can differ from
// row to row; a row whose password does not open is nobody's like.
func (k *Keeper) Alike(kept Kept, rows []store.Sealed) []store.Sealed {
	password, err := k.sealer.Open(kept.Sealed, binding(kept.ID, kept.User))
	if err != nil || instance.ValidateCA(kept.CA) != nil { // it fails for a reason of its own
		return nil
	}
	var alike []store.Sealed
	for _, row := range rows {
		user := store.User{Username: row.User.Username, Host: instance.Canonical(row.User.Host), Port: row.User.Port}
		if row.TokenID == kept.ID || user.Username != kept.User.Username || user.Host != kept.User.Host || user.Port != kept.User.Port {
			continue
		}
		if other, err := k.sealer.Open(row.Password, binding(row.TokenID, user)); err == nil && other == password {
			alike = append(alike, row)
		}
	}
	return alike
}

// Ping tells whether the instance is reachable with the kept credentials now.
// Errors are as in Role.
func (k *Keeper) Ping(ctx context.Context, kept Kept) error {
	c, err := k.Open(ctx, kept)
	if err != nil {
		return err
	}
	err = k.directory.Ping(ctx, c)
	if errors.Is(err, instance.ErrRefused) || errors.Is(err, instance.ErrNotAllowed) {
		return fmt.Errorf("ping instance of %s: %w", kept.ID, ErrStale)
	}
	return err
}
