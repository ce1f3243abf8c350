package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/server/resp"
)

// Plan runs nothing and gives the lines of how FalkorDB would run a query.
// Errors are those of Query.
func (s *Service) Plan(ctx context.Context, caller Caller, q Query) ([]string, error) {
	lines, err := s.plan(ctx, caller, q, "GRAPH.EXPLAIN")
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return lines, nil
}

// Profile runs a query and gives the lines of how that went, but not its
// result. Errors are those of Query.
func (s *Service) Profile(ctx context.Context, caller Caller, q Query) ([]string, error) {
	limit := s.timeout(caller, q)
	lines, err := s.plan(ctx, caller, q, "GRAPH.PROFILE", "timeout", strconv.FormatInt(limit.Milliseconds(), 10))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return lines, nil
}

func (s *Service) plan(ctx context.Context, caller Caller, q Query, command string, options ...string) ([]string, error) {
	text, err := q.text()
	if err != nil {
		return nil, err
	}
	return s.texts(ctx, caller, q.Graph, append([]string{command, q.Graph, text}, options...)...)
}

// Delete deletes a graph. It returns ErrNoGraph and ErrReserved.
func (s *Service) Delete(ctx context.Context, caller Caller, graph string) error {
	if err := s.do(ctx, caller, graph, "GRAPH.DELETE", graph); err != nil {
		return fmt.Errorf("delete graph: %w", err)
	}
	return nil
}

// SetConfig changes a setting of the whole instance. It gives the value before,
// also beside an error; empty when it was not told. It returns a *QueryError for
// one that FalkorDB does not know or take.
func (s *Service) SetConfig(ctx context.Context, caller Caller, name, value string) (before string, err error) {
	err = s.ask(ctx, caller, "", func(in *resp.Reader) error {
		before, err = settingValue(in)
		return err
	}, "GRAPH.CONFIG", "GET", name)
	if err == nil {
		err = s.do(ctx, caller, "", "GRAPH.CONFIG", "SET", name, value)
	}
	if err != nil {
		return before, fmt.Errorf("set configuration: %w", err)
	}
	return before, nil
}

// settingValue reads a setting's name and gives its value.
func settingValue(in *resp.Reader) (string, error) {
	switch n, err := listOf(in); {
	case err != nil:
		return "", err
	case n != 2:
		return "", errShape
	}
	if _, err := in.Next(); err != nil {
		return "", err
	}
	switch value, err := in.Next(); {
	case err != nil:
		return "", err
	case value.Kind == resp.Integer:
		return strconv.FormatInt(value.N, 10), nil
	default:
		return string(value.Text), nil
	}
}

// do sends a command that changes something, and whose answer says only that it
// worked. It does so to the end, within its time, whoever has hung up: the history
// tells what came of it.
func (s *Service) do(ctx context.Context, caller Caller, graph string, args ...string) error {
	return s.ask(context.WithoutCancel(ctx), caller, graph, done, args...)
}

// done reads a reply that says only that it worked.
func done(in *resp.Reader) error {
	frame, err := first(in)
	if err != nil || frame.Kind != resp.Array {
		return err
	}
	return in.Skip(frame.N)
}

func (s *Service) texts(ctx context.Context, caller Caller, graph string, args ...string) (found []string, err error) {
	err = s.ask(ctx, caller, graph, func(in *resp.Reader) error {
		found, err = texts(in)
		return err
	}, args...)
	return found, err
}

// ask is command for one graph.
func (s *Service) ask(ctx context.Context, caller Caller, graph string, read func(*resp.Reader) error, args ...string) error {
	if graph == reservedGraph {
		return ErrReserved
	}
	ctx, end, err := s.begin(ctx, caller)
	if err != nil {
		return err
	}
	defer end()
	return s.command(ctx, caller, read, args...)
}

// Setting is one of FalkorDB's settings: its value is an int64 or a string.
type Setting struct {
	Name  string
	Value any
}

// Config gives all settings of the instance.
func (s *Service) Config(ctx context.Context, caller Caller) ([]Setting, error) {
	settings := []Setting{}
	err := s.ask(ctx, caller, "", func(in *resp.Reader) error {
		list, err := listOf(in)
		if err != nil {
			return err
		}
		for range list {
			pair, err := tuple(in, 2)
			if err != nil {
				return err
			}
			settings = append(settings, Setting{fmt.Sprint(pair[0]), pair[1]})
		}
		return nil
	}, "GRAPH.CONFIG", "GET", "*")
	if err != nil {
		return nil, fmt.Errorf("get configuration: %w", err)
	}
	return settings, nil
}

// SlowQuery is one of the slowest queries of a graph.
type SlowQuery struct {
	At             time.Time
	Command, Query string
	// Milliseconds are how long it took.
	Milliseconds float64
}

