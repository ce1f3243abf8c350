package instance

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

func TestCABundleIsBase64OfPEMCertificates(t *testing.T) {
	t.Parallel()
	files, ca := embeddedtest.WriteCerts(t, t.TempDir())
	_, other := embeddedtest.WriteCerts(t, t.TempDir())
	key, err := os.ReadFile(files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(pemText string) string { return base64.StdEncoding.EncodeToString([]byte(pemText)) }
	block := func(kind string, der string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(der)}))
	}
	one := string(ca)
	padded := one + strings.Repeat("\n", 3-len(one)%3+1) // its base64 ends in ==
	for _, test := range []struct {
		name, ca string
		good     bool
	}{
		{"none: the system's roots", "", true},
		{"one certificate", encode(one), true},
		{"two certificates", encode(one + string(other)), true},
		{"comments around them", encode("# ours\n" + one + "\n# theirs\n" + string(other) + "\nend\n"), true},
		{"base64 in lines, as the tool writes it", encode(one)[:76] + "\n" + encode(one)[76:] + "\n", true},
		{"PEM without base64", one, false},
		{"base64 of the URL alphabet", base64.URLEncoding.EncodeToString([]byte(one + "\xff\xff\xfe")), false},
		{"base64 without padding", strings.TrimRight(encode(padded), "="), false},
		{"text", encode("no certificate"), false},
		{"nothing but space", encode(" "), false},
		{"not base64", "%%%", false},
		{"a private key beside the certificate", encode(one + string(key)), false},
		{"a certificate that is none", encode(block("CERTIFICATE", "nonsense")), false},
		{"a good one and a broken one", encode(one + block("CERTIFICATE", "nonsense")), false},
		{"the second cut off", encode(one + string(other)[:len(other)/2]), false},
		{"cut off", encode(one[:len(one)-10]), false},
		{"another kind of block", encode(block("PKCS7", "nonsense")), false},
		{"too long", encode(strings.Repeat("\n", maxCA) + one), false},
	} {
		err := ValidateCA(test.ca)
		if (err == nil) != test.good {
			t.Errorf("%s: %v", test.name, err)
		}
		if err != nil && (!errors.Is(err, ErrBadCA) || errors.Is(err, ErrLogin)) {
			t.Errorf("%s: %v is not ErrBadCA alone", test.name, err)
		}
	}
}

func TestMalformedCAIsAFaultOfTheRequest(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr())
	c := at(t, db.Addr(), "default", "")
	c.TLS, c.CA = true, "nonsense"
	if _, err := d.Login(t.Context(), c); !errors.Is(err, ErrBadCA) || errors.Is(err, ErrLogin) {
		t.Errorf("Login: %v, want ErrBadCA alone", err)
	}
	if err := d.Ping(t.Context(), c); !errors.Is(err, ErrBadCA) || errors.Is(err, ErrLogin) {
		t.Errorf("Ping: %v, want ErrBadCA alone", err)
	}
}
