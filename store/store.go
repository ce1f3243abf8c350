package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/FalkorDB/falkordb-go/v2"
	"github.com/redis/go-redis/v9"
)

// DefaultGraph is the graph's name unless Options say otherwise.
const DefaultGraph = "token_management"

const (
	defaultTimeout  = 3 * time.Second
	defaultPoolSize = 64
)

// Options configure Open.
type Options struct {
	// URL is the store's address: falkor, falkors, redis, rediss or unix as its scheme.
	URL string
	// Graph is the graph's name, DefaultGraph when empty.
	Graph string
	// Timeout bounds every query, the wait for a connection included; 3 s when
	// zero. Where the store's log is synced once a second, less than two seconds
	// would refuse writes that are in order.
	Timeout time.Duration
	// PoolSize bounds the connections; 64 when zero.
	PoolSize int
	// Observe, where it is set, is told of every command: its name, and how long
	// it took with the wait for a connection.
	Observe func(command string, took time.Duration, err error)
	// Log receives what an operator should know.
	Log *slog.Logger
}

func (o *Options) validate() error {
	if o.URL == "" {
		return errors.New("store URL is missing")
	}
	if o.Graph == "" {
		o.Graph = DefaultGraph
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.PoolSize == 0 {
		o.PoolSize = defaultPoolSize
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Store is a connection to the graph of tokens. It is safe for concurrent use.
type Store struct {
	db         *falkordb.FalkorDB // of which only the connection is used: its queries take no context
	graph      string
	edition    string // the key of the edition
	timeout    time.Duration
	poolSize   int
	durability Durability
	observe    func(command string, took time.Duration, err error)
	log        *slog.Logger
	linker     *linker
	opened     atomic.Uint64 // how many connections were, or were about to be

	mu      sync.RWMutex   // guards closed, and running against being waited for too early
	closed  bool           // no operation begins any more
	running sync.WaitGroup // the commands under way
}

// Open connects to the store, brings its schema up to date and waits until
// indexes and constraints work.
//
// It returns ErrUnavailable when the store is out of reach, and an error that
// says what to do when existing rows violate a constraint.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Store{graph: o.Graph, edition: editionKey(o.Graph), timeout: o.Timeout, poolSize: o.PoolSize, observe: o.Observe, log: o.Log}
	client, err := connect(o, s.admit)
	if err != nil {
		return nil, err
	}
	s.db = &falkordb.FalkorDB{Conn: client}
	if err := s.start(ctx, client.Options()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, asked *redis.Options) error {
	if err := s.followSentinel(ctx, asked); err != nil {
		return fmt.Errorf("reach the store: %w", err)
	}
	// A store that is still loading its data refuses this one already.
	if _, err := s.command(ctx, s.sendOnce, "PING"); err != nil {
		return fmt.Errorf("reach the store: %w", err)
	}
	var err error
	if s.durability, err = s.findDurability(ctx); err != nil {
		return fmt.Errorf("ask the store for its settings: %w", err)
	}
	if s.durability == durabilityNone {
		s.log.WarnContext(ctx, "what the store has answered may be lost when it crashes; start it with --appendonly yes --appendfsync always")
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.startLinking(ctx)
	return nil
}

// client is falkordb-go's connection. Where a Sentinel is asked it is a
// *redis.Client too.
func (s *Store) client() *redis.Client {
	return s.db.Conn.(*redis.Client) // connect and followSentinel make no other
}

// Client is the store's own connection pool, for what shares the store beside
// the graph (the login limit). Keys must not begin with the graph's name.
func (s *Store) Client() redis.UniversalClient { return s.db.Conn }

// Graph is the name of the graph.
func (s *Store) Graph() string { return s.graph }

// Pool tells of the store's connections.
type Pool struct {
	// Open is how many there are, Idle how many of them nobody uses, Limit how
	// many there may be.
	Open, Idle, Limit int
	// Waits counts the commands that had to wait for one, TimedOut those that
	// waited in vain.
	Waits, TimedOut uint64
}

// Pool tells of the store's connections now.
func (s *Store) Pool() Pool {
	stats := s.client().PoolStats()
	return Pool{
		Open: int(stats.TotalConns), Idle: int(stats.IdleConns), Limit: s.poolSize,
		Waits: uint64(stats.WaitCount), TimedOut: uint64(stats.Timeouts),
	}
}

// Close ends all connections and waits for what was under way, which returns
// ErrUnavailable, as all later operations do. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stopLinking()
	err := s.client().Close()
	s.running.Wait()
	if err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
