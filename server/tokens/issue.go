package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// idAttempts bounds the tries to find a free token ID. Two tokens of the same
// millisecond collide once in four billion.
const idAttempts = 3

// Issued is a new token. It is the only place where a token's text appears.
type Issued struct {
	// Text is the token itself, to be shown once and kept nowhere.
	Text string
	// ID is the token's ID.
	ID string
	// ExpiresAt is when it ends; zero means never.
	ExpiresAt time.Time
	// Replayed says that an earlier request with the same idempotency key made
	// the token. Text is empty then.
	Replayed bool
}

// Issuer is who a new token is made for: somebody who is signed in.
type Issuer struct {
	// Kept are the credentials that the new token will stand for.
	Kept credentials.Kept
	// Role is what they may do now.
	Role store.Role
	// Permissions are what they may do now, and so what they may give away.
	Permissions access.Permissions
	// Token is the token that makes the new one; nil for a session.
	Token *store.Token
}

// caller names the issuer for idempotency keys: each token and each user has
// keys of its own.
func (i Issuer) caller() string {
	if i.Token != nil {
		return i.Token.ID
	}
	return i.Kept.User.ID
}

// IssueWithCredentials logs in and makes a token for whoever that is.
//
// It returns a *FieldError for a request that cannot be met, before any login,
// the errors of credentials.Keeper.Login, and an *access.MissingError when more
// is asked for than the user's role allows, and ErrKeyReused.
func (s *Service) IssueWithCredentials(ctx context.Context, peer netip.Addr, c instance.Credentials, r Request) (*Issued, error) {
	draft, err := s.draft(r)
	if err != nil {
		return nil, err
	}
	identity, err := s.keeper.Login(ctx, peer, c)
	if err != nil {
		return nil, err
	}
	if draft.Permissions, err = granted(r.Permissions, access.OfRole(identity.Role)); err != nil {
		return nil, err
	}
	draft.User = identity.User()
	ctx = audit.WithActor(ctx, draft.User, "")
	draft.Role = identity.Role
	draft.TLS, draft.CA = c.TLS, c.CA
	key, err := s.idempotencyKey(r.IdempotencyKey, "login", draft.User.ID, [...]any{r.normal(draft), c.TLS, c.CA})
	if err != nil {
		return nil, err
	}
	issued, err := s.once(ctx, key, func() (*Issued, error) { return s.create(ctx, draft, c.Password, key) })
	if err == nil && !issued.Replayed {
		s.keeper.Remember(credentials.OfToken(draft), identity.Role)
	}
	return issued, err
}

// Issue makes a token for somebody who is signed in.
//
// It returns a *FieldError for a request that cannot be met, an
// *access.MissingError when more is asked for than the issuer may do, an
// *ExceedsError or ErrOutlivesIssuer for a token that would exceed the one it is
// made from, ErrRevoked when that one stopped working meanwhile, and ErrKeyReused.
func (s *Service) Issue(ctx context.Context, issuer Issuer, r Request) (*Issued, error) {
	draft, err := s.draft(r)
	if err != nil {
		return nil, err
	}
	if draft.Permissions, err = granted(r.Permissions, issuer.Permissions); err != nil {
		return nil, err
	}
	key, err := s.idempotencyKey(r.IdempotencyKey, "create", issuer.caller(), r.normal(draft))
	if err != nil {
		return nil, err
	}
	if issuer.Token != nil && !r.asksEnd() {
		draft.ExpiresAt = s.policy.bounded(draft.CreatedAt, earlier(draft.ExpiresAt, issuer.Token.ExpiresAt))
	}
	if err := narrow(draft, issuer.Token); err != nil {
		return nil, err
	}
	return s.once(ctx, key, func() (*Issued, error) { return s.issueFor(ctx, issuer, draft, key) })
}

func (s *Service) issueFor(ctx context.Context, issuer Issuer, draft *store.Token, key *store.IdempotencyKey) (*Issued, error) {
	c, err := s.keeper.Open(ctx, issuer.Kept)
	if err != nil {
		return nil, err
	}
	draft.User, draft.Role = issuer.Kept.User, issuer.Role
	draft.TLS, draft.CA = c.TLS, c.CA
	issued, err := s.create(ctx, draft, c.Password, key)
	if errors.Is(err, store.ErrIssuerInactive) {
		return nil, fmt.Errorf("issue from token %s: %w", draft.IssuerID, ErrRevoked)
	}
	return issued, err
}

// granted checks the permissions that are asked for; nil stays nil, which is
// all that the role allows.
func granted(asked []string, may access.Permissions) ([]string, error) {
	if asked == nil {
		return nil, nil
	}
	names, err := may.Grant(asked)
	return names, listFault("permissions", err)
}

// listFault gives a fault of a list the list's name.
func listFault(field string, err error) error {
	var fault *access.ListError
	if !errors.As(err, &fault) {
		return err
	}
	if fault.Index >= 0 {
		field += "." + strconv.Itoa(fault.Index)
	}
	return &FieldError{field, fault.Message}
}

