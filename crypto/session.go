package crypto

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

// The names that the session cookie goes by. The name is part of the key derivation, so a cookie of one name does not open
// under the other.
const (
	// SessionCookie is the cookie's name over plain HTTP.
	SessionCookie = "authjs.session-token"
	// SecureSessionCookie is the cookie's name over HTTPS; browsers take a __Secure- cookie over nothing else (RFC 6265bis,
	// section 4.1.3.1).
	SecureSessionCookie = "__Secure-authjs.session-token"
)

// MaxSessionBytes is the length of the longest cookie value that is read or written, in bytes.
const MaxSessionBytes = 8 << 10

// What can be wrong with a session cookie. To the outside they are all one answer; they differ for logs and tests.
var (
	// ErrSession is the root of every refusal by [SigningRing.OpenSession].
	ErrSession = errors.New("session refused")
	// ErrSessionMalformed: too long, not a compact JWE of the one kind in use, not a known cookie name, or claims that are
	// missing or of a wrong type.
	ErrSessionMalformed = fmt.Errorf("%w: malformed", ErrSession)
	// ErrSessionSeal: no key of the ring sealed it, or it was altered.
	ErrSessionSeal = fmt.Errorf("%w: sealed by no known key", ErrSession)
	// ErrSessionExpired: its time is over.
	ErrSessionExpired = fmt.Errorf("%w: expired", ErrSession)
	// ErrSessionNotYetValid: its time has not come, or it claims to be issued more than 60 seconds from now.
	ErrSessionNotYetValid = fmt.Errorf("%w: not yet valid", ErrSession)
)

const (
	sessionKeyBytes = 64 // A256CBC-HS512 takes 32 for the MAC and 32 for the cipher (RFC 7518, section 5.2.5)
	sessionIVBytes  = 16
	sessionTagBytes = 32
	aesBlockBytes   = 16
)

// SessionClaims is what a session cookie says: who signed in, and which row of the store holds the connection.
type SessionClaims struct {
	Subject      string    // sub and id, the user ID
	ConnectionID string    // activeConnectionId, the token_id of the session's row
	Host         string    // the instance's host
	Port         int       // the instance's port, 0 to 65535
	Username     string    // the ACL user
	Role         string    // what the user was at sign-in, for display; never decide from it
	TLS          bool      // whether the instance is reached with TLS
	IssuedAt     time.Time // iat, whole seconds
	ExpiresAt    time.Time // exp, whole seconds; required
	ID           string    // jti
}

// VerifiedSession is the claims of a cookie that [SigningRing.OpenSession] has opened and whose times it has checked. Nothing
// else fills one.
type VerifiedSession struct {
	claims SessionClaims
}

// Claims returns what the session says. The zero VerifiedSession has zero claims.
func (v VerifiedSession) Claims() SessionClaims { return v.claims }

// sessionPayload has the members in the order in which FalkorDB Browser writes them.
type sessionPayload struct {
	Subject      string `json:"sub"`
	UserID       string `json:"id"`
	ConnectionID string `json:"activeConnectionId"`
	Host         string `json:"host"`
	Port         int    `json:"port"`
	Username     string `json:"username"`
	Role         string `json:"role"`
	TLS          bool   `json:"tls"`
	IssuedAt     int64  `json:"iat"`
	ExpiresAt    int64  `json:"exp"`
	ID           string `json:"jti"`
}

