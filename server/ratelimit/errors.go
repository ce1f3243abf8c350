package ratelimit

import (
	"errors"
	"fmt"
	"time"
)

// The reasons why an attempt does not begin.
var (
	// ErrLimited is what every *LimitedError is.
	ErrLimited = errors.New("too many of these from one address")
	// ErrUnavailable means that the store could not be asked or told, or that
	// the caller's context ended before it was.
	ErrUnavailable = errors.New("the limit cannot be checked")
)

// LimitedError refuses an attempt because its peer has none left, or
// because too many of its attempts are waiting already.
type LimitedError struct {
	// RetryAfter is when another attempt may succeed in beginning, from now.
	// It is always positive.
	RetryAfter time.Duration
}

// Error says when to come back.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrLimited, e.RetryAfter)
}

// Unwrap makes errors.Is find ErrLimited.
func (e *LimitedError) Unwrap() error { return ErrLimited }

// unavailable wraps ErrUnavailable with what was tried and why it failed.
func unavailable(step string, cause error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, step, cause)
}
