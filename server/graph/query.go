package graph

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/cypher"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/resp"
)

// Query is one query to run.
type Query struct {
	Graph string
	// Text is Cypher.
	Text string
	// Params are the members of a JSON object; nil for none.
	Params []byte
	// Timeout is how long it may take; zero for as long as the caller may.
	// More than the caller may is cut down to that.
	Timeout time.Duration
	// ReadOnly runs it as one that may not write.
	ReadOnly bool
	// Format says how its values are written.
	Format Format
}

// text puts the parameters in front of the query.
func (q *Query) text() (string, error) {
	if strings.IndexByte(q.Text, 0) >= 0 {
		return "", &cypher.ValueError{Path: "query", Message: "must not hold a NUL character"}
	}
	b, err := cypher.AppendParameters(nil, q.Params)
	if fault := (*cypher.ValueError)(nil); errors.As(err, &fault) {
		path := strings.TrimSuffix("params."+fault.Path, ".")
		return "", &cypher.ValueError{Path: path, Message: fault.Message}
	}
	return string(append(b, q.Text...)), err
}

// maxAttempts bounds how often a query is sent that FalkorDB sends back
// because of the version of the names: only while others add names all the time.
const maxAttempts = 100

// Query runs a query, and returns when its result has begun to come in. The
// result must be closed.
//
// It returns a *cypher.ValueError for parameters that cannot be passed on, a
// *QueryError for what FalkorDB finds wrong, ErrReadOnly, ErrNoGraph, which a
// query that may write does not get but makes the graph, ErrTimeout, *RowsError, ErrReserved and the
// errors that all methods have.
func (s *Service) Query(ctx context.Context, caller Caller, q Query) (*Result, error) {
	if q.Graph == reservedGraph {
		return nil, ErrReserved
	}
	text, err := q.text()
	if err != nil {
		return nil, err
	}
	ctx, end, err := s.begin(ctx, caller)
	if err != nil {
		return nil, err
	}
	c, err := s.keeper.Connect(ctx, caller.Kept)
	if err != nil {
		err = orEnded(ctx, err)
		end()
		return nil, err
	}
	r := &Result{ctx: ctx, conn: c, end: end, limits: s.limits.within(caller.Limits), key: graphKey{caller.where(), q.Graph}, format: q.Format}
	r.refresh = func(older *Names) (*Names, error) { return s.refresh(ctx, caller, q.Graph, older) }
	if err := s.run(caller, q, text, r); err != nil {
		err = timedOut(asInstance(ctx, err))
		r.release(isReply(err))
		return nil, fmt.Errorf("query: %w", err)
	}
	return r, nil
}

// run sends the query until FalkorDB takes it, and reads how its result begins.
func (s *Service) run(caller Caller, q Query, text string, r *Result) error {
	command := "GRAPH.QUERY"
	if caller.ReadOnly || q.ReadOnly {
		command = "GRAPH.RO_QUERY"
	}
	limit := s.timeout(caller, q)
	args := []string{command, q.Graph, text, "--compact", "version", "", "timeout", strconv.FormatInt(limit.Milliseconds(), 10)}
	r.conn.Within(timeLimit(limit + grace))
	names := s.names.get(r.key)
	var err error
	for range maxAttempts {
		args[5] = strconv.FormatInt(names.version, 10)
		if err = r.conn.Send(args...); err != nil {
			return err
		}
		var parts int64
		parts, err = begin(r.conn.Reader)
		mismatch, changed := err.(*versionError) //nolint:errorlint // as begin made it
		switch {
		case err == nil:
			s.names.set(r.key, names) // of that version they are, now that FalkorDB has agreed
			r.conn.Within(timeLimit(answerTime))
			return r.begin(parts, names)
		case changed:
			if names, err = fetchCurrent(r.conn, q.Graph, mismatch.version); err != nil {
				return err
			}
		case err == errTimeoutMax && q.Timeout == 0 && len(args) == 8: //nolint:errorlint // as replyError gave it
			args = args[:6] // the instance's own limit is as good
		case err == errTimeoutMax: //nolint:errorlint // likewise
			return &cypher.ValueError{Path: "timeoutMs", Message: "must be within the instance's TIMEOUT_MAX"}
		default:
			return err
		}
	}
	return fmt.Errorf("%w: its names change all the time", ErrOverloaded)
}

