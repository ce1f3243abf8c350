package crypto_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/falkorpat/falkorpat/crypto"
)

func TestUnusableSigningKeysAreRefusedByPosition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, secrets, says string
	}{
		{"none", "", "key 1 of 1 is empty"},
		{"blank", " \t\n", "key 1 of 1 is empty"},
		{"empty last", newSecret + ",", "key 2 of 2 is empty"},
		{"empty between", newSecret + ", ," + oldSecret, "key 2 of 3 is empty"},
		{"31 bytes", newSecret[:31], "key 1 of 1 has 31 bytes, at least 32 are needed"},
		{"second too short", newSecret + ",short-but-secret", "key 2 of 2 has 16 bytes, at least 32 are needed"},
		{"short only with its blanks", "  " + newSecret[:30] + "  ", "key 1 of 1 has 30 bytes, at least 32 are needed"},
		{"given twice", newSecret + "," + oldSecret + ", " + newSecret + " ", "key 3 is the same as key 1"},
		{"one character", strings.Repeat("x", 40), "key 1 of 1 repeats a few characters"},
		{"short word repeated", strings.Repeat("passw0rd", 5), "key 1 of 1 repeats a few characters"},
		{"repetition cut short", strings.Repeat("abc", 12) + "a", "key 1 of 1 repeats a few characters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.ParseSigningRing(test.secrets)
			if !errors.Is(err, crypto.ErrKey) {
				t.Fatalf("got %v, want ErrKey", err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want it to say %q", err, test.says)
			}
		})
	}
}

func TestPlaceholderIsNoSigningKey(t *testing.T) {
	t.Parallel()
	placeholders := []string{
		"your-secret-here", "your-secret-here-at-least-32-characters-long", "YOUR_SECRET_KEY_GOES_IN_THIS_PLACE_PLEASE",
		"your-secure-secret-here", "changeme", "changemechangemechangemechangeme1", "CHANGE_ME_IN_PRODUCTION_0123456789",
		"please-Change-This-before-production!", "replace-with-at-least-32-random-characters",
		"<put your own secret in this place here>", "a-string-secret-at-least-256-bits-long", "your-256-bit-secret",
		"This is an example of an auth secret", "super-secret-super-long-0123456789",
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
		"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "$(openssl rand -base64 33) ................",
	}
	for _, placeholder := range placeholders {
		t.Run(placeholder, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.ParseSigningRing(newSecret + "," + placeholder)
			if !errors.Is(err, crypto.ErrKey) || !strings.Contains(err.Error(), "key 2 of 2 is a placeholder") {
				t.Errorf("got %v, want key 2 refused as a placeholder", err)
			}
		})
	}
}

