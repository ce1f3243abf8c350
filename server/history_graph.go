package server

import (
	"context"
	"net/http"

	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/store"
)

// maxDetail bounds a detail of an event, in characters.
const maxDetail = 512

// graphAttempt is a change of a graph or a setting, of which the history tells
// whatever comes of it; as an error, that nothing did, as far as is known.
type graphAttempt struct {
	action  store.Action
	details map[string]string
	err     error
}

func (a *graphAttempt) Error() string { return a.err.Error() }
func (a *graphAttempt) Unwrap() error { return a.err }

// failed is the attempt with what it has failed of.
func (a graphAttempt) failed(err error) error {
	a.err = err
	return &a
}

// tell tells the history that a change was made. It is in the instance by now, so
// there is no query that could write both: a crash in between would lose the event.
func (s *Server) tell(ctx context.Context, a graphAttempt) {
	s.history.Tell(ctx, s.graphEvent(ctx, a.action, a.details))
}

// rememberGraph tells it of one that was not. Where the instance has not answered,
// the change may have been made: no such event may be left out.
func (s *Server) rememberGraph(ctx context.Context, public publicError, a *graphAttempt) {
	e := s.graphEvent(ctx, a.action, a.details)
	e.Outcome, e.Reason = outcomeOf(public), public.code
	if public.status >= http.StatusInternalServerError {
		s.history.Tell(ctx, e)
	} else {
		s.history.Sample(e)
	}
}

func (s *Server) graphEvent(ctx context.Context, action store.Action, details map[string]string) store.Event {
	p := authn.PrincipalFrom(ctx)
	with := p.Token
	if with == nil {
		with = &store.Token{User: p.User}
	}
	e := s.history.Success(ctx, action, with)
	e.Details = make(map[string]string, len(details))
	for name, text := range details {
		if text != "" { // what is not known is not there
			e.Details[name] = truncate(text, maxDetail)
		}
	}
	return e
}
