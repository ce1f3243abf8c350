package instance

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// Login logs in to the instance that c names, finds the user's role and
// disconnects. It returns within Options.Timeout.
//
// It returns ErrBadCA when c.CA is malformed, at once. Every other error wraps
// ErrLogin and is one of ErrNotAllowed, ErrRefused and ErrUnreachable, or is
// ErrBusy; none of them comes before Options.FailureFloor has passed, unless ctx
// ends. When ctx ends the error is ErrUnreachable or ErrBusy and wraps ctx's own.
func (d *Directory) Login(ctx context.Context, c Credentials) (Identity, error) {
	floor := time.NewTimer(d.floor)
	defer floor.Stop()
	roots, err := parseCA(c.CA)
	if err != nil {
		return Identity{}, err
	}
	identity, err := d.identify(ctx, forStranger, c, roots)
	if err == nil {
		return identity, nil
	}
	d.logFailure(ctx, c, err)
	select {
	case <-floor.C:
	case <-ctx.Done():
	}
	return Identity{}, err
}

// Recheck is Login for credentials that have been good once: its errors come as
// soon as they are known, and it does not wait behind strangers.
func (d *Directory) Recheck(ctx context.Context, c Credentials) (Identity, error) {
	roots, err := parseCA(c.CA)
	if err != nil {
		return Identity{}, err
	}
	identity, err := d.identify(ctx, forKept, c, roots)
	if err != nil {
		d.logFailure(ctx, c, err)
	}
	return identity, err
}

// Ping logs in with c, as Recheck does, and asks the instance for a sign of
// life. Its errors are Recheck's. A user without the right to PING is answered
// by the refusal of it, which is sign enough.
func (d *Directory) Ping(ctx context.Context, c Credentials) error {
	roots, err := parseCA(c.CA)
	if err != nil {
		return err
	}
	var ping *redis.StatusCmd
	_, err = d.converse(ctx, forKept, c, roots, func(p redis.Pipeliner) {
		ping = p.Ping(ctx)
	})
	if err != nil {
		return err
	}
	if code := replyCode(ping.Err()); ping.Err() != nil && code != "NOPERM" {
		return unreachable("ping", errNotReady)
	}
	return nil
}

// identify logs in and probes the role.
func (d *Directory) identify(ctx context.Context, p purpose, c Credentials, roots *x509.CertPool) (Identity, error) {
	var probe probe
	where, err := d.converse(ctx, p, c, roots, func(p redis.Pipeliner) {
		probe.ask(ctx, p, c.Username)
	})
	if err != nil {
		return Identity{}, err
	}
	role, err := probe.role()
	if err != nil {
		return Identity{}, err
	}
	return Identity{Instance: where, Username: c.Username, Role: role}, nil
}

// converse connects to the instance that c names, logs in and sends what ask
// queues, all commands in one write. Without an error the user is logged in
// and every command has an answer, which may be an error reply.
func (d *Directory) converse(
	ctx context.Context, p purpose, c Credentials, roots *x509.CertPool, ask func(redis.Pipeliner),
) (Instance, error) {
	target, err := d.find(c)
	if err != nil {
		return Instance{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	release, err := d.acquire(ctx, slotKey{target.instance, p})
	if err != nil {
		return Instance{}, err
	}
	defer release()
	conn, err := dial(ctx, target, c.TLS, roots)
	if err != nil {
		return Instance{}, err
	}
	// The client minds ctx's deadline only; this ends it when ctx is cancelled.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client := newClient(conn, target.Address(), d.timeout)
	defer func() { _ = client.Close() }()
	return target.instance, authenticate(ctx, client, c, ask)
}

// authenticate sends AUTH and what ask queues on a dedicated connection, and
// judges AUTH's answer. The queued commands run even when AUTH was refused,
// then as nobody or as the user "default": their answers count only when this
// returns nil, and they must be free of effects.
func authenticate(ctx context.Context, client *redis.Client, c Credentials, ask func(redis.Pipeliner)) error {
	// Closing conn would hand it back to the client for somebody else; the
	// caller closes the client instead, and the connection with it.
	conn := client.Conn()
	var auth *redis.StatusCmd
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		auth = p.AuthACL(ctx, c.Username, c.Password)
		ask(p)
		return nil
	})
	// The commands' own errors do not tell that the connection was never made,
	// the pipeline's does; so it is looked at first.
	var reply redis.Error
	if err != nil && !errors.As(err, &reply) {
		return unreachable("exchange", transportCause(ctx, err))
	}
	switch {
	case auth.Err() == nil && auth.Val() == "OK":
		return nil
	case replyCode(auth.Err()) == "WRONGPASS":
		return ErrRefused
	default:
		return unreachable("AUTH", errNotReady)
	}
}

// logFailure writes one line about a failed login. A refused login is the
// caller's matter, an instance that cannot be reached is worth a warning. What
// the caller typed stays out: people type passwords into the wrong field.
func (d *Directory) logFailure(ctx context.Context, c Credentials, err error) {
	level, where := slog.LevelInfo, "not allowed"
	if target, findErr := d.find(c); findErr == nil {
		where = target.instance.String()
	}
	if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		level = slog.LevelWarn
	}
	d.log.LogAttrs(ctx, level, "login failed",
		slog.String("instance", where), slog.Bool("tls", c.TLS), slog.Any("error", err))
}
