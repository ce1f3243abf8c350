package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/cypher"
)

// param is one named value of a query. Names are constants of this package.
type param struct {
	name  string
	value any
}

// cypherText puts the parameters in front of a query, as FalkorDB reads them:
// CYPHER name=literal … QUERY. FalkorDB caches the plan by what follows them.
func cypherText(query string, params []param) (string, error) {
	if len(params) == 0 {
		return query, nil
	}
	b := make([]byte, 0, len(query)+64*len(params))
	b = append(b, "CYPHER "...)
	var err error
	for _, p := range params {
		b = append(append(b, p.name...), '=')
		if b, err = appendLiteral(b, p.value); err != nil {
			return "", fmt.Errorf("parameter %s: %w", p.name, err)
		}
		b = append(b, ' ')
	}
	return string(append(b, query...)), nil
}

// appendLiteral writes v as a Cypher literal.
//
// It returns ErrInvalidText for a string that has no such literal.
func appendLiteral(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case time.Time:
		return appendTime(b, v), nil
	case Role:
		return appendString(b, string(v))
	case []string:
		return appendList(b, v, appendString)
	case []bool:
		return appendList(b, v, appendBool)
	case Sort:
		return appendString(b, string(v))
	case []Status:
		return appendList(b, v, appendStatus)
	case []box:
		return appendList(b, v, appendBox)
	case []IdempotencyKey:
		return appendList(b, v, appendKey)
	case []importRow:
		return appendList(b, v, appendImportRow)
	case []Sealed:
		return appendList(b, v, appendSealed)
	case []Use:
		return appendList(b, v, appendUse)
	case []Event:
		return appendList(b, v, appendEvent)
	case []Link:
		return appendList(b, v, appendLink)
	default:
		return nil, fmt.Errorf("no literal for %T", v)
	}
}

func appendString(b []byte, s string) ([]byte, error) {
	b, err := cypher.AppendString(b, s)
	if err != nil {
		return nil, ErrInvalidText
	}
	return b, nil
}

func appendList[T any](b []byte, items []T, appendItem func([]byte, T) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	var err error
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendItem(b, item); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendBool(b []byte, v bool) ([]byte, error) { return strconv.AppendBool(b, v), nil }

func appendStatus(b []byte, v Status) ([]byte, error) { return appendString(b, string(v)) }

func appendBox(b []byte, v box) ([]byte, error) {
	sides := []int64{v.created.after, v.created.until, v.expires.after, v.expires.until, v.used.after, v.used.until}
	return appendList(b, sides, func(b []byte, n int64) ([]byte, error) { return strconv.AppendInt(b, n, 10), nil })
}

func appendUse(b []byte, u Use) ([]byte, error) {
	b = append(b, "{id:"...)
	b, err := appendString(b, u.TokenID)
	if err != nil {
		return nil, err
	}
	b = appendTime(append(b, ",at:"...), u.At)
	if b, err = appendString(append(b, ",ip:"...), u.IP); err != nil {
		return nil, err
	}
	if b, err = appendString(append(b, ",agent:"...), u.Agent); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

func appendTime(b []byte, t time.Time) []byte { return strconv.AppendInt(b, unixOrNever(t), 10) }

// unixOrNever gives the stored form of a time: Unix seconds, -1 for the zero time.
func unixOrNever(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.Unix()
}
