package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Edition stands for what the store holds. While two that were read one after
// the other are equal, no change was answered between the first and the second:
// whatever was read from the store after the first was read is what it holds
// still, but for changes that are still under way. Changes that other programs
// make are not counted.
//
// Behind every writing query, over the same connection and in the same packet, a
// number is raised. The store executes a connection's commands in turn, so it
// raises the number after the change is there for all to read, and whoever made
// the change gets the answer only when both are done. Some changes raise nothing,
// and none of them was answered: those of a replica that died, or gave up, while
// its query ran. Some raises change nothing, which is harmless.
//
// A store that has crashed, and one that has taken over from another, may have
// lost the latest changes with their numbers, and use these again for other ones.
// Nobody reaches it but over a new connection, so connections count as well.
type Edition struct {
	// number is the text of the number; empty before the first change.
	number string
	// before and after are how many connections had been opened when the number
	// was asked for, and when it was here. An edition where they differ is equal to
	// no later one: it can't be told which server it is of.
	before, after uint64
}

// editionKey is the key of a graph's edition. It is in the slot of the graph, so
// that on a node of a cluster it can be written where the graph can.
func editionKey(graph string) string { return "edition:{" + graph + "}" }

// Edition reads the edition.
func (s *Store) Edition(ctx context.Context) (Edition, error) {
	e := Edition{before: s.opened.Load()}
	reply, err := s.command(ctx, s.sendReadText, "GET", s.edition)
	if err != nil {
		return Edition{}, fmt.Errorf("read edition: %w", err)
	}
	e.after = s.opened.Load()
	e.number, _ = reply.(string)
	return e, nil
}

// sendReadText is sendRead for a key that may be missing: its text is empty then.
func (s *Store) sendReadText(ctx context.Context, args ...any) (any, error) {
	reply, err := s.sendRead(ctx, args...)
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return reply, err
}

// sendCounted sends a writing command and never repeats it.
func (s *Store) sendCounted(ctx context.Context, args ...any) (any, error) {
	return s.counted(ctx, s.client().Pipeline(), args...)
}

// counted sends a writing command and raises the edition behind it, in one
// packet. A command that failed is an error whatever became of the edition. One
// that did not, without another edition, is one too: others may go by the old one.
func (s *Store) counted(ctx context.Context, pipeline redis.Pipeliner, args ...any) (any, error) {
	command, raise := pipeline.Do(ctx, args...), pipeline.Incr(ctx, s.edition)
	_, _ = pipeline.Exec(ctx) // each has its own error
	reply, err := command.Result()
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller classifies it
	}
	if err := raise.Err(); err != nil {
		return nil, fmt.Errorf("%w: raise edition: %w", ErrUnavailable, err)
	}
	return reply, nil
}
