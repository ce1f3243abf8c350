package graph

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/go-redis/redis_rate/v10"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/resp"
)

// reservedGraph keeps the tokens, wherever the store is. Whoever could query
// it could read and change what every token is.
const reservedGraph = "token_management"

const (
	// commandTime bounds what is no query, beside the time of one: these commands
	// are answered at once, but for a large graph's copy and a profile.
	commandTime = 10 * time.Second
	// grace is what FalkorDB has to end a query by itself before it is given up.
	grace = 500 * time.Millisecond
	// answerTime bounds how long a reply may take to come in whole, once it has
	// begun: as long as it takes a client to read it.
	answerTime = time.Minute
)

// Options configure New. All fields are required.
type Options struct {
	Keeper *credentials.Keeper
	// Counter counts requests in the store that all replicas share.
	Counter *redis_rate.Limiter
	// Limits are those of callers that have none of their own.
	Limits Limits
}

// Limits are what one caller may take. Zero is no limit of its own.
type Limits struct {
	// Timeout bounds the time of one query; also what a query has that asks for
	// no time.
	Timeout time.Duration
	// Rows bounds the rows of one result, Concurrent the requests under way at
	// once on this replica, and PerMinute all requests in a minute.
	Rows, Concurrent, PerMinute int64
}

// within gives the tighter of each two limits.
func (l Limits) within(outer Limits) Limits {
	return Limits{
		Timeout: tighter(l.Timeout, outer.Timeout), Rows: tighter(l.Rows, outer.Rows),
		Concurrent: tighter(l.Concurrent, outer.Concurrent), PerMinute: tighter(l.PerMinute, outer.PerMinute),
	}
}

func tighter[T int64 | time.Duration](a, b T) T {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Service works on graphs. It is safe for concurrent use.
type Service struct {
	keeper *credentials.Keeper
	limits Limits
	guard  *guard
	names  *nameCache
	turns  *turns
	runs   runs
}

// New makes a Service.
func New(o Options) (*Service, error) {
	switch {
	case o.Keeper == nil:
		return nil, errors.New("graph: Keeper is missing")
	case o.Counter == nil:
		return nil, errors.New("graph: Counter is missing")
	case o.Limits.Timeout <= 0 || o.Limits.Rows <= 0:
		return nil, errors.New("graph: Limits are missing")
	}
	names, err := newNameCache()
	if err != nil {
		return nil, err
	}
	return &Service{
		keeper: o.Keeper, limits: o.Limits, guard: newGuard(o.Limits, o.Counter), names: names, turns: &turns{taken: map[instance.Instance]chan struct{}{}},
		runs: runs{byID: map[string]map[*run]struct{}{}},
	}, nil
}

// Caller is for whom something is done.
type Caller struct {
	// Kept are the credentials that stand behind the caller.
	Kept credentials.Kept
	// ReadOnly says that the caller may not write.
	ReadOnly bool
	// Limits are the caller's own; only what is tighter than the operator's counts.
	Limits Limits
	// Until is when the caller's time is over; zero means never.
	Until time.Time
	// Standing tells whether it is over before.
	Standing Standing
}

// where is the caller's instance.
func (c Caller) where() instance.Instance {
	return instance.Instance{Host: c.Kept.User.Host, Port: c.Kept.User.Port}
}

// List gives the names of all graphs of the instance, sorted, but for the one
// that keeps tokens. It returns the errors of credentials.Keeper.Connect,
// ErrOverloaded and *DeniedError, as all methods do, and the errors of the caller's
// Standing.
func (s *Service) List(ctx context.Context, caller Caller) ([]string, error) {
	var names []string
	err := s.ask(ctx, caller, "", func(in *resp.Reader) error {
		var err error
		names, err = texts(in)
		return err
	}, "GRAPH.LIST")
	if err != nil {
		return nil, fmt.Errorf("list graphs: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == reservedGraph })
	slices.Sort(names)
	return names, nil
}

// command sends a command and has its reply read.
func (s *Service) command(ctx context.Context, caller Caller, read func(*resp.Reader) error, args ...string) error {
	c, err := s.keeper.Connect(ctx, caller.Kept)
	if err != nil {
		return orEnded(ctx, err)
	}
	c.Within(timeLimit(s.limits.Timeout + commandTime))
	if err = c.Send(args...); err == nil {
		err = read(c.Reader)
	}
	c.Release(err == nil || isReply(err))
	return timedOut(asInstance(ctx, err))
}

// timedOut tells a silence that lasted too long from other breaks.
func timedOut(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// texts reads a list of texts.
func texts(in *resp.Reader) ([]string, error) {
	list, err := in.Next()
	switch {
	case err != nil:
		return nil, err
	case list.Kind == resp.Error:
		return nil, replyError(string(list.Text))
	case list.Kind != resp.Array:
		return nil, errShape
	}
	found := []string{}
	for range list.N {
		frame, err := in.Next()
		if err != nil || frame.Kind != resp.Bulk && frame.Kind != resp.Status {
			return nil, orShape(err)
		}
		found = append(found, string(frame.Text))
	}
	return found, nil
}
