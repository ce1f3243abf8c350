package server

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
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
		{name: "exactly 64 KiB", contentType: plain, body: `"` + strings.Repeat("a", 64<<10-2) + `"`},
		{name: "one byte more", contentType: plain, body: `"` + strings.Repeat("a", 64<<10-1) + `"`, want: errBodyTooLarge},
		{name: "no type", body: `{}`, want: errNotJSON},
		{name: "form", contentType: "application/x-www-form-urlencoded", body: `a=1`, want: errNotJSON},
		{name: "malformed type", contentType: "application/json; =", body: `{}`, want: errNotJSON},
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
			err := readBody(httptest.NewRecorder(), r, openapi3.Content{mediaJSON: {}}, plainBody)
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

func TestFormIsOneOfAtMost64KiBWithEveryNameOnce(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, contentType, body string
		want                    error
		field                   string
	}{
		{name: "form", contentType: form, body: "token=a&x=b+c%20d"},
		{name: "with charset", contentType: form + "; charset=UTF-8", body: "token=a"},
		{name: "empty", contentType: form},
		{name: "JSON", contentType: "application/json", body: `{"token":"a"}`, want: errNotForm},
		{name: "multipart", contentType: "multipart/form-data; boundary=x", body: "--x--", want: errNotForm},
		{name: "no type", body: "token=a", want: errNotForm},
		{name: "one byte too many", contentType: form, body: strings.Repeat("a", 64<<10+1), want: errBodyTooLarge},
		{name: "name given twice", contentType: form, body: "token=a&token=a", field: "token"},
		{name: "name given twice, spelt otherwise", contentType: form, body: "token=a&%74oken=b", field: "token"},
		{name: "malformed escape", contentType: form, body: "token=%zz", field: "body"},
		{name: "semicolon", contentType: form, body: "token=a;x=b", field: "body"},
		{name: "invalid UTF-8", contentType: form, body: "token=%ff", field: "body"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		err := readBody(httptest.NewRecorder(), r, openapi3.Content{mediaForm: {}}, plainBody)
		var invalid *invalidRequest
		switch {
		case test.field != "":
			if !errors.As(err, &invalid) || invalid.fields[0].Field != test.field {
				t.Errorf("%s: got %v, want a fault of field %s", test.name, err, test.field)
			}
		case !errors.Is(err, test.want):
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		case err == nil:
			if again, _ := io.ReadAll(r.Body); string(again) != test.body {
				t.Errorf("%s: %q is there for the next reader", test.name, again)
			}
		}
	}
}

func TestBodyOfUnknownLengthIsCutAtTheLimit(t *testing.T) {
	t.Parallel()
	endless := &counting{}
	r := httptest.NewRequest(http.MethodPost, "/", endless)
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	if err := readBody(httptest.NewRecorder(), r, openapi3.Content{mediaJSON: {}}, plainBody); !errors.Is(err, errBodyTooLarge) {
		t.Fatalf("got %v, want %v", err, errBodyTooLarge)
	}
	if endless.n > 128<<10 {
		t.Errorf("%d bytes were read", endless.n)
	}
}

func TestWholeNumbersAreWrittenAsSuch(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":3600.0}`: `{"a":3600}`, `[1e3,-2.0,0.0]`: `[1000,-2,0]`, `1.5`: `1.5`, `1e400`: `1e400`, `1e30`: `1e30`,
		`9007199254740993`: `9007199254740993`, `"3600.0"`: `"3600.0"`, `{"1.0":1.0}`: `{"1.0":1}`,
	} {
		got, err := plainJSON([]byte(in), math.MaxInt)
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("plainJSON(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
}

// The values of a query's parameters are the caller's own: 3.0 is a double.
func TestNumbersInParametersStayAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	const in = `{"timeoutMs":1e3,"params":{"a":3.0,"b":[1e2,{"c":2.0}]}}`
	got, err := plainJSON([]byte(in), queryBody.depth)
	if want := strings.Replace(in, "1e3", "1000", 1); err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestBodiesWithQueriesMayBeLarger(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]error{4 << 20: nil, 4<<20 + 1: errQueryTooLarge} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`"`+strings.Repeat("a", size-2)+`"`))
		r.Header.Set("Content-Type", "application/json")
		if err := readBody(httptest.NewRecorder(), r, openapi3.Content{mediaJSON: {}}, queryBody); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
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
