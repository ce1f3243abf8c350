package embeddedtest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
)

func TestCertificateIsForItsHostsOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hosts      []string
		good, evil []string
	}{
		"as they come": {nil, []string{"localhost", "127.0.0.1", "::1"}, []string{"example.com", "127.0.0.2"}},
		"as named":     {[]string{"db.example", "10.0.0.1"}, []string{"db.example", "10.0.0.1"}, []string{"localhost", "10.0.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, ca := WriteCerts(t, t.TempDir(), test.hosts...)
			pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(ca) {
				t.Fatal("the authority's certificate is not PEM")
			}
			for _, host := range test.good {
				if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
					t.Errorf("%s: %v", host, err)
				}
			}
			for _, host := range test.evil {
				if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err == nil {
					t.Errorf("valid for %s", host)
				}
			}
		})
	}
}

func TestEachAuthorityIsItsOwn(t *testing.T) {
	t.Parallel()
	files, _ := WriteCerts(t, t.TempDir())
	_, other := WriteCerts(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(other)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: roots}); err == nil {
		t.Error("another authority vouches for it")
	}
}

func TestFilesAreWhatTheyAreCalled(t *testing.T) {
	t.Parallel()
	files, ca := WriteCerts(t, t.TempDir())
	written, err := os.ReadFile(files.CAFile)
	if err != nil || string(written) != string(ca) {
		t.Errorf("CAFile differs from what was returned: %v", err)
	}
	info, err := os.Stat(files.KeyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
}
