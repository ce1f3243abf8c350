package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
)

// requestPatience bounds every request of these tests.
const requestPatience = 20 * time.Second

// caller sends requests to one program, as somebody; all answers are checked
// (checker).
type caller struct {
	*client.ClientWithResponses
	t    *testing.T
	p    *program
	http *http.Client
	// edit completes every request.
	edit func(r *http.Request)
}

// as makes a caller that completes its requests by edit; nil for nobody.
func (p *program) as(t *testing.T, edit func(r *http.Request)) *caller {
	t.Helper()
	return p.from(t, "", edit)
}

// from is as for a caller at another address of this machine; "" for any.
func (p *program) from(t *testing.T, ip string, edit func(r *http.Request)) *caller {
	t.Helper()
	dialer := &net.Dialer{Timeout: requestPatience}
	if ip != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 32, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	if edit == nil {
		edit = func(*http.Request) {}
	}
	c := &caller{t: t, p: p, edit: edit, http: &http.Client{
		Transport: &checker{t: t, base: p.options.basePath, next: transport}, Timeout: requestPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	var err error
	c.ClientWithResponses, err = client.NewClientWithResponses(p.url, client.WithHTTPClient(c.http),
		client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			edit(r)
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// nobody is a caller without credentials.
func (p *program) nobody(t *testing.T) *caller {
	t.Helper()
	return p.as(t, nil)
}

// bearer is a caller with a token.
func (p *program) bearer(t *testing.T, token string) *caller {
	t.Helper()
	secrets.addToken(token)
	return p.as(t, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

// cookie is a caller with a session cookie.
func (p *program) cookie(t *testing.T, cookie *http.Cookie) *caller {
	t.Helper()
	return p.as(t, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value}) })
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request that the generated client would not send. Headers are
// written "Name: value"; a body is JSON unless they say otherwise. Without an
// answer the test has failed, and the answer given is the zero one, so that
// send may be called in other goroutines than the test's.
func (c *caller) send(method, path string, body io.Reader, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.p.url+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.edit(r)
	seen := map[string]bool{}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		name = http.CanonicalHeaderKey(name)
		switch {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		case seen[name]:
			r.Header.Add(name, value)
		default:
			r.Header.Set(name, value)
		}
		seen[name] = true
	}
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Errorf("%s %.200s: %v", method, path, err)
		return answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Errorf("%s %.200s: %v", method, path, err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// object is the answer's JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		t.Fatalf("%v in %.300s", err, a.body)
	}
	return object
}

// problem is the error that the answer must be.
func (a answer) problem(t *testing.T) client.Problem {
	t.Helper()
	var problem client.Problem
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Status != a.status {
		t.Fatalf("answered %d, no problem: %v in %.300s", a.status, err, a.body)
	}
	return problem
}

// isProblem checks an error's status and code.
func (a answer) isProblem(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status || a.problem(t).Code != code {
		t.Errorf("answered %d, want %d %s: %.300s", a.status, status, code, a.body)
	}
}

// post sends a JSON text.
func (c *caller) post(path, body string, headers ...string) answer {
	c.t.Helper()
	return c.send(http.MethodPost, path, strings.NewReader(body), headers...)
}

// get reads a path.
func (c *caller) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.send(http.MethodGet, path, nil, headers...)
}

// must gives the response of the generated client, whatever its status.
func must[R any](t *testing.T) func(response R, err error) R {
	t.Helper()
	return func(response R, err error) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
}

// credentials are those of a user, as they are sent.
func (u user) credentials(t *testing.T) client.Credentials {
	t.Helper()
	var port client.Port
	if err := port.FromPort0(u.at.port); err != nil {
		t.Fatal(err)
	}
	return client.Credentials{Username: u.name, Password: u.password, Host: u.at.host, Port: port}
}

// order is a request for a token with a user's credentials.
func (u user) order(t *testing.T, name string) client.CreateTokenWithCredentialsRequest {
	t.Helper()
	c := u.credentials(t)
	return client.CreateTokenWithCredentialsRequest{Username: c.Username, Password: c.Password, Host: c.Host, Port: c.Port, Name: name}
}

// newToken makes a token that never expires with a user's credentials.
func (p *program) newToken(t *testing.T, u user, name string) client.TokenCreated {
	t.Helper()
	return p.newTokenFrom(t, u.order(t, name))
}

// shortToken makes a token that expires after some seconds.
func (p *program) shortToken(t *testing.T, u user, name string, seconds int64) client.TokenCreated {
	t.Helper()
	order := u.order(t, name)
	order.TTLSeconds = seconds
	return p.newTokenFrom(t, order)
}

func (p *program) newTokenFrom(t *testing.T, order client.CreateTokenWithCredentialsRequest) client.TokenCreated {
	t.Helper()
	r := must[*client.CreateTokenWithCredentialsResponse](t)(p.nobody(t).CreateTokenWithCredentialsWithResponse(t.Context(), nil, order))
	if r.JSON200 == nil {
		t.Fatalf("create a token: %s: %s", r.HTTPResponse.Status, r.Body)
	}
	return *r.JSON200
}

// signIn signs a user in and gives the session and its cookie.
func (p *program) signIn(t *testing.T, u user) (client.Session, *http.Cookie) {
	t.Helper()
	r := must[*client.SignInResponse](t)(p.nobody(t).SignInWithResponse(t.Context(), u.credentials(t)))
	if r.JSON200 == nil {
		t.Fatalf("sign in: %s: %s", r.HTTPResponse.Status, r.Body)
	}
	for _, cookie := range r.HTTPResponse.Cookies() {
		if cookie.Name == crypto.SessionCookie {
			return *r.JSON200, cookie
		}
	}
	t.Fatalf("sign in sets no session cookie: %q", r.HTTPResponse.Header)
	return client.Session{}, nil
}

// token is a token as getToken shows it, which must succeed.
func (c *caller) token(id string) client.Token {
	c.t.Helper()
	r := must[*client.GetTokenResponse](c.t)(c.GetTokenWithResponse(c.t.Context(), id))
	if r.JSON200 == nil {
		c.t.Fatalf("get token %s: %s: %s", id, r.HTTPResponse.Status, r.Body)
	}
	return r.JSON200.Token
}

// list is a list, which must succeed. The query is "" or like "?status=all".
func (c *caller) list(query string) client.TokenList {
	c.t.Helper()
	a := c.get("/api/auth/tokens" + query)
	var list client.TokenList
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("list tokens: %d: %s", a.status, a.body)
	}
	if list.Count != len(list.Tokens) {
		c.t.Errorf("count is %d with %d tokens", list.Count, len(list.Tokens))
	}
	return list
}

// revoke revokes a token, which must succeed, and gives the message.
func (c *caller) revoke(id string) string {
	c.t.Helper()
	r := must[*client.RevokeTokenResponse](c.t)(c.RevokeTokenWithResponse(c.t.Context(), id, nil))
	if r.JSON200 == nil {
		c.t.Fatalf("revoke token %s: %s: %s", id, r.HTTPResponse.Status, r.Body)
	}
	return r.JSON200.Message
}

// works is the status with which a caller's list is answered: whether their
// credentials are accepted.
func (c *caller) works() int {
	c.t.Helper()
	return c.get("/api/auth/tokens?limit=1").status
}

// ids are the IDs of the tokens in a list.
func ids(list client.TokenList) []string {
	ids := make([]string, len(list.Tokens))
	for i, one := range list.Tokens {
		ids[i] = one.TokenID
	}
	return ids
}
