package crypto

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

const (
	// minSigningBytes is the size of the hash that HS256 uses, below which RFC 7518, section 3.2, forbids a key.
	minSigningBytes = 32
	// sealingBytes is the key size of AES-256.
	sealingBytes = 32
	// maxRepeatedUnit is the longest unit whose mere repetition is not taken for a secret. It catches a short word typed
	// until the length check is content.
	maxRepeatedUnit = 8
)

// NewSigningSecret returns a fresh secret that [ParseSigningRing] accepts: 32 bytes of random as base64url, 43 characters.
// It fails when random does, and with [ErrKey] when random is so poor that the parser would refuse the result.
func NewSigningSecret(random io.Reader) (string, error) {
	raw, err := readSecret(random, minSigningBytes)
	if err != nil {
		return "", fmt.Errorf("make signing secret: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	if _, err := ParseSigningRing(text); err != nil {
		return "", fmt.Errorf("make signing secret: %w", err)
	}
	return text, nil
}

// NewSealingSecret returns a fresh secret that [ParseSealingRing] accepts: 32 bytes of random as 64 hexadecimal digits. It
// fails when random does, and with [ErrKey] when random is so poor that the parser would refuse the result.
func NewSealingSecret(random io.Reader) (string, error) {
	raw, err := readSecret(random, sealingBytes)
	if err != nil {
		return "", fmt.Errorf("make sealing secret: %w", err)
	}
	text := hex.EncodeToString(raw)
	if _, err := ParseSealingRing(text); err != nil {
		return "", fmt.Errorf("make sealing secret: %w", err)
	}
	return text, nil
}

func readSecret(random io.Reader, size int) ([]byte, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return raw, nil
}

// isPlaceholder reports whether secret is something that people leave in place of a secret: a phrase asking for one, or a
// key that is printed in documentation. The comparison ignores case and punctuation, so that "change-me" and "CHANGE_ME"
// are one. The phrases are long enough that a random secret contains one with a chance of less than one in 10^8.
func isPlaceholder(secret string) bool {
	folded := foldSecret(secret)
	for _, phrase := range []string{
		"changeme", "changethis", "changeit", "replaceme", "replacethis", "replacewith", "putyour", "insertyour",
		"yoursecret", "yoursecure", "yourauthsecret", "yourrandom", "yourgenerated", "yourkey", "your256bit", "yoursuper",
		"placeholder", "secrethere", "keyhere", "supersecret", "notasecret", "thisisanexample",
		"examplesecret", "examplekey", "donotuse", "generatewith", "opensslrand",
		// The default of the debugger at jwt.io, long enough to pass every other check.
		"astringsecretatleast256bitslong",
		// The key of the HS256 example in RFC 7515, appendix A.1.
		"aym1sysppbydfgzld3umj1qzkobwvmkoqqestjqlrt1qs0gzh75aktmn3yj0ips4hcguutwjazzr1z9caow",
		// SHA-256 of the word "secret" in base64, a sample value in guides to AUTH_SECRET.
		"k7gnu3sdool0wnhqovwhr3g6s1xyv72olpeunols",
	} {
		if strings.Contains(folded, phrase) {
			return true
		}
	}
	return false
}

// foldSecret keeps the ASCII letters and digits of secret, in lower case.
func foldSecret(secret string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		default:
			return -1
		}
	}, secret)
}

// isRepetition reports whether text is one unit of at most maxUnit bytes over and over, the last time possibly cut short.
func isRepetition[T string | []byte](text T, maxUnit int) bool {
	for unit := 1; unit <= maxUnit && unit < len(text); unit++ {
		i := unit
		for i < len(text) && text[i] == text[i-unit] {
			i++
		}
		if i == len(text) {
			return true
		}
	}
	return false
}