func TestUsualSecretsAreSigningKeys(t *testing.T) {
	t.Parallel()
	secrets := []string{
		newSecret,
		newSecret[:32],
		"peer-secret-0123456789abcdef0123456789abcdef",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"m0Qd3sYvV4l5yJtq0o1xw2u7eR9nK8bT6zA+/cHgFiE=",
		"päss phrase with blanks and ümlauts",
	}
	for _, secret := range secrets {
		t.Run(secret, func(t *testing.T) {
			t.Parallel()
			ring := signingRing(t, "\t "+secret+"\n")
			token, err := ring.Sign(someClaims())
			if err != nil {
				t.Fatal(err)
			}
			// Blanks around a key are no part of it.
			if _, err := signingRing(t, secret).Verify(token, noon); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnusableSealingKeysAreRefusedByPosition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, secrets, says string
	}{
		{"none", "", "key 1 of 1 is empty"},
		{"empty last", newSealing + ",", "key 2 of 2 is empty"},
		{"62 digits", newSealing[2:], "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"66 digits", newSealing + "ab", "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"63 digits", newSealing[1:], "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"no hexadecimal", newSealing[:63] + "g", "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"blank inside", newSealing[:32] + " " + newSealing[33:], "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"prefixed", "0x" + newSealing[2:], "key 1 of 1 is not exactly 64 hexadecimal digits"},
		{"all zeros", strings.Repeat("0", 64), "key 1 of 1 is one byte over and over"},
		{"one byte", newSealing + "," + strings.Repeat("aB", 32), "key 2 of 2 is one byte over and over"},
		{"given twice", newSealing + "," + newSealing, "key 2 is the same as key 1"},
		{"given twice in two cases", oldSealing + "," + newSealing + "," + strings.ToUpper(newSealing), "key 3 is the same as key 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.ParseSealingRing(test.secrets)
			if !errors.Is(err, crypto.ErrKey) {
				t.Fatalf("got %v, want ErrKey", err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want it to say %q", err, test.says)
			}
		})
	}
}

func TestKeyIDIsStableShortAndOfOneKey(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}$`)
	signing := signingRing(t, newSecret, oldSecret, newSealing).IDs()
	sealing := sealingRing(t, newSealing, oldSealing).IDs()
	all := slices.Concat(signing, sealing)
	for _, id := range all {
		if !form.MatchString(id) {
			t.Errorf("ID %q is not 8 hexadecimal digits", id)
		}
	}
	// newSealing is among both: an ID must not show that one text serves as two kinds of key.
	if slices.Sort(all); len(slices.Compact(all)) != 5 {
		t.Errorf("IDs are not all different: signing %v, sealing %v", signing, sealing)
	}
	if again := signingRing(t, oldSecret).IDs(); again[0] != signing[1] {
		t.Errorf("the ID of a key depends on its place: %s and %s", again[0], signing[1])
	}
	if upper := sealingRing(t, strings.ToUpper(newSealing)).IDs(); upper[0] != sealing[0] {
		t.Errorf("the ID of a key depends on its spelling: %s and %s", upper[0], sealing[0])
	}
}

func TestPrintingNeverShowsAKey(t *testing.T) {
	t.Parallel()
	f := setup(t)
	sealer := crypto.NewSealer(f.sealing, &ascending{}, false)
	rawSealing, err := hex.DecodeString(newSealing)
	if err != nil {
		t.Fatal(err)
	}
	rawSigning := []byte(newSecret)
	leaks := []string{
		newSecret, hex.EncodeToString(rawSigning), decimals(rawSigning[:4]), decimals(rawSealing[:4]), newSealing, string(rawSealing),
	}
	for _, value := range []any{f.signing, &f.signing, f.sealing, &f.sealing, sealer, *sealer, []any{f.signing, f.sealing}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			printed := strings.ToLower(fmt.Sprintf(verb, value))
			for _, leak := range leaks {
				if strings.Contains(printed, strings.ToLower(leak)) {
					t.Errorf("%s of %T shows a key", verb, value)
				}
			}
		}
		if asJSON, err := json.Marshal(value); err == nil && strings.Contains(string(asJSON), newSecret) {
			t.Errorf("JSON of %T shows a key", value)
		}
	}
	if got, want := fmt.Sprint(f.signing), "signing keys ["+f.signing.IDs()[0]+"]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// decimals is how fmt shows bytes that nobody told it to hide.
func decimals(raw []byte) string { return strings.Trim(fmt.Sprintf("%d", raw), "[]") }

func TestZeroRingsDoNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var signing crypto.SigningRing
	sealer := crypto.NewSealer(crypto.SealingRing{}, &ascending{}, false)
	token, err := f.signing.Sign(someClaims())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := crypto.NewSealer(f.sealing, &ascending{}, false).Seal("pw", crypto.Binding{})
	if err != nil {
		t.Fatal(err)
	}
	_, signErr := signing.Sign(someClaims())
	_, cookieErr := signing.SealSession(crypto.SessionCookie, someSession())
	_, sealErr := sealer.Seal("pw", crypto.Binding{})
	_, verifyErr := signing.Verify(token, noon)
	_, sessionErr := signing.OpenSession(crypto.SessionCookie, f.vectors.Session.CookieValue, noon)
	_, openErr := sealer.Open(sealed, crypto.Binding{})
	for _, test := range []struct {
		name      string
		got, want error
	}{
		{"Sign", signErr, crypto.ErrKey},
		{"SealSession", cookieErr, crypto.ErrKey},
		{"Seal", sealErr, crypto.ErrKey},
		{"Verify", verifyErr, crypto.ErrTokenSignature},
		{"OpenSession", sessionErr, crypto.ErrSessionSeal},
		{"Open", openErr, crypto.ErrSealedKeyUnknown},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
}

// TestRingServesManyGoroutines is for the race detector: rings keep states for reuse.
func TestRingServesManyGoroutines(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret, oldSecret)
	old := signingRing(t, oldSecret)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			claims := someClaims()
			claims.ID = fmt.Sprintf("%d-%08x", noon.UnixMilli(), i)
			for range 50 {
				token, err := old.Sign(claims)
				if err != nil {
					t.Error(err)
					return
				}
				verified, err := ring.Verify(token, noon)
				if err != nil || verified.Claims().ID != claims.ID {
					t.Errorf("got %q, %v", verified.Claims().ID, err)
				}
			}
		})
	}
	group.Wait()
}
