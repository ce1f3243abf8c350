package web

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// encoded makes a handler with one asset per set of forms.
func encoded(t *testing.T) *Handler {
	t.Helper()
	h, err := newHandler(fstest.MapFS{
		"dist/index.html":       {Data: []byte(`<base href="/" />`)},
		"dist/assets/all.js":    {Data: []byte("plain text")},
		"dist/assets/all.js.br": {Data: []byte("brotli")},
		"dist/assets/all.js.gz": {Data: []byte("gzipped")},
		"dist/assets/some.js":   {Data: []byte("plain")},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEncodingIsTheOneTheBrowserPrefers(t *testing.T) {
	t.Parallel()
	h := encoded(t)
	cases := []struct{ accept, encoding, content string }{
		{"", "", "plain text"},
		{"identity", "", "plain text"},
		{"gzip, deflate, br, zstd", "br", "brotli"},
		{"br", "br", "brotli"},
		{"BR", "br", "brotli"},
		{"gzip, deflate", "gzip", "gzipped"},
		{"x-gzip", "gzip", "gzipped"},
		{"*", "br", "brotli"},
		{"br;q=0.5, gzip;q=0.8", "gzip", "gzipped"},
		{"br;q=0.8 , gzip ; q=0.8", "br", "brotli"},
		{"br;q=0, *", "gzip", "gzipped"},
		{"br;q=0, gzip;q=0", "", "plain text"},
		{"identity;q=1, gzip;q=0.5", "", "plain text"},
		{"gzip;q=0.001", "gzip", "gzipped"},
		{"*;q=0", "", "plain text"},
		{"identity;q=0, *;q=0", "", "plain text"},
		{"deflate, zstd", "", "plain text"},
		{"br;q=x", "", "plain text"},
		{"br;q=NaN", "", "plain text"},
		{"br;q=2", "", "plain text"},
		{"br;level=1", "", "plain text"},
		{",,;,", "", "plain text"},
	}
	for _, c := range cases {
		got := call(h, http.MethodGet, "/assets/all.js", "Accept-Encoding", c.accept)
		if got.body != c.content {
			t.Errorf("%q: got %q, want %q", c.accept, got.body, c.content)
		}
		got.expect(t, "Content-Encoding", c.encoding)
		got.expect(t, "Vary", "Accept-Encoding")
		got.expect(t, "Content-Length", strconv.Itoa(len(c.content)))
		got.expect(t, "Content-Type", "text/javascript; charset=utf-8")
	}
}

func TestSeveralAcceptEncodingHeadersAreOne(t *testing.T) {
	t.Parallel()
	got := call(encoded(t), http.MethodGet, "/assets/all.js", "Accept-Encoding", "gzip", "Accept-Encoding", "br")
	got.expect(t, "Content-Encoding", "br")
}

func TestFileWithoutOtherFormsDoesNotVary(t *testing.T) {
	t.Parallel()
	got := call(encoded(t), http.MethodGet, "/assets/some.js", "Accept-Encoding", "br, gzip")
	got.expect(t, "Content-Encoding", "")
	got.expect(t, "Vary", "")
	if got.body != "plain" {
		t.Errorf("got %q", got.body)
	}
}

func TestEveryFormHasItsOwnETag(t *testing.T) {
	t.Parallel()
	h := encoded(t)
	seen := make(map[string]string)
	for _, accept := range []string{"br", "gzip", "identity"} {
		etag := call(h, http.MethodGet, "/assets/all.js", "Accept-Encoding", accept).header.Get("ETag")
		if other, known := seen[etag]; known || etag == "" {
			t.Errorf("%s and %s share the ETag %q", accept, other, etag)
		}
		seen[etag] = accept
		got := call(h, http.MethodGet, "/assets/all.js", "Accept-Encoding", accept, "If-None-Match", etag)
		if got.code != http.StatusNotModified {
			t.Errorf("%s: got %d, want 304", accept, got.code)
		}
		// A cache must know which form it confirmed (RFC 9110, section 15.4.5).
		got.expect(t, "Vary", "Accept-Encoding")
		got.expect(t, "ETag", etag)
	}
}

func TestEmbeddedFormsHoldTheSameContent(t *testing.T) {
	t.Parallel()
	h := setup(t, "")
	for name, f := range h.assets {
		plain := f.forms[len(f.forms)-1].body
		for _, form := range f.forms {
			if form.encoding != identity && len(form.body) >= len(plain) {
				t.Errorf("%s: %s makes it no smaller", name, form.encoding)
			}
			if form.encoding != gzip {
				continue
			}
			r, err := stdgzip.NewReader(bytes.NewReader(form.body))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if content, err := io.ReadAll(r); err != nil || !bytes.Equal(content, plain) {
				t.Errorf("%s: the gzip form holds something else (%v)", name, err)
			}
		}
	}
}

// A first visit fetches the page and everything it names. 150 KB is the limit
// that users were promised; ours is lower, so that growth is noticed.
func TestFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	const limit = 40_000
	h := setup(t, "")
	for _, accept := range []string{"br", "gzip"} {
		total := len(call(h, http.MethodGet, "/").body)
		for name := range h.assets {
			total += len(call(h, http.MethodGet, name, "Accept-Encoding", accept).body)
		}
		if total > limit {
			t.Errorf("with %s: %d bytes, want at most %d", accept, total, limit)
		}
	}
}

// What is bundled is licensed under the condition that its notice stays with it.
func TestNoticesOfBundledCodeAreEmbedded(t *testing.T) {
	t.Parallel()
	notices, err := dist.ReadFile("dist/licenses.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"preact", "openapi-fetch"} {
		if !strings.Contains(string(notices), "## "+name+" ") {
			t.Errorf("no notice of %s", name)
		}
	}
}
