package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// row reads one record of a reply, column by column. The first cell that is
// not as expected ends it: err says so and all later reads give zero.
type row struct {
	cells []any
	next  int
	err   error
}

// rowsOf takes the records out of a reply: header, records, statistics; a query
// without RETURN answers with statistics alone. An error that befell the query
// while it was answering stands last.
func rowsOf(reply any) ([]row, error) {
	parts, ok := reply.([]any)
	if !ok || len(parts) == 0 {
		return nil, fmt.Errorf("%w: it answered with a %T", ErrUnavailable, reply)
	}
	if failure, ok := parts[len(parts)-1].(redis.Error); ok {
		return nil, classifyReply(failure)
	}
	if _, ok := parts[0].([]any); ok && len(parts) == 1 {
		return nil, nil
	}
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: it answered with %d parts, want 3", ErrUnavailable, len(parts))
	}
	records, ok := parts[1].([]any)
	if !ok {
		return nil, fmt.Errorf("%w: it answered with records of type %T", ErrUnavailable, parts[1])
	}
	rows := make([]row, len(records))
	for i, record := range records {
		if rows[i].cells, ok = record.([]any); !ok {
			return nil, fmt.Errorf("%w: it answered with a record of type %T", ErrUnavailable, record)
		}
	}
	return rows, nil
}

// cell gives the next column's value; nil for null.
func (r *row) cell() any {
	if r.err != nil {
		return nil
	}
	if r.next >= len(r.cells) {
		r.err = fmt.Errorf("record has %d columns, want more", len(r.cells))
		return nil
	}
	v := r.cells[r.next]
	r.next++
	return v
}

// mismatch records that the column just read has an unexpected type.
func (r *row) mismatch(v any, want string) {
	if v != nil && r.err == nil {
		r.err = fmt.Errorf("column %d is a %T, want %s", r.next-1, v, want)
	}
}

// text reads a string; null reads as "".
func (r *row) text() string {
	v := r.cell()
	s, ok := v.(string)
	if !ok {
		r.mismatch(v, "string")
	}
	return s
}

// integer reads an integer; null reads as missing.
func (r *row) integer(missing int64) int64 {
	v := r.cell()
	n, ok := v.(int64)
	if !ok {
		r.mismatch(v, "integer")
		return missing
	}
	return n
}

// time reads Unix seconds; null and anything below zero read as never.
func (r *row) time() time.Time {
	return timeOf(r.integer(-1))
}

func timeOf(seconds int64) time.Time {
	if seconds < 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// boolean reads a boolean, which replies write as a word; null reads as false.
func (r *row) boolean() bool {
	return r.text() == "true"
}

// packed reads a column that toJSON has made of a list of numbers and booleans:
// in FalkorDB a column costs more than what is in it.
func (r *row) packed() *packed {
	text := r.text()
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !opened || !closed {
		r.mismatch(text, "list of numbers")
	}
	return &packed{row: r, rest: inner}
}

// packed is read item by item. What is not as expected ends its row.
type packed struct {
	row  *row
	rest string
}

const packedNull = "null"

// item gives the next item's text; none at the end, which no reader takes for an
// item, and that of null in a row that has ended.
func (p *packed) item() string {
	if p.row.err != nil {
		return packedNull
	}
	item, rest, _ := strings.Cut(p.rest, ", ")
	p.rest = rest
	return item
}

// integer reads an integer; null reads as missing.
func (p *packed) integer(missing int64) int64 {
	item := p.item()
	if item == packedNull {
		return missing
	}
	n, err := strconv.ParseInt(item, 10, 64)
	if err != nil {
		p.row.mismatch(item, "integer in the list")
		return missing
	}
	return n
}

// time reads as row.time does.
func (p *packed) time() time.Time { return timeOf(p.integer(-1)) }

// boolean reads a boolean; null reads as false.
func (p *packed) boolean() bool {
	switch item := p.item(); item {
	case "true":
		return true
	case "false", packedNull:
	default:
		p.row.mismatch(item, "boolean in the list")
	}
	return false
}

// limits reads limits as Limits.String writes them.
func (r *row) limits() Limits {
	limits, err := parseLimits(r.text())
	if r.err == nil {
		r.err = err
	}
	return limits
}
