package embeddedtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// WriteCerts makes a certificate authority and a server certificate for hosts
// (names or IP addresses; localhost and both loopback addresses when there are
// none), valid for an hour around now, and writes them to dir. It returns the
// files for a Server and the authority's certificate in PEM form for clients.
func WriteCerts(tb testing.TB, dir string, hosts ...string) (tls embedded.TLS, caPEM []byte) {
	tb.Helper()
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	authority := template(tb, "falkorpat test authority")
	authority.IsCA = true
	authority.BasicConstraintsValid = true
	authority.KeyUsage = x509.KeyUsageCertSign
	authorityKey := newKey(tb)
	authorityDER := sign(tb, authority, authority, authorityKey, authorityKey)

	server := template(tb, hosts[0])
	server.KeyUsage = x509.KeyUsageDigitalSignature
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, host)
		}
	}
	serverKey := newKey(tb)
	serverDER := sign(tb, server, authority, serverKey, authorityKey)
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		tb.Fatal(err)
	}

	caPEM = encode("CERTIFICATE", authorityDER)
	return embedded.TLS{
		CertFile: write(tb, dir, "server.crt", encode("CERTIFICATE", serverDER)),
		KeyFile:  write(tb, dir, "server.key", encode("PRIVATE KEY", keyDER)),
		CAFile:   write(tb, dir, "ca.crt", caPEM),
	}, caPEM
}

func template(tb testing.TB, name string) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-30 * time.Minute),
		NotAfter:     now.Add(30 * time.Minute),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// sign makes the certificate that child describes, for the holder of childKey.
func sign(tb testing.TB, child, parent *x509.Certificate, childKey, parentKey *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, child, parent, childKey.Public(), parentKey)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
