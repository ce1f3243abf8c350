package server

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

func noPages(t *testing.T) *pages {
	t.Helper()
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// makes gives a page of its own each time, and counts.
func makes(n *int, size int) func(context.Context) (page, error) {
	return func(context.Context) (page, error) {
		*n++
		return page(fmt.Sprintf("%d%s", *n, strings.Repeat(" ", size))), nil
	}
}

func TestPageIsWrittenAsTheGeneratedAnswer(t *testing.T) {
	t.Parallel()
	issued := &store.Token{
		ID: "1-a", User: store.User{Username: "a", Host: "localhost", Port: 6379}, Name: `<b> & "c" 👩‍💻`,
		Role: store.RoleAdmin, CreatedAt: time.Unix(1, 0), ExpiresAt: time.Unix(9, 0), Active: true,
	}
	for _, found := range []*tokens.Page{{Tokens: []*store.Token{}}, {Tokens: []*store.Token{issued, issued}, Next: "next", Total: new(int)}} {
		list := toTokenList(found, store.RoleAdmin, time.Unix(2, 0), tokens.Policy{})
		got, err := toPage(list)
		if err != nil {
			t.Fatal(err)
		}
		sent, want := httptest.NewRecorder(), httptest.NewRecorder()
		if err := errors.Join(got.VisitListTokensResponse(sent), api.ListTokens200JSONResponse(list).VisitListTokensResponse(want)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(sent, want) {
			t.Errorf("sent %d %v %s\nwant %d %v %s", sent.Code, sent.Header(), sent.Body, want.Code, want.Header(), want.Body)
		}
	}
}

func TestPageIsGivenToWhoHasTheSameKeyAlone(t *testing.T) {
	t.Parallel()
	p, made := noPages(t), 0
	mine := pageKey{instance: instance.Instance{Host: "localhost", Port: 1}, username: "alice", role: store.RoleReadOnly, query: "limit=1"}
	given := map[string]pageKey{}
	for range 2 {
		for _, change := range []func(*pageKey){
			func(*pageKey) {},
			func(k *pageKey) { k.instance.Host = "elsewhere" },
			func(k *pageKey) { k.instance.Port = 2 },
			func(k *pageKey) { k.username = "bob" },
			func(k *pageKey) { k.username = "" },
			func(k *pageKey) { k.role = store.RoleAdmin },
			func(k *pageKey) { k.query = "limit=2" },
		} {
			key := mine
			change(&key)
			got, err := p.get(t.Context(), key, makes(&made, 0))
			if err != nil {
				t.Fatal(err)
			}
			if owner, ok := given[string(got)]; ok && owner != key {
				t.Errorf("%+v got the page of %+v", key, owner)
			}
			given[string(got)] = key
		}
	}
	if made != 7 {
		t.Errorf("%d pages were made for 7 keys", made)
	}
}

func TestHangingUpOfTheFirstAskerIsNotTheOthers(t *testing.T) {
	t.Parallel()
	p := noPages(t)
	ctx, hangUp := context.WithCancel(t.Context())
	begun, finish := make(chan struct{}), make(chan struct{})
	first, others := make(chan error, 1), make(chan error, 3)
	go func() {
		_, err := p.get(ctx, pageKey{}, func(ctx context.Context) (page, error) {
			close(begun)
			<-finish
			return page("list"), ctx.Err()
		})
		first <- err
	}()
	<-begun
	for range cap(others) {
		go func() {
			got, err := p.get(t.Context(), pageKey{}, func(context.Context) (page, error) { return page("list"), errors.New("made twice") })
			if err == nil && string(got) != "list" {
				err = fmt.Errorf("got %q", got)
			}
			others <- err
		}()
	}
	hangUp()
	close(finish)
	for range cap(others) {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
	if err := <-first; err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func TestErrorsAreNotRemembered(t *testing.T) {
	t.Parallel()
	p, made := noPages(t), 0
	failing := func(context.Context) (page, error) { return nil, store.ErrUnavailable }
	if _, err := p.get(t.Context(), pageKey{}, failing); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if got, err := p.get(t.Context(), pageKey{}, makes(&made, 0)); err != nil || string(got) != "1" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	p, made := noPages(t), 0
	for i := range 200 {
		if _, err := p.get(t.Context(), pageKey{query: fmt.Sprint(i)}, makes(&made, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	p.cache.CleanUp()
	if size := p.cache.WeightedSize(); size == 0 || size > maxPages {
		t.Errorf("%d bytes are remembered", size)
	}
	made = 0
	for range 3 {
		if _, err := p.get(t.Context(), pageKey{query: "large"}, makes(&made, maxPage)); err != nil {
			t.Fatal(err)
		}
		p.cache.CleanUp()
	}
	if made != 3 {
		t.Errorf("a page that is too large was made %d times", made)
	}
}