// SealSession returns the value of a session cookie: a compact JWE (RFC 7516), "dir" with A256CBC-HS512, under a key derived
// from the ring's first key and the cookie's name, which Auth.js opens. Times are cut to whole seconds. The initialisation
// vector comes from the system's randomness.
//
// It returns [ErrClaims] when the subject, the connection ID, the ID or a time is missing or the value would be longer than
// [MaxSessionBytes], [ErrKey] when the ring is empty, and [ErrSessionMalformed] when cookieName is neither [SessionCookie]
// nor [SecureSessionCookie].
func (r SigningRing) SealSession(cookieName string, c SessionClaims) (string, error) {
	if len(r.keys) == 0 {
		return "", fmt.Errorf("seal session: %w: the ring has no key", ErrKey)
	}
	key, ok := r.keys[0].sessionKey(cookieName)
	if !ok {
		return "", fmt.Errorf("seal session: %w: unknown cookie name", ErrSessionMalformed)
	}
	payload, err := c.encode()
	if err != nil {
		return "", fmt.Errorf("seal session: %w", err)
	}
	header := jwe.NewHeaders()
	if err := header.Set(jwe.KeyIDKey, key.thumbprint); err != nil {
		return "", fmt.Errorf("seal session: %w", err)
	}
	sealed, err := jwe.Encrypt(payload, jwe.WithKey(jwa.DIRECT, key.secret),
		jwe.WithContentEncryption(jwa.A256CBC_HS512), jwe.WithProtectedHeaders(header))
	if err != nil {
		return "", fmt.Errorf("seal session: %w", err)
	}
	if len(sealed) > MaxSessionBytes {
		return "", fmt.Errorf("seal session: %w: the cookie would be longer than %d bytes", ErrClaims, MaxSessionBytes)
	}
	return string(sealed), nil
}

func (c SessionClaims) encode() ([]byte, error) {
	if c.Subject == "" || c.ConnectionID == "" || c.ID == "" || c.ExpiresAt.IsZero() {
		return nil, fmt.Errorf("%w: subject, connection ID, ID or expiry missing", ErrClaims)
	}
	if err := checkWritable(c.IssuedAt, c.ExpiresAt, c.Port, c.Subject, c.ConnectionID, c.Host, c.Username, c.Role, c.ID); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(sessionPayload{
		Subject: c.Subject, UserID: c.Subject, ConnectionID: c.ConnectionID, Host: c.Host, Port: c.Port, Username: c.Username,
		Role: c.Role, TLS: c.TLS, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(), ID: c.ID,
	})
	if err != nil {
		return nil, fmt.Errorf("write claims: %w", err)
	}
	return payload, nil
}

// OpenSession opens a cookie value with the keys of the ring and checks its times at now: refused from exp on, which it must
// have, before nbf if it has one, and when iat lies more than 60 seconds ahead. Only "dir" with A256CBC-HS512 is opened;
// compression, critical extensions and every other algorithm are refused before any key is used.
//
// Errors wrap [ErrSession] by way of [ErrSessionMalformed], [ErrSessionSeal], [ErrSessionExpired] or
// [ErrSessionNotYetValid]. A session that opens may still have been signed out: that only the store knows.
func (r SigningRing) OpenSession(cookieName, value string, now time.Time) (VerifiedSession, error) {
	if len(value) > MaxSessionBytes {
		return VerifiedSession{}, fmt.Errorf("%w: longer than %d bytes", ErrSessionMalformed, MaxSessionBytes)
	}
	if cookieName != SessionCookie && cookieName != SecureSessionCookie {
		return VerifiedSession{}, fmt.Errorf("%w: unknown cookie name", ErrSessionMalformed)
	}
	thumbprint, err := checkSessionForm(value)
	if err != nil {
		return VerifiedSession{}, err
	}
	payload, ok := r.decryptSession(cookieName, thumbprint, value)
	if !ok {
		return VerifiedSession{}, ErrSessionSeal
	}
	claims, times, err := readSession(payload)
	switch {
	case err != nil:
		return VerifiedSession{}, err
	case times.expired(now):
		return VerifiedSession{}, ErrSessionExpired
	case times.early(now):
		return VerifiedSession{}, ErrSessionNotYetValid
	}
	return VerifiedSession{claims: claims}, nil
}

// checkSessionForm holds a cookie value to the one shape in use and returns the key ID that it names, if any. It checks lengths
// so that the cipher, which works before the tag is compared, is only ever handed whole blocks; and spelling, so that a value
// that was changed in any bit is refused.
func checkSessionForm(value string) (thumbprint string, err error) {
	texts := strings.Split(value, ".")
	if len(texts) != 5 || texts[1] != "" {
		return "", fmt.Errorf("%w: not a compact JWE with a direct key", ErrSessionMalformed)
	}
	parts := make([][]byte, 0, len(texts))
	for _, text := range texts {
		part, ok := decodeBase64([]byte(text))
		if !ok {
			return "", fmt.Errorf("%w: not canonical base64url", ErrSessionMalformed)
		}
		parts = append(parts, part)
	}
	iv, sealed, tag := parts[2], parts[3], parts[4]
	if len(iv) != sessionIVBytes || len(tag) != sessionTagBytes || len(sealed) == 0 || len(sealed)%aesBlockBytes != 0 {
		return "", fmt.Errorf("%w: parts of wrong length", ErrSessionMalformed)
	}
	members, ok := parseObject(parts[0])
	if !ok {
		return "", fmt.Errorf("%w: header is not a JSON object", ErrSessionMalformed)
	}
	return checkSessionHeader(claimReader{members: members})
}

