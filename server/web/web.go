package web

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContentSecurityPolicy is what the UI's pages may do: load scripts, styles,
// fonts and data from their own origin, and nothing else from anywhere. It
// holds for every file served here (CSP Level 3).
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"

const (
	// Pages name the current assets, so they are asked for anew; an ETag makes that cheap.
	cachePages = "no-cache"
	// An asset's name changes with its content (RFC 8246).
	cacheAssets = "public, max-age=31536000, immutable"
)

//go:embed dist
var dist embed.FS

// Options says how the UI is served.
type Options struct {
	// BasePath is the prefix under which the whole service is reached: empty,
	// or like "/falkorpat", beginning with a slash and not ending with one.
	// Letters, digits, dots, hyphens, underscores and tildes may be in it.
	BasePath string
}

// basePath refuses whatever would need escaping in a URL or in HTML, and empty,
// "." and ".." segments, which clients resolve before they send them.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

func (o Options) validate() error {
	if !basePath.MatchString(o.BasePath) {
		return fmt.Errorf("web: BasePath %q is not empty or like /prefix", o.BasePath)
	}
	return nil
}

// Handler serves the UI. It is safe for concurrent use and never changes.
type Handler struct {
	base   string
	index  *file
	assets map[string]*file
}

// New makes the handler. It returns an error that names the field when an
// option is invalid.
func New(o Options) (*Handler, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return newHandler(dist, o)
}

// newHandler reads dist/ from any file system, so that tests can bring theirs.
func newHandler(from fs.FS, o Options) (*Handler, error) {
	index, err := fs.ReadFile(from, "dist/index.html")
	if err != nil {
		return nil, fmt.Errorf("web: read the page: %w", err)
	}
	const placeholder = `<base href="/"`
	if bytes.Count(index, []byte(placeholder)) != 1 {
		return nil, fmt.Errorf("web: index.html has not exactly one %s", placeholder)
	}
	index = bytes.Replace(index, []byte(placeholder), []byte(`<base href="`+o.BasePath+`/"`), 1)
	assets, err := readAssets(from)
	if err != nil {
		return nil, err
	}
	return &Handler{base: o.BasePath, index: newFile("index.html", cachePages, index), assets: assets}, nil
}

// pages are the addresses at which the UI's one page is found; the last
// segment of the last one is a token's ID.
func pages() []string {
	return []string{"/", "/sign-in", "/settings/tokens", "/settings/tokens/:id"}
}

// Paths returns what to route here, for GET and HEAD, in Echo's syntax and
// relative to the base path: the pages and every single asset, so that the
// address of a missing file is answered as any unknown one. The base path
// itself, without a slash, is the empty path and present when there is a base.
func (h *Handler) Paths() []string {
	paths := pages()
	if h.base != "" {
		paths = append(paths, "")
	}
	for name := range h.assets {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	return paths
}

// ServeHTTP answers for the addresses that Paths names, under the base path;
// the request's path is the full one. Any other is 404, and any other method
// than GET and HEAD is 405.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := h.find(r.URL.Path)
	switch {
	case f == nil:
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	default:
		f.serve(w, r)
	}
}

// find looks a full path up in what there is. No path is ever turned into a
// file name, so there is nothing to climb out of.
func (h *Handler) find(full string) *file {
	rest, ok := strings.CutPrefix(full, h.base)
	if !ok {
		return nil
	}
	if f, ok := h.assets[rest]; ok {
		return f
	}
	if rest == "" || slices.Contains(pages(), rest) {
		return h.index
	}
	if id, ok := strings.CutPrefix(rest, "/settings/tokens/"); ok && !strings.Contains(id, "/") {
		return h.index
	}
	return nil
}

// serve answers with the form of the file that the request prefers, or that
// the browser's copy is still right.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	form := f.negotiate(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	h := w.Header()
	h.Set("Content-Security-Policy", ContentSecurityPolicy)
	h.Set("Cache-Control", f.cache)
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", form.etag)
	if len(f.forms) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if form.encoding != identity {
		h.Set("Content-Encoding", form.encoding)
		// ServeContent leaves it out for encoded bodies.
		h.Set("Content-Length", strconv.Itoa(len(form.body)))
	}
	http.ServeContent(w, r, path.Base(f.name), time.Time{}, bytes.NewReader(form.body))
}