// narrow keeps a token within the one that it is made from, if there is one.
// Limits that are not given are that token's.
func narrow(draft, issuer *store.Token) error {
	if issuer == nil {
		return nil
	}
	draft.IssuerID = issuer.ID
	if draft.Permissions == nil {
		draft.Permissions = issuer.Permissions
	}
	if draft.Graphs == nil {
		draft.Graphs = issuer.Graphs
	}
	if draft.AllowedIPs == nil {
		draft.AllowedIPs = issuer.AllowedIPs
	}
	for _, one := range limitsOf(draft, issuer) {
		if *one.inner == 0 {
			*one.inner = one.outer
		}
	}
	if err := inside(draft, issuer); err != nil {
		return err
	}
	if !draft.ExpiresAt.IsZero() && !draft.NotBefore.Before(draft.ExpiresAt) {
		return &FieldError{"notBefore", "must be before the expiry, which is that of the token it is made from"}
	}
	return nil
}

// inside refuses a token that could do more than another one, or outlive it.
func inside(t, outer *store.Token) error {
	var err error
	switch {
	case outer.Permissions != nil && (t.Permissions == nil || !containsAll(outer.Permissions, t.Permissions)):
		err = &ExceedsError{"permissions"}
	case access.OutsideGraphs(t.Graphs, outer.Graphs) >= 0:
		err = &ExceedsError{"graphs"}
	case exceeded(t, outer) != "":
		err = &ExceedsError{exceeded(t, outer)}
	case access.OutsideAddresses(t.AllowedIPs, outer.AllowedIPs) >= 0:
		err = &ExceedsError{"allowedIps"}
	case !outer.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(outer.ExpiresAt)):
		err = ErrOutlivesIssuer
	default:
		return nil
	}
	return fmt.Errorf("within token %s: %w", outer.ID, err)
}

// limit is one of a token's limits beside that of the token it is made from.
type limit struct {
	field string
	inner *int64
	outer int64
}

func limitsOf(t, outer *store.Token) []limit {
	inner, outside := &t.Limits, outer.Limits
	return []limit{
		{"limits.timeoutMs", &inner.TimeoutMs, outside.TimeoutMs},
		{"limits.rows", &inner.Rows, outside.Rows},
		{"limits.concurrent", &inner.Concurrent, outside.Concurrent},
		{"limits.perMinute", &inner.PerMinute, outside.PerMinute},
	}
}

// exceeded names the first limit that is wider than that of another token;
// empty for none.
func exceeded(t, outer *store.Token) string {
	for _, one := range limitsOf(t, outer) {
		if one.outer != 0 && (*one.inner == 0 || *one.inner > one.outer) {
			return one.field
		}
	}
	return ""
}

func containsAll(outer, inner []string) bool {
	return !slices.ContainsFunc(inner, func(name string) bool { return !slices.Contains(outer, name) })
}

// draft checks a request and begins the token's row with it.
func (s *Service) draft(r Request) (*store.Token, error) {
	now := s.now()
	name, err := r.name()
	if err != nil {
		return nil, err
	}
	expires, err := r.expiry(now, s.policy)
	if err != nil {
		return nil, err
	}
	draft := &store.Token{Name: name, CreatedAt: now, ExpiresAt: expires, Graphs: r.Graphs, Limits: r.Limits}
	if draft.Description, err = r.description(); err != nil {
		return nil, err
	}
	if draft.NotBefore, err = r.notBefore(now, expires); err != nil {
		return nil, err
	}
	if r.Graphs != nil {
		if err := access.ParseGraphs(r.Graphs); err != nil {
			return nil, listFault("graphs", err)
		}
	}
	if r.AllowedIPs != nil {
		if draft.AllowedIPs, err = access.ParseAddresses(r.AllowedIPs); err != nil {
			return nil, listFault("allowedIps", err)
		}
	}
	return draft, nil
}

// create issues a token that is written as a new one.
func (s *Service) create(ctx context.Context, draft *store.Token, password string, key *store.IdempotencyKey) (*Issued, error) {
	return s.issue(draft, password, func(t *store.Token) error {
		return s.store.CreateToken(ctx, t, key, s.audit.Success(ctx, store.ActionTokenCreated, t))
	})
}

// issue completes the row, signs the token and writes it.
func (s *Service) issue(draft *store.Token, password string, write func(*store.Token) error) (*Issued, error) {
	var err error
	for range idAttempts {
		var issued *Issued
		if issued, err = s.issueOnce(draft, password, write); err == nil {
			return issued, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return nil, err
}

func (s *Service) issueOnce(t *store.Token, password string, write func(*store.Token) error) (*Issued, error) {
	var err error
	if t.ID, err = store.NewTokenID(t.CreatedAt, s.random); err != nil {
		return nil, err
	}
	text, err := s.signing.Sign(s.claims(t))
	if errors.Is(err, crypto.ErrClaims) {
		// Only the claims that FalkorDB Browser reads can outgrow a token.
		return nil, &FieldError{"ca", "must be smaller for its token to stay within 8 KiB"}
	}
	if err != nil {
		return nil, fmt.Errorf("sign token %s: %w", t.ID, err)
	}
	t.Hash = crypto.HashToken(text)
	if t.SealedPassword, err = s.keeper.Seal(password, t.ID, t.User); err != nil {
		return nil, err
	}
	if err := write(t); err != nil {
		return nil, err
	}
	return &Issued{Text: text, ID: t.ID, ExpiresAt: t.ExpiresAt}, nil
}

func (s *Service) claims(t *store.Token) crypto.Claims {
	c := crypto.Claims{ID: t.ID, Subject: t.User.ID, IssuedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if s.compat {
		c.Browser = &crypto.BrowserClaims{
			Username: t.User.Username, Role: string(t.Role), Host: t.User.Host, Port: t.User.Port, TLS: t.TLS, CA: t.CA,
		}
	}
	return c
}
