package authn

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/falkorpat/falkorpat/server/tokens"
)

func TestAuthorizationHeaderIsOneBearerToken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		headers []string
		want    string
		ok      bool
	}{
		{"plain", []string{"Bearer abc"}, "abc", true},
		{"lower case", []string{"bearer abc"}, "abc", true},
		{"upper case", []string{"BEARER abc"}, "abc", true},
		{"several blanks", []string{"Bearer   abc  "}, "abc", true},
		{"another scheme", []string{"Basic abc"}, "", false},
		{"no scheme", []string{"abc"}, "", false},
		{"scheme alone", []string{"Bearer"}, "", false},
		{"empty", []string{""}, "", false},
		{"longer scheme", []string{"Bearerx abc"}, "", false},
		{"twice", []string{"Bearer abc", "Bearer def"}, "", false},
	} {
		a := &Authenticator{}
		got, err := a.shown(http.Header{"Authorization": test.headers}, []string{SchemeBearer})
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
		if err != nil && !errors.Is(err, tokens.ErrUnauthenticated) {
			t.Errorf("%s: %v is not ErrUnauthenticated", test.name, err)
		}
	}
}

func TestOneTokenIsShownInOneHeader(t *testing.T) {
	t.Parallel()
	both := []string{SchemeBearer, SchemeHeader}
	for _, test := range []struct {
		name    string
		header  string
		shown   http.Header
		schemes []string
		want    string
		err     error
	}{
		{"named header", "X-Api-Key", http.Header{"X-Api-Key": {"abc"}}, both, "abc", nil},
		{"authorization", "X-Api-Key", http.Header{"Authorization": {"Bearer abc"}}, both, "abc", nil},
		{"spelt otherwise", "x-api-key", http.Header{"X-Api-Key": {"abc"}}, both, "abc", nil},
		{"none named", "", http.Header{"X-Api-Key": {"abc"}}, both, "", ErrNoCredentials},
		{"another one named", "X-Token", http.Header{"X-Api-Key": {"abc"}}, both, "", ErrNoCredentials},
		{"not for this operation", "X-Api-Key", http.Header{"X-Api-Key": {"abc"}}, []string{SchemeBearer}, "", ErrNoCredentials},
		{"beside authorization", "X-Api-Key", http.Header{"X-Api-Key": {"abc"}, "Authorization": {"Bearer abc"}}, both, "", ErrBadHeader},
		{"beside another scheme", "X-Api-Key", http.Header{"X-Api-Key": {"abc"}, "Authorization": {"Basic abc"}}, both, "", ErrBadHeader},
		{"twice", "X-Api-Key", http.Header{"X-Api-Key": {"abc", "abc"}}, both, "", ErrBadHeader},
	} {
		a := &Authenticator{TokenHeader: test.header}
		if got, err := a.shown(test.shown, test.schemes); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v, want %q, %v", test.name, got, err, test.want, test.err)
		}
	}
}

func TestNothingShownIsTold(t *testing.T) {
	t.Parallel()
	a := &Authenticator{}
	cookie := &http.Cookie{Name: "authjs.session-token", Value: "x"}
	for _, test := range []struct {
		name    string
		client  Client
		header  string
		schemes []string
		want    error
	}{
		{"nothing", Client{}, "", []string{SchemeBearer, SchemeCookie}, ErrNoCredentials},
		{"cookie where only tokens count", Client{Cookie: cookie}, "", []string{SchemeBearer}, ErrNoCredentials},
		{"token where only cookies count", Client{}, "Bearer x", []string{SchemeCookie}, ErrNoCredentials},
		{"bad header beside a cookie", Client{Cookie: cookie}, "Basic x", []string{SchemeBearer, SchemeCookie}, ErrBadHeader},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		if test.header != "" {
			r.Header.Set("Authorization", test.header)
		}
		if _, err := a.Authenticate(r, test.client, test.schemes); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestContextWithoutAPrincipalHasNone(t *testing.T) {
	t.Parallel()
	if p := PrincipalFrom(t.Context()); p != nil {
		t.Errorf("got %v", p)
	}
	if c := ClientFrom(t.Context()); c.IP.IsValid() || c.Cookie != nil {
		t.Errorf("got %v", c)
	}
	p := &Principal{}
	if got := PrincipalFrom(WithPrincipal(t.Context(), p)); got != p {
		t.Errorf("got %v", got)
	}
}
