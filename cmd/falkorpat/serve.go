package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9/logging"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/graph"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/server/metrics"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
)

const (
	// drainTime is how long requests under way may take to finish at the end.
	drainTime = 1500 * time.Millisecond
	// flushTime bounds the last write of uses.
	flushTime = 1200 * time.Millisecond
	// leaveTime bounds the giving up of the lease.
	leaveTime = 300 * time.Millisecond
)

type serveCommand struct {
	config
}

// Run serves until the context ends.
func (c *serveCommand) Run(env *environment) error {
	s, err := c.read()
	if err != nil {
		return err
	}
	logs := newLogs(env.stderr, s.LogFormat, s.LogLevel)
	log := logs.now
	s.logGenerated(env.ctx, log)
	// What goes wrong in the Redis client comes back as an error. What it would
	// print besides is no log entry, and repeats other servers' words.
	logging.Disable()
	a := &app{settings: s, log: log, requests: logs.requests, fatal: make(chan error, 1)}
	err = a.start(env.ctx)
	if err == nil {
		if s.Dev {
			err = a.greet(env.stdout)
		}
		if err == nil {
			err = a.wait(env.ctx)
		}
	}
	// The context has ended; stopping has bounds of its own.
	return errors.Join(err, a.stop(context.WithoutCancel(env.ctx)))
}

// app is all that runs, in the order it was started.
type app struct {
	*settings
	log *slog.Logger
	// requests gets the lines of requests.
	requests *slog.Logger
	// fatal receives what ends the service by itself.
	fatal chan error
	// stops end what has been started; the last started ends first.
	stops []func(ctx context.Context) error

	// metrics are nil without an operator's port.
	metrics  *metrics.Metrics
	listener net.Listener
	dev      *devInstance
}

func (a *app) onStop(stop func(ctx context.Context) error) { a.stops = append(a.stops, stop) }

func (a *app) stop(ctx context.Context) error {
	var errs []error
	for i := len(a.stops) - 1; i >= 0; i-- {
		errs = append(errs, a.stops[i](ctx))
	}
	a.stops = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	a.log.InfoContext(ctx, "stopped")
	return nil
}

// wait returns when the context ends, or with what ended the service.
func (a *app) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		a.log.InfoContext(ctx, "stopping")
		return nil
	case err := <-a.fatal:
		return err
	}
}

// fail ends the service; only the first reason counts.
func (a *app) fail(err error) {
	select {
	case a.fatal <- err:
	default:
	}
}

func (a *app) start(ctx context.Context) error {
	if err := a.startAdmin(ctx); err != nil {
		return err
	}
	if a.Dev {
		if err := a.startDev(ctx); err != nil {
			return fmt.Errorf("development instance: %w", err)
		}
	}
	kept, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	handler, err := a.wire(ctx, kept)
	if err != nil {
		return err
	}
	if err := a.listen(ctx, handler); err != nil {
		return err
	}
	a.tendMemory(context.WithoutCancel(ctx)) // until stop
	return nil
}

// openStore connects to the store, after starting one where none is named.
func (a *app) openStore(ctx context.Context) (*store.Store, error) {
	url := a.StoreURL
	if url == "" {
		engine, err := a.startEngine(ctx, &embedded.Server{Dir: filepath.Join(a.DataDir, "store")})
		if err != nil {
			return nil, fmt.Errorf("private store: %w", err)
		}
		url = engine.URL()
	}
	kept, err := store.Open(ctx, store.Options{URL: url, Observe: a.observeStore(), Log: a.log})
	if err != nil {
		return nil, fmt.Errorf("token store: %w", err)
	}
	a.onStop(func(context.Context) error { return kept.Close() })
	a.log.InfoContext(ctx, "token store open", "private", a.StoreURL == "", "durability", kept.Durability())
	return kept, nil
}

// startEngine starts a private FalkorDB, whose end ends the service.
func (a *app) startEngine(ctx context.Context, engine *embedded.Server) (*embedded.Server, error) {
	var err error
	if engine.Engine, err = embedded.Find(a.EngineDir); err != nil {
		return nil, err
	}
	engine.Log = a.log
	if err := engine.Start(ctx); err != nil {
		return nil, err
	}
	a.onStop(func(context.Context) error { return engine.Close() })
	go func() {
		// Ends with the engine, which Close ends at the latest.
		<-engine.Done()
		a.fail(fmt.Errorf("private FalkorDB in %s has ended: %w", engine.Dir, engine.Err()))
	}()
	return engine, nil
}

