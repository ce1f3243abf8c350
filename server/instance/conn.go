package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/server/resp"
)

// Conn is a connection to an instance on which a user is logged in. It is
// given back with Release, and is not safe for concurrent use.
type Conn struct {
	*resp.Reader
	conn, raw net.Conn
	timer     *time.Timer
	pool      *pool
	// detach ends the watch over the context of whoever uses the connection.
	detach func() bool
}

// Connect gives a connection for a key, which stands for one token or session
// and so for one set of credentials: open gives them, and is called only when
// a connection has to be made. When ctx ends the connection is closed, whatever
// is under way on it.
//
// It returns the errors of Recheck, without ErrBadCA where a connection stood
// already, those of open, and ErrBusy when no connection became free in time.
func (d *Directory) Connect(ctx context.Context, where Instance, key string, open func() (Credentials, error)) (*Conn, error) {
	s, ok := d.pools[where]
	if !ok {
		return nil, ErrNotAllowed
	}
	p, err := s.enter(key)
	if err != nil {
		return nil, err
	}
	ctxWait, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := p.slot(ctxWait); err != nil {
		p.leave()
		return nil, err
	}
	c := p.take()
	if c == nil {
		if c, err = d.logIn(ctxWait, p, open); err != nil {
			<-p.slots
			p.leave()
			return nil, err
		}
	}
	c.detach = context.AfterFunc(ctx, c.close)
	return c, nil
}

// Disconnect closes the connections of a key at once, also those at work.
func (d *Directory) Disconnect(key string) {
	for _, s := range d.pools {
		s.drop(key)
	}
}

// Retire closes the connections of a key that nobody uses, and the others once
// they are given back.
func (d *Directory) Retire(key string) {
	for _, s := range d.pools {
		s.retire(key)
	}
}

// RetireAll is Retire for all keys.
func (d *Directory) RetireAll() {
	for _, s := range d.pools {
		for _, key := range s.keys() {
			s.retire(key)
		}
	}
}

// Close closes all connections that stay open. The Directory can still be used.
func (d *Directory) Close() {
	for _, s := range d.pools {
		s.all()
	}
}

// logIn makes a connection of a pool.
func (d *Directory) logIn(ctx context.Context, p *pool, open func() (Credentials, error)) (*Conn, error) {
	credentials, err := open()
	if err != nil {
		return nil, err
	}
	target, err := d.find(credentials)
	if err != nil {
		return nil, err
	}
	roots, err := parseCA(credentials.CA)
	if err != nil {
		return nil, err
	}
	conn, raw, err := connect(ctx, target, credentials.TLS, roots)
	if err != nil {
		return nil, err
	}
	c := &Conn{Reader: resp.NewReader(conn), conn: conn, raw: raw, pool: p}
	err = c.authenticate(ctx, credentials)
	if err == nil && !p.add(c) {
		err = unreachable("AUTH", errEnded)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// authenticate logs in on a fresh connection, always by name.
func (c *Conn) authenticate(ctx context.Context, credentials Credentials) error {
	defer context.AfterFunc(ctx, c.close)()
	if err := c.Send("AUTH", credentials.Username, credentials.Password); err != nil {
		return unreachable("AUTH", transportCause(ctx, err))
	}
	frame, err := c.Next()
	text := string(frame.Text)
	switch {
	case err != nil:
		return unreachable("AUTH", transportCause(ctx, err))
	case frame.Kind == resp.Status && text == "OK":
		return nil
	case frame.Kind == resp.Error && strings.HasPrefix(text, "WRONGPASS"):
		return ErrRefused
	default:
		return unreachable("AUTH", errNotReady)
	}
}

// Send sends a command. The caller reads the whole reply, or releases the
// connection as broken.
func (c *Conn) Send(args ...string) error {
	if _, err := c.conn.Write(resp.AppendCommand(nil, args...)); err != nil {
		return fmt.Errorf("send command: %w", err)
	}
	return nil
}

// Within bounds what follows on the connection in time; the zero time is no
// bound.
func (c *Conn) Within(deadline time.Time) { _ = c.conn.SetDeadline(deadline) } // it fails on a closed connection, as all else does then

// Release gives the connection back. Unless whole says that every reply was
// read to its end, it is closed.
func (c *Conn) Release(whole bool) {
	whole = c.detach() && whole && c.Clean()
	c.Within(time.Time{})
	c.pool.put(c, whole)
}

// Broken is the error for a reply that did not come in whole: ErrUnreachable,
// with a cause that is safe to print, and os.ErrDeadlineExceeded among its
// causes when the bound of Within has passed.
func Broken(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return unreachable("exchange", os.ErrDeadlineExceeded)
	}
	return unreachable("exchange", transportCause(ctx, err))
}

// close ends the connection without TLS's farewell, which could block.
func (c *Conn) close() { _ = c.raw.Close() }
