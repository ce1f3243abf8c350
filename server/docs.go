package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// docs is the document for programs, as JSON, and for people, as Swagger UI.
// Both are made once: they are the same for everybody.
type docs struct {
	json   []byte
	page   []byte
	policy string
	assets http.Handler
}

// unasked empties what need not be given: Swagger UI would fill the examples in,
// and send filters that nobody has asked for.
const unasked = `(_, p) => { if (!p.required) p.example = ""; return p.default }`

// newDocs makes both from the document and its text.
func newDocs(doc *openapi3.T, text []byte, basePath string) (*docs, error) {
	if basePath != "" {
		// Behind a prefix, "Try it out" has to call behind it too.
		doc.Servers = openapi3.Servers{{URL: basePath, Description: "This server"}}
		var err error
		if text, err = doc.MarshalJSON(); err != nil {
			return nil, fmt.Errorf("encode openapi.json: %w", err)
		}
	}
	ui := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: doc.Info.Title, SwaggerJSON: basePath + "/openapi.json", BasePath: basePath + "/docs/",
		SettingsUI: map[string]string{
			"tryItOutEnabled": "true", "displayRequestDuration": "true", "showExtensions": "false", "parameterMacro": unasked,
		},
	})
	page, err := render(ui, basePath+"/docs")
	if err != nil {
		return nil, err
	}
	return &docs{json: text, page: page, policy: pagePolicy(page), assets: ui}, nil
}

// mount serves what the page loads.
func (d *docs) mount(e *echo.Echo, basePath string) {
	e.GET(basePath+"/docs/*", func(c echo.Context) error {
		h := c.Response().Header()
		if c.Param("*") == "" {
			return c.Redirect(http.StatusMovedPermanently, basePath+"/docs")
		}
		whole := &kept{header: make(http.Header)}
		d.assets.ServeHTTP(whole, c.Request())
		if whole.status == http.StatusNotFound {
			return echo.ErrNotFound
		}
		h.Set(echo.HeaderCacheControl, "public, max-age=3600")
		return whole.copyTo(c.Response())
	})
}

// VisitGetDocsResponse implements api.GetDocsResponseObject.
func (d *docs) VisitGetDocsResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", d.policy)
	_, err := w.Write(d.page)
	return err //nolint:wrapcheck // the client has gone
}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// pagePolicy allows the page its own origin and exactly the scripts that stand
// in it, by their digests. Swagger UI styles its elements inline.
func pagePolicy(page []byte) string {
	sources := []string{"'self'"}
	for _, script := range inlineScript.FindAllSubmatch(page, -1) {
		digest := sha256.Sum256(script[1])
		sources = append(sources, "'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'")
	}
	return "default-src 'none'; script-src " + strings.Join(sources, " ") +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// render runs a handler once and keeps what it writes.
func render(h http.Handler, path string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, path, http.NoBody) //nolint:noctx // goes nowhere
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", path, err)
	}
	w := &kept{header: make(http.Header)}
	h.ServeHTTP(w, r)
	if w.status != 0 && w.status != http.StatusOK {
		return nil, fmt.Errorf("render %s: status %d", path, w.status)
	}
	return w.body.Bytes(), nil
}

// kept is a response that stays in memory.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// copyTo sends what was kept.
func (k *kept) copyTo(w http.ResponseWriter) error {
	maps.Copy(w.Header(), k.header)
	if k.status != 0 {
		w.WriteHeader(k.status)
	}
	_, err := w.Write(k.body.Bytes())
	return err //nolint:wrapcheck // the client has gone
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.status = status }

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
