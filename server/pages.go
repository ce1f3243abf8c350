package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

const (
	// maxPages bounds the pages that are remembered, maxPage each of them, in bytes.
	maxPages = 16 << 20
	maxPage  = 2 << 20
	// pageEntry is about what a page takes besides its texts.
	pageEntry = 256
)

// page is api.ListTokens200JSONResponse as it is sent. Others may be sent the
// same one, so nobody changes it.
type page []byte

func toPage(list api.TokenList) (page, error) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(list); err != nil {
		return nil, fmt.Errorf("encode list: %w", err)
	}
	return body.Bytes(), nil
}

// VisitListTokensResponse implements api.ListTokensResponseObject.
func (p page) VisitListTokensResponse(w http.ResponseWriter) error {
	w.Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(p)
	return err //nolint:wrapcheck // the client has gone
}

// pageKey is all that a page depends on. Whatever else two askers differ in, who
// has the same key gets the same answer.
type pageKey struct {
	edition  tokens.Edition
	instance instance.Instance
	// username is whose tokens are listed; empty for everybody's.
	username string
	// role is the asker's, which the page tells.
	role store.Role
	// query is the request's, as it came: one that says the same in other words is
	// another one.
	query string
}

// pages remembers lists of tokens as they are sent. A page is read from the store
// and encoded once for each edition, and for all who ask for it meanwhile; who asks
// finds out the edition first. See tokens.Edition for why that is no promise less.
// Pages of earlier editions go when there is no room for them. It is safe for concurrent use.
type pages struct {
	cache *otter.Cache[pageKey, page]
}

func newPages() (*pages, error) {
	cache, err := otter.New(&otter.Options[pageKey, page]{MaximumWeight: maxPages, Weigher: weighPage})
	if err != nil {
		return nil, fmt.Errorf("server: make cache of pages: %w", err)
	}
	return &pages{cache: cache}, nil
}

// weighPage makes a page that is too large heavier than all pages may be: it is
// not kept.
func weighPage(key pageKey, p page) uint32 {
	if len(p) > maxPage {
		return maxPages + 1
	}
	return uint32(cap(p) + len(key.query) + pageEntry) //nolint:gosec // a few megabytes
}

// get gives the page of a key, by makePage if need be. An error is remembered for
// nobody but those who wait for it.
func (p *pages) get(ctx context.Context, key pageKey, makePage func(ctx context.Context) (page, error)) (page, error) {
	return p.cache.Get(ctx, key, otter.LoaderFunc[pageKey, page](func(ctx context.Context, _ pageKey) (page, error) {
		// Others may wait: the first asker's hanging up must not become theirs. The
		// store bounds the time.
		return makePage(context.WithoutCancel(ctx))
	}))
}
