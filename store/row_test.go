package store

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
)

func TestReplyThatIsNoReplyIsAnError(t *testing.T) {
	t.Parallel()
	for _, reply := range []any{
		nil, "OK", int64(1),
		[]any{},
		[]any{"statistics"},
		[]any{nil},
		[]any{[]any{}, []any{}},
		[]any{[]any{}, "records", []any{}},
		[]any{[]any{}, []any{"record"}, []any{}},
		[]any{[]any{}, []any{nil}, []any{}},
		[]any{[]any{}, []any{}, []any{}, []any{}},
	} {
		if rows, err := rowsOf(reply); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v gave %v, %v", reply, rows, err)
		}
	}
}

// Such a reply must not pass for "no rows": nothing would have been created,
// revoked or found, and nobody told.
func TestErrorInsideAReplyIsAnError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reply []any
		want  error
	}{
		{[]any{replied("Query timed out")}, ErrUnavailable},
		{[]any{[]any{}, []any{}, replied("Query timed out")}, ErrUnavailable},
		{[]any{[]any{}, replied("unique constraint violation on node of type Token")}, ErrConflict},
	} {
		if rows, err := rowsOf(c.reply); !errors.Is(err, c.want) {
			t.Errorf("%v gave %v, %v", c.reply, rows, err)
		}
	}
}

func TestRowsAreReadColumnByColumn(t *testing.T) {
	t.Parallel()
	rows, err := rowsOf([]any{
		[]any{"a", "b", "c", "d", "e"},
		[]any{[]any{"text", int64(7), int64(1700000000), "true", "false"}, []any{nil, nil, nil, nil, nil}},
		[]any{"statistics"},
	})
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	for i, want := range []struct {
		text  string
		n     int64
		at    time.Time
		yes   bool
		later bool
	}{
		{"text", 7, time.Unix(1700000000, 0).UTC(), true, false},
		{"", 42, time.Time{}, false, false},
	} {
		r := &rows[i]
		if text, n, at, yes, later := r.text(), r.integer(42), r.time(), r.boolean(), r.boolean(); text != want.text || n != want.n || at != want.at || yes != want.yes || later != want.later {
			t.Errorf("row %d reads %q %d %v %v %v", i, text, n, at, yes, later)
		}
		if r.err != nil {
			t.Error(r.err)
		}
	}
	if rows, err := rowsOf([]any{[]any{"statistics"}}); rows != nil || err != nil {
		t.Errorf("a query without RETURN gave %v, %v", rows, err)
	}
}

func TestFirstUnexpectedCellEndsARow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cells []any
		read  func(*row)
	}{
		"text that is a number":   {[]any{int64(1), "x"}, func(r *row) { r.text() }},
		"number that is a text":   {[]any{"1", "x"}, func(r *row) { r.integer(0) }},
		"time that is a text":     {[]any{"1700000000.5", "x"}, func(r *row) { r.time() }},
		"boolean that is a list":  {[]any{[]any{}, "x"}, func(r *row) { r.boolean() }},
		"column that isn't there": {nil, func(r *row) { r.text() }},
	} {
		r := &row{cells: c.cells}
		c.read(r)
		first := r.err
		if first == nil {
			t.Errorf("%s: no error", name)
		}
		if text := r.text(); text != "" || r.err != first { //nolint:errorlint // the very same
			t.Errorf("%s: read on: %q, %v", name, text, r.err)
		}
	}
}

func TestPackedNumbersAreReadOneByOne(t *testing.T) {
	t.Parallel()
	r := &row{cells: []any{"[7, null, 1700000000, -1, true, false, null]", "next"}}
	n := r.packed()
	if a, b, at, never := n.integer(1), n.integer(42), n.time(), n.time(); a != 7 || b != 42 || at.Unix() != 1700000000 || !never.IsZero() {
		t.Errorf("read %d %d %v %v", a, b, at, never)
	}
	if a, b, c := n.boolean(), n.boolean(), n.boolean(); !a || b || c {
		t.Errorf("read %t %t %t", a, b, c)
	}
	if text := r.text(); text != "next" || r.err != nil {
		t.Errorf("then %q, %v", text, r.err)
	}
	for _, text := range []string{"", "7", "[", "[]", `["7"]`, "[7.5]", "[true]", "[9223372036854775808]", "[[7]]", "[7"} {
		r := &row{cells: []any{text, "next"}}
		if n := r.packed().integer(0); r.err == nil || r.text() != "" {
			t.Errorf("%s reads as %d", text, n)
		}
	}
	for _, text := range []string{"[1]", `["true"]`, "[]"} {
		r := &row{cells: []any{text}}
		if yes := r.packed().boolean(); yes || r.err == nil {
			t.Errorf("%s reads as %t", text, yes)
		}
	}
}

func TestTimesBelowZeroMeanNever(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int64{-1, -2, math.MinInt64} {
		if at := (&row{cells: []any{seconds}}).time(); !at.IsZero() {
			t.Errorf("%d reads as %v", seconds, at)
		}
	}
	if at := (&row{cells: []any{int64(0)}}).time(); at.IsZero() || at.Unix() != 0 {
		t.Errorf("0 reads as %v", at)
	}
}

// fromJSON makes nested lists of what a reply can hold.
func fromJSON(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fromJSON(v[i])
		}
		return v
	case float64:
		return int64(v)
	case map[string]any:
		return replied("ERR in the middle of a reply")
	default:
		return v
	}
}

func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		`null`, `1`, `[]`, `[[]]`, `[{}]`, `[[],[],[]]`, `[[],[[]],[]]`, `[[],[[null]],[]]`, `[[],[1],[]]`, `[["a"],[["x",[1],{}]],["s"]]`,
		`[[],[["[6379, -1, 1, null, null, null, null, null, null, -1, true, false]","1-a","h","u","n","host","name","Admin","","","","","","","","","","sealed",""]],[]]`,
		`[[],[["[6379, -1, 1, \"x\", 1.5, [], {}, true]","1-a"]],[]]`, `[[],[["[1"]],[]]`,
		`[[],[["1-a","h","u","n","host","6379"]],[]]`, `[[],[[[1,2],[3,[4]]]],[]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		if json.Unmarshal(text, &v) != nil {
			return
		}
		rows, err := rowsOf(fromJSON(v))
		if err != nil && rows != nil {
			t.Fatalf("rows beside the error %v", err)
		}
		for i := range rows {
			width := len(rows[i].cells)
			token, err := scanToken(&rows[i])
			if err == nil && width < 18 {
				t.Fatalf("a token out of %d columns: %v", width, token)
			}
		}
	})
}
