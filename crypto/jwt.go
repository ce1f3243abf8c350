package crypto

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// MaxTokenBytes is the length of the longest token that is read or written, in bytes. It is checked before anything else is
// done with a stranger's text.
const MaxTokenBytes = 8 << 10

// What can be wrong with a token. To the outside they are all one answer; they differ for logs and tests.
var (
	// ErrToken is the root of every refusal by [SigningRing.Verify].
	ErrToken = errors.New("token refused")
	// ErrTokenMalformed: too long, not a compact JWT in canonical base64url, another algorithm than HS256, an extension
	// that would change how it is read, or claims that are missing or of a wrong type.
	ErrTokenMalformed = fmt.Errorf("%w: malformed", ErrToken)
	// ErrTokenSignature: no key of the ring made the signature.
	ErrTokenSignature = fmt.Errorf("%w: signature of no known key", ErrToken)
	// ErrTokenExpired: its time is over.
	ErrTokenExpired = fmt.Errorf("%w: expired", ErrToken)
	// ErrTokenNotYetValid: its time has not come, or it claims to be issued more than 60 seconds from now.
	ErrTokenNotYetValid = fmt.Errorf("%w: not yet valid", ErrToken)
)

// The two headers that nearly every token has, so that they need not be parsed: {"alg":"HS256","typ":"JWT"}, which Sign
// writes, and {"alg":"HS256"}, which FalkorDB Browser writes.
const (
	ownHeader     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
	browserHeader = "eyJhbGciOiJIUzI1NiJ9"
)

// Claims is what a token says. It never says a password, and what the token may do is not here but in the store, where it
// can be changed and revoked.
type Claims struct {
	ID        string    // jti, the token ID (RFC 7519, section 4.1.7)
	Subject   string    // sub, the user ID (section 4.1.2)
	IssuedAt  time.Time // iat, whole seconds (section 4.1.6)
	ExpiresAt time.Time // exp, whole seconds (section 4.1.4); the zero time means never
	// Browser is what FalkorDB Browser puts into its tokens besides; nil unless the token has it or is to have it.
	Browser *BrowserClaims
}

// BrowserClaims is the claims that only FalkorDB Browser's tokens carry: whom to log in where. They are written in
// compatibility mode alone, and nothing is decided from them.
type BrowserClaims struct {
	Username, Role, Host string
	Port                 int    // 0 to 65535
	TLS                  bool   // connect with TLS
	CA                   string // base64 of a PEM bundle; the claim is left out when empty
}

// Verified is the claims of a token whose signature and times [SigningRing.Verify] has checked. Nothing else fills one, so a
// function that asks for a Verified cannot be handed what a stranger merely wrote.
type Verified struct {
	claims Claims
}

// Claims returns what the token says. The zero Verified has zero claims.
func (v Verified) Claims() Claims {
	c := v.claims
	if c.Browser != nil {
		own := *c.Browser
		c.Browser = &own
	}
	return c
}

// Sign returns a token with the claims: a compact JWT (RFC 7519) signed by the ring's first key, with the protected header
// {"alg":"HS256","typ":"JWT"}. Times are cut to whole seconds. It returns [ErrClaims] when the ID, the subject or the time
// of issue is missing, or when the token would be longer than [MaxTokenBytes], as a large CA bundle can make it; and
// [ErrKey] when the ring is empty.
func (r SigningRing) Sign(c Claims) (string, error) {
	if len(r.keys) == 0 {
		return "", fmt.Errorf("sign token: %w: the ring has no key", ErrKey)
	}
	if c.ID == "" || c.Subject == "" {
		return "", fmt.Errorf("sign token: %w: token ID or subject missing", ErrClaims)
	}
	var b BrowserClaims
	if c.Browser != nil {
		b = *c.Browser
	}
	if err := checkWritable(c.IssuedAt, c.ExpiresAt, b.Port, c.ID, c.Subject, b.Username, b.Role, b.Host, b.CA); err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	token, err := buildToken(c)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.HS256, r.keys[0].secret))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if len(signed) > MaxTokenBytes {
		return "", fmt.Errorf("sign token: %w: the token would be %d bytes long, %d is the limit", ErrClaims, len(signed), MaxTokenBytes)
	}
	return string(signed), nil
}

func buildToken(c Claims) (jwt.Token, error) {
	b := jwt.NewBuilder().JwtID(c.ID).Subject(c.Subject).IssuedAt(c.IssuedAt)
	if !c.ExpiresAt.IsZero() {
		b.Expiration(c.ExpiresAt)
	}
	if c.Browser != nil {
		b.Claim("username", c.Browser.Username).Claim("role", c.Browser.Role)
		b.Claim("host", c.Browser.Host).Claim("port", c.Browser.Port).Claim("tls", c.Browser.TLS)
		if c.Browser.CA != "" {
			b.Claim("ca", c.Browser.CA)
		}
	}
	token, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("set claims: %w", err)
	}
	return token, nil
}

