package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// failedAttempt is an error that the history tells of: something was to be made
// for a user, and was not.
type failedAttempt struct {
	action store.Action
	// of is whom it was for. Whoever asked need not have shown that they are.
	of        store.User
	tokenName string
	err       error
}

func (e *failedAttempt) Error() string { return e.err.Error() }
func (e *failedAttempt) Unwrap() error { return e.err }

// ofLogin is the user that credentials name.
func ofLogin(c instance.Credentials) store.User {
	host := instance.Canonical(c.Host)
	return store.User{ID: store.UserID(c.Username, host, c.Port), Username: c.Username, Host: host, Port: c.Port}
}

// remember tells the history of an answer that refuses something. Faults of ours
// and of the store are the log's.
func (s *Server) remember(ctx context.Context, public publicError, err error) {
	if attempt := (*failedAttempt)(nil); errors.As(err, &attempt) {
		if public.status < http.StatusInternalServerError && !errors.Is(err, instance.ErrNotAllowed) {
			t := &store.Token{Name: attempt.tokenName, User: attempt.of}
			s.history.Note(ctx, attempt.action, t, outcomeOf(public), public.code)
		}
		return
	}
	if attempt := (*graphAttempt)(nil); errors.As(err, &attempt) {
		s.rememberGraph(ctx, public, attempt)
		return
	}
	if public.status != http.StatusUnauthorized && public.status != http.StatusForbidden {
		return
	}
	if refused := (*tokens.RefusedError)(nil); errors.As(err, &refused) {
		action := store.ActionTokenUseDenied
		if errors.Is(err, tokens.ErrRotated) {
			action = store.ActionTokenReused
		}
		s.history.Note(refused.Shown(ctx), action, refused.Token, store.OutcomeDenied, refusalReason(public, refused.Token, s.now()))
		return
	}
	if p := authn.PrincipalFrom(ctx); p != nil && p.Token != nil {
		s.history.Note(ctx, store.ActionTokenUseDenied, p.Token, store.OutcomeDenied, public.code)
	}
}

func outcomeOf(public publicError) store.Outcome {
	if public.status == http.StatusForbidden {
		return store.OutcomeDenied
	}
	return store.OutcomeFailed
}

// refusalReason is the answer's code, or more than that where the outside is not
// told: the history is for those who may see the token.
func refusalReason(public publicError, t *store.Token, now time.Time) string {
	if status := t.Status(now); public.code == "invalid_token" && status != store.StatusActive {
		return "token_" + string(status)
	}
	return public.code
}
