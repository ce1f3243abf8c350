package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/cypher"
)

// anyValue draws JSON values. Doubles have the 15 digits that FalkorDB tells.
func anyValue(depth int) *rapid.Generator[any] {
	text := rapid.String().Filter(cypher.IsText)
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), text.AsAny(),
		rapid.Map(rapid.Float64(), func(f float64) any {
			if math.Abs(f) > 1e300 || f != 0 && math.Abs(f) < 1e-300 {
				f = 0.5
			}
			var rounded float64
			_, _ = fmt.Sscan(fmt.Sprintf("%.15g", f), &rounded)
			return rounded
		}),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	key := rapid.String().Filter(func(s string) bool { return !strings.ContainsAny(s, "`\x00") })
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(anyValue(depth-1), 0, 4).AsAny(), rapid.MapOfN(key, anyValue(depth-1), 0, 4).AsAny())...)
}

// encode writes a value as JSON that keeps doubles apart from integers.
func encode(v any) string {
	switch v := v.(type) {
	case float64:
		return string(appendFloat(nil, v))
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = encode(item)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var parts []string
		for key, item := range v {
			parts = append(parts, encode(key)+":"+encode(item))
		}
		return "{" + strings.Join(parts, ",") + "}"
	default:
		text, _ := json.Marshal(v)
		return string(text)
	}
}

// decode reads JSON and keeps numbers as they are written.
func decode(t rapid.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestAnyJSONValueComesBackEqual(t *testing.T) {
	t.Parallel()
	f := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		sent := encode(anyValue(3).Draw(t, "value"))
		rows, err := f.rows(Query{Text: "RETURN $value", Params: []byte(`{"value":` + sent + `}`)})
		if err != nil {
			t.Fatalf("%v for %s", err, sent)
		}
		if got := rows[0]; !reflect.DeepEqual(decode(t, got), decode(t, sent)) {
			t.Fatalf("sent %s, came back %s", sent, got)
		}
	})
}

func TestTheRightErrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.other("SET", f.graph+"-text", "x")
	f.other("GRAPH.QUERY", f.graph, "CREATE (:A)")
	for _, test := range []struct {
		q    Query
		want error
	}{
		{Query{Text: "CREATE ()", ReadOnly: true}, ErrReadOnly},
		{Query{Graph: f.graph + "-none", Text: "RETURN 1", ReadOnly: true}, ErrNoGraph},
		{Query{Graph: f.graph + "-text", Text: "RETURN 1"}, ErrNoGraph},
		{Query{Graph: reservedGraph, Text: "RETURN 1"}, ErrReserved},
	} {
		if _, err := f.rows(test.q); !errors.Is(err, test.want) {
			t.Errorf("%s of %s: %v, want %v", test.q.Text, test.q.Graph, err, test.want)
		}
	}
	var refused *QueryError
	_, err := f.rows(Query{Text: "MATCH (n)\n RETUR n", Params: []byte(`{"a":1}`)})
	if !errors.As(err, &refused) || refused.Position == nil || *refused.Position != (Position{2, 7, 16}) ||
		!strings.HasPrefix(refused.Message, "Invalid input ' '") {
		t.Errorf("malformed: %+v, %v", refused, err)
	}
	if strings.Contains(err.Error(), "RETUR") {
		t.Errorf("what is logged quotes the query: %v", err)
	}
	for _, wrong := range []string{"MATCH (n) RETURN nope", "RETURN 1/0", "RETURN $missing", "UNWIND [1,'x'] AS x RETURN toUpper(x)"} {
		if _, err := f.rows(Query{Text: wrong}); !errors.As(err, &refused) || refused.Message == "" {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	var value *cypher.ValueError
	if _, err := f.rows(Query{Text: "RETURN 1\x00"}); !errors.As(err, &value) || value.Path != "query" {
		t.Errorf("NUL: %v", err)
	}
	// After all of that the connections are as good as new.
	if got := f.one(Query{Text: "MATCH (n) RETURN labels(n)"}); got != `["A"]` {
		t.Errorf("answered %s", got)
	}
}

func TestMoreRowsThanAllowedAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.limits.Rows = 10
	if rows, err := f.rows(Query{Text: "UNWIND range(1, 10) AS x RETURN x"}); err != nil || len(rows) != 10 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	var tooMany *RowsError
	if _, err := f.rows(Query{Text: "UNWIND range(1, 11) AS x RETURN x"}); !errors.As(err, &tooMany) || tooMany.Rows != 11 || tooMany.Max != 10 {
		t.Errorf("%v", err)
	}
}

// A graph that is deleted and made anew gives other numbers to its names. Who
// knows the old ones must never be told these.
func TestNamesOfADeletedGraphAreForgotten(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for i := range 20 {
		label, kind, key := fmt.Sprintf("L%d", i), fmt.Sprintf("T%d", i), fmt.Sprintf("k%d", i)
		f.other("GRAPH.QUERY", f.graph, fmt.Sprintf("CREATE (:%s {%s:1})-[:%s]->()", label, key, kind))
		for range 2 {
			got := f.one(Query{Text: "MATCH (a)-[e]->() RETURN a, e", ReadOnly: i%2 == 0})
			want := fmt.Sprintf(`{"id":0,"labels":["%s"],"properties":{"%s":1}}`+"\n"+`{"id":0,"type":"%s","source":0,"target":1,"properties":{}}`, label, key, kind)
			if got != want {
				t.Fatalf("told as %s, want %s", got, want)
			}
		}
		f.other("GRAPH.DELETE", f.graph)
	}
}

func TestNamesAreRightWhileOthersAddMore(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.other("GRAPH.QUERY", f.graph, "CREATE (:L {i:-1})")
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 25 {
				name := fmt.Sprintf("W%d_%d", worker, i)
				rows, err := f.rows(Query{Text: fmt.Sprintf("CREATE (n:%s {%s: $name}) RETURN n.%s, n", name, name, name), Params: []byte(`{"name":"` + name + `"}`)})
				if err != nil {
					t.Error(err)
					return
				}
				if !strings.Contains(rows[0], `"labels":["`+name+`"],"properties":{"`+name+`":"`+name+`"}`) {
					t.Errorf("told as %s", rows[0])
				}
			}
		})
	}
	wg.Wait()
}
