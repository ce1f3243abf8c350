package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/falkorpat/falkorpat/gen/api"
)

// maxBody is how much of a body is read, in bytes.
const maxBody = 64 << 10

// readBody reads a request's body, within its limits, and puts it back for
// those who decode it. What JSON parsers disagree about is refused here, before
// any of them: names given twice, invalid UTF-8, more than one value.
func readBody(w http.ResponseWriter, r *http.Request) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errMediaType
	}
	if r.ContentLength > maxBody {
		return errBodyTooLarge
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errBodyTooLarge
	}
	if err != nil {
		return invalidBody("body", "did not arrive in whole")
	}
	if err := checkJSON(data); err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	r.ContentLength = int64(len(data))
	return nil
}

func invalidBody(field, message string) error {
	return &invalidRequest{fields: []api.FieldError{fieldError(field, message)}}
}

// checkJSON reads a body's syntax without building anything.
func checkJSON(data []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.ReadValue(); err != nil {
		return jsonError(err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return invalidBody("body", "must be one JSON value")
	}
	return nil
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
