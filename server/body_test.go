package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBodyIsOneStrictJSONValueOfAtMost64KiB(t *testing.T) {
	t.Parallel()
	const plain = "application/json"
	for _, test := range []struct {
		name, contentType, body string
		want                    error
		field                   string
	}{
		{name: "object", contentType: plain, body: `{"a":1}`},
		{name: "with charset", contentType: "application/json; charset=utf-8", body: `{"a":1}`},
		{name: "upper case type", contentType: "Application/JSON", body: `{"a":1}`},
		{name: "white space around", contentType: plain, body: " \n{} \t"},
		{name: "exactly 64 KiB", contentType: plain, body: `"` + strings.Repeat("a", maxBody-2) + `"`},
		{name: "one byte more", contentType: plain, body: `"` + strings.Repeat("a", maxBody-1) + `"`, want: errBodyTooLarge},
		{name: "no type", body: `{}`, want: errMediaType},
		{name: "form", contentType: "application/x-www-form-urlencoded", body: `a=1`, want: errMediaType},
		{name: "malformed type", contentType: "application/json; =", body: `{}`, want: errMediaType},
		{name: "empty", contentType: plain, field: "body"},
		{name: "cut off", contentType: plain, body: `{"a":`, field: "body"},
		{name: "two values", contentType: plain, body: `{}{}`, field: "body"},
		{name: "trailing text", contentType: plain, body: `{}x`, field: "body"},
		{name: "name given twice", contentType: plain, body: `{"a":1,"a":1}`, field: "a"},
		{name: "nested name given twice", contentType: plain, body: `{"o":{"a":1,"a":1}}`, field: "o.a"},
		{name: "invalid UTF-8", contentType: plain, body: "{\"a\":\"\xff\"}", field: "body"},
		{name: "unpaired surrogate", contentType: plain, body: `{"a":"\ud800"}`, field: "body"},
		{name: "nested deep", contentType: plain, body: strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), field: "body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			err := readBody(httptest.NewRecorder(), r)
			if test.field != "" {
				var invalid *invalidRequest
				if !errors.As(err, &invalid) || invalid.fields[0].Field != test.field {
					t.Fatalf("got %v, want a fault of field %s", err, test.field)
				}
				return
			}
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err == nil {
				if again, _ := io.ReadAll(r.Body); string(bytes.TrimSpace(again)) != strings.TrimSpace(test.body) {
					t.Error("the body is not there for the next reader")
				}
			}
		})
	}
}

func TestBodyOfUnknownLengthIsCutAtTheLimit(t *testing.T) {
	t.Parallel()
	endless := &counting{}
	r := httptest.NewRequest(http.MethodPost, "/", endless)
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	if err := readBody(httptest.NewRecorder(), r); !errors.Is(err, errBodyTooLarge) {
		t.Fatalf("got %v, want %v", err, errBodyTooLarge)
	}
	if endless.n > 2*maxBody {
		t.Errorf("%d bytes were read", endless.n)
	}
}

func TestWholeNumbersAreWrittenAsSuch(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":3600.0}`: `{"a":3600}`, `[1e3,-2.0,0.0]`: `[1000,-2,0]`, `1.5`: `1.5`, `1e400`: `1e400`, `1e30`: `1e30`,
		`9007199254740993`: `9007199254740993`, `"3600.0"`: `"3600.0"`, `{"1.0":1.0}`: `{"1.0":1}`,
	} {
		got, err := plainJSON([]byte(in))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("plainJSON(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
}

// counting is a body without an end.
type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	c.n += len(p)
	return len(p), nil
}
