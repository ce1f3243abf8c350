package crypto_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/falkorpat/falkorpat/crypto"
)

func TestNewSecretsAreAcceptedByTheParsers(t *testing.T) {
	t.Parallel()
	for range 200 {
		signing, err := crypto.NewSigningSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := crypto.ParseSigningRing(signing); err != nil {
			t.Error(err)
		}
		sealing, err := crypto.NewSealingSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := crypto.ParseSealingRing(sealing); err != nil {
			t.Error(err)
		}
	}
}

func TestNewSecretIsWhatTheSourceOfRandomnessGave(t *testing.T) {
	t.Parallel()
	// 256 bits each: the text must hold all 32 bytes read, no fewer.
	signing, err := crypto.NewSigningSecret(&ascending{next: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"; signing != want {
		t.Errorf("got %q, want %q", signing, want)
	}
	sealing, err := crypto.NewSealingSecret(&ascending{next: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"; sealing != want {
		t.Errorf("got %q, want %q", sealing, want)
	}
}

func TestNoSecretComesFromABrokenSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	tests := []struct {
		name   string
		source func() io.Reader
		want   error
	}{
		{"failing", func() io.Reader { return iotest.ErrReader(broken) }, broken},
		{"dry", func() io.Reader { return strings.NewReader("only a little") }, io.ErrUnexpectedEOF},
		{"stuck at zero", func() io.Reader { return bytes.NewReader(make([]byte, 64)) }, crypto.ErrKey},
	}
	makers := map[string]func(io.Reader) (string, error){
		"signing": crypto.NewSigningSecret, "sealing": crypto.NewSealingSecret,
	}
	for _, test := range tests {
		for kind, makeSecret := range makers {
			t.Run(test.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				secret, err := makeSecret(test.source())
				if !errors.Is(err, test.want) || secret != "" {
					t.Errorf("got %q, %v, want %v", secret, err, test.want)
				}
			})
		}
	}
}
