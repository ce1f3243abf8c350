package crypto_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/crypto"
)

// Real passwords have what this has: more than ASCII, quotes, backslashes.
const password = "rw-pass-é\"\\x"

func someBinding() crypto.Binding {
	return crypto.Binding{TokenID: "1795348800000-0a1b2c3d", Username: "default", Host: "localhost", Port: 6379}
}

// gcm is AES-256-GCM made without the package under test.
func gcm(tb testing.TB, secret string) cipher.AEAD {
	tb.Helper()
	raw, err := hex.DecodeString(secret)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return aead
}

func seal(tb testing.TB, sealer *crypto.Sealer, plaintext string, b crypto.Binding) string {
	tb.Helper()
	sealed, err := sealer.Seal(plaintext, b)
	if err != nil {
		tb.Fatal(err)
	}
	return sealed
}

func TestPasswordSealedByFalkorDBBrowserOpensInCompatibilityMode(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ring := sealingRing(t, newSealing, f.vectors.EncryptionKey)
	tests := map[string]struct {
		row      vectorRow
		password string
	}{
		"token":   {f.vectors.Tokens[0].Row, f.vectors.Tokens[0].Password},
		"session": {f.vectors.Session.Row, f.vectors.Session.Password},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, err := crypto.NewSealer(ring, rand.Reader, true).Open(test.row.EncryptedPassword, test.row.binding())
			if err != nil || opened != test.password {
				t.Errorf("got %q, %v, want %q", opened, err, test.password)
			}
			strict := crypto.NewSealer(ring, rand.Reader, false)
			if _, err := strict.Open(test.row.EncryptedPassword, test.row.binding()); !errors.Is(err, crypto.ErrSealedForm) {
				t.Errorf("outside compatibility mode: got %v, want ErrSealedForm", err)
			}
			foreign := crypto.NewSealer(sealingRing(t, otherSealing), rand.Reader, true)
			if _, err := foreign.Open(test.row.EncryptedPassword, test.row.binding()); !errors.Is(err, crypto.ErrSealedMismatch) {
				t.Errorf("under another key: got %v, want ErrSealedMismatch", err)
			}
		})
	}
}

func TestCompatibilityModeWritesTheFormOfFalkorDBBrowser(t *testing.T) {
	t.Parallel()
	sealer := crypto.NewSealer(sealingRing(t, newSealing), &ascending{}, true)
	for _, plaintext := range []string{password, ""} {
		sealed := seal(t, sealer, plaintext, someBinding())
		parts := strings.Split(sealed, ":")
		if !regexp.MustCompile(`^[0-9a-f]{24}:[0-9a-f]{32}:([0-9a-f]{2})*$`).MatchString(sealed) {
			t.Fatalf("got %q", sealed)
		}
		nonce, _ := hex.DecodeString(parts[0])
		tag, _ := hex.DecodeString(parts[1])
		text, _ := hex.DecodeString(parts[2])
		opened, err := gcm(t, newSealing).Open(nil, nonce, append(text, tag...), nil)
		if err != nil || string(opened) != plaintext {
			t.Errorf("got %q, %v, want %q", opened, err, plaintext)
		}
	}
}

// TestSealedTextOfThisVersionOpensForever fixes the form byte for byte: rows outlive programs.
func TestSealedTextOfThisVersionOpensForever(t *testing.T) {
	t.Parallel()
	const golden = "v1.a17756d0.AAECAwQFBgcICQoL.bPAKb2wCXoXL182ppyxgyYXho2I2BetOzdzT6sk"
	sealer := crypto.NewSealer(sealingRing(t, newSealing), &ascending{}, false)
	if sealed := seal(t, sealer, password, someBinding()); sealed != golden {
		t.Errorf("got %s, want %s", sealed, golden)
	}
	opened, err := sealer.Open(golden, someBinding())
	if err != nil || opened != password {
		t.Errorf("got %q, %v", opened, err)
	}
	// The same by the documented construction and the standard library alone.
	var additional []byte
	for _, field := range []string{"falkorpat seal v1", "1795348800000-0a1b2c3d", "default", "localhost"} {
		additional = binary.BigEndian.AppendUint64(additional, uint64(len(field)))
		additional = append(additional, field...)
	}
	additional = binary.BigEndian.AppendUint64(additional, 6379)
	parts := strings.Split(golden, ".")
	plaintext, err := gcm(t, newSealing).Open(nil, decode64(t, parts[2]), decode64(t, parts[3]), additional)
	if err != nil || string(plaintext) != password {
		t.Errorf("independently: got %q, %v", plaintext, err)
	}
}

func TestSealedTextOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	ring := sealingRing(t, newSealing)
	sealed := seal(t, crypto.NewSealer(ring, rand.Reader, false), password, someBinding())
	moves := map[string]func(b *crypto.Binding){
		"another row":    func(b *crypto.Binding) { b.TokenID = "1795348800000-0a1b2c3e" },
		"another user":   func(b *crypto.Binding) { b.Username = "admin" },
		"another host":   func(b *crypto.Binding) { b.Host = "attacker.example" },
		"another port":   func(b *crypto.Binding) { b.Port = 6380 },
		"user in case":   func(b *crypto.Binding) { b.Username = "Default" },
		"shifted fields": func(b *crypto.Binding) { b.Username, b.Host = "defaultl", "ocalhost" },
		"no binding":     func(b *crypto.Binding) { *b = crypto.Binding{} },
	}
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := someBinding()
			move(&b)
			for _, compat := range []bool{false, true} {
				opened, err := crypto.NewSealer(ring, rand.Reader, compat).Open(sealed, b)
				if !errors.Is(err, crypto.ErrSealedMismatch) || !errors.Is(err, crypto.ErrSealed) || opened != "" {
					t.Errorf("compatibility mode %t: got %q, %v, want ErrSealedMismatch", compat, opened, err)
				}
			}
		})
	}
}

func TestSealedTextChangedInOneBitDoesNotOpen(t *testing.T) {
	t.Parallel()
	ring := sealingRing(t, newSealing)
	for _, compat := range []bool{false, true} {
		sealer := crypto.NewSealer(ring, rand.Reader, compat)
		// Different lengths leave different numbers of bits unused in the last digit.
		for _, plaintext := range []string{"", "p", "pw", "pwd", password} {
			flips(seal(t, sealer, plaintext, someBinding()), func(at int, flipped string) {
				opened, err := sealer.Open(flipped, someBinding())
				if !errors.Is(err, crypto.ErrSealed) || opened != "" {
					t.Errorf("compatibility mode %t, byte %d: got %q, %v", compat, at, opened, err)
				}
			})
		}
	}
}

func TestTextInNoKnownFormIsRefused(t *testing.T) {
	t.Parallel()
	ring := sealingRing(t, newSealing)
	own := seal(t, crypto.NewSealer(ring, &ascending{}, false), password, someBinding())
	browser := seal(t, crypto.NewSealer(ring, &ascending{}, true), password, someBinding())
	parts := strings.Split(own, ".")
	browserParts := strings.Split(browser, ":")
	refused := map[string]string{
		"empty": "", "plain": password, "prefix only": "v1.", "next version": "v2" + own[2:], "prefix in capitals": "V1" + own[2:],
		"two parts": "v1." + parts[1] + "." + parts[2], "five parts": own + ".x", "trailing blank": own + " ", "padding": own + "=",
		"key ID in capitals":  strings.Replace(own, parts[1], strings.ToUpper(parts[1]), 1),
		"key ID of no digits": "v1.zzzzzzzz." + parts[2] + "." + parts[3], "short key ID": "v1.a177." + parts[2] + "." + parts[3],
		"no nonce": "v1." + parts[1] + ".." + parts[3], "short nonce": "v1." + parts[1] + "." + parts[2][:12] + "." + parts[3],
		"long nonce":       "v1." + parts[1] + "." + parts[2] + "AAAA." + parts[3],
		"shorter than tag": "v1." + parts[1] + "." + parts[2] + "." + parts[3][:20],
		"line feed inside": own[:20] + "\n" + own[20:],
		"two hex parts":    browserParts[0] + ":" + browserParts[1], "four hex parts": browser + ":00",
		"hex in capitals": strings.ToUpper(browser), "odd hex": browser[:len(browser)-1], "short hex nonce": browser[2:],
		"short hex tag": browserParts[0] + ":" + browserParts[1][2:] + ":" + browserParts[2],
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, compat := range []bool{false, true} {
				if _, err := crypto.NewSealer(ring, rand.Reader, compat).Open(text, someBinding()); !errors.Is(err, crypto.ErrSealedForm) {
					t.Errorf("compatibility mode %t: got %v, want ErrSealedForm", compat, err)
				}
			}
		})
	}
}

