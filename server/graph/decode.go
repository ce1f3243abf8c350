package graph

import (
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/falkorpat/falkorpat/server/resp"
)

// The types of values in the compact form.
const (
	typeNull = iota + 1
	typeString
	typeInteger
	typeBoolean
	typeDouble
	typeArray
	typeEdge
	typeNode
	typePath
	typeMap
	typePoint
	typeVector
	typeDatetime
	typeDate
	typeTime
	typeDuration
)

// maxNesting bounds how deep a value is nested that is decoded.
const maxNesting = 512

// Format says how values are written as JSON.
type Format struct {
	// TextBigints writes integers that a double cannot hold exactly as strings.
	TextBigints bool
	// Typed writes every value that is not null, a boolean, a finite number, a
	// string or a list as an object {"$type": …, "value": …}, so that none can be
	// taken for another.
	Typed bool
}

// decoder turns values of the compact form into JSON. After an error it is of
// no further use.
type decoder struct {
	in     *resp.Reader
	format Format
	names  *Names
	// refresh gives the names anew, when a number stands for none yet.
	refresh func() (*Names, error)
}

// errShape is a reply that is RESP but not what FalkorDB answers.
var errShape = fmt.Errorf("%w: a reply of another shape", resp.ErrProtocol)

// next reads a frame of one kind.
func (d *decoder) next(kind resp.Kind) (resp.Frame, error) {
	frame, err := d.in.Next()
	if err == nil && frame.Kind != kind {
		err = errShape
	}
	return frame, err
}

// array reads the beginning of an array of n frames.
func (d *decoder) array(n int64) error {
	frame, err := d.next(resp.Array)
	if err == nil && frame.N != n {
		err = errShape
	}
	return err
}

func (d *decoder) integer() (int64, error) {
	frame, err := d.next(resp.Integer)
	return frame.N, err
}

// value appends the next value to b.
func (d *decoder) value(b []byte, depth int) ([]byte, error) {
	if err := d.array(2); err != nil {
		return b, err
	}
	return d.tagged(b, depth)
}

// tagged appends a value whose type is the next frame.
func (d *decoder) tagged(b []byte, depth int) ([]byte, error) {
	if depth > maxNesting {
		return b, errShape
	}
	kind, err := d.integer()
	if err != nil {
		return b, err
	}
	switch kind {
	case typeNull:
		return append(b, "null"...), d.in.Skip(1)
	case typeArray:
		return d.list(b, depth)
	case typeEdge:
		return d.wrapped(b, "edge", d.edge, depth)
	case typeNode:
		return d.wrapped(b, "node", d.node, depth)
	case typePath:
		return d.wrapped(b, "path", d.path, depth)
	case typeMap:
		return d.wrapped(b, "map", d.dictionary, depth)
	case typePoint:
		return d.wrapped(b, "point", d.point, depth)
	case typeVector:
		return d.wrapped(b, "vector", d.vector, depth)
	default:
		return d.scalar(b, kind)
	}
}

func (d *decoder) scalar(b []byte, kind int64) ([]byte, error) {
	frame, err := d.in.Next()
	if err != nil {
		return b, err
	}
	isText := frame.Kind == resp.Bulk || frame.Kind == resp.Status
	isInteger := frame.Kind == resp.Integer
	switch {
	case kind == typeString && isText:
		return appendText(b, frame.Text), nil
	case kind == typeInteger && isInteger:
		return d.appendInteger(b, frame.N), nil
	case kind == typeBoolean && isText && (string(frame.Text) == "true" || string(frame.Text) == "false"):
		return append(b, frame.Text...), nil
	case kind == typeDouble && isText:
		return d.appendDouble(b, frame.Text)
	case kind == typeDatetime && isInteger:
		return d.appendTemporal(b, "datetime", appendDatetime, frame.N), nil
	case kind == typeDate && isInteger:
		return d.appendTemporal(b, "date", appendDate, frame.N), nil
	case kind == typeTime && isInteger:
		return d.appendTemporal(b, "time", appendTime, frame.N), nil
	case kind == typeDuration && isInteger:
		return d.appendTemporal(b, "duration", appendDuration, frame.N), nil
	default:
		return b, errShape
	}
}

