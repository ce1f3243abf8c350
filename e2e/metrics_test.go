package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// operator is a caller at a program's port for operators.
type operator struct {
	t   *testing.T
	url string
}

// operator finds the port that the program has opened.
func (p *program) operator(t *testing.T) *operator {
	t.Helper()
	entries := p.logged("metrics and profiles are served")
	if len(entries) != 1 {
		t.Fatal("the program does not say where its metrics are")
	}
	return &operator{t, fmt.Sprintf("http://%s", entries[0]["addr"])}
}

// get reads a path, as for a host.
func (o *operator) get(path, host string) (int, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.url+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	r.Host = host
	response, err := (&http.Client{Timeout: requestPatience}).Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// metrics reads the metrics as Prometheus does.
func (o *operator) metrics() map[string]*dto.MetricFamily {
	o.t.Helper()
	status, body := o.get("/metrics", "localhost")
	if status != http.StatusOK {
		o.t.Fatalf("metrics answered %d: %.300s", status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	return families
}

// value sums the metrics of a name that have all of some labels, written
// name=value: values, or how many observations there were.
func (o *operator) value(name string, labels ...string) float64 {
	o.t.Helper()
	var sum float64
	found := false
	for _, m := range o.metrics()["falkorpat_"+name].GetMetric() {
		var has []string
		for _, pair := range m.GetLabel() {
			has = append(has, pair.GetName()+"="+pair.GetValue())
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(has, l) }) {
			continue
		}
		found = true
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	if !found {
		o.t.Fatalf("no falkorpat_%s with %q", name, labels)
	}
	return sum
}

func TestOperatorSeesWhatTheServiceDoes(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--admin-addr", "127.0.0.1:0"}})
	o := p.operator(t)
	u := instanceA.newUser(t, writer)
	created := p.newToken(t, u, "counted")
	c := p.bearer(t, created.Token)
	for range 3 {
		c.works()
	}
	p.nobody(t).get("/api/auth/tokens")
	p.nobody(t).get("/api/auth/tokens", "Authorization: Bearer garbage")
	p.nobody(t).get("/nothing")
	c.send(http.MethodPost, verify, nil)
	// Of another token, because a revoked one's connections are closed.
	p.bearer(t, p.newToken(t, u, "queries").Token).post("/api/graph/"+unique("counted")+"/query", `{"query":"RETURN 1"}`)
	c.revoke(created.TokenID)
	for _, test := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"http_requests_total", []string{"operation=createTokenWithCredentials", "status=200"}, 2},
		{"http_requests_total", []string{"operation=listTokens", "status=200"}, 3},
		{"http_requests_total", []string{"operation=listTokens", "status=401"}, 2},
		{"http_requests_total", []string{"operation=verifyToken", "status=200"}, 1},
		{"http_requests_total", []string{"operation=other", "status=404"}, 1},
		{"http_requests_total", []string{"operation=getReadiness", "status=503"}, 0},
		{"http_request_duration_seconds", []string{"operation=listTokens"}, 5},
		{"http_requests_in_flight", nil, 0},
		{"authentications_total", []string{"outcome=accepted"}, 6},
		{"authentications_total", []string{"outcome=unauthenticated"}, 1},
		{"authentications_total", []string{"outcome=invalid_token"}, 1},
		{"revocation_duration_seconds", nil, 1},
		{"lease_confirmation_duration_seconds", nil, 1},
		{"lease_held", nil, 1},
		{"store_connections", []string{"state=limit"}, 64},
		{"instance_logins", []string{"instance=localhost:" + fmt.Sprint(instanceA.port), "for=stranger"}, 0},
		{"instance_connections", []string{"instance=localhost:" + fmt.Sprint(instanceA.port), "state=idle"}, 1},
		{"instance_connections", []string{"instance=localhost:" + fmt.Sprint(instanceB.port), "state=open"}, 0},
		{"events_lost_total", nil, 0},
		{"uses_held", nil, 2},
		{"uses_dropped_total", nil, 0},
		{"swept_total", []string{"kind=token"}, 0},
		{"build_info", nil, 1},
	} {
		if got := o.value(test.name, test.labels...); got != test.want {
			t.Errorf("%s with %q is %v, want %v", test.name, test.labels, got, test.want)
		}
	}
	for _, command := range []string{"GRAPH.QUERY", "GRAPH.RO_QUERY"} {
		if o.value("store_duration_seconds", "command="+command, "result=ok") < 1 {
			t.Errorf("no %s was timed", command)
		}
	}
	if hits, all := o.value("token_lookups_total", "result=hit"), o.value("token_lookups_total"); hits < 1 || all != 7 {
		t.Errorf("%v hits of %v look-ups, want some of 7", hits, all)
	}
	if o.value("tokens_remembered") < 1 {
		t.Error("no token is remembered")
	}
	if o.value("store_connections", "state=open") < 1 {
		t.Error("no connection to the store is open")
	}
	eventually(t, 10*time.Second, "the use to be written", func() bool { return o.value("uses_written_total") == 2 })
	if families := o.metrics(); families["go_goroutines"] == nil || families["process_resident_memory_bytes"] == nil {
		t.Error("nothing is said of the program itself")
	}
}

// labels are the labels that metrics may have. None of them holds what a user
// chooses.
var labels = []string{
	"operation", "status", "outcome", "command", "result", "state", "kind", "instance", "for", "version", "revision", "goversion",
}

func TestMetricsHoldNothingOfUsers(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--admin-addr", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"}})
	u := instanceA.newUser(t, writer)
	name, graphName := unique("tokenname"), unique("graphname")
	created := isCreatedAnyhow(t, p.with(t, u, `"graphs":["`+graphName+`"],"description":"`+name+`"`))
	c := p.bearer(t, created.Token)
	userID := c.token(created.TokenID).UserID
	for _, path := range []string{
		"/api/auth/tokens/" + created.TokenID, "/api/auth/tokens/" + name, "/" + name, "/api/auth/tokens?status=" + name, verify + "?graph=" + graphName,
		verify + "?graph=" + name, "/api/auth/tokens/" + created.TokenID + "/" + graphName, "/docs/" + name,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, strings.ToUpper("x" + name[len(name)-5:])} {
			c.send(method, path, nil, "User-Agent: "+name, "X-Forwarded-For: 198.51.100.77", "X-Request-Id: "+name)
		}
	}
	_, cookie := p.signIn(t, u)
	p.cookie(t, cookie).works()
	p.nobody(t).introspect(created.Token)
	c.introspect(created.Token)
	c.revoke(created.TokenID)
	for family, metrics := range p.operator(t).metrics() {
		if !strings.HasPrefix(family, "falkorpat_") {
			continue
		}
		for _, m := range metrics.GetMetric() {
			for _, pair := range m.GetLabel() {
				if !slices.Contains(labels, pair.GetName()) {
					t.Errorf("%s has a label %s that nobody has looked at", family, pair.GetName())
				}
			}
		}
	}
	_, text := p.operator(t).get("/metrics", "localhost")
	for what, private := range map[string]string{
		"a user's name": u.name, "a user's ID": userID, "a token's ID": created.TokenID, "a token": created.Token, "a graph": graphName,
		"what a client sent": name, "an address": "198.51.100.77",
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(private)) {
			t.Errorf("the metrics hold %s: %s", what, private)
		}
	}
	if found := regexp.MustCompile(`\d{13}-[0-9a-f]{8}|user-[0-9a-f]{12}`).FindString(text); found != "" {
		t.Errorf("the metrics hold %s", found)
	}
}

