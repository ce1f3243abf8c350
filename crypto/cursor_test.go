package crypto

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func cursorRing(t *testing.T, secrets ...string) SigningRing {
	t.Helper()
	ring, err := ParseSigningRing(strings.Join(secrets, ","))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

const (
	cursorSecretA = "p3Xk0vM1qL9sW7tZ5bN2cR8yH6jF4gDa"
	cursorSecretB = "Qe7rUi2oP0aSd5fGh8jKl1zXc4vBn6mW"
)

func TestCursorsOpenInTheirContextWithEveryKeyOfTheRing(t *testing.T) {
	t.Parallel()
	for _, place := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte{0, 255}, 400)} {
		for _, context := range [][]byte{nil, []byte("all"), []byte("another")} {
			cursor, err := cursorRing(t, cursorSecretA).SignCursor(place, context)
			if err != nil {
				t.Fatal(err)
			}
			for _, ring := range []SigningRing{
				cursorRing(t, cursorSecretA), cursorRing(t, cursorSecretA, cursorSecretB), cursorRing(t, cursorSecretB, cursorSecretA),
			} {
				if got, err := ring.OpenCursor(cursor, context); err != nil || !bytes.Equal(got, place) {
					t.Errorf("%v: got %q, %v", ring, got, err)
				}
			}
		}
	}
}

func TestCursorsOfOthersAndOfOtherListsDoNotOpen(t *testing.T) {
	t.Parallel()
	ring := cursorRing(t, cursorSecretA)
	cursor, err := ring.SignCursor([]byte("place"), []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := newCursorEncoding().DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, cursor string, ring SigningRing, context string) {
		t.Helper()
		if got, err := ring.OpenCursor(cursor, []byte(context)); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
	}
	refused("another key", cursor, cursorRing(t, cursorSecretB), "context")
	refused("no key", cursor, SigningRing{}, "context")
	refused("another context", cursor, ring, "Context")
	refused("no context", cursor, ring, "")
	for i := range raw { // of the version, the code and the place, every bit counts
		forged := slices.Clone(raw)
		forged[i] ^= 1
		refused("a bit changed", newCursorEncoding().EncodeToString(forged), ring, "context")
	}
	for end := range raw {
		refused("cut", newCursorEncoding().EncodeToString(raw[:end]), ring, "context")
	}
	for _, text := range []string{"", "!", "=", cursor + "=", cursor + "aaaa", "\n" + cursor, cursor[:9] + "\n" + cursor[9:], strings.ToUpper(cursor), cursor[:len(cursor)-1] + "b"} {
		refused("odd text", text, ring, "context")
	}
	// What is moved from the place to the context is another cursor.
	moved, err := ring.SignCursor([]byte("tplace"), []byte("contex"))
	if err != nil {
		t.Fatal(err)
	}
	if code := func(text string) string { return text[len(text)-40:] }; code(moved) == code(cursor) {
		t.Error("place and context run into each other")
	}
}

func TestAnEmptyRingSignsNoCursor(t *testing.T) {
	t.Parallel()
	if got, err := (SigningRing{}).SignCursor(nil, nil); !errors.Is(err, ErrKey) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A cursor is taken from one replica to another, and across updates.
func TestCursorsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	got, err := cursorRing(t, cursorSecretA).SignCursor([]byte("place"), []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "afygyyldmwey6tvpp3y3bh6pthadgcaas5fjmpmb5qv63t5f4v4kvc2f5qhsi"; got != want {
		t.Errorf("got %s", got)
	}
}
