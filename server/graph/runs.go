package graph

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Standing tells whether a caller still is one, while something of its goes on.
type Standing interface {
	// Stands tells, at once, that nothing has changed; when not, Recheck must tell.
	Stands() bool
	// Recheck returns an error when the caller is none any more, or when that
	// can't be told.
	Recheck(ctx context.Context) error
}

// runs are the requests under way, by the ID of who they are for.
type runs struct {
	mu   sync.Mutex
	byID map[string]map[*run]struct{}
}

// run is one of them.
type run struct {
	check  func()
	checks sync.WaitGroup
}

// endedError ends what is under way, because its caller is none any more.
type endedError struct{ err error }

func (e *endedError) Error() string { return e.err.Error() }
func (e *endedError) Unwrap() error { return e.err }

// begin admits a request, which goes on in the context that it gives, and whose
// end must be told. Errors are those of guard.enter and of Standing.Recheck.
//
// It is first known to be under way and then looked at: of a change that comes in
// between, at least one of both finds out.
func (s *Service) begin(ctx context.Context, caller Caller) (_ context.Context, end func(), err error) {
	leave, err := s.guard.enter(ctx, caller)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &run{check: func() {
		if err := caller.Standing.Recheck(ctx); err != nil && ctx.Err() == nil {
			cancel(&endedError{err})
		}
	}}
	s.runs.add(caller.Kept.ID, r)
	stop := s.checkAt(caller.Until, caller.Kept.ID, r)
	end = sync.OnceFunc(func() {
		stop()
		s.runs.remove(caller.Kept.ID, r)
		cancel(nil)
		r.checks.Wait()
		leave()
	})
	if !caller.Standing.Stands() {
		if err := caller.Standing.Recheck(ctx); err != nil {
			end()
			return nil, nil, err
		}
	}
	return ctx, end, nil
}

// checkAt has a request looked at when its caller's time is over; zero is never.
func (s *Service) checkAt(until time.Time, id string, r *run) (stop func() bool) {
	if until.IsZero() {
		return func() bool { return false }
	}
	return time.AfterFunc(time.Until(until), func() { s.runs.checkOne(id, r) }).Stop
}

// Check has everything looked at that is under way for a token or session which
// has changed, and ended if its caller is none any more. It does not wait.
func (s *Service) Check(id string) {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	for r := range s.runs.byID[id] {
		r.checks.Go(r.check)
	}
}

// CheckAll is Check for all tokens and sessions.
func (s *Service) CheckAll() {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	for _, all := range s.runs.byID {
		for r := range all {
			r.checks.Go(r.check)
		}
	}
}

func (rs *runs) checkOne(id string, r *run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if _, ok := rs.byID[id][r]; ok {
		r.checks.Go(r.check)
	}
}

func (rs *runs) add(id string, r *run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byID[id] == nil {
		rs.byID[id] = map[*run]struct{}{}
	}
	rs.byID[id][r] = struct{}{}
}

func (rs *runs) remove(id string, r *run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byID[id], r)
	if len(rs.byID[id]) == 0 {
		delete(rs.byID, id)
	}
}

// ended is why what goes on in a context was ended; nil when it was not.
func ended(ctx context.Context) error {
	if because := (*endedError)(nil); errors.As(context.Cause(ctx), &because) {
		return because.err
	}
	return nil
}

// orEnded gives why a request was ended, where an error is only what came of that.
func orEnded(ctx context.Context, err error) error {
	if why := ended(ctx); why != nil && err != nil {
		return why
	}
	return err
}