// wire makes the services and starts those that work in the background.
func (a *app) wire(ctx context.Context, kept *store.Store) (*server.Server, error) {
	directory, err := instance.New(instance.Options{Allowed: a.instances, Log: a.log})
	if err != nil {
		return nil, err
	}
	keeper, err := credentials.New(credentials.Options{
		Directory: directory,
		Limiter:   ratelimit.New(ratelimit.Options{Client: kept.Client(), PerMinute: a.LoginFailures}),
		Sealer:    crypto.NewSealer(a.sealing, rand.Reader, a.BrowserCompat),
		Now:       time.Now,
		Log:       a.log,
	})
	if err != nil {
		return nil, err
	}
	history, err := a.startHistory(ctx, kept, directory)
	if err != nil {
		return nil, err
	}
	graphs, err := graph.New(graph.Options{
		Keeper: keeper, Counter: redis_rate.NewLimiter(kept.Client()),
		Limits: graph.Limits{Timeout: a.QueryTimeout, Rows: a.QueryRows, Concurrent: a.QueryConcurrency, PerMinute: a.QueryRate},
	})
	if err != nil {
		return nil, err
	}
	held, err := a.startLease(ctx, kept, keeper, graphs)
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(session.Options{
		Store: kept, Keeper: keeper, Signing: a.signing, Audit: history, Now: time.Now, Random: rand.Reader,
		Lifetime: a.SessionLifetime, CookiePath: a.BasePath + "/",
		Ended: func(ctx context.Context, id string) { tellEnd(ctx, held, id) },
	})
	if err != nil {
		return nil, err
	}
	service, err := tokens.New(tokens.Options{
		Lease: held, Remember: a.TokenCache,
		Store: kept, Keeper: keeper, Signing: a.signing, Audit: history, BrowserCompat: a.BrowserCompat, Policy: a.policy(),
		Reports: ratelimit.New(ratelimit.Options{Client: kept.Client(), What: "report", PerMinute: a.LeakReports}),
		Now:     time.Now, Random: rand.Reader, Log: a.log, Metrics: a.tokenMetrics(),
	})
	if err != nil {
		return nil, err
	}
	a.watch(kept, directory, service, history)
	service.Start(context.WithoutCancel(ctx)) // until stop
	a.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		return service.Stop(ctx)
	})
	a.onStop(func(context.Context) error {
		directory.Close()
		return nil
	})
	return server.New(server.Options{
		Store: kept, Directory: directory, Keeper: keeper, Tokens: service, Sessions: sessions, Graphs: graphs, History: history,
		BasePath: a.BasePath, TrustedProxies: a.proxies, TokenHeader: a.VerifyHeader, LocalOnly: a.localOnly(), Metrics: a.metrics, Now: time.Now, Log: a.log, Requests: a.requests,
	})
}

// startLease starts what lets this replica remember tokens. FalkorDB Browser
// tells nobody what it revokes, so beside it nothing is remembered.
func (a *app) startLease(ctx context.Context, kept *store.Store, keeper *credentials.Keeper, graphs *graph.Service) (*lease.Lease, error) {
	held, err := lease.New(lease.Options{
		Client: kept.Client(), Graph: kept.Graph(), Off: a.BrowserCompat || a.TokenCache == 0,
		Forget:    func(id string) { keeper.Forget(id); graphs.Check(id) },
		ForgetAll: func() { keeper.ForgetAll(); graphs.CheckAll() },
		Now:       time.Now, Random: rand.Reader, Log: a.log, Metrics: a.leaseMetrics(),
	})
	if err != nil {
		return nil, err
	}
	held.Start(context.WithoutCancel(ctx)) // until stop
	a.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, leaveTime)
		defer cancel()
		if err := held.Stop(ctx); err != nil {
			// Others wait for the lease's end, and no longer.
			a.log.WarnContext(ctx, "the store was not told that this replica has stopped", "error", err)
		}
		return nil
	})
	return held, nil
}

// tellEnd tells all replicas that a session has ended. None of them remembers
// sessions: it is about what is under way, so nobody waits for one that is slow.
func tellEnd(ctx context.Context, held *lease.Lease, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	_ = held.Changed(ctx, id) // what is not told ends by its own limits
}

func (a *app) listen(ctx context.Context, handler *server.Server) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", a.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	a.listener = listener
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := handler.Serve(listener); err != nil {
			a.fail(err)
		}
	}()
	a.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, drainTime)
		defer cancel()
		err := handler.Shutdown(ctx)
		<-done
		if errors.Is(err, context.DeadlineExceeded) {
			// A client that dallies is no fault of the stop.
			a.log.WarnContext(ctx, "cut off requests that did not finish in time")
			return nil
		}
		return err
	})
	a.log.InfoContext(ctx, "ready", "addr", listener.Addr().String(), "version", version)
	return nil
}
