package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ParseURL reads a store's address. Its errors never hold the URL, which may
// carry a password.
func ParseURL(address string) (*redis.Options, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, errors.New("store URL has no scheme; use falkor, falkors, falkordb, redis, rediss or unix")
	}
	switch scheme {
	case "falkor", "falkordb", "redis":
		scheme = "redis"
	case "falkors", "rediss":
		scheme = "rediss"
	case "unix":
	default:
		return nil, errors.New("store URL has an unknown scheme; use falkor, falkors, falkordb, redis, rediss or unix")
	}
	options, err := redis.ParseURL(scheme + "://" + rest)
	if err != nil {
		return nil, errors.New("store URL is malformed; its form is falkor://user:password@host:port")
	}
	return options, nil
}

// errReplica is why a connection to a replica is given up: what was revoked may
// still be active there. It is a pair of errors because the client library
// would unwrap a single one.
var errReplica = fmt.Errorf("%w: %w", ErrUnavailable, errors.New("it is a replica; give the address of the primary or of a Sentinel"))

// connect makes the client for an address; admit is asked about every new
// connection. Nothing is sent yet. The client is ours to tune; falkordb-go's own
// constructors wait without a bound and take a Sentinel's answer for a map, which
// it is in RESP3 only.
func connect(o Options, admit admission) (*redis.Client, error) {
	options, err := ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	tune(options, o)
	options.OnConnect = admit
	return redis.NewClient(options), nil
}

// followSentinel asks who listens at the address, and where that is a Sentinel
// turns to the primary that it watches, now and after every failover.
func (s *Store) followSentinel(ctx context.Context, asked *redis.Options) error {
	reply, err := s.call(ctx, s.sendOnce, "ROLE")
	if err != nil && !isRefusal(err) {
		return classify(err)
	}
	role, _ := reply.([]any)
	if len(role) < 2 || role[0] != "sentinel" {
		return nil
	}
	if err := s.client().Close(); err != nil {
		return fmt.Errorf("close the connection to the Sentinel: %w", err)
	}
	watched, _ := role[1].([]any)
	if len(watched) != 1 {
		return fmt.Errorf("the Sentinel watches %d primaries, want 1", len(watched))
	}
	s.db.Conn = redis.NewFailoverClient(failover(asked, fmt.Sprint(watched[0])))
	return nil
}

// tune sets what every connection needs, whatever the URL says.
func tune(options *redis.Options, o Options) {
	options.Protocol = 2 // nested replies are the same in 3, and maps more work
	options.DisableIdentity = true
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // a write must not be sent twice; reads retry for themselves
	options.DialerRetries, options.DialerRetryTimeout = 1, time.Millisecond
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	options.PoolSize = o.PoolSize
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// admission decides on a new connection before anything else is sent over it.
type admission func(ctx context.Context, conn *redis.Conn) error

// admit is the admission of the store's own connections.
func (s *Store) admit(ctx context.Context, conn *redis.Conn) error {
	s.opened.Add(1)
	return refuseReplica(ctx, conn)
}

// refuseReplica looks at every new connection: after a failover, the address of
// the primary may lead to what is a replica now. A store that does not let us
// ask is taken for a primary.
func refuseReplica(ctx context.Context, conn *redis.Conn) error {
	role, err := conn.Do(ctx, "ROLE").Slice()
	if err != nil && !isRefusal(err) {
		return err //nolint:wrapcheck // the caller classifies it
	}
	if len(role) > 0 && role[0] == "slave" {
		return errReplica
	}
	return nil
}

// failover carries the options over to a client that asks a Sentinel.
func failover(o *redis.Options, name string) *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName: name, SentinelAddrs: []string{o.Addr}, SentinelUsername: o.Username, SentinelPassword: o.Password,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, DisableIdentity: o.DisableIdentity, MaxRetries: o.MaxRetries, OnConnect: o.OnConnect,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
	}
}
