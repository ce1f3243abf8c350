package cypher

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of parameters.
const (
	// maxDepth bounds how deep lists and maps are nested: FalkorDB reads them by
	// recursion.
	maxDepth = 64
	// maxName bounds a parameter's name, in bytes.
	maxName = 128
)

// ValueError is a parameter that no literal stands for.
type ValueError struct {
	// Path leads to the value: names and places, joined by dots.
	Path string
	// Message says what would be accepted, as a phrase.
	Message string
}

func (e *ValueError) Error() string { return fmt.Sprintf("parameter %s %s", e.Path, e.Message) }

// AppendParameters appends a JSON object's members as what FalkorDB reads in
// front of a query: CYPHER name=literal …, with a space behind. Whole numbers
// become integers, and numbers with a fraction or an exponent floats. No members
// are nothing at all.
//
// It returns a *ValueError for what cannot be passed on exactly: names that are
// none, texts with a NUL, numbers out of range, what is nested too deep.
func AppendParameters(b, object []byte) ([]byte, error) {
	w := &writer{in: jsontext.NewDecoder(bytes.NewReader(object)), out: b}
	if err := w.parameters(); err != nil {
		return nil, err
	}
	return w.out, nil
}

type writer struct {
	in  *jsontext.Decoder
	out []byte
}

// fault is a *ValueError for the value that was read last.
func (w *writer) fault(message string) error {
	path := strings.TrimPrefix(string(w.in.StackPointer()), "/")
	path = strings.NewReplacer("/", ".", "~1", "/", "~0", "~").Replace(path)
	return &ValueError{Path: path, Message: message}
}

func (w *writer) syntax(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return w.fault("must be given once")
	}
	return w.fault("must be valid JSON")
}

func (w *writer) parameters() error {
	token, err := w.in.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil || token.Kind() != '{' {
		return w.fault("must be a JSON object")
	}
	for first := true; w.in.PeekKind() != '}'; first = false {
		token, err := w.in.ReadToken()
		if err != nil {
			return w.syntax(err)
		}
		name := token.String()
		if len(name) > maxName || !IsName(name) {
			return w.fault("must have a name of up to 128 letters, digits and underscores that does not begin with a digit")
		}
		if first {
			w.out = append(w.out, "CYPHER "...)
		}
		w.out = append(append(w.out, name...), '=')
		if err := w.value(); err != nil {
			return err
		}
		w.out = append(w.out, ' ')
	}
	return nil
}

func (w *writer) value() error {
	token, err := w.in.ReadToken()
	if err != nil {
		return w.syntax(err)
	}
	switch kind := token.Kind(); {
	case kind == '"':
		return w.text(token.String())
	case kind == '0':
		return w.number(token.String())
	case kind != '[' && kind != '{': // null, true, false
		w.out = append(w.out, token.String()...)
		return nil
	case w.in.StackDepth() > maxDepth:
		return w.fault("must not be nested deeper than 64 levels")
	default:
		return w.members(kind)
	}
}

func (w *writer) text(s string) error {
	out, err := AppendString(w.out, s)
	if err != nil {
		return w.fault("must not hold a NUL character")
	}
	w.out = out
	return nil
}

// members writes the rest of a list or map.
func (w *writer) members(open jsontext.Kind) error {
	end := byte(']')
	if open == '{' {
		end = '}'
	}
	w.out = append(w.out, byte(open))
	for first := true; w.in.PeekKind() != jsontext.Kind(end); first = false {
		if !first {
			w.out = append(w.out, ',')
		}
		if open == '{' {
			if err := w.key(); err != nil {
				return err
			}
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	w.out = append(w.out, end)
	if _, err := w.in.ReadToken(); err != nil {
		return w.syntax(err)
	}
	return nil
}

// key writes a map's key in backticks, in which FalkorDB knows no escapes.
func (w *writer) key() error {
	token, err := w.in.ReadToken()
	if err != nil {
		return w.syntax(err)
	}
	key := token.String()
	if strings.ContainsAny(key, "`\x00") {
		return w.fault("must have a name without backticks and NUL characters")
	}
	w.out = append(append(append(w.out, '`'), key...), '`', ':')
	return nil
}

func (w *writer) number(text string) error {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return w.fault("must be from -9223372036854775808 to 9223372036854775807, or a string, or have a fraction")
		}
		w.out = strconv.AppendInt(w.out, n, 10)
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || f == 0 && strings.ContainsAny(mantissa, "123456789") {
		return w.fault("must be a number that 64 bits can hold")
	}
	w.out = AppendFloat(w.out, f)
	return nil
}
