package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/falkorpat/falkorpat/gen/api"
)

// bodyRules are how an operation's bodies are read.
type bodyRules struct {
	// max is how much of one is read, in bytes, and tooLarge the error beyond.
	max      int64
	tooLarge error
	// depth is how deep whole numbers are looked for that are written as others;
	// below, values are the caller's own and stay as they are.
	depth int
}

var (
	plainBody = bodyRules{max: 64 << 10, tooLarge: errBodyTooLarge, depth: math.MaxInt}
	queryBody = bodyRules{max: 4 << 20, tooLarge: errQueryTooLarge, depth: 1}
)

// The media types of bodies.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// readBody reads a request's body, within its limits and of a media type that
// the operation declares, and puts it back for those who decode it. What parsers
// disagree about is refused here, before any of them: names given twice, invalid
// UTF-8, more than one value.
func readBody(w http.ResponseWriter, r *http.Request, declared openapi3.Content, rules bodyRules) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || declared[media] == nil {
		return mediaError(declared)
	}
	if r.ContentLength > rules.max {
		return rules.tooLarge
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, rules.max))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return rules.tooLarge
	}
	if err != nil {
		return invalidBody("body", "did not arrive in whole")
	}
	if media == mediaForm {
		err = checkForm(data)
	} else {
		data, err = plainJSON(data, rules.depth)
	}
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	r.ContentLength = int64(len(data))
	return nil
}

// mediaError says which media type would have been taken.
func mediaError(declared openapi3.Content) error {
	if declared[mediaJSON] == nil {
		return errNotForm
	}
	return errNotJSON
}

// checkForm checks a form's syntax. A name given twice is one that two readers
// may read differently (RFC 6749 section 3.2).
func checkForm(data []byte) error {
	fields, err := url.ParseQuery(string(data))
	if err != nil {
		return invalidBody("body", "must be a well-formed form")
	}
	for name, values := range fields {
		if len(values) > 1 {
			return invalidBody(name, "must be given once")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return invalidBody("body", "must be valid UTF-8")
		}
	}
	return nil
}

func invalidBody(field, message string) error {
	return &invalidRequest{fields: []api.FieldError{fieldError(field, message)}}
}

// plainJSON checks a body's syntax and gives it back with its whole numbers
// written as such: 3600.0 and 3.6e3 are integers to JSON Schema, and to no Go
// decoder. Numbers that lie deeper are left alone.
func plainJSON(data []byte, depth int) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	plain := bytes.NewBuffer(make([]byte, 0, len(data)))
	encoder := jsontext.NewEncoder(plain)
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, jsonError(err)
		}
		if whole, ok := wholeNumber(token); ok && decoder.StackDepth() <= depth {
			token = whole
		}
		if err := encoder.WriteToken(token); err != nil {
			return nil, jsonError(err)
		}
		if decoder.StackDepth() == 0 {
			break
		}
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, invalidBody("body", "must be one JSON value")
	}
	return plain.Bytes(), nil
}

// wholeNumber writes a number without fraction and exponent where it has the
// same value without, and a float can be trusted to tell.
func wholeNumber(token jsontext.Token) (jsontext.Token, bool) {
	const exact = 1 << 53
	if token.Kind() != '0' || !strings.ContainsAny(token.String(), ".eE") {
		return token, false
	}
	f, err := strconv.ParseFloat(token.String(), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= exact {
		return token, false
	}
	return jsontext.Int(int64(f)), true
}

func jsonError(err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return invalidBody("body", "must be complete JSON")
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		name := strings.ReplaceAll(strings.TrimPrefix(string(syntax.JSONPointer), "/"), "/", ".")
		return invalidBody(name, "must be given once")
	}
	if strings.Contains(syntax.Err.Error(), "UTF-8") || strings.Contains(syntax.Err.Error(), "surrogate") {
		return invalidBody("body", "must be valid UTF-8 without unpaired surrogates")
	}
	return invalidBody("body", fmt.Sprintf("must be valid JSON; the fault is at byte %d", syntax.ByteOffset))
}
