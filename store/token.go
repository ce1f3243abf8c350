package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Role is what a FalkorDB user may do on one instance, as found by asking
// the instance itself.
type Role string

// The roles, widest first.
const (
	// RoleAdmin may manage the instance's ACL.
	RoleAdmin Role = "Admin"
	// RoleReadWrite may run writing queries.
	RoleReadWrite Role = "Read-Write"
	// RoleReadOnly may run GRAPH.RO_QUERY but not GRAPH.QUERY.
	RoleReadOnly Role = "Read-Only"
)

// Status says whether a token works, and if not, why.
type Status string

// The statuses of a token. A revoked token stays revoked when it expires too.
const (
	StatusActive  Status = "active"
	StatusExpired Status = "expired"
	StatusRevoked Status = "revoked"
	// StatusSuspended is for a token that rests until somebody resumes it.
	StatusSuspended Status = "suspended"
	// StatusStale is for a token whose owner can't log in with what is sealed in
	// it; it is to be tried all the same, since that may have changed.
	StatusStale Status = "stale"
)

// User is a FalkorDB ACL user of one instance.
type User struct {
	// ID is stable for the same user and instance; see UserID.
	ID string
	// Username is the name in the instance's ACL, at most 128 characters.
	Username string
	// Host is the instance's canonical host, Port its port.
	Host string
	Port int
}

// UserID derives the ID of a user: "user-" and 12 hex digits of a SHA-256 over
// the name and the instance.
func UserID(username, host string, port int) string {
	instance := net.JoinHostPort(host, strconv.Itoa(port))
	sum := sha256.Sum256([]byte(strconv.Itoa(len(username)) + ":" + username + "@" + instance))
	return "user-" + hex.EncodeToString(sum[:6])
}

// NewTokenID returns a fresh token ID: the Unix milliseconds of now, a hyphen
// and 8 random hex digits. IDs sort as text by the time of their creation.
func NewTokenID(now time.Time, random io.Reader) (string, error) {
	var suffix [4]byte
	if _, err := io.ReadFull(random, suffix[:]); err != nil {
		return "", fmt.Errorf("draw token ID: %w", err)
	}
	return strconv.FormatInt(now.UnixMilli(), 10) + "-" + hex.EncodeToString(suffix[:]), nil
}

// Token is what is kept of a personal access token. The zero time means never.
type Token struct {
	// ID names the token; it is also the JWT's jti.
	ID string
	// Hash is the lower-case hex SHA-256 of the token's text.
	Hash string
	// User is the token's owner.
	User User
	// Name is the owner's word for it, 1 to 100 characters; Description what
	// else there is to say, at most 500.
	Name, Description string
	// Permissions, Graphs and AllowedIPs limit the token; package access says
	// how they are read. Nil is no limit. Items hold no line breaks.
	Permissions, Graphs, AllowedIPs []string
	// Limits bound what the token may take of its instance.
	Limits Limits
	// NotBefore is when the token begins to work; the zero time means at once.
	NotBefore time.Time
	// Role is what the owner could do when that was last asked.
	Role Role
	// CreatedAt, ExpiresAt and RevokedAt have the precision of a second.
	CreatedAt, ExpiresAt, RevokedAt time.Time
	// SuspendedAt is when the token was put to rest, StaleSince when a login with
	// its password was first refused.
	SuspendedAt, StaleSince time.Time
	// ResumedAt is when it was last taken out of a suspension.
	ResumedAt time.Time
	// RotatedAt is when another token, RotatedTo, took this one's place;
	// RotatedFrom is the one whose place this one took.
	RotatedAt              time.Time
	RotatedTo, RotatedFrom string
	// LastUse is the latest use that has been written.
	LastUse Use
	// Active is false once the token is revoked, or swept after its expiry.
	// Status, not this field, says whether the token works.
	Active bool
	// SealedPassword is the owner's password, sealed; empty once destroyed.
	SealedPassword string
	// TLS says whether the instance is reached over TLS, CA which authorities
	// are trusted then: base64 of a PEM bundle, or empty for the system's.
	TLS bool
	CA  string
	// IssuerID is the token that this one was made from; empty for none. It is
	// written at creation and not read back.
	IssuerID string
}

// Limits are what a token may take at most; zero is no limit of its own.
type Limits struct {
	// TimeoutMs is the time of one query in milliseconds, Rows how many rows a
	// result has, Concurrent how many requests are under way at once, and
	// PerMinute how many come in a minute.
	TimeoutMs, Rows, Concurrent, PerMinute int64
}

// String is how limits are kept: numbers joined by commas, nothing for none.
func (l Limits) String() string {
	if l == (Limits{}) {
		return ""
	}
	return fmt.Sprintf("%d,%d,%d,%d", l.TimeoutMs, l.Rows, l.Concurrent, l.PerMinute)
}

// parseLimits reads what String writes.
func parseLimits(text string) (l Limits, err error) {
	if text == "" {
		return l, nil
	}
	if n, err := fmt.Sscanf(text, "%d,%d,%d,%d", &l.TimeoutMs, &l.Rows, &l.Concurrent, &l.PerMinute); err != nil || n != 4 {
		return l, fmt.Errorf("limits %q are malformed", text)
	}
	return l, nil
}

// Use is one use of a token.
type Use struct {
	// TokenID says which token was used.
	TokenID string
	// At is when, with the precision of a second; the zero time means never.
	At time.Time
	// IP is the client's address, Agent its User-Agent.
	IP, Agent string
}

// Status tells whether the token works at now, and if not, the reason that is
// hardest to undo.
func (t *Token) Status(now time.Time) Status {
	switch {
	case !t.RevokedAt.IsZero():
		return StatusRevoked
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return StatusExpired
	case !t.Active:
		// Revoked by a program that does not record when.
		return StatusRevoked
	case !t.SuspendedAt.IsZero():
		return StatusSuspended
	case !t.StaleSince.IsZero():
		return StatusStale
	default:
		return StatusActive
	}
}

// Session is a sign-in that a browser holds a cookie for.
type Session struct {
	// ID is a UUID; the session is found by the hash that is made from it.
	ID string
	// Hash is what crypto.HashSession makes of the ID.
	Hash                 string
	User                 User
	Role                 Role
	CreatedAt, ExpiresAt time.Time
	// SealedPassword, TLS and CA are as in Token.
	SealedPassword string
	TLS            bool
	CA             string
}