// Verify checks a token's signature with every key of the ring, and then its times at now: refused from exp on, before nbf
// if it has one, and when iat lies more than 60 seconds ahead. The algorithm is HS256 whatever the header says; a header that
// says anything else, or that has crit or b64 (RFC 7515, section 4.1.11, and RFC 7797), is refused. So is a token for an
// audience (RFC 7519, section 4.1.3), as this service is none, and one without an ID.
//
// Errors wrap [ErrToken] by way of [ErrTokenMalformed], [ErrTokenSignature], [ErrTokenExpired] or [ErrTokenNotYetValid]. A
// verified token may still be revoked: that only the store knows.
func (r SigningRing) Verify(token string, now time.Time) (Verified, error) {
	if len(token) > MaxTokenBytes {
		return Verified{}, fmt.Errorf("%w: longer than %d bytes", ErrTokenMalformed, MaxTokenBytes)
	}
	parts, err := splitToken([]byte(token))
	if err != nil {
		return Verified{}, err
	}
	if err := checkTokenHeader(parts.header); err != nil {
		return Verified{}, err
	}
	if !r.hasSigned(parts.signed, parts.signature) {
		return Verified{}, ErrTokenSignature
	}
	claims, times, err := readClaims(parts.payload)
	switch {
	case err != nil:
		return Verified{}, err
	case times.expired(now):
		return Verified{}, ErrTokenExpired
	case times.early(now):
		return Verified{}, ErrTokenNotYetValid
	}
	return Verified{claims: claims}, nil
}

// tokenParts is a compact JWS (RFC 7515, section 7.1) taken apart: the header still encoded, so that the common ones can be
// recognised, the payload and the signature decoded, and what the signature is over.
type tokenParts struct {
	header, payload, signature, signed []byte
}

func splitToken(token []byte) (tokenParts, error) {
	header, rest, _ := bytes.Cut(token, []byte{'.'})
	body, tail, _ := bytes.Cut(rest, []byte{'.'})
	if len(header) == 0 || len(body) == 0 || len(tail) == 0 {
		return tokenParts{}, fmt.Errorf("%w: not three parts", ErrTokenMalformed)
	}
	// A further dot fails here, for it is no digit of base64url.
	signature, ok := decodeBase64(tail)
	if !ok {
		return tokenParts{}, fmt.Errorf("%w: signature is not canonical base64url", ErrTokenMalformed)
	}
	payload, ok := decodeBase64(body)
	if !ok {
		return tokenParts{}, fmt.Errorf("%w: payload is not canonical base64url", ErrTokenMalformed)
	}
	signed := token[:len(header)+1+len(body)]
	return tokenParts{header: header, payload: payload, signature: signature, signed: signed}, nil
}

// checkTokenHeader accepts a header that says HS256 and, if it says a type, JWT. Members that RFC 7515 lets a reader ignore
// are ignored, among them those that would name or bring a key.
func checkTokenHeader(encoded []byte) error {
	if string(encoded) == ownHeader || string(encoded) == browserHeader {
		return nil
	}
	text, ok := decodeBase64(encoded)
	if !ok {
		return fmt.Errorf("%w: header is not canonical base64url", ErrTokenMalformed)
	}
	members, ok := parseObject(text)
	if !ok {
		return fmt.Errorf("%w: header is not a JSON object", ErrTokenMalformed)
	}
	header := claimReader{members: members}
	algorithm, kind := header.text("alg"), header.text("typ")
	if header.err() != nil || algorithm != "HS256" || header.has("typ") && kind != "JWT" {
		return fmt.Errorf("%w: not a JWT signed with HS256", ErrTokenMalformed)
	}
	if header.has("crit") || header.has("b64") {
		return fmt.Errorf("%w: header extension not supported", ErrTokenMalformed)
	}
	return nil
}

func readClaims(payload []byte) (Claims, validity, error) {
	members, ok := parseObject(payload)
	if !ok {
		return Claims{}, validity{}, fmt.Errorf("%w: payload is not a JSON object", ErrTokenMalformed)
	}
	reader := claimReader{members: members}
	times := reader.validity()
	c := Claims{ID: reader.required("jti"), Subject: reader.text("sub"), IssuedAt: times.issuedAt, ExpiresAt: times.expiresAt}
	if reader.has("username") {
		c.Browser = &BrowserClaims{
			Username: reader.text("username"), Role: reader.text("role"), Host: reader.text("host"),
			Port: reader.port("port"), TLS: reader.boolean("tls"), CA: reader.text("ca"),
		}
	}
	if err := reader.err(); err != nil {
		return Claims{}, validity{}, fmt.Errorf("%w: %w", ErrTokenMalformed, err)
	}
	if reader.has("aud") {
		return Claims{}, validity{}, fmt.Errorf("%w: meant for an audience", ErrTokenMalformed)
	}
	return c, times, nil
}

// hasSigned reports whether a key of the ring made the signature. Each comparison takes the same time wherever the first
// difference is.
func (r SigningRing) hasSigned(signed, signature []byte) bool {
	for _, key := range r.keys {
		if key.macs.verify(signed, signature) {
			return true
		}
	}
	return false
}

// macPool keeps HMAC states of one key for reuse. Absorbing the key takes two of the five or so hash blocks that a token
// costs; a state that is reset has done so already.
type macPool struct {
	states sync.Pool
}

type macState struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newMACPool(secret []byte) *macPool {
	return &macPool{states: sync.Pool{New: func() any {
		return &macState{mac: hmac.New(sha256.New, secret)}
	}}}
}

// verify reports whether want is the HMAC of message. The pool holds nothing but what newMACPool puts there.
func (p *macPool) verify(message, want []byte) bool {
	state := p.states.Get().(*macState)
	defer p.states.Put(state)
	state.mac.Reset()
	state.mac.Write(message)
	return hmac.Equal(state.mac.Sum(state.sum[:0]), want)
}