func TestRotationOpensOldTextsUntilTheirKeyIsRemoved(t *testing.T) {
	t.Parallel()
	before := crypto.NewSealer(sealingRing(t, oldSealing), rand.Reader, false)
	during := crypto.NewSealer(sealingRing(t, newSealing, oldSealing), rand.Reader, false)
	after := crypto.NewSealer(sealingRing(t, newSealing), rand.Reader, false)
	oldText, newText := seal(t, before, password, someBinding()), seal(t, during, password, someBinding())
	tests := []struct {
		name   string
		sealer *crypto.Sealer
		text   string
		want   error
	}{
		{"old text, old ring", before, oldText, nil},
		{"old text, both keys", during, oldText, nil},
		{"old text, key removed", after, oldText, crypto.ErrSealedKeyUnknown},
		{"new text, both keys", during, newText, nil},
		{"new text, new ring", after, newText, nil},
		{"new text, old ring", before, newText, crypto.ErrSealedKeyUnknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opened, err := test.sealer.Open(test.text, someBinding())
			if !errors.Is(err, test.want) || err == nil && opened != password {
				t.Errorf("got %q, %v, want %v", opened, err, test.want)
			}
		})
	}
	if id := sealingRing(t, newSealing).IDs()[0]; !strings.HasPrefix(newText, "v1."+id+".") {
		t.Errorf("%s does not name the first key, %s", newText, id)
	}
}

func TestEveryTextGetsItsOwnNonce(t *testing.T) {
	t.Parallel()
	sealer := crypto.NewSealer(sealingRing(t, newSealing), rand.Reader, false)
	seen := map[string]bool{}
	for range 1000 {
		nonce := strings.Split(seal(t, sealer, password, someBinding()), ".")[2]
		if seen[nonce] {
			t.Fatalf("nonce %s was used twice", nonce)
		}
		seen[nonce] = true
	}
}

func TestNothingIsSealedWithoutRandomness(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	for _, compat := range []bool{false, true} {
		sealer := crypto.NewSealer(sealingRing(t, newSealing), iotest.ErrReader(broken), compat)
		if sealed, err := sealer.Seal(password, someBinding()); !errors.Is(err, broken) || sealed != "" {
			t.Errorf("got %q, %v", sealed, err)
		}
		short := crypto.NewSealer(sealingRing(t, newSealing), bytes.NewReader(make([]byte, 11)), compat)
		if sealed, err := short.Seal(password, someBinding()); err == nil {
			t.Errorf("sealed with 11 bytes of nonce: %q", sealed)
		}
	}
}

func TestRefusalsCarryNeitherPlaintextNorSealedText(t *testing.T) {
	t.Parallel()
	sealer := crypto.NewSealer(sealingRing(t, newSealing), rand.Reader, true)
	for _, text := range []string{
		seal(t, crypto.NewSealer(sealingRing(t, newSealing), rand.Reader, false), password, someBinding()),
		seal(t, sealer, password, someBinding()), password,
	} {
		_, err := sealer.Open(text[:len(text)-1]+"A", crypto.Binding{TokenID: "id-of-row"})
		if err == nil {
			t.Fatal("opened")
		}
		for _, leak := range []string{password, text[4:], "id-of-row", newSealing} {
			if strings.Contains(err.Error(), leak) {
				t.Errorf("%q shows %q", err, leak)
			}
		}
	}
}

func TestWhatIsSealedOpensUnchanged(t *testing.T) {
	t.Parallel()
	ring := sealingRing(t, newSealing, oldSealing)
	rapid.Check(t, func(t *rapid.T) {
		plaintext := string(rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext"))
		b := crypto.Binding{
			TokenID: rapid.String().Draw(t, "token ID"), Username: rapid.String().Draw(t, "username"),
			Host: rapid.String().Draw(t, "host"), Port: rapid.Int().Draw(t, "port"),
		}
		sealer := crypto.NewSealer(ring, rand.Reader, rapid.Bool().Draw(t, "compat"))
		sealed, err := sealer.Seal(plaintext, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(plaintext) >= 4 && strings.Contains(sealed, base64.RawURLEncoding.EncodeToString([]byte(plaintext))) {
			t.Fatal("the plaintext is in the sealed text")
		}
		opened, err := sealer.Open(sealed, b)
		if err != nil || opened != plaintext {
			t.Fatalf("got %q, %v, want %q", opened, err, plaintext)
		}
	})
}
