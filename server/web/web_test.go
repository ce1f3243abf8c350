package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// setup makes the handler of the embedded UI.
func setup(t *testing.T, base string) *Handler {
	t.Helper()
	h, err := New(Options{BasePath: base})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// answer is what came back for a request.
type answer struct {
	code   int
	header http.Header
	body   string
}

// call sends one request; header holds names and values by turns.
func call(h http.Handler, method, path string, header ...string) answer {
	r := httptest.NewRequest(method, "http://localhost/", http.NoBody)
	// As a server sees it after decoding, however odd it is.
	r.URL.Path = path
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{code: w.Code, header: w.Header(), body: w.Body.String()}
}

// expect checks one header of the got.
func (a answer) expect(t *testing.T, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// asset finds the address of the one embedded asset with this extension.
func asset(t *testing.T, h *Handler, extension string) string {
	t.Helper()
	for _, name := range h.Paths() {
		if strings.HasSuffix(name, extension) {
			return name
		}
	}
	t.Fatalf("no %s among %v", extension, h.Paths())
	return ""
}

func TestEveryPageIsTheOnePageAskedForAnew(t *testing.T) {
	t.Parallel()
	h := setup(t, "")
	want := call(h, http.MethodGet, "/").body
	if !strings.Contains(want, `<div id="app">`) {
		t.Fatalf("the page has no place for the app: %s", want)
	}
	for _, path := range []string{"/", "/sign-in", "/settings/tokens", "/settings/tokens/", "/settings/tokens/1761055513181-215c579b"} {
		got := call(h, http.MethodGet, path)
		if got.code != http.StatusOK || got.body != want {
			t.Errorf("%s: status %d, or another page", path, got.code)
		}
		got.expect(t, "Cache-Control", "no-cache")
		got.expect(t, "Content-Type", "text/html; charset=utf-8")
		got.expect(t, "Content-Security-Policy", ContentSecurityPolicy)
	}
}

func TestBrowsersCopyIsConfirmedWhileItIsRight(t *testing.T) {
	t.Parallel()
	h := setup(t, "")
	for _, path := range []string{"/settings/tokens", asset(t, h, ".js")} {
		etag := call(h, http.MethodGet, path).header.Get("ETag")
		cases := map[string]int{
			etag:                    http.StatusNotModified,
			"W/" + etag:             http.StatusNotModified,
			`"old", ` + etag:        http.StatusNotModified,
			`"old"`:                 http.StatusOK,
			strings.Trim(etag, `"`): http.StatusOK,
		}
		for known, want := range cases {
			got := call(h, http.MethodGet, path, "If-None-Match", known)
			if got.code != want {
				t.Errorf("%s with %s: got %d, want %d", path, known, got.code, want)
			}
			if want == http.StatusNotModified && got.body != "" {
				t.Errorf("%s with %s: a 304 with a body", path, known)
			}
		}
	}
}

func TestAssetsAreKeptForAYear(t *testing.T) {
	t.Parallel()
	h := setup(t, "")
	types := map[string]string{
		".js":  "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml",
	}
	for extension, contentType := range types {
		name := asset(t, h, extension)
		got := call(h, http.MethodGet, name)
		got.expect(t, "Cache-Control", "public, max-age=31536000, immutable")
		got.expect(t, "Content-Type", contentType)
		got.expect(t, "Content-Security-Policy", ContentSecurityPolicy)
		// Only a name that changes with the content may be kept that long.
		if !regexp.MustCompile(`^/assets/\w+-[\w-]{8}\.\w+$`).MatchString(name) {
			t.Errorf("%s has no hash in its name", name)
		}
	}
}

func TestPathsAreExactlyWhatIsServed(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/tools/falkorpat"} {
		h := setup(t, base)
		paths := h.Paths()
		if slices.Contains(paths, "") != (base != "") {
			t.Errorf("base %q: the bare base path is wrongly routed: %v", base, paths)
		}
		for _, path := range paths {
			path = base + strings.Replace(path, ":id", "1-0a1b2c3d", 1)
			if got := call(h, http.MethodGet, path).code; got != http.StatusOK {
				t.Errorf("%s: got %d", path, got)
			}
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	h := setup(t, "/base")
	outside := []string{
		"/", "/sign-in", "/assets", "/based/sign-in", "/base/nothing", "/base/settings", "/base/settings/tokens/1/2",
		"/base/assets", "/base/assets/", "/base/assets/nothing.js", "/base/assets/../index.html", "/base/assets/..",
		"/base/../base/sign-in", "/base/index.html", "/base/dist/index.html", "/base/licenses.md", "/base/web.go",
		"/base/assets/..\\index.html", "/base/assets/\x00", "/base//sign-in", "/base/assets/" + strings.Repeat("../", 20) + "etc/passwd",
		"/base" + asset(t, h, ".js") + ".br", "/base" + asset(t, h, ".js") + ".gz", "/base" + asset(t, h, ".js") + "/", "",
	}
	for _, path := range outside {
		if got := call(h, http.MethodGet, path).code; got != http.StatusNotFound {
			t.Errorf("%q: got %d, want 404", path, got)
		}
	}
}

func TestOnlyGetAndHeadAreAnswered(t *testing.T) {
	t.Parallel()
	h := setup(t, "")
	for _, path := range []string{"/sign-in", asset(t, h, ".css")} {
		get, head := call(h, http.MethodGet, path), call(h, http.MethodHead, path)
		if head.code != http.StatusOK || head.body != "" {
			t.Errorf("HEAD %s: status %d, or a body", path, head.code)
		}
		for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Cache-Control"} {
			head.expect(t, name, get.header.Get(name))
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			got := call(h, method, path)
			if got.code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %d, want 405", method, path, got.code)
			}
			got.expect(t, "Allow", "GET, HEAD")
		}
	}
}

func TestPageWorksUnderEveryBasePath(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	for _, base := range []string{"", "/falkorpat", "/a/b-c/d.e_f~g"} {
		h := setup(t, base)
		page := call(h, http.MethodGet, base+"/").body
		if got := strings.Count(page, `<base href="`+base+`/"`); got != 1 {
			t.Errorf("base %q: found %d times in %s", base, got, page)
		}
		if strings.Index(page, "<base") > strings.Index(page, "<link") {
			t.Errorf("base %q: <base> comes after addresses that need it", base)
		}
		for _, match := range address.FindAllStringSubmatch(page, -1) {
			switch to := match[1]; {
			case to == base+"/", to == "docs":
			case strings.HasPrefix(to, "./assets/"):
				if got := call(h, http.MethodGet, base+to[1:]).code; got != http.StatusOK {
					t.Errorf("base %q: the page's %s answers %d", base, to, got)
				}
			default:
				t.Errorf("base %q: %s is not relative to the base", base, to)
			}
		}
	}
}

func TestInvalidBasePathIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"/", "prefix", "/prefix/", "//prefix", "/a//b", "/a/../b", "/.", "/..", "/a b", `/"><script>`, "/a?b", "/a#b", "/ä", "/a%2f", "/a\n",
	} {
		h, err := New(Options{BasePath: base})
		if err == nil || h != nil {
			t.Errorf("%q: accepted", base)
			continue
		}
		if !strings.Contains(err.Error(), "BasePath") {
			t.Errorf("%q: the error does not name the field: %v", base, err)
		}
	}
}

