package tokens

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/falkorpat/falkorpat/store"
)

const (
	// MaxLifetime is the longest lifetime that can be asked for: 366 days.
	MaxLifetime = 31_622_400 * time.Second
	// MaxNameLength bounds a token's name, in Unicode characters.
	MaxNameLength = 100
	// MaxDescriptionLength bounds a token's description likewise.
	MaxDescriptionLength = 500
)

// Request says what a new token shall be.
type Request struct {
	// Name is what the token is for; white space around it is trimmed.
	Name string
	// TTLSeconds is the lifetime; 0 when not given.
	TTLSeconds int64
	// ExpiresAt is when the token shall end; zero when not given. Not together
	// with TTLSeconds. With neither, the token never expires.
	ExpiresAt time.Time
	// Description is anything worth knowing; white space around it is trimmed.
	Description string
	// Permissions, Graphs and AllowedIPs limit the token, as package access
	// reads them; nil when not given.
	Permissions, Graphs, AllowedIPs []string
	// NotBefore is when the token shall begin to work; zero for at once.
	NotBefore time.Time
	// IdempotencyKey makes it safe to ask again; empty for none.
	IdempotencyKey string
}

// normal is what two requests that mean the same have in common, for the
// comparison of those with the same idempotency key.
func (r Request) normal(draft *store.Token) any {
	return [...]any{
		draft.Name, draft.Description, r.TTLSeconds, r.ExpiresAt.UTC(), r.NotBefore.UTC(), draft.Permissions, draft.Graphs, draft.AllowedIPs,
	}
}

// description checks and trims a token's description.
func (r Request) description() (string, error) {
	text := strings.TrimSpace(r.Description)
	switch {
	case !utf8.ValidString(text):
		return "", &FieldError{"description", "must be valid Unicode"}
	case utf8.RuneCountInString(text) > MaxDescriptionLength:
		return "", &FieldError{"description", "must have at most 500 characters after trimming white space"}
	case strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }):
		return "", &FieldError{"description", "must not contain control characters other than line breaks"}
	}
	return text, nil
}

// notBefore gives the beginning of the token's life in whole seconds; zero,
// for at once, also where it has passed already.
func (r Request) notBefore(now, expires time.Time) (time.Time, error) {
	start := r.NotBefore.Truncate(time.Second).UTC()
	switch {
	case r.NotBefore.IsZero(), !start.After(now):
		return time.Time{}, nil
	case !expires.IsZero() && !start.Before(expires):
		return time.Time{}, &FieldError{"notBefore", "must be before the expiry"}
	case start.Sub(now) > MaxLifetime:
		return time.Time{}, &FieldError{"notBefore", "must be at most 31622400 seconds (366 days) ahead"}
	}
	return start, nil
}

// name checks and trims a token's name.
func (r Request) name() (string, error) {
	name := strings.TrimSpace(r.Name)
	length := utf8.RuneCountInString(name)
	switch {
	case !utf8.ValidString(name):
		return "", &FieldError{"name", "must be valid Unicode"}
	case length < 1 || length > MaxNameLength:
		return "", &FieldError{"name", "must have 1 to 100 characters after trimming white space"}
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", &FieldError{"name", "must not contain control characters"}
	}
	return name, nil
}

// expiry gives the end of the token's life in whole seconds, zero for never.
func (r Request) expiry(now time.Time) (time.Time, error) {
	switch {
	case r.TTLSeconds != 0 && !r.ExpiresAt.IsZero():
		return time.Time{}, &FieldError{"expiresAt", "must not be given together with ttlSeconds"}
	case r.TTLSeconds != 0:
		if r.TTLSeconds < 1 || r.TTLSeconds > int64(MaxLifetime/time.Second) {
			return time.Time{}, &FieldError{"ttlSeconds", "must be from 1 to 31622400"}
		}
		// To the nearest second: with the fraction cut off, a lifetime of one
		// second could be over before the answer arrives.
		return now.Add(time.Duration(r.TTLSeconds) * time.Second).Round(time.Second), nil
	case !r.ExpiresAt.IsZero():
		end := r.ExpiresAt.Truncate(time.Second).UTC()
		if !end.After(now) {
			return time.Time{}, &FieldError{"expiresAt", "must be in the future"}
		}
		if seconds := end.Sub(now).Seconds(); math.Ceil(seconds) > MaxLifetime.Seconds() {
			return time.Time{}, &FieldError{"expiresAt", "must be at most 31622400 seconds (366 days) ahead"}
		}
		return end, nil
	default:
		return time.Time{}, nil
	}
}
