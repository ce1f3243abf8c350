package crypto

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrKey is the root of everything that can be wrong with a key or a ring: too short, not hexadecimal, a placeholder, given
// twice, or none at all. The text of the error names the key by its position, never by its content.
var ErrKey = errors.New("key not usable")

// Labels that the key IDs are derived under. The two differ so that the same bytes used as a key of both kinds, which nobody
// should do, do not show it in their IDs.
const (
	signingIDLabel = "falkorpat signing key id v1"
	sealingIDLabel = "falkorpat sealing key id v1"
	keyIDBytes     = 4
)

// SigningRing is the keys of AUTH_SECRET, newest first. The first signs tokens and seals session cookies; all of them verify
// and open. The zero ring signs nothing and verifies nothing. Printing a ring shows the IDs of its keys only.
type SigningRing struct {
	keys []*signingKey
}

// signingKey is one secret with everything that can be computed from it before the first request.
type signingKey struct {
	id       string
	secret   []byte
	macs     *macPool
	sessions []sessionKey
	cursor   []byte
}

// SealingRing is the keys of ENCRYPTION_KEY, newest first. The first seals, all of them open. The zero ring does neither.
// Printing a ring shows the IDs of its keys only.
type SealingRing struct {
	keys []*sealingKey
}

type sealingKey struct {
	id   string
	aead cipher.AEAD
}

// ParseSigningRing reads the keys of AUTH_SECRET: separated by commas, newest first, blanks around each key ignored. The key
// is the text itself, not what it might encode. A key must have at least 32 bytes and be neither a placeholder, nor an example
// from documentation, nor a repetition of a few characters, nor given twice; anything else is [ErrKey]. Since the comma
// separates keys, a secret that contains one cannot be expressed.
func ParseSigningRing(s string) (SigningRing, error) {
	texts, err := splitKeys(s)
	if err != nil {
		return SigningRing{}, err
	}
	ring := SigningRing{keys: make([]*signingKey, 0, len(texts))}
	for i, text := range texts {
		if err := checkSigningSecret(text); err != nil {
			return SigningRing{}, keyError(i, len(texts), err)
		}
		key, err := newSigningKey([]byte(text))
		if err != nil {
			return SigningRing{}, keyError(i, len(texts), err)
		}
		ring.keys = append(ring.keys, key)
	}
	if first, second, repeated := findRepeated(texts); repeated {
		return SigningRing{}, fmt.Errorf("%w: key %d is the same as key %d", ErrKey, second+1, first+1)
	}
	return ring, nil
}

// ParseSealingRing reads the keys of ENCRYPTION_KEY: separated by commas, newest first, blanks around each key ignored. A key
// is exactly 64 hexadecimal digits in either case, and may be neither one byte over and over (such as all zeros) nor given
// twice; anything else is [ErrKey].
func ParseSealingRing(s string) (SealingRing, error) {
	texts, err := splitKeys(s)
	if err != nil {
		return SealingRing{}, err
	}
	ring := SealingRing{keys: make([]*sealingKey, 0, len(texts))}
	for i, text := range texts {
		key, err := parseSealingKey(text)
		if err != nil {
			return SealingRing{}, keyError(i, len(texts), err)
		}
		ring.keys = append(ring.keys, key)
		// The digits of a key may be spelt in two cases, so repetition is looked for in what they mean.
		texts[i] = strings.ToLower(text)
	}
	if first, second, repeated := findRepeated(texts); repeated {
		return SealingRing{}, fmt.Errorf("%w: key %d is the same as key %d", ErrKey, second+1, first+1)
	}
	return ring, nil
}

// IDs returns the IDs of the ring's keys in order, the signing one first: 8 lower-case hexadecimal digits each, fit for logs.
func (r SigningRing) IDs() []string {
	ids := make([]string, 0, len(r.keys))
	for _, k := range r.keys {
		ids = append(ids, k.id)
	}
	return ids
}

// IDs returns the IDs of the ring's keys in order, the sealing one first: 8 lower-case hexadecimal digits each, fit for logs.
func (r SealingRing) IDs() []string {
	ids := make([]string, 0, len(r.keys))
	for _, k := range r.keys {
		ids = append(ids, k.id)
	}
	return ids
}

// String names the ring's keys by their IDs.
func (r SigningRing) String() string { return "signing keys [" + strings.Join(r.IDs(), " ") + "]" }

// String names the ring's keys by their IDs.
func (r SealingRing) String() string { return "sealing keys [" + strings.Join(r.IDs(), " ") + "]" }

// Format writes what String returns for every verb, so that no way of printing a ring, %#v included, reaches a secret.
func (r SigningRing) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// Format writes what String returns for every verb, so that no way of printing a ring, %#v included, reaches a secret.
func (r SealingRing) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

func splitKeys(s string) ([]string, error) {
	texts := strings.Split(s, ",")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
		if texts[i] == "" {
			return nil, keyError(i, len(texts), errors.New("is empty"))
		}
	}
	return texts, nil
}

// keyError says which key of a ring is wrong. The cause must not contain the key's text.
func keyError(index, total int, cause error) error {
	return fmt.Errorf("%w: key %d of %d %w", ErrKey, index+1, total, cause)
}

func checkSigningSecret(text string) error {
	switch {
	case isPlaceholder(text):
		return errors.New("is a placeholder or a published example, not a secret")
	case len(text) < minSigningBytes:
		return fmt.Errorf("has %d bytes, at least %d are needed", len(text), minSigningBytes)
	case isRepetition(text, maxRepeatedUnit):
		return errors.New("repeats a few characters, which is guessable")
	default:
		return nil
	}
}

func newSigningKey(secret []byte) (*signingKey, error) {
	id, err := keyID(secret, signingIDLabel)
	if err != nil {
		return nil, err
	}
	sessions, err := deriveSessionKeys(secret)
	if err != nil {
		return nil, err
	}
	cursor, err := deriveCursorKey(secret)
	if err != nil {
		return nil, err
	}
	return &signingKey{id: id, secret: secret, macs: newMACPool(secret), sessions: sessions, cursor: cursor}, nil
}

func parseSealingKey(text string) (*sealingKey, error) {
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) != sealingBytes {
		// The decoder's own error would quote a character of the key.
		return nil, fmt.Errorf("is not exactly %d hexadecimal digits", 2*sealingBytes)
	}
	if isRepetition(secret, 1) {
		return nil, errors.New("is one byte over and over, which is guessable")
	}
	id, err := keyID(secret, sealingIDLabel)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, err
	}
	return &sealingKey{id: id, aead: aead}, nil
}

// keyID derives the short name of a key with HKDF (RFC 5869) under a label of its own, so that the ID tells nothing about
// the key nor about anything else that is computed with it.
func keyID(secret []byte, label string) (string, error) {
	id, err := hkdf.Key(sha256.New, secret, nil, label, keyIDBytes)
	if err != nil {
		return "", fmt.Errorf("has no ID: %w", err)
	}
	return hex.EncodeToString(id), nil
}

func findRepeated(texts []string) (first, second int, repeated bool) {
	seen := make(map[string]int, len(texts))
	for i, text := range texts {
		if earlier, ok := seen[text]; ok {
			return earlier, i, true
		}
		seen[text] = i
	}
	return 0, 0, false
}
