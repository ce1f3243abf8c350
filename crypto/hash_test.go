package crypto_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/crypto"
)

func TestHashesAreThoseThatFalkorDBBrowserStores(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, token := range f.vectors.Tokens {
		if got := crypto.HashToken(token.JWT); got != token.Row.TokenHash {
			t.Errorf("token: got %s, want %s", got, token.Row.TokenHash)
		}
	}
	if got, want := crypto.HashSession(f.vectors.Session.Row.TokenID), f.vectors.Session.Row.TokenHash; got != want {
		t.Errorf("session: got %s, want %s", got, want)
	}
}

func TestHashIsSHA256OfTheWholeText(t *testing.T) {
	t.Parallel()
	// Lengths around the size of the buffer, where a hash of only part of the text would begin to differ.
	for _, size := range []int{0, 1, 63, 64, 1012, 1013, 1014, 1023, 1024, 1025, 4096, crypto.MaxTokenBytes} {
		text := strings.Repeat("a", size)
		if got, want := crypto.HashToken(text), sha256Hex(text); got != want {
			t.Errorf("token of %d bytes: got %s, want %s", size, got, want)
		}
		if got, want := crypto.HashSession(text), sha256Hex("connection:"+text); got != want {
			t.Errorf("session of %d bytes: got %s, want %s", size, got, want)
		}
	}
}

func TestHashOfAnyTextIsItsSHA256(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "text"))
		if got, want := crypto.HashToken(text), sha256Hex(text); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
