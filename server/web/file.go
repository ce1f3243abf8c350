package web

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Content codings (RFC 9110, section 8.4.1).
const (
	identity = "identity"
	brotli   = "br"
	gzip     = "gzip"
)

// file is one file of the UI in all the forms it can be sent in.
type file struct {
	name        string
	contentType string
	cache       string
	// forms are the file's encodings, best first; the last is the plain one.
	forms []form
}

// form is a file's content in one coding. The ETag is of the encoded bytes, as
// a strong one must be (RFC 9110, section 8.8.3).
type form struct {
	encoding string
	etag     string
	body     []byte
}

func newForm(encoding string, body []byte) form {
	sum := sha256.Sum256(body)
	return form{encoding: encoding, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

func newFile(name, cache string, plain []byte) *file {
	return &file{
		name:        name,
		contentType: contentType(name),
		cache:       cache,
		forms:       []form{newForm(identity, plain)},
	}
}

// contentType is decided here and not by the machine's table of types, which
// would make the answer depend on where the program runs.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// readAssets reads dist/assets; keys are paths like "/assets/index-1a2b.js".
// The compressed forms lie beside each file with .br and .gz at the end.
func readAssets(from fs.FS) (map[string]*file, error) {
	entries, err := fs.ReadDir(from, "dist/assets")
	if err != nil {
		return nil, fmt.Errorf("web: list the assets: %w", err)
	}
	assets := make(map[string]*file, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			continue
		}
		if assets["/assets/"+name], err = readAsset(from, name); err != nil {
			return nil, err
		}
	}
	return assets, nil
}

func readAsset(from fs.FS, name string) (*file, error) {
	plain, err := fs.ReadFile(from, "dist/assets/"+name)
	if err != nil {
		return nil, fmt.Errorf("web: read asset %s: %w", name, err)
	}
	f := newFile(name, cacheAssets, plain)
	for _, c := range []struct{ suffix, encoding string }{{".gz", gzip}, {".br", brotli}} {
		body, err := fs.ReadFile(from, "dist/assets/"+name+c.suffix)
		if errors.Is(err, fs.ErrNotExist) {
			// Compressing does not make every file smaller.
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("web: read asset %s%s: %w", name, c.suffix, err)
		}
		f.forms = append([]form{newForm(c.encoding, body)}, f.forms...)
	}
	return f, nil
}

// negotiate picks the form that an Accept-Encoding header prefers; among
// equals, the smallest. When the header forbids them all the plain form is
// sent, which RFC 9110, section 12.5.3, allows.
func (f *file) negotiate(header string) form {
	weights := parseAcceptEncoding(header)
	best, bestWeight := f.forms[len(f.forms)-1], 0.0
	for _, form := range f.forms {
		weight, listed := weights[form.encoding]
		if !listed {
			weight, listed = weights["*"]
		}
		if !listed && form.encoding == identity {
			// Acceptable, but less so than anything that was asked for.
			weight = 0.0001
		}
		if weight > bestWeight {
			best, bestWeight = form, weight
		}
	}
	return best
}

// parseAcceptEncoding reads the codings and their weights (RFC 9110, section
// 12.4.2). What is malformed counts as refused: better plain than unreadable.
func parseAcceptEncoding(header string) map[string]float64 {
	weights := make(map[string]float64)
	for part := range strings.SplitSeq(header, ",") {
		coding, parameter, weighted := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding == "" {
			continue
		}
		if coding == "x-gzip" {
			coding = gzip
		}
		weights[coding] = 1
		if weighted {
			weights[coding] = parseWeight(parameter)
		}
	}
	return weights
}

// parseWeight reads "q=0.5"; anything that is no weight from 0 to 1 is 0.
func parseWeight(parameter string) float64 {
	name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
	weight, err := strconv.ParseFloat(value, 64)
	// A NaN fails both comparisons.
	if err != nil || !strings.EqualFold(name, "q") || !(weight >= 0 && weight <= 1) {
		return 0
	}
	return weight
}
