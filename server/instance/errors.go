package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// The ways in which a login fails. ErrNotAllowed, ErrRefused and
// ErrUnreachable all wrap ErrLogin, which is what a caller answers by: telling
// them apart to a stranger would turn the service into a port scanner and a
// guesser of user names.
var (
	// ErrLogin is the root of every failed login.
	ErrLogin = errors.New("login failed")
	// ErrNotAllowed means that the operator does not allow the instance.
	// Nothing was resolved or dialled.
	ErrNotAllowed = fmt.Errorf("%w: the instance is not allowed", ErrLogin)
	// ErrRefused means that the instance answered and does not accept the
	// credentials: wrong password, unknown user, user switched off.
	ErrRefused = fmt.Errorf("%w: the instance refused the credentials", ErrLogin)
	// ErrUnreachable means that no trustworthy answer came in time: the
	// address does not resolve or connect, TLS fails, the peer is silent, does
	// not speak the protocol, breaks off, or is not ready (LOADING).
	ErrUnreachable = fmt.Errorf("%w: the instance is out of reach", ErrLogin)
	// ErrBusy means that the login's turn did not come in time, so that nothing
	// is known of the credentials. It does not wrap ErrLogin.
	ErrBusy = errors.New("too much is under way at this instance")
	// ErrBadCA means that a CA bundle is not what ValidateCA accepts. It is a
	// fault of the request, not a failed login, and does not wrap ErrLogin.
	ErrBadCA = errors.New("CA bundle is not base64 of PEM certificates")
)

// Causes of ErrUnreachable. Their texts are fixed, because a peer's own words
// can repeat the command that they answer, password included.
var (
	errProtocol = errors.New("the peer does not speak the Redis protocol")
	errTooMuch  = errors.New("the peer's answer is too large")
	errNotReady = errors.New("the instance is not ready to answer")
	errEnded    = errors.New("the credentials were given up meanwhile")
	errHandover = errors.New("the connection was already handed over")
)

// unreachable wraps ErrUnreachable with the step that failed and a cause whose
// text is ours or the network's.
func unreachable(step string, cause error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, step, cause)
}

// transportCause reduces an error of the Redis client to one that is safe to
// print. The client quotes bytes of the answer in its parse errors, so only
// known kinds pass; the rest is "not the protocol". ctx comes first, since an
// ended context shows up as whatever the closed connection made of it.
func transportCause(ctx context.Context, err error) error {
	var network *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // it is the cause, which the caller wraps
	case errors.Is(err, os.ErrDeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, errTooMuch):
		return errTooMuch
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &network):
		return network
	default:
		return errProtocol
	}
}
