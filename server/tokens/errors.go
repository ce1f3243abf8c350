package tokens

import (
	"errors"
	"fmt"
)

var (
	// ErrUnauthenticated is the root of every reason to refuse a token.
	ErrUnauthenticated = errors.New("token not accepted")
	// ErrUnknown: the store has no token with this hash.
	ErrUnknown = fmt.Errorf("unknown: %w", ErrUnauthenticated)
	// ErrRevoked: the token was revoked, or the one it was made from.
	ErrRevoked = fmt.Errorf("revoked: %w", ErrUnauthenticated)
	// ErrExpired: the token's time is over.
	ErrExpired = fmt.Errorf("expired: %w", ErrUnauthenticated)

	// ErrOutlivesIssuer is returned when a token made from a token would end
	// after it.
	ErrOutlivesIssuer = errors.New("token would outlive the one it is made from")
)

// FieldError is a value that the API does not accept.
type FieldError struct {
	// Field is the name that the value has in the API.
	Field string
	// Message says what would be accepted, as a phrase: "must be …".
	Message string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Message }
