package metrics

import (
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// namespace begins the name of every metric of ours.
const namespace = "falkorpat"

// buckets are for durations in seconds: from what memory answers to what a
// timeout ends.
func buckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// Metrics are the numbers of one service. They are safe for concurrent use.
type Metrics struct {
	registry        *prometheus.Registry
	requests        *prometheus.CounterVec
	durations       *prometheus.HistogramVec
	inFlight        prometheus.Gauge
	authentications *prometheus.CounterVec
	store           *prometheus.HistogramVec
}

// New makes Metrics, with those of Go and of the process among them. version and
// revision say what was built; revision may be empty.
func New(version, revision string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_requests_total", Help: "Requests answered, by operation of openapi.yaml and status.",
		}, []string{"operation", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_duration_seconds", Help: "How long requests took, by operation.", Buckets: buckets(),
		}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests that are being answered.",
		}),
		authentications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "authentications_total", Help: "Tokens and sessions judged: accepted, or the code of the refusal.",
		}, []string{"outcome"}),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "store_duration_seconds", Help: "How long commands to the store took, by command and result (ok, error).",
			Buckets: buckets(),
		}, []string{"command", "result"}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "What was built; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(
		m.requests, m.durations, m.inFlight, m.authentications, m.store, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Authentication counts one judgment of a token or session. The outcome is
// "accepted" or a code of the API's errors.
func (m *Metrics) Authentication(outcome string) { m.authentications.WithLabelValues(outcome).Inc() }

// Store times one command to the store. The command is its name, without
// arguments.
func (m *Metrics) Store(command string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.store.WithLabelValues(command, result).Observe(took.Seconds())
}

// Operation measures the requests of one operation.
type Operation struct {
	inFlight prometheus.Gauge
	duration prometheus.Observer
	// declared are the counters of the statuses that were announced, found
	// without a look at labels.
	declared map[int]prometheus.Counter
	requests *prometheus.CounterVec
}

// Operation gives what measures an operation. The statuses that it usually
// answers with are there from the beginning, as zero.
func (m *Metrics) Operation(id string, statuses ...int) *Operation {
	o := &Operation{
		inFlight: m.inFlight, duration: m.durations.WithLabelValues(id), declared: make(map[int]prometheus.Counter, len(statuses)),
		requests: m.requests.MustCurryWith(prometheus.Labels{"operation": id}),
	}
	for _, status := range statuses {
		o.declared[status] = o.requests.WithLabelValues(strconv.Itoa(status))
	}
	return o
}

// Begin notes a request that is about to be answered.
func (o *Operation) Begin() { o.inFlight.Inc() }

// End notes its answer.
func (o *Operation) End(status int, took time.Duration) {
	o.inFlight.Dec()
	o.duration.Observe(took.Seconds())
	if counter, ok := o.declared[status]; ok {
		counter.Inc()
		return
	}
	o.requests.WithLabelValues(strconv.Itoa(status)).Inc()
}
