package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// These make the functions that other packages call as things happen. Names are
// without "falkorpat_", with the unit at their end ("…_seconds", "…_total"); one
// that is taken panics, at the start of the program. Labels are constants that
// tell apart metrics of one name.

// Labels tell apart metrics of one name.
type Labels = prometheus.Labels

// Counter counts things that happen: n more of them.
func (m *Metrics) Counter(name, help string, labels Labels) func(n int) {
	counter := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels})
	m.registry.MustRegister(counter)
	return func(n int) { counter.Add(float64(n)) }
}

// Timer takes times.
func (m *Metrics) Timer(name, help string, labels Labels) func(took time.Duration) {
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: labels, Buckets: buckets(),
	})
	m.registry.MustRegister(histogram)
	return func(took time.Duration) { histogram.Observe(took.Seconds()) }
}

// Flag says whether something is so: 1 or 0, which it begins with.
func (m *Metrics) Flag(name, help string, labels Labels) func(on bool) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels})
	m.registry.MustRegister(gauge)
	return func(on bool) {
		if on {
			gauge.Set(1)
		} else {
			gauge.Set(0)
		}
	}
}

// Watch asks for a number whenever the metrics are read.
func (m *Metrics) Watch(name, help string, labels Labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels}, value))
}

// WatchTotal is Watch for a number that only ever grows.
func (m *Metrics) WatchTotal(name, help string, labels Labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels}, value))
}
