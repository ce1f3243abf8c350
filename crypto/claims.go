package crypto

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// ErrClaims is what signing and sealing answer to claims that cannot be written: a required one missing, text that is not
// UTF-8, a time that JSON Web Tokens cannot express, or a result that would be longer than the reader accepts. It is the
// caller's mistake and never the fault of a token.
var ErrClaims = errors.New("claims not writable")

const (
	// maxIssuedAhead is how far ahead of this machine's clock a token's issue may lie, for the sake of replicas whose clocks
	// differ.
	maxIssuedAhead = 60 * time.Second
	// maxUnixSeconds is the last second of the year 9999, the last that RFC 3339 can write.
	maxUnixSeconds = 253402300799
	maxPort        = 65535
)

// decodeBase64 decodes base64url without padding (RFC 7515, section 2) in its one canonical spelling: no line breaks, and no
// bits set that the last digit does not use. Anything laxer would give one token several texts, each with another digest.
func decodeBase64(text []byte) ([]byte, bool) {
	if bytes.ContainsAny(text, "\r\n") {
		return nil, false
	}
	out := make([]byte, base64.RawURLEncoding.DecodedLen(len(text)))
	n, err := base64.RawURLEncoding.Strict().Decode(out, text)
	return out[:n], err == nil
}

// object is a JSON object whose members are not interpreted yet. Unlike decoding into a struct, it tells names apart by case,
// as RFC 7515 and RFC 7519 demand. Of members with one name the last counts, which both RFCs allow.
type object map[string]json.RawMessage

func parseObject(text []byte) (object, bool) {
	var members object
	if !utf8.Valid(text) || json.Unmarshal(text, &members) != nil {
		return nil, false
	}
	// JSON null decodes without an error too, and leaves the map nil.
	return members, members != nil
}

// claimReader reads members of an object by type and remembers the first that is not what was asked for, so that callers
// check once. Absent members read as zero values; null is a wrong type.
type claimReader struct {
	members object
	wrong   string
}

func (r *claimReader) has(name string) bool {
	_, ok := r.members[name]
	return ok
}

func (r *claimReader) fail(name string) {
	if r.wrong == "" {
		r.wrong = name
	}
}

func (r *claimReader) text(name string) string {
	raw, ok := r.members[name]
	if !ok {
		return ""
	}
	if raw[0] != '"' {
		r.fail(name)
		return ""
	}
	// The members have been parsed once, so a string without escapes is what stands between its quotes.
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		r.fail(name)
	}
	return s
}

// required is text for a claim that must be there and not be empty.
func (r *claimReader) required(name string) string {
	s := r.text(name)
	if s == "" {
		r.fail(name)
	}
	return s
}

func (r *claimReader) boolean(name string) bool {
	raw, ok := r.members[name]
	if ok && string(raw) != "true" && string(raw) != "false" {
		r.fail(name)
	}
	return string(raw) == "true"
}

func (r *claimReader) port(name string) int {
	raw, ok := r.members[name]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 || n > maxPort {
		r.fail(name)
		return 0
	}
	return n
}

// date reads a NumericDate (RFC 7519, section 2): seconds since 1970, fractions allowed. Absent reads as the zero time.
func (r *claimReader) date(name string) time.Time {
	raw, ok := r.members[name]
	if !ok {
		return time.Time{}
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxUnixSeconds {
		r.fail(name)
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC()
}

// err names the first claim that was missing or of another type. It does not say what its value was.
func (r *claimReader) err() error {
	if r.wrong == "" {
		return nil
	}
	return fmt.Errorf("claim %q is missing or not of its type", r.wrong)
}

// validity is the times that a token or a session carries. A zero time is an absent one.
type validity struct {
	issuedAt, notBefore, expiresAt time.Time
}

func (r *claimReader) validity() validity {
	return validity{issuedAt: r.date("iat"), notBefore: r.date("nbf"), expiresAt: r.date("exp")}
}

// expired follows RFC 7519, section 4.1.4: at the moment of expiry it is over.
func (v validity) expired(now time.Time) bool {
	return !v.expiresAt.IsZero() && !now.Before(v.expiresAt)
}

// early reports whether the bearer must wait: before nbf (RFC 7519, section 4.1.5), or issued further ahead than clocks may
// differ.
func (v validity) early(now time.Time) bool {
	return !v.notBefore.IsZero() && now.Before(v.notBefore) || v.issuedAt.After(now.Add(maxIssuedAhead))
}

// checkWritable returns ErrClaims unless the times and texts can be written and come back the same, times to the second.
func checkWritable(issuedAt, expiresAt time.Time, port int, texts ...string) error {
	if issuedAt.IsZero() || !isNumericDate(issuedAt) {
		return fmt.Errorf("%w: time of issue missing or out of range", ErrClaims)
	}
	if !expiresAt.IsZero() && !isNumericDate(expiresAt) {
		return fmt.Errorf("%w: expiry out of range", ErrClaims)
	}
	if port < 0 || port > maxPort {
		return fmt.Errorf("%w: port out of range", ErrClaims)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: text is not UTF-8", ErrClaims)
		}
	}
	return nil
}

func isNumericDate(t time.Time) bool {
	return t.Unix() >= 0 && t.Unix() <= maxUnixSeconds
}
