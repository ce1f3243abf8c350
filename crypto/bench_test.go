package crypto_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
)

func BenchmarkSign(b *testing.B) {
	f := setup(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.signing.Sign(someClaims()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	f := setup(b)
	own, err := f.signing.Sign(someClaims())
	if err != nil {
		b.Fatal(err)
	}
	browserRing, browser := signingRing(b, f.vectors.AuthSecret), f.vectors.Tokens[0]
	tests := []struct {
		name  string
		ring  crypto.SigningRing
		token string
		now   time.Time
		fine  bool
	}{
		{"own", f.signing, own, noon, true},
		{"second key", signingRing(b, otherSecret, newSecret), own, noon, true},
		{"browser", browserRing, browser.JWT, time.Unix(browser.Row.CreatedAt, 0), true},
		{"stranger", f.signing, forge(otherSecret, plainHeader, okPayload), noon, false},
	}
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := test.ring.Verify(test.token, test.now); (err == nil) != test.fine {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	f := setup(b)
	sealer := crypto.NewSealer(f.sealing, rand.Reader, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Seal(password, someBinding()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	f := setup(b)
	for name, compat := range map[string]bool{"own": false, "browser": true} {
		sealer := crypto.NewSealer(f.sealing, rand.Reader, compat)
		sealed := seal(b, sealer, password, someBinding())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sealer.Open(sealed, someBinding()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHashToken(b *testing.B) {
	f := setup(b)
	token, err := f.signing.Sign(someClaims())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = crypto.HashToken(token)
	}
}

func BenchmarkOpenSession(b *testing.B) {
	f := setup(b)
	cookie, err := f.signing.SealSession(crypto.SessionCookie, someSession())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.signing.OpenSession(crypto.SessionCookie, cookie, noon); err != nil {
			b.Fatal(err)
		}
	}
}
