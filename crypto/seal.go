package crypto

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What can be wrong with a sealed text. None of them carries any of it.
var (
	// ErrSealed is the root of every refusal by [Sealer.Open].
	ErrSealed = errors.New("sealed text refused")
	// ErrSealedForm: not in a form that this Sealer opens, which includes FalkorDB Browser's form outside compatibility mode.
	ErrSealedForm = fmt.Errorf("%w: not in a known form", ErrSealed)
	// ErrSealedKeyUnknown: sealed with a key that is not in the ring (any more).
	ErrSealedKeyUnknown = fmt.Errorf("%w: key not in the ring", ErrSealed)
	// ErrSealedMismatch: altered, or bound to another row, user, host or port than the one it was found in.
	ErrSealedMismatch = fmt.Errorf("%w: altered or out of place", ErrSealed)
)

const (
	sealPrefix  = "v1."
	sealLabel   = "falkorpat seal v1"
	nonceBytes  = 12
	gcmTagBytes = 16
)

// Binding says where a sealed text belongs. It is authenticated with the text but not stored with it, so that a ciphertext
// copied into another row, or a row pointed at another server, does not open.
type Binding struct {
	TokenID  string // the row's token_id
	Username string // the ACL user that the password is of
	Host     string // the instance's canonical host
	Port     int    // the instance's port
}

// encode writes the binding as additional data: a label that keeps this use of a key apart from every other, then each field
// with its length in front, so that no two bindings read alike ("ab"+"c" and "a"+"bc").
func (b Binding) encode() []byte {
	out := make([]byte, 0, len(sealLabel)+len(b.TokenID)+len(b.Username)+len(b.Host)+5*8)
	for _, field := range []string{sealLabel, b.TokenID, b.Username, b.Host} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(field)))
		out = append(out, field...)
	}
	return binary.BigEndian.AppendUint64(out, uint64(b.Port)) //nolint:gosec // any int has its own bits
}

// Sealer keeps passwords secret at rest with AES-256-GCM (NIST SP 800-38D) under the keys of a [SealingRing].
type Sealer struct {
	ring          SealingRing
	random        io.Reader
	browserCompat bool
}

// NewSealer returns a Sealer over the ring. It reads one nonce of 12 bytes from random for each text sealed; random must be
// cryptographically strong and safe for concurrent use, as crypto/rand.Reader is. One key must not seal more than 2^32 texts
// (SP 800-38D, section 8.3). With browserCompat it writes FalkorDB Browser's form, and reads that form besides its own.
func NewSealer(ring SealingRing, random io.Reader, browserCompat bool) *Sealer {
	return &Sealer{ring: ring, random: random, browserCompat: browserCompat}
}

// Format writes the IDs of the keys for every verb, so that no way of printing a Sealer reaches a key.
func (s *Sealer) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "sealer with "+s.ring.String())
}

// Seal encrypts plaintext with the ring's first key and returns "v1.<key ID>.<nonce>.<ciphertext and tag>", the last two
// as base64url, which opens only with the same binding. In compatibility mode it returns "<nonce>:<tag>:<ciphertext>" in
// lower-case hexadecimal instead, which carries no binding. Either shows the length of the plaintext. It returns [ErrKey]
// when the ring is empty, and the error of the source of randomness when that fails.
func (s *Sealer) Seal(plaintext string, b Binding) (string, error) {
	if len(s.ring.keys) == 0 {
		return "", fmt.Errorf("seal: %w: the ring has no key", ErrKey)
	}
	key := s.ring.keys[0]
	nonce := make([]byte, nonceBytes)
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return "", fmt.Errorf("seal: read nonce: %w", err)
	}
	if s.browserCompat {
		sealed := key.aead.Seal(nil, nonce, []byte(plaintext), nil)
		text, tag := sealed[:len(plaintext)], sealed[len(plaintext):]
		return hex.EncodeToString(nonce) + ":" + hex.EncodeToString(tag) + ":" + hex.EncodeToString(text), nil
	}
	sealed := key.aead.Seal(nil, nonce, []byte(plaintext), b.encode())
	encode := base64.RawURLEncoding.EncodeToString
	return sealPrefix + key.id + "." + encode(nonce) + "." + encode(sealed), nil
}

// Open decrypts what Seal returned for the same binding. Errors wrap [ErrSealed] by way of [ErrSealedForm],
// [ErrSealedKeyUnknown] or [ErrSealedMismatch]. In compatibility mode it also opens FalkorDB Browser's form, with whichever
// key of the ring fits; the binding plays no part there.
func (s *Sealer) Open(sealed string, b Binding) (string, error) {
	if rest, ok := strings.CutPrefix(sealed, sealPrefix); ok {
		return s.openOwn(rest, b)
	}
	if !s.browserCompat {
		return "", ErrSealedForm
	}
	return s.openBrowser(sealed)
}

func (s *Sealer) openOwn(rest string, b Binding) (string, error) {
	parts := strings.Split(rest, ".")
	if len(parts) != 3 {
		return "", ErrSealedForm
	}
	if _, ok := decodeHex(parts[0], keyIDBytes); !ok {
		return "", ErrSealedForm
	}
	nonce, nonceOK := decodeBase64([]byte(parts[1]))
	text, textOK := decodeBase64([]byte(parts[2]))
	if !nonceOK || !textOK || len(nonce) != nonceBytes || len(text) < gcmTagBytes {
		return "", ErrSealedForm
	}
	failure := ErrSealedKeyUnknown
	for _, key := range s.ring.keys {
		if key.id != parts[0] {
			continue
		}
		if plaintext, err := key.aead.Open(nil, nonce, text, b.encode()); err == nil {
			return string(plaintext), nil
		}
		// Two keys may share an ID by chance, so the search goes on.
		failure = ErrSealedMismatch
	}
	return "", failure
}

func (s *Sealer) openBrowser(sealed string) (string, error) {
	parts := strings.Split(sealed, ":")
	if len(parts) != 3 {
		return "", ErrSealedForm
	}
	nonce, nonceOK := decodeHex(parts[0], nonceBytes)
	tag, tagOK := decodeHex(parts[1], gcmTagBytes)
	text, textOK := decodeHex(parts[2], len(parts[2])/2)
	if !nonceOK || !tagOK || !textOK {
		return "", ErrSealedForm
	}
	sealedText := bytes.Join([][]byte{text, tag}, nil)
	for _, key := range s.ring.keys {
		if plaintext, err := key.aead.Open(nil, nonce, sealedText, nil); err == nil {
			return string(plaintext), nil
		}
	}
	// This form does not say which key sealed it, so a removed key and an altered text look the same.
	return "", ErrSealedMismatch
}

// decodeHex decodes exactly size bytes of lower-case hexadecimal. Upper case is refused, so that a sealed text has one
// spelling.
func decodeHex(text string, size int) ([]byte, bool) {
	out, err := hex.DecodeString(text)
	return out, err == nil && len(out) == size && strings.ToLower(text) == text
}

// newAEAD makes the cipher of a sealing key. The key must have 32 bytes.
func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("does not fit AES: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("does not fit GCM: %w", err)
	}
	return aead, nil
}
