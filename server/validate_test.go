package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// requestErrors gives the fields that validation names for a request, in order.
func requestErrors(t *testing.T, operation, method, target, body string) []string {
	t.Helper()
	doc, _, err := document()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	guards := s.validators(doc)[operation]
	if len(guards) != 1 {
		t.Fatalf("operation %s has %d validators", operation, len(guards))
	}
	var v *validator
	for path, item := range doc.Paths.Map() {
		for m, op := range item.Operations() {
			if op.OperationID == operation {
				v = s.validator(doc, path, item, m, op)
			}
		}
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	c := echo.New().NewContext(r, httptest.NewRecorder())
	if operation == "getToken" {
		c.SetParamNames("tokenId")
		c.SetParamValues(strings.TrimPrefix(r.URL.Path, "/api/auth/tokens/"))
	}
	err = v.validate(c)
	if err == nil {
		return nil
	}
	_, fields := publicErrorOf(err)
	var names []string
	for _, f := range fields {
		names = append(names, f.Field)
		if f.Message == "" || strings.Contains(f.Message, "schema") {
			t.Errorf("message of %s is no sentence for people: %q", f.Field, f.Message)
		}
	}
	return names
}

func TestValidationNamesTheField(t *testing.T) {
	t.Parallel()
	const create, with, list, get = "createToken", "createTokenWithCredentials", "listTokens", "getToken"
	for _, test := range []struct {
		name, operation, target, body string
		want                          string
	}{
		{"nothing given", with, "/", `{}`, ""},
		{"port as a number", with, "/", `{"port":6379}`, ""},
		{"tls as a boolean", with, "/", `{"tls":true}`, ""},
		{"no expiry", with, "/", `{"expiresAt":null}`, ""},
		{"name missing", create, "/", `{}`, "name"},
		{"name null", create, "/", `{"name":null}`, "name"},
		{"name a number", create, "/", `{"name":1}`, "name"},
		{"name empty", create, "/", `{"name":""}`, "name"},
		{"unknown field", create, "/", `{"name":"x","ttl":1}`, "ttl"},
		{"field in another case", create, "/", `{"name":"x","TTLSeconds":1}`, "TTLSeconds"},
		{"lifetime of nothing", create, "/", `{"name":"x","ttlSeconds":0}`, "ttlSeconds"},
		{"lifetime with a fraction", create, "/", `{"name":"x","ttlSeconds":1.5}`, "ttlSeconds"},
		{"lifetime as text", create, "/", `{"name":"x","ttlSeconds":"60"}`, "ttlSeconds"},
		{"lifetime null", create, "/", `{"name":"x","ttlSeconds":null}`, "ttlSeconds"},
		{"whole lifetime written as a float", create, "/", `{"name":"x","ttlSeconds":3600.0}`, ""},
		{"whole lifetime with an exponent", create, "/", `{"name":"x","ttlSeconds":36e2}`, ""},
		{"port written as a float", with, "/", `{"port":6379.0}`, ""},
		{"lifetime of ages", create, "/", `{"name":"x","ttlSeconds":1e30}`, "ttlSeconds"},
		{"no date", create, "/", `{"name":"x","expiresAt":"tomorrow"}`, "expiresAt"},
		{"date without zone", create, "/", `{"name":"x","expiresAt":"2027-01-01T00:00:00"}`, "expiresAt"},
		{"thirtieth of February", create, "/", `{"name":"x","expiresAt":"2027-02-30T00:00:00Z"}`, "expiresAt"},
		{"username null", with, "/", `{"username":null}`, "username"},
		{"port null", with, "/", `{"port":null}`, "port"},
		{"tls null", with, "/", `{"tls":null}`, "tls"},
		{"port an object", with, "/", `{"port":{}}`, "port"},
		{"port a word", with, "/", `{"port":"http"}`, "port"},
		{"port out of range", with, "/", `{"port":65536}`, "port"},
		{"tls a number", with, "/", `{"tls":1}`, "tls"},
		{"tls another word", with, "/", `{"tls":"yes"}`, "tls"},
		{"array", with, "/", `[]`, "body"},
		{"null", with, "/", `null`, "body"},
		{"known parameters", list, "/?status=all&limit=5", ``, ""},
		{"unknown parameter", list, "/?stauts=all", ``, "stauts"},
		{"parameter given twice", list, "/?limit=1&limit=2", ``, "limit"},
		{"limit of nothing", list, "/?limit=0", ``, "limit"},
		{"limit too high", list, "/?limit=1001", ``, "limit"},
		{"limit a word", list, "/?limit=many", ``, "limit"},
		{"no such status", list, "/?status=dead", ``, "status"},
		{"parameter that is a list", "verifyToken", "/?permission=graph:read&permission=tokens:read", ``, ""},
		{"item of a list", "verifyToken", "/?permission=graph:read&permission=x", ``, "permission.1"},
		{"list with an item twice", "verifyToken", "/?permission=graph:read&permission=graph:read", ``, "permission"},
		{"cursor with quotes", list, "/?cursor=%22", ``, "cursor"},
		{"ID", get, "/api/auth/tokens/1761055513181-215c579b", ``, ""},
		{"ID with a uuid", get, "/api/auth/tokens/1795314612180-044d1cc5-e128-4e10-8230-50a36cf6bdc7", ``, ""},
		{"ID with Cypher", get, "/api/auth/tokens/1%27%20OR%201=1", ``, "tokenId"},
		{"ID too long", get, "/api/auth/tokens/" + strings.Repeat("1", 65), ``, "tokenId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method := http.MethodGet
			if test.body != "" {
				method = http.MethodPost
			}
			got := strings.Join(requestErrors(t, test.operation, method, test.target, test.body), " ")
			if got != test.want {
				t.Errorf("faults in %q, want %q", got, test.want)
			}
		})
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	got := requestErrors(t, "createToken", http.MethodPost, "/", `{"name":"","ttlSeconds":0,"other":1}`)
	if len(got) != 3 {
		t.Errorf("faults in %v, want three", got)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	for i := range 200 {
		body.WriteString(`,"x` + strings.Repeat("y", i) + `":1`)
	}
	got := requestErrors(t, "createToken", http.MethodPost, "/", `{"name":"n"`+body.String()+`}`)
	if len(got) != maxFieldErrors {
		t.Errorf("%d faults, want %d", len(got), maxFieldErrors)
	}
}

func TestEveryOperationHasAValidator(t *testing.T) {
	t.Parallel()
	doc, _, err := document()
	if err != nil {
		t.Fatal(err)
	}
	validators := (&Server{}).validators(doc)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if len(validators[operation.OperationID]) != 1 {
				t.Errorf("%s %s has none", method, path)
			}
		}
	}
}

func TestHandlersAreOutOfReachWithoutValidation(t *testing.T) {
	t.Parallel()
	reached := false
	handler := onlyGuarded(func(echo.Context, any) (any, error) {
		reached = true
		return struct{}{}, nil
	}, "ListTokens")
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder())
	if _, err := handler(c, nil); err == nil || reached {
		t.Error("an unguarded request reached its handler")
	}
	c.SetRequest(c.Request().WithContext(withGuard(c.Request())))
	if _, err := handler(c, nil); err != nil || !reached {
		t.Errorf("a guarded request did not reach its handler: %v", err)
	}
}
