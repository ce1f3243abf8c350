package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/resp"
)

// A FalkorDB (4.16.3) that is asked for a copy of a graph while a child process
// of it is at work, for another copy, a snapshot or a rewrite of its log, never
// answers anybody again. So copies are made one after the other at each instance,
// and only when it says that it has no child. Two replicas, or a snapshot, that
// begin within the same moment are not kept apart: only FalkorDB could do that.

// forkPause is the pause between two looks at an instance's children.
const forkPause = 50 * time.Millisecond

// Copy makes a copy of a graph, once its turn has come. It returns ErrNoGraph,
// ErrExists and ErrReserved.
func (s *Service) Copy(ctx context.Context, caller Caller, graph, target string) error {
	if graph == reservedGraph || target == reservedGraph {
		return ErrReserved
	}
	ctx, end, err := s.begin(context.WithoutCancel(ctx), caller)
	if err != nil {
		return err
	}
	defer end()
	endTurn, err := s.awaitTurn(ctx, caller)
	if err != nil {
		return fmt.Errorf("copy graph: %w", orEnded(ctx, err))
	}
	defer endTurn()
	if err := s.command(ctx, caller, done, "GRAPH.COPY", graph, target); err != nil {
		return fmt.Errorf("copy graph: %w", err)
	}
	return nil
}

// turns lets one at a time copy at each instance.
type turns struct {
	mu sync.Mutex
	// taken are closed when the turn is over.
	taken map[instance.Instance]chan struct{}
}

// take waits for the turn, whose end must be told to what it returns.
func (t *turns) take(ctx context.Context, where instance.Instance) (end func(), err error) {
	for {
		t.mu.Lock()
		other, ok := t.taken[where]
		if !ok {
			mine := make(chan struct{})
			t.taken[where] = mine
			t.mu.Unlock()
			return func() { t.end(where, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: other copies are being made: %w", ErrOverloaded, ctx.Err())
		}
	}
}

func (t *turns) end(where instance.Instance, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.taken, where)
	close(mine)
}

// awaitTurn waits until a copy can be made, whose end must be told to what it
// returns. It returns ErrOverloaded when that takes too long.
func (s *Service) awaitTurn(ctx context.Context, caller Caller) (end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	if end, err = s.turns.take(ctx, caller.where()); err != nil {
		return nil, err
	}
	if err = s.awaitNoFork(ctx, caller); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// awaitNoFork waits until an instance has no child at work. It returns
// ErrOverloaded when it goes on having one.
func (s *Service) awaitNoFork(ctx context.Context, caller Caller) error {
	for {
		forked := false
		err := s.command(ctx, caller, func(in *resp.Reader) error {
			frame, err := first(in)
			forked = strings.Contains(string(frame.Text), "_in_progress:1")
			return err
		}, "INFO", "persistence")
		if denied := (*DeniedError)(nil); errors.As(err, &denied) {
			return nil // a user who may copy and not look
		}
		if err != nil || !forked {
			return err
		}
		timer := time.NewTimer(forkPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: it makes a snapshot or a copy: %w", ErrOverloaded, ctx.Err())
		}
	}
}
