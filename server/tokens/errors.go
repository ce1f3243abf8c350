package tokens

import (
	"context"
	"errors"
	"fmt"

	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/store"
)

var (
	// ErrUnauthenticated is the root of every reason to refuse a token.
	ErrUnauthenticated = errors.New("token not accepted")
	// ErrUnknown is for a token whose hash the store does not know.
	ErrUnknown = fmt.Errorf("unknown: %w", ErrUnauthenticated)
	// ErrRevoked is for a token that was revoked, or the one it was made from.
	ErrRevoked = fmt.Errorf("revoked: %w", ErrUnauthenticated)
	// ErrExpired is for a token whose time is over.
	ErrExpired = fmt.Errorf("expired: %w", ErrUnauthenticated)

	// ErrRotated is for a token whose place another one has taken, and whose
	// grace is over.
	ErrRotated = fmt.Errorf("rotated: %w", ErrUnauthenticated)

	// ErrViolation is for a token that exceeds the policy, where it says to block those.
	ErrViolation = fmt.Errorf("exceeds the policy: %w", ErrUnauthenticated)

	// ErrSuspended is for a token that rests until somebody resumes it.
	ErrSuspended = fmt.Errorf("suspended: %w", ErrUnauthenticated)

	// ErrTooEarly is for a token whose time has not come.
	ErrTooEarly = fmt.Errorf("not valid yet: %w", ErrUnauthenticated)

	// ErrAddress is returned for a good token that comes from an address which
	// it may not be used from.
	ErrAddress = errors.New("token used from an address that it does not allow")

	// ErrOutlivesIssuer is returned when a token made from a token would end
	// after it.
	ErrOutlivesIssuer = errors.New("token would outlive the one it is made from")
)

// RefusedError says which token was not accepted. Whoever sent it has its secret.
type RefusedError struct {
	Token *store.Token
	err   error
}

func (e *RefusedError) Error() string { return e.err.Error() }
func (e *RefusedError) Unwrap() error { return e.err }

// Shown says in a context that who acts has shown the token.
func (e *RefusedError) Shown(ctx context.Context) context.Context {
	return audit.WithActor(ctx, e.Token.User, e.Token.ID)
}

// ExceedsError says in what a token would exceed the one that it is made from.
type ExceedsError struct {
	// Field is the name that the limit has in the API.
	Field string
}

func (e *ExceedsError) Error() string { return e.Field + " exceed those of the issuing token" }

// FieldError is a value that the API does not accept.
type FieldError struct {
	// Field is the name that the value has in the API.
	Field string
	// Message says what would be accepted, as a phrase: "must be …".
	Message string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Message }
