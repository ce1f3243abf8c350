package instance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// dial opens a guarded connection to an allowed instance, as connect does.
func dial(ctx context.Context, target Allowed, useTLS bool, roots *x509.CertPool) (*guard, error) {
	conn, raw, err := connect(ctx, target, useTLS, roots)
	if err != nil {
		return nil, err
	}
	return newGuard(conn, raw), nil
}

// connect opens a connection to an allowed instance, in the operator's
// spelling, and ends with ctx. With TLS the certificate must be valid for the
// operator's host and lead to roots (nil: the system's). What it returns first
// is read and written, raw is the connection below.
func connect(ctx context.Context, target Allowed, useTLS bool, roots *x509.CertPool) (conn, raw net.Conn, err error) {
	raw, err = new(net.Dialer).DialContext(ctx, "tcp", target.Address())
	if err != nil {
		return nil, nil, unreachable("dial", err)
	}
	if !useTLS {
		return raw, raw, nil
	}
	// A zone picks a network interface of this machine; no certificate has it.
	name, _, _ := strings.Cut(target.host, "%")
	secure := tls.Client(raw, &tls.Config{
		RootCAs:    roots,
		ServerName: name,
		MinVersion: tls.VersionTLS12,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, nil, unreachable("TLS", err)
	}
	return secure, raw, nil
}

// newClient returns a Redis client that speaks over conn and nothing else. It
// is given a connection that stands, because its own dialling ends at no
// context and goes on in the background after a failure. It must be used for
// one dedicated connection with no second attempt, and be closed.
//
// It has no user name and no password: with an empty password the client would
// leave AUTH out, and everybody would be the user "default".
func newClient(conn net.Conn, address string, timeout time.Duration) *redis.Client {
	handover := make(chan net.Conn, 1)
	handover <- conn
	return redis.NewClient(&redis.Options{
		Addr: address,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			select {
			case conn := <-handover:
				return conn, nil
			default:
				return nil, errHandover
			}
		},
		Protocol:              2,
		DisableIdentity:       true,
		MaxRetries:            -1,
		DialerRetries:         1,
		PoolSize:              1,
		ContextTimeoutEnabled: true,
		DialTimeout:           timeout,
		ReadTimeout:           timeout,
		WriteTimeout:          timeout,
		PoolTimeout:           timeout,
		ReadBufferSize:        4 << 10,
		WriteBufferSize:       4 << 10,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode:         maintnotifications.ModeDisabled,
			EndpointType: maintnotifications.EndpointTypeNone,
		},
	})
}