func TestOperatorsPortIsForOperators(t *testing.T) {
	t.Parallel()
	secret := newKey()
	p := startProgram(t, options{args: []string{"--admin-addr", "localhost:0", "--auth-secret", secret}})
	o := p.operator(t)
	for path, want := range map[string]int{
		"/metrics": 200, "/debug/pprof/": 200, "/debug/pprof/heap?debug=1": 200, "/debug/pprof/goroutine": 200, "/debug/pprof/profile?seconds=1": 200,
		"/debug/pprof/cmdline": 404, "/api/auth/tokens": 404, "/": 404, "/debug/pprof/profile?seconds=3600": 400,
	} {
		status, body := o.get(path, "localhost")
		if status != want {
			t.Errorf("%s answered %d, want %d: %.200s", path, status, want, body)
		}
		if strings.Contains(body, secret) {
			t.Errorf("%s holds a secret", path)
		}
	}
	// A page whose name was pointed here.
	if status, _ := o.get("/metrics", "evil.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("for another name answered %d", status)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		p.nobody(t).get(path).isProblem(t, http.StatusNotFound, "not_found")
	}
	if len(p.logged("metrics and profiles are open to whoever reaches this address; see to it that only operators do")) != 0 {
		t.Error("warns of a loopback address")
	}
}

func TestOperatorsPortStopsWithTheService(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--admin-addr", "0.0.0.0:0"}})
	if len(p.logged("metrics and profiles are open to whoever reaches this address; see to it that only operators do")) != 1 {
		t.Error("does not warn of an address that others reach")
	}
	o := p.operator(t)
	o.url = strings.Replace(o.url, "[::]", "127.0.0.1", 1)
	// A profile that is under way must not hold up the end.
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		if r, err := http.Get(o.url + "/debug/pprof/profile?seconds=50"); err == nil {
			_ = r.Body.Close()
		}
	}()
	eventually(t, 10*time.Second, "the profile to begin", func() bool {
		_, text := o.get("/debug/pprof/goroutine?debug=2", "pat.example")
		return strings.Contains(text, "pprof.Profile(")
	})
	p.mustStop(t)
	<-begun
	if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(o.url, "http://"), time.Second); err == nil {
		_ = conn.Close()
		t.Error("somebody still listens")
	}
	out := runProgram(t, nil, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--admin-addr", shared.addr)
	out.failsWith(t, 1, "--admin-addr", "address already in use")
}
