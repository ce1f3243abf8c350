package tokens

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// ErrStale is returned for a token that is not to be rotated because its password
// is known not to log in: its successor would not work either.
var ErrStale = errors.New("token is stale")

// role asks what the token's owner may do now, and writes down what is new: that
// the login fails, that it works again, or another role. Only the answer to a
// login that was made for this very question is news: one that is remembered may
// be older than what another replica has written since.
func (s *Service) role(ctx context.Context, t *store.Token) (store.Role, error) {
	role, asked, err := s.keeper.Check(ctx, credentials.OfToken(t))
	switch {
	case !asked:
	case errors.Is(err, credentials.ErrStale) && t.StaleSince.IsZero():
		s.noteStale(ctx, t, s.now().Truncate(time.Second))
	case err == nil:
		s.noteRole(ctx, t, role)
		if !t.StaleSince.IsZero() {
			s.noteStale(ctx, t, time.Time{})
		}
	}
	return role, err
}

// noteStale writes down since when a token's login fails, the zero time for that
// it works, on the token and on those of the same user that have the same
// password, which are known to fare alike. It is a note for those who look at the
// tokens later: what they may do does not depend on it. It is written also when
// the client has hung up, as one that is refused for long may do each time.
func (s *Service) noteStale(ctx context.Context, t *store.Token, since time.Time) {
	ctx = context.WithoutCancel(ctx) // the store bounds the time
	ids, err := s.markStale(ctx, t, since)
	if err != nil {
		s.log.WarnContext(ctx, "tokens not marked; the next login tries again", "token_id", t.ID, "stale", !since.IsZero(), "error", err)
		return
	}
	t.StaleSince = since
	s.lease.Drop(t.ID)
	if len(ids) == 0 {
		return
	}
	s.log.InfoContext(ctx, "the login behind tokens has changed", "token_id", t.ID, "stale", !since.IsZero(), "tokens", len(ids))
	// Its own answer is news already. Nobody is accepted by the mark, so other
	// replicas may find it by themselves.
	for _, id := range slices.DeleteFunc(ids, func(id string) bool { return id == t.ID }) {
		s.keeper.Forget(id)
		s.lease.Drop(id)
	}
}

func (s *Service) markStale(ctx context.Context, t *store.Token, since time.Time) ([]string, error) {
	found, err := s.store.SealedOf(ctx, instance.Aliases(t.User.Host), t.User.Port, t.User.Username, since.IsZero())
	if err != nil {
		return nil, err
	}
	alike := s.keeper.Alike(credentials.OfToken(t), found)
	return s.store.MarkStale(ctx, append(alike, store.Sealed{TokenID: t.ID, User: t.User, Password: t.SealedPassword}), since)
}