func TestNothingInThePageNeedsMoreThanThePolicyAllows(t *testing.T) {
	t.Parallel()
	if strings.Contains(ContentSecurityPolicy, "unsafe") || !strings.Contains(ContentSecurityPolicy, "default-src 'none'") {
		t.Errorf("the policy is not strict: %s", ContentSecurityPolicy)
	}
	page := call(setup(t, ""), http.MethodGet, "/").body
	for name, inline := range map[string]string{
		"a script":        `<script[^>]*>[^<]`,
		"a style":         `<style|\sstyle=`,
		"a handler":       `\son\w+=`,
		"another origin":  `https?:|"//`,
		"a script's data": `javascript:|data:`,
	} {
		if found := regexp.MustCompile(inline).FindString(page); found != "" {
			t.Errorf("the page has %s: %s", name, found)
		}
	}
}

func TestDamagedBuildIsRefused(t *testing.T) {
	t.Parallel()
	page := &fstest.MapFile{Data: []byte(`<base href="/" />`)}
	for name, from := range map[string]fs.FS{
		"no page":      fstest.MapFS{},
		"no base":      fstest.MapFS{"dist/index.html": {Data: []byte("<p>")}},
		"two bases":    fstest.MapFS{"dist/index.html": {Data: []byte(`<base href="/"><base href="/">`)}},
		"no assets":    fstest.MapFS{"dist/index.html": page},
		"odd asset":    fstest.MapFS{"dist/index.html": page, "dist/assets/folder/x": {}},
		"odd encoding": fstest.MapFS{"dist/index.html": page, "dist/assets/a.js": {}, "dist/assets/a.js.gz/x": {}},
	} {
		if _, err := newHandler(from, Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