// Slowlog gives the slowest queries of a graph that FalkorDB remembers.
func (s *Service) Slowlog(ctx context.Context, caller Caller, graph string) ([]SlowQuery, error) {
	slow := []SlowQuery{}
	err := s.ask(ctx, caller, graph, func(in *resp.Reader) error {
		list, err := listOf(in)
		if err != nil {
			return err
		}
		for range list {
			entry, err := tuple(in, 4)
			if err != nil {
				return err
			}
			seconds, _ := strconv.ParseFloat(fmt.Sprint(entry[0]), 64) // zero for a text that is no number
			milliseconds, _ := strconv.ParseFloat(fmt.Sprint(entry[3]), 64)
			slow = append(slow, SlowQuery{
				At: time.Unix(int64(seconds), 0).UTC(), Command: fmt.Sprint(entry[1]), Query: fmt.Sprint(entry[2]),
				Milliseconds: milliseconds,
			})
		}
		return nil
	}, "GRAPH.SLOWLOG", graph)
	if err != nil {
		return nil, fmt.Errorf("get slow log: %w", err)
	}
	return slow, nil
}

// listOf reads the beginning of a list, or the error in its place.
func listOf(in *resp.Reader) (int64, error) {
	frame, err := first(in)
	if err != nil || frame.Kind != resp.Array {
		return 0, orShape(err)
	}
	return frame.N, nil
}

// tuple reads a list of at least n scalars: int64 and string.
func tuple(in *resp.Reader, n int64) ([]any, error) {
	frame, err := in.Next()
	if err != nil || frame.Kind != resp.Array || frame.N < n || frame.N > 16 {
		return nil, orShape(err)
	}
	values := []any{}
	for range frame.N {
		value, err := in.Next()
		switch {
		case err != nil:
			return nil, err
		case value.Kind == resp.Array:
			return nil, errShape
		case value.Kind == resp.Integer:
			values = append(values, value.N)
		default:
			values = append(values, string(value.Text))
		}
	}
	return values, nil
}

// Info is what there is in a graph.
type Info struct {
	Nodes, Edges                            int64
	Labels, RelationshipTypes, PropertyKeys []string
	Indexes                                 []Index
	Constraints                             []Constraint
}

// Index is an index of a graph.
type Index struct {
	Label, EntityType, Status string
	Properties                []string
	// Types are the kinds of index for each property.
	Types map[string][]string
}

// Constraint is a constraint of a graph.
type Constraint struct {
	Type, Label, EntityType, Status string
	Properties                      []string
}

// What Info asks, and in what order.
const (
	queryNodes       = `MATCH (n) RETURN count(n)`
	queryEdges       = `MATCH ()-[e]->() RETURN count(e)`
	queryIndexes     = `CALL db.indexes() YIELD label, properties, types, entitytype, status RETURN label, properties, types, entitytype, status ORDER BY entitytype, label`
	queryConstraints = `CALL db.constraints() YIELD type, label, properties, entitytype, status RETURN type, label, properties, entitytype, status ORDER BY entitytype, label, type`
)

// Info tells what there is in a graph. Errors are those of Query.
func (s *Service) Info(ctx context.Context, caller Caller, graph string) (*Info, error) {
	info := &Info{Labels: []string{}, RelationshipTypes: []string{}, PropertyKeys: []string{}, Indexes: []Index{}, Constraints: []Constraint{}}
	names := []*[]string{&info.Labels, &info.RelationshipTypes, &info.PropertyKeys}
	for _, question := range []struct {
		query string
		scan  func(cells [][]byte) error
	}{
		{queryNodes, func(cells [][]byte) error { return scan(cells, &info.Nodes) }},
		{queryEdges, func(cells [][]byte) error { return scan(cells, &info.Edges) }},
		{queryNames, func(cells [][]byte) error {
			var kind int
			var name string
			if err := scan(cells, &kind, &name); err != nil {
				return err
			}
			*names[kind] = append(*names[kind], name)
			return nil
		}},
		{queryIndexes, func(cells [][]byte) error {
			var i Index
			err := scan(cells, &i.Label, &i.Properties, &i.Types, &i.EntityType, &i.Status)
			info.Indexes = append(info.Indexes, i)
			return err
		}},
		{queryConstraints, func(cells [][]byte) error {
			var c Constraint
			err := scan(cells, &c.Type, &c.Label, &c.Properties, &c.EntityType, &c.Status)
			info.Constraints = append(info.Constraints, c)
			return err
		}},
	} {
		if err := s.each(ctx, caller, Query{Graph: graph, Text: question.query, ReadOnly: true}, question.scan); err != nil {
			return nil, err
		}
	}
	return info, nil
}

// each hands the rows of a result on, one by one.
func (s *Service) each(ctx context.Context, caller Caller, q Query, row func(cells [][]byte) error) error {
	result, err := s.Query(ctx, caller, q)
	if err != nil {
		return err
	}
	defer result.Close()
	for {
		cells, err := result.Next()
		if err != nil || cells == nil {
			return err
		}
		if err := row(cells); err != nil {
			return err
		}
	}
}

func scan(cells [][]byte, targets ...any) error {
	if len(cells) != len(targets) {
		return errShape
	}
	for i, target := range targets {
		if err := json.Unmarshal(cells[i], target); err != nil {
			return fmt.Errorf("%w: %w", errShape, err)
		}
	}
	return nil
}