func checkSessionHeader(header claimReader) (thumbprint string, err error) {
	management, encryption, thumbprint := header.text("alg"), header.text("enc"), header.text("kid")
	if header.err() != nil || management != "dir" || encryption != "A256CBC-HS512" {
		return "", fmt.Errorf("%w: not dir with A256CBC-HS512", ErrSessionMalformed)
	}
	if header.has("zip") || header.has("crit") {
		return "", fmt.Errorf("%w: header extension not supported", ErrSessionMalformed)
	}
	return thumbprint, nil
}

// decryptSession tries the keys of the ring; only the one that the cookie names, if it names one.
func (r SigningRing) decryptSession(cookieName, thumbprint, value string) ([]byte, bool) {
	for _, signing := range r.keys {
		key, ok := signing.sessionKey(cookieName)
		if !ok || thumbprint != "" && thumbprint != key.thumbprint {
			continue
		}
		if payload, err := jwe.Decrypt([]byte(value), jwe.WithKey(jwa.DIRECT, key.secret)); err == nil {
			return payload, true
		}
	}
	return nil, false
}

func readSession(payload []byte) (SessionClaims, validity, error) {
	members, ok := parseObject(payload)
	if !ok {
		return SessionClaims{}, validity{}, fmt.Errorf("%w: payload is not a JSON object", ErrSessionMalformed)
	}
	reader := claimReader{members: members}
	times := reader.validity()
	c := SessionClaims{
		Subject: reader.required("sub"), ConnectionID: reader.required("activeConnectionId"), Host: reader.text("host"),
		Port: reader.port("port"), Username: reader.text("username"), Role: reader.text("role"), TLS: reader.boolean("tls"),
		IssuedAt: times.issuedAt, ExpiresAt: times.expiresAt, ID: reader.text("jti"),
	}
	// The user ID stands there twice. Where the two differ, there is no saying whose session it is.
	if reader.has("id") && reader.text("id") != c.Subject {
		reader.fail("id")
	}
	if !reader.has("exp") {
		reader.fail("exp")
	}
	if err := reader.err(); err != nil {
		return SessionClaims{}, validity{}, fmt.Errorf("%w: %w", ErrSessionMalformed, err)
	}
	return c, times, nil
}

// sessionKey is what a signing key becomes for one cookie name.
type sessionKey struct {
	cookieName string
	secret     []byte
	thumbprint string
}

func (k *signingKey) sessionKey(cookieName string) (sessionKey, bool) {
	for _, key := range k.sessions {
		if key.cookieName == cookieName {
			return key, true
		}
	}
	return sessionKey{}, false
}

// deriveSessionKeys makes the cookie keys of a signing secret the way Auth.js does: HKDF with SHA-256 (RFC 5869), the cookie's
// name as the salt and once more in the info. The key ID is the JWK thumbprint of the result (RFC 7638) with SHA-512; Auth.js
// opens no cookie whose key ID is another.
func deriveSessionKeys(secret []byte) ([]sessionKey, error) {
	keys := make([]sessionKey, 0, 2)
	for _, name := range []string{SessionCookie, SecureSessionCookie} {
		info := "Auth.js Generated Encryption Key (" + name + ")"
		derived, err := hkdf.Key(sha256.New, secret, []byte(name), info, sessionKeyBytes)
		if err != nil {
			return nil, fmt.Errorf("has no session key: %w", err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		digest := sha512.Sum512([]byte(`{"k":"` + encode(derived) + `","kty":"oct"}`))
		keys = append(keys, sessionKey{cookieName: name, secret: derived, thumbprint: encode(digest[:])})
	}
	return keys, nil
}
