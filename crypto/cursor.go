package crypto

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCursor is the answer to every text that is not a cursor of this ring's, or not one for this context.
var ErrCursor = errors.New("not a cursor of this list")

const (
	// cursorLabel separates the key from everything else that is derived from a signing secret. The format's version is in it
	// and in the first byte of every cursor.
	cursorLabel   = "falkorpat list cursor v1"
	cursorVersion = 1
)

// newCursorEncoding is base32, because base64 can look like the beginning of a token to those who search logs for one.
func newCursorEncoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// SignCursor makes the opaque text by which a client asks for what follows in a list: the place, which it can read but not
// change, bound to a context, which is not in it. It is lower-case base32
// without padding. It returns [ErrKey] for an empty ring.
func (r SigningRing) SignCursor(place, context []byte) (string, error) {
	if len(r.keys) == 0 {
		return "", fmt.Errorf("sign cursor: %w: the ring is empty", ErrKey)
	}
	text := append([]byte{cursorVersion}, place...)
	return newCursorEncoding().EncodeToString(append(text, r.keys[0].cursorMAC(place, context)...)), nil
}

// OpenCursor gives the place of a cursor that any key of the ring has signed in this context. It returns [ErrCursor]
// otherwise.
func (r SigningRing) OpenCursor(cursor string, context []byte) ([]byte, error) {
	encoding := newCursorEncoding()
	text, err := encoding.DecodeString(cursor)
	// The decoder passes over line breaks and stray bits; one cursor has one text.
	if err != nil || encoding.EncodeToString(text) != cursor || len(text) < 1+sha256.Size || text[0] != cursorVersion {
		return nil, ErrCursor
	}
	place, mac := text[1:len(text)-sha256.Size], text[len(text)-sha256.Size:]
	for _, key := range r.keys {
		if hmac.Equal(mac, key.cursorMAC(place, context)) {
			return place, nil
		}
	}
	return nil, ErrCursor
}

// cursorMAC authenticates a place in a context, whose length keeps the two apart.
func (k *signingKey) cursorMAC(place, context []byte) []byte {
	mac := hmac.New(sha256.New, k.cursor)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(context))))
	_, _ = mac.Write(context)
	_, _ = mac.Write(place)
	return mac.Sum(nil)
}

func deriveCursorKey(secret []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, cursorLabel, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("gives no cursor key: %w", err)
	}
	return key, nil
}
