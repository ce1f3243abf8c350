package cypher

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrText is returned for a text that no literal stands for: invalid UTF-8, or
// one with a NUL, which FalkorDB takes for its end.
var ErrText = errors.New("text is not valid UTF-8 or holds a NUL")

// AppendString appends a text as a literal: in double quotes, in which only the
// backslash and the double quote are escaped and everything else is raw UTF-8.
// It returns ErrText for a text that cannot be written.
func AppendString(b []byte, s string) ([]byte, error) {
	if !IsText(s) {
		return nil, ErrText
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"'), nil
}

// IsText tells whether FalkorDB keeps a text exactly.
func IsText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// AppendFloat appends a finite number as a literal that is read as a float,
// also where it is a whole number.
func AppendFloat(b []byte, f float64) []byte {
	if math.Trunc(f) == f && math.Abs(f) < 1e15 {
		return strconv.AppendFloat(b, f, 'f', 1, 64)
	}
	return strconv.AppendFloat(b, f, 'e', -1, 64)
}

// IsName tells whether a text can be the name of a parameter: an ASCII letter
// or underscore, and then letters, digits and underscores.
func IsName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}
