package metrics

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// scrapeTimeout bounds one reading of the metrics, maxScrapes how many go on
	// at once.
	scrapeTimeout = 10 * time.Second
	maxScrapes    = 4
	// LongestProfile bounds how long a profile may take.
	LongestProfile = time.Minute
)

// Handler serves /metrics and /debug/pprof/.
//
// Of Go's profiles the command line is left out: it may hold secrets, which
// operators can give as flags.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), Timeout: scrapeTimeout, MaxRequestsInFlight: maxScrapes,
		ErrorHandling: promhttp.HTTPErrorOnError,
	}))
	mux.HandleFunc("GET /debug/pprof/", brief(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", brief(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/trace", brief(pprof.Trace))
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// brief refuses profiles that would take longer than LongestProfile. The
// profiles move the server's own bound out of their way.
func brief(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
		if err == nil && !(seconds <= LongestProfile.Seconds()) {
			http.Error(w, "seconds must be at most "+strconv.Itoa(int(LongestProfile.Seconds()))+".", http.StatusBadRequest)
			return
		}
		next(w, r)
	}
}
