package graph

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/falkorpat/falkorpat/server/instance"
)

// The ways in which an instance that can be reached does not do what is asked.
var (
	// ErrNoGraph means that there is no graph of that name.
	ErrNoGraph = errors.New("no such graph")
	// ErrExists means that a graph, or another key, has that name already.
	ErrExists = errors.New("the name is taken")
	// ErrTimeout means that the query did not end in time. Whether it has changed
	// anything is unknown.
	ErrTimeout = errors.New("the query did not end in time")
	// ErrOverloaded means that the instance cannot serve anybody now: starting,
	// failing over, out of memory or disk, too much to do.
	ErrOverloaded = errors.New("the instance cannot serve now")
	// ErrReadOnly means that the query would write, and may not.
	ErrReadOnly = errors.New("the query writes")
	// ErrSchemaChanged means that the graph was replaced by another one while
	// a query ran, so that its result cannot be told.
	ErrSchemaChanged = errors.New("the graph was replaced meanwhile")
	// ErrReserved means that the name is that of the graph that keeps tokens.
	ErrReserved = errors.New("the graph that keeps tokens")
	// errTimeoutMax is FalkorDB's refusal of a time that is longer than its own
	// limit.
	errTimeoutMax = errors.New("the time exceeds the instance's TIMEOUT_MAX")
)

// Position is a place in a query. Line and column begin at 1, the offset at 0.
type Position struct{ Line, Column, Offset int }

// QueryError is what FalkorDB finds wrong with a query or a value. Its text
// may quote the query, so it is for the caller only: Error does not tell it.
type QueryError struct {
	// Message is FalkorDB's own.
	Message string
	// Position is where in the query, if FalkorDB says so; else nil.
	Position *Position
}

func (*QueryError) Error() string { return "FalkorDB refused the query" }

// DeniedError is FalkorDB's own refusal: its ACL does not let the user do it.
type DeniedError struct {
	// Message is FalkorDB's own.
	Message string
}

func (*DeniedError) Error() string { return "FalkorDB's ACL does not allow this" }

// RowsError refuses a result that is too large.
type RowsError struct {
	// Rows are as many as the result has, Max as many as it may have.
	Rows, Max int64
}

func (e *RowsError) Error() string {
	return fmt.Sprintf("%d rows, at most %d are allowed", e.Rows, e.Max)
}

// overloadedPrefixes start the replies of a server that is up but can't serve.
var overloadedPrefixes = [...]string{
	"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "NOREPLICAS", "READONLY", "UNBLOCKED",
	"max number of clients", "Max pending queries exceeded",
}

// replyError turns an error reply into one of this package's errors.
func replyError(text string) error {
	text = strings.TrimPrefix(text, "ERR ")
	for _, prefix := range overloadedPrefixes {
		if strings.HasPrefix(text, prefix) {
			return fmt.Errorf("%w: %s", ErrOverloaded, prefix)
		}
	}
	switch {
	case strings.HasPrefix(text, "NOPERM"):
		return &DeniedError{strings.TrimPrefix(text, "NOPERM ")}
	case strings.HasPrefix(text, "NOAUTH"):
		return fmt.Errorf("%w: the user is logged out", instance.ErrUnreachable)
	case text == "Invalid graph operation on empty key", strings.HasPrefix(text, "WRONGTYPE"):
		return ErrNoGraph
	case text == "destination key already exists":
		return ErrExists
	case strings.HasPrefix(text, "Query timed out"):
		return ErrTimeout
	case strings.HasPrefix(text, "graph.RO_QUERY is to be executed only on read-only queries"):
		return ErrReadOnly
	case strings.HasPrefix(text, "The query TIMEOUT parameter value cannot exceed"):
		return errTimeoutMax
	default:
		return queryError(text)
	}
}

// located finds the position in a parser's message.
var located = regexp.MustCompile(`^errMsg: (?s:(.*)) line: (\d+), column: (\d+), offset: (\d+) errCtx: `)

func queryError(text string) *QueryError {
	parts := located.FindStringSubmatch(text)
	if parts == nil {
		return &QueryError{Message: text}
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(parts[i]) // digits; too many of them are no place
		return n
	}
	return &QueryError{Message: parts[1], Position: &Position{Line: number(2), Column: number(3), Offset: number(4)}}
}