// timeout is how long a query may take.
func (s *Service) timeout(caller Caller, q Query) time.Duration {
	return tighter(s.limits.within(caller.Limits).Timeout, q.Timeout)
}

// fetchCurrent fetches names in a version, or a newer one that there is meanwhile.
func fetchCurrent(c *instance.Conn, graph string, version int64) (names *Names, err error) {
	for range maxAttempts {
		names, err = fetch(c, graph, version, true)
		mismatch, changed := err.(*versionError) //nolint:errorlint // as begin made it
		if !changed {
			return names, err
		}
		version = mismatch.version
	}
	return nil, err
}

func timeLimit(d time.Duration) time.Time { return time.Now().Add(d) }

// Result is a query's result, which comes in while it is read. It is not safe
// for concurrent use.
type Result struct {
	// Columns are the names of the columns; none for a query that returns nothing.
	Columns []string
	// Statistics are there once Next has returned false.
	Statistics []Statistic

	ctx     context.Context //nolint:containedctx // it is the query's, which goes on until the result is read
	conn    *instance.Conn
	end     func()
	key     graphKey
	limits  Limits
	format  Format
	refresh func(*Names) (*Names, error)
	decoder decoder
	left    int64
	cells   [][]byte
	buffer  []byte
	ends    []int
}

// begin reads what comes before the rows.
func (r *Result) begin(parts int64, names *Names) error {
	if parts == 1 {
		r.left = 0
		return nil
	}
	var err error
	if r.Columns, err = columns(r.conn.Reader); err != nil {
		return err
	}
	rows, err := r.conn.Next()
	switch {
	case err != nil:
		return err
	case rows.Kind == resp.Error:
		return replyError(string(rows.Text))
	case rows.Kind != resp.Array:
		return errShape
	case rows.N > r.limits.Rows:
		return &RowsError{Rows: rows.N, Max: r.limits.Rows}
	}
	r.left = rows.N
	r.decoder = decoder{in: r.conn.Reader, format: r.format, names: names}
	r.decoder.refresh = func() (*Names, error) { return r.refresh(r.decoder.names) }
	return nil
}

// Next reads the next row, each cell as JSON, which is valid until the next
// call. At the end it reads the statistics, and gives nil.
func (r *Result) Next() ([][]byte, error) {
	cells, err := r.next()
	if err != nil {
		err = fmt.Errorf("read result: %w", asInstance(r.ctx, err))
	}
	return cells, err
}

func (r *Result) next() ([][]byte, error) {
	if r.left == 0 {
		stats, err := statistics(r.conn.Reader)
		r.Statistics = stats
		r.release(err == nil)
		return nil, err
	}
	r.left--
	if err := r.decoder.array(int64(len(r.Columns))); err != nil {
		return nil, err
	}
	r.buffer, r.ends, r.cells = r.buffer[:0], r.ends[:0], r.cells[:0]
	for range r.Columns {
		var err error
		if r.buffer, err = r.decoder.value(r.buffer, 0); err != nil {
			return nil, err
		}
		r.ends = append(r.ends, len(r.buffer))
	}
	start := 0
	for _, end := range r.ends {
		r.cells = append(r.cells, r.buffer[start:end])
		start = end
	}
	return r.cells, nil
}

// Close ends the result, wherever it was read to.
func (r *Result) Close() { r.release(false) }

func (r *Result) release(whole bool) {
	if r.conn != nil {
		r.conn.Release(whole)
		r.conn = nil
		r.end()
	}
}
