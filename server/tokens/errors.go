package tokens

import (
	"errors"
	"fmt"
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
