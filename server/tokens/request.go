package tokens

import (
	"fmt"
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
	// with TTLSeconds. With neither, the policy decides.
	ExpiresAt time.Time
	// Never asks for a token that never expires. It does not count where an end
	// is asked for too.
	Never bool
	// Description is anything worth knowing; white space around it is trimmed.
	Description string
	// Permissions, Graphs and AllowedIPs limit the token, as package access
	// reads them; nil when not given.
	Permissions, Graphs, AllowedIPs []string
	// Limits bound what the token may take of its instance.
	Limits store.Limits
	// NotBefore is when the token shall begin to work; zero for at once.
	NotBefore time.Time
	// IdempotencyKey makes it safe to ask again; empty for none.
	IdempotencyKey string
}

// normal is what two requests that mean the same have in common, for the
// comparison of those with the same idempotency key.
func (r Request) normal(draft *store.Token) any {
	return [...]any{
		draft.Name, draft.Description, r.TTLSeconds, r.ExpiresAt.UTC(), r.Never, r.NotBefore.UTC(), draft.Permissions, draft.Graphs, draft.AllowedIPs, draft.Limits,
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

// asksEnd tells whether an end is asked for.
func (r Request) asksEnd() bool { return r.TTLSeconds != 0 || !r.ExpiresAt.IsZero() }

// expiry gives the end of the token's life in whole seconds, zero for never.
func (r Request) expiry(now time.Time, p Policy) (time.Time, error) {
	longest := int64(p.longest() / time.Second)
	switch {
	case r.TTLSeconds != 0 && !r.ExpiresAt.IsZero():
		return time.Time{}, &FieldError{"expiresAt", "must not be given together with ttlSeconds"}
	case r.TTLSeconds != 0:
		if r.TTLSeconds < 1 || r.TTLSeconds > longest {
			return time.Time{}, &FieldError{"ttlSeconds", fmt.Sprintf("must be from 1 to %d", longest)}
		}
		return after(now, time.Duration(r.TTLSeconds)*time.Second), nil
	case !r.ExpiresAt.IsZero():
		end := r.ExpiresAt.Truncate(time.Second).UTC()
		if !end.After(now) {
			return time.Time{}, &FieldError{"expiresAt", "must be in the future"}
		}
		if math.Ceil(end.Sub(now).Seconds()) > float64(longest) {
			return time.Time{}, &FieldError{"expiresAt", fmt.Sprintf("must be at most %d seconds ahead", longest)}
		}
		return end, nil
	case r.Never && p.NeverForbidden:
		return time.Time{}, &FieldError{"expiresAt", fmt.Sprintf("must not be null: tokens end here, at most %d seconds ahead", longest)}
	case r.Never:
		return time.Time{}, nil
	default:
		return p.unasked(now), nil
	}
}
