package metrics

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// read reads the metrics as Prometheus does.
func read(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("answered %d, %v", w.Code, w.Header())
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// one gives the metric with all of some labels, written "name=value".
func one(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) *dto.Metric {
	t.Helper()
	for _, metric := range families[name].GetMetric() {
		var has []string
		for _, pair := range metric.GetLabel() {
			has = append(has, pair.GetName()+"="+pair.GetValue())
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(has, l) }) {
			return metric
		}
	}
	t.Fatalf("no %s with %q", name, labels)
	return nil
}

func TestRequestsAreCountedAndTimedByOperation(t *testing.T) {
	t.Parallel()
	m := New("1.2.3", "abc")
	list := m.Operation("listTokens", 200, 401)
	list.Begin()
	list.Begin()
	list.Begin()
	list.End(200, 3*time.Millisecond)
	list.End(418, time.Second)
	families := read(t, m)
	for status, want := range map[string]float64{"200": 1, "401": 0, "418": 1} {
		if got := one(t, families, "falkorpat_http_requests_total", "operation=listTokens", "status="+status).GetCounter().GetValue(); got != want {
			t.Errorf("%s was counted %v times, want %v", status, got, want)
		}
	}
	took := one(t, families, "falkorpat_http_request_duration_seconds", "operation=listTokens").GetHistogram()
	if took.GetSampleCount() != 2 || took.GetSampleSum() != 1.003 {
		t.Errorf("timed %d, %v s in all", took.GetSampleCount(), took.GetSampleSum())
	}
	if got := one(t, families, "falkorpat_http_requests_in_flight").GetGauge().GetValue(); got != 1 {
		t.Errorf("%v are in flight, want 1", got)
	}
	one(t, families, "falkorpat_build_info", "version=1.2.3", "revision=abc")
	one(t, families, "go_goroutines")
}

func TestWhatIsRegisteredIsRead(t *testing.T) {
	t.Parallel()
	m := New("1", "")
	m.Authentication("accepted")
	m.Store("GRAPH.QUERY", time.Millisecond, nil)
	m.Store("GRAPH.QUERY", time.Second, errors.New("lost"))
	m.Counter("things_total", "Things.", Labels{"kind": "a"})(2)
	m.Counter("things_total", "Things.", Labels{"kind": "b"})(3)
	m.Timer("work_duration_seconds", "Work.", nil)(time.Minute)
	flag := m.Flag("lease_held", "Lease.", nil)
	flag(true)
	m.Watch("pool_connections", "Pool.", Labels{"state": "idle"}, func() float64 { return 7 })
	m.WatchTotal("waits_total", "Waits.", nil, func() float64 { return 9 })
	families := read(t, m)
	for name, got := range map[string][2]float64{
		"outcome":  {one(t, families, "falkorpat_authentications_total", "outcome=accepted").GetCounter().GetValue(), 1},
		"ok":       {float64(one(t, families, "falkorpat_store_duration_seconds", "result=ok").GetHistogram().GetSampleCount()), 1},
		"error":    {one(t, families, "falkorpat_store_duration_seconds", "result=error").GetHistogram().GetSampleSum(), 1},
		"kind a":   {one(t, families, "falkorpat_things_total", "kind=a").GetCounter().GetValue(), 2},
		"kind b":   {one(t, families, "falkorpat_things_total", "kind=b").GetCounter().GetValue(), 3},
		"timer":    {one(t, families, "falkorpat_work_duration_seconds").GetHistogram().GetSampleSum(), 60},
		"flag":     {one(t, families, "falkorpat_lease_held").GetGauge().GetValue(), 1},
		"watched":  {one(t, families, "falkorpat_pool_connections", "state=idle").GetGauge().GetValue(), 7},
		"in total": {one(t, families, "falkorpat_waits_total").GetCounter().GetValue(), 9},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
	flag(false)
	if got := one(t, read(t, m), "falkorpat_lease_held").GetGauge().GetValue(); got != 0 {
		t.Errorf("lowered, the flag is %v", got)
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestTwoServicesShareNothing(t *testing.T) {
	t.Parallel()
	a, b := New("1", ""), New("1", "")
	a.Authentication("accepted")
	a.Counter("things_total", "Things.", nil)(1)
	b.Counter("things_total", "Things.", nil)
	families := read(t, b)
	if len(families["falkorpat_authentications_total"].GetMetric()) != 0 || one(t, families, "falkorpat_things_total").GetCounter().GetValue() != 0 {
		t.Error("one counts for the other")
	}
}

func TestProfilesAreServedWithoutTheCommandLine(t *testing.T) {
	t.Parallel()
	handler := New("1", "").Handler(slog.New(slog.DiscardHandler))
	for request, want := range map[string]int{
		"GET /debug/pprof/": 200, "GET /debug/pprof/heap": 200, "GET /debug/pprof/goroutine?debug=1": 200, "GET /debug/pprof/symbol": 200,
		"GET /debug/pprof/trace?seconds=0.01": 200, "GET /debug/pprof/trace?seconds=60.1": 400,
		"GET /debug/pprof/profile?seconds=3600": 400, "GET /debug/pprof/heap?seconds=61": 400, "GET /debug/pprof/profile?seconds=NaN": 400,
		"GET /debug/pprof/cmdline": 404, "GET /debug/pprof/nothing": 404,
		"POST /metrics": 405, "POST /debug/pprof/heap": 405, "GET /": 404, "GET /api/auth/tokens": 404,
	} {
		method, target, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, target, http.NoBody))
		if w.Code != want {
			t.Errorf("%s answered %d, want %d", request, w.Code, want)
		}
	}
}
