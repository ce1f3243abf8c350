package graph

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/falkorpat/falkorpat/cypher"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/resp"
)

// versionError is FalkorDB's refusal of a query whose sender knows another
// version of the graph's names.
type versionError struct{ version int64 }

func (*versionError) Error() string { return "another version of the graph" }

// first reads a reply's first frame, and gives a reply that is an error as one.
func first(in *resp.Reader) (resp.Frame, error) {
	frame, err := in.Next()
	if err == nil && frame.Kind == resp.Error {
		err = replyError(string(frame.Text))
	}
	return frame, err
}

// begin reads how a reply to a query begins, and tells of how many parts it
// consists.
func begin(in *resp.Reader) (int64, error) {
	frame, err := first(in)
	switch {
	case err != nil:
		return 0, err
	case frame.Kind != resp.Array || frame.N < 1 || frame.N > 3:
		return 0, errShape
	case frame.N != 2:
		return frame.N, nil
	}
	refusal, err := in.Next()
	if err != nil || refusal.Kind != resp.Error {
		return 0, orShape(err)
	}
	version, err := in.Next()
	if err != nil || version.Kind != resp.Integer {
		return 0, orShape(err)
	}
	return 0, &versionError{version.N}
}

// isReply tells whether an error was the whole reply, so that the connection
// is good for the next command.
func isReply(err error) bool {
	var query *QueryError
	var denied *DeniedError
	var version *versionError
	var value *cypher.ValueError
	return errors.As(err, &query) || errors.As(err, &denied) || errors.As(err, &version) || errors.As(err, &value) ||
		slices.ContainsFunc(replies[:], func(reply error) bool { return errors.Is(err, reply) })
}

// replies are the replies that say nothing else.
var replies = [...]error{ErrNoGraph, ErrExists, ErrTimeout, ErrReadOnly, errTimeoutMax}

// asInstance gives what broke a reply off the meaning that it has for the
// instance. All that this package has found out itself stays as it is.
func asInstance(ctx context.Context, err error) error {
	if why := ended(ctx); why != nil && err != nil {
		return why
	}
	rows := (*RowsError)(nil)
	if err == nil || isReply(err) || errors.As(err, &rows) ||
		slices.ContainsFunc(found[:], func(ours error) bool { return errors.Is(err, ours) }) {
		return err
	}
	return instance.Broken(ctx, err)
}

var found = [...]error{ErrOverloaded, ErrSchemaChanged, instance.ErrUnreachable, instance.ErrBusy, credentials.ErrStale}

// columns reads a result's header.
func columns(in *resp.Reader) ([]string, error) {
	header, err := in.Next()
	if err != nil || header.Kind != resp.Array {
		return nil, orShape(err)
	}
	names := []string{}
	for range header.N {
		frame, err := in.Next()
		if err != nil || frame.Kind != resp.Array || frame.N != 2 {
			return nil, orShape(err)
		}
		if err := in.Skip(1); err != nil {
			return nil, err
		}
		name, err := in.Next()
		if err != nil || name.Kind != resp.Bulk {
			return nil, orShape(err)
		}
		names = append(names, string(name.Text))
	}
	return names, nil
}

// Statistic is one of the numbers that FalkorDB tells of a query.
type Statistic struct {
	Name  string
	Value float64
}

// statistics reads a result's end: lines as "Nodes created: 2".
func statistics(in *resp.Reader) ([]Statistic, error) {
	lines, err := texts(in)
	if err != nil {
		return nil, err
	}
	stats := []Statistic{}
	for _, line := range lines {
		if one, ok := statistic(line); ok {
			stats = append(stats, one)
		}
	}
	return stats, nil
}

// timeStatistic is the one with a unit.
const timeStatistic = "Query internal execution time"

func statistic(line string) (Statistic, bool) {
	label, text, ok := strings.Cut(line, ": ")
	if !ok {
		return Statistic{}, false
	}
	text, _, _ = strings.Cut(text, " ") // the unit
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Statistic{}, false
	}
	if label == timeStatistic {
		return Statistic{"executionTimeMs", value}, true
	}
	words := strings.Fields(label)
	for i, word := range words {
		words[i] = strings.ToLower(word)
		if i > 0 {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return Statistic{strings.Join(words, ""), value}, true
}
