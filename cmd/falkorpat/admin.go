package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/falkorpat/falkorpat/server"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/server/metrics"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// These bound what a slow or silent client of the operator's port can hold.
const (
	adminHeaderTimeout = 5 * time.Second
	adminWriteTimeout  = metrics.LongestProfile + 10*time.Second
	adminIdleTimeout   = time.Minute
	adminHeaderBytes   = 16 << 10
	// adminDrainTime is how long the operator's port waits for profiles at the end.
	adminDrainTime = 200 * time.Millisecond
)

// startAdmin opens the operator's port, if there is to be one. Everything that
// measures asks for it, so it comes first.
func (a *app) startAdmin(ctx context.Context) error {
	if a.AdminAddr == "" {
		return nil
	}
	a.metrics = metrics.New(version, revision())
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", a.AdminAddr)
	if err != nil {
		return fmt.Errorf("--admin-addr: %w", err)
	}
	handler := a.metrics.Handler(a.log)
	if isLoopback(a.AdminAddr) {
		handler = localNamesOnly(handler)
	} else {
		a.log.WarnContext(ctx, "metrics and profiles are open to whoever reaches this address; see to it that only operators do", "addr", listener.Addr().String())
	}
	serving := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: adminHeaderTimeout, ReadTimeout: adminHeaderTimeout, WriteTimeout: adminWriteTimeout, IdleTimeout: adminIdleTimeout,
		MaxHeaderBytes: adminHeaderBytes,
		ErrorLog:       slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := serving.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("serve metrics: %w", err))
		}
	}()
	a.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, adminDrainTime)
		defer cancel()
		err := serving.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = serving.Close() // a profile is not worth waiting for
		}
		<-done
		return err
	})
	a.log.InfoContext(ctx, "metrics and profiles are served", "addr", listener.Addr().String())
	return nil
}

// localNamesOnly refuses requests for the names of other machines: a page whose
// name has been pointed here must not read what the operator's port says.
func localNamesOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.IsLocalName(r.Host) {
			http.Error(w, "This port answers to localhost only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// observeStore is what times the store's commands; nil without an operator's port.
func (a *app) observeStore() func(command string, took time.Duration, err error) {
	if a.metrics == nil {
		return nil
	}
	return a.metrics.Store
}

// tokenMetrics are what the token service calls; nothing without an operator's port.
func (a *app) tokenMetrics() tokens.Metrics {
	if a.metrics == nil {
		return tokens.Metrics{}
	}
	swept := func(kind string) func(int) {
		return a.metrics.Counter("swept_total", "What was over and has been swept, by kind.", metrics.Labels{"kind": kind})
	}
	lookups := func(result string) func(int) {
		return a.metrics.Counter("token_lookups_total", "Tokens verified, by whether what was remembered was enough (hit, miss).", metrics.Labels{"result": result})
	}
	hits, misses := lookups("hit"), lookups("miss")
	sweptTokens, sweptSessions, sweptKeys := swept("token"), swept("session"), swept("idempotency_key")
	return tokens.Metrics{
		Hit:     func() { hits(1) },
		Missed:  func() { misses(1) },
		Revoked: a.metrics.Timer("revocation_duration_seconds", "How long revocations took, until no replica accepted the token any more.", nil),
		Written: a.metrics.Counter("uses_written_total", "Latest uses of tokens written to the store.", nil),
		Dropped: a.metrics.Counter("uses_dropped_total", "Uses of tokens not noted, because too many tokens are in use at once.", nil),
		Swept: func(tokens, sessions, keys int) {
			sweptTokens(tokens)
			sweptSessions(sessions)
			sweptKeys(keys)
		},
	}
}

// leaseMetrics are what the lease calls; nothing without an operator's port.
func (a *app) leaseMetrics() lease.Metrics {
	if a.metrics == nil {
		return lease.Metrics{}
	}
	confirmed := a.metrics.Timer("lease_confirmation_duration_seconds", "How long it took until every replica knew of a change, or its lease was over.", nil)
	return lease.Metrics{
		Held:      a.metrics.Flag("lease_held", "Whether this replica holds a lease, and so may go by what it remembers.", nil),
		Confirmed: func(took time.Duration, _ int) { confirmed(took) },
	}
}

// watch has the numbers read that others keep.
func (a *app) watch(kept *store.Store, directory *instance.Directory, service *tokens.Service, history *audit.Service) {
	if a.metrics == nil {
		return
	}
	const connections, help = "store_connections", "Connections to the store, by state; limit is how many there may be."
	a.metrics.Watch(connections, help, metrics.Labels{"state": "open"}, func() float64 { return float64(kept.Pool().Open) })
	a.metrics.Watch(connections, help, metrics.Labels{"state": "idle"}, func() float64 { return float64(kept.Pool().Idle) })
	a.metrics.Watch(connections, help, metrics.Labels{"state": "limit"}, func() float64 { return float64(kept.Pool().Limit) })
	a.metrics.WatchTotal("store_connection_waits_total", "Commands that had to wait for a connection to the store.", nil,
		func() float64 { return float64(kept.Pool().Waits) })
	a.metrics.WatchTotal("store_connection_timeouts_total", "Commands that waited for a connection to the store in vain.", nil,
		func() float64 { return float64(kept.Pool().TimedOut) })
	for _, one := range directory.Instances() {
		a.watchInstance(directory, one)
	}
	a.metrics.Watch("tokens_remembered", "Tokens that are verified from memory, about.", nil, func() float64 { return float64(service.Remembered()) })
	a.metrics.Watch("uses_held", "Tokens whose latest use is held in memory.", nil, func() float64 { return float64(service.Recorded()) })
	a.metrics.Watch("events_queued", "Events that wait to be written.", nil, func() float64 { return float64(history.Queued()) })
	a.metrics.WatchTotal("events_lost_total", "Events not recorded, because too many waited.", nil, func() float64 { return float64(history.Lost()) })
}

// watchInstance has the numbers read of one FalkorDB instance.
func (a *app) watchInstance(directory *instance.Directory, one instance.Instance) {
	watch := func(name, help, label, value string, number func() int) {
		a.metrics.Watch(name, help, metrics.Labels{"instance": one.String(), label: value}, func() float64 { return float64(number()) })
	}
	const logins, loginsHelp = "instance_logins", "Logins to a FalkorDB instance under way, for strangers and for tokens and sessions."
	watch(logins, loginsHelp, "for", "stranger", func() int {
		strangers, _ := directory.Logins(one)
		return strangers
	})
	watch(logins, loginsHelp, "for", "token", func() int {
		_, kept := directory.Logins(one)
		return kept
	})
	const connections, connectionsHelp = "instance_connections", "Connections to a FalkorDB instance that are kept for queries, by state."
	watch(connections, connectionsHelp, "state", "open", func() int {
		open, _ := directory.Connections(one)
		return open
	})
	watch(connections, connectionsHelp, "state", "idle", func() int {
		_, idle := directory.Connections(one)
		return idle
	})
}