// wrapped appends what read does, with its type where that is asked for.
func (d *decoder) wrapped(b []byte, name string, read func([]byte, int) ([]byte, error), depth int) ([]byte, error) {
	if !d.format.Typed {
		return read(b, depth)
	}
	b, err := read(openTyped(b, name), depth)
	return append(b, '}'), err
}

func openTyped(b []byte, name string) []byte {
	return append(append(append(b, `{"$type":"`...), name...), `","value":`...)
}

// appendText replaces what is not UTF-8, which JSON cannot hold, by U+FFFD.
func appendText(b, text []byte) []byte {
	b, _ = jsontext.AppendQuote(b, text) // the error says only that something was replaced
	return b
}

func (d *decoder) appendInteger(b []byte, n int64) []byte {
	const exact = 1 << 53
	if d.format.TextBigints && (n > exact || n < -exact) {
		return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
	}
	return strconv.AppendInt(b, n, 10)
}

// appendDouble writes a double so that it is told from an integer, and what
// JSON has no number for as a string.
func (d *decoder) appendDouble(b, text []byte) ([]byte, error) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		if f, err = parseNaN(text); err != nil {
			return b, err
		}
	}
	if !math.IsNaN(f) && !math.IsInf(f, 0) {
		return appendFloat(b, f), nil
	}
	name := `"NaN"`
	if !math.IsNaN(f) {
		name = map[bool]string{true: `"-Infinity"`, false: `"Infinity"`}[f < 0]
	}
	if d.format.Typed {
		return append(append(openTyped(b, "double"), name...), '}'), nil
	}
	return append(b, name...), nil
}

// parseNaN knows the sign that C gives to what is not a number.
func parseNaN(text []byte) (float64, error) {
	if string(text) == "-nan" || string(text) == "nan" {
		return math.NaN(), nil
	}
	return 0, errShape
}

func appendFloat(b []byte, f float64) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	for _, c := range b[start:] {
		if c == '.' || c == 'e' {
			return b
		}
	}
	return append(b, ".0"...)
}

// list appends a list of values.
func (d *decoder) list(b []byte, depth int) ([]byte, error) {
	frame, err := d.next(resp.Array)
	if err != nil {
		return b, err
	}
	b = append(b, '[')
	for i := range frame.N {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = d.value(b, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (d *decoder) dictionary(b []byte, depth int) ([]byte, error) {
	frame, err := d.next(resp.Array)
	if err != nil || frame.N%2 != 0 {
		return b, orShape(err)
	}
	b = append(b, '{')
	for i := range frame.N / 2 {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := d.next(resp.Bulk)
		if err != nil {
			return b, err
		}
		if b, err = d.value(append(appendText(b, key.Text), ':'), depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func orShape(err error) error {
	if err == nil {
		return errShape
	}
	return err
}

// point appends a point; FalkorDB tells its latitude first.
func (d *decoder) point(b []byte, _ int) ([]byte, error) {
	if err := d.array(2); err != nil {
		return b, err
	}
	for _, name := range [...]string{`{"latitude":`, `,"longitude":`} {
		text, err := d.next(resp.Bulk)
		if err != nil {
			return b, err
		}
		if b, err = d.appendDouble(append(b, name...), text.Text); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (d *decoder) vector(b []byte, _ int) ([]byte, error) {
	frame, err := d.next(resp.Array)
	if err != nil {
		return b, err
	}
	b = append(b, '[')
	for i := range frame.N {
		if i > 0 {
			b = append(b, ',')
		}
		text, err := d.next(resp.Bulk)
		if err != nil {
			return b, err
		}
		if b, err = d.appendDouble(b, text.Text); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}
