package instance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/falkorpat/falkorpat/store"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// secureDB starts a FalkorDB that listens with TLS and a certificate for the
// name localhost only, and returns its port and the CA as a caller gives it.
func secureDB(t *testing.T) (port int, ca string) {
	t.Helper()
	files, pemCA := embeddedtest.WriteCerts(t, t.TempDir(), "localhost")
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true, TLS: &files})
	return at(t, server.Addr(), "", "").Port, base64.StdEncoding.EncodeToString(pemCA)
}

func TestLoginOverTLS(t *testing.T) {
	t.Parallel()
	port, ca := secureDB(t)
	_, otherPEM := embeddedtest.WriteCerts(t, t.TempDir(), "localhost")
	other := base64.StdEncoding.EncodeToString(otherPEM)
	address := func(host string) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
	byName, byAddress := setup(t, address("localhost")), setup(t, address("127.0.0.1"))

	for _, test := range []struct {
		name  string
		d     *Directory
		host  string
		ca    string
		cause any // what errors.As must find; nil for success
	}{
		{"right CA", byName, "localhost", ca, nil},
		{"the operator's name counts, not the caller's", byName, "127.0.0.1", ca, nil},
		{"the operator's name in other letters", setup(t, address("LocalHost")), "localhost", ca, nil},
		{"certificate for another name", byAddress, "localhost", ca, new(x509.HostnameError)},
		{"wrong CA", byName, "localhost", other, new(x509.UnknownAuthorityError)},
		{"the system's roots", byName, "localhost", "", new(x509.UnknownAuthorityError)},
	} {
		for username, want := range map[string]error{"default": nil, "nobody": ErrRefused} {
			got, err := test.d.Login(t.Context(), Credentials{Username: username, Host: test.host, Port: port, TLS: true, CA: test.ca})
			switch {
			case test.cause != nil:
				if !errors.Is(err, ErrUnreachable) || !errors.As(err, test.cause) {
					t.Errorf("%s: %+v, %v, want ErrUnreachable for %T", test.name, got, err, test.cause)
				}
			case want != nil:
				if !errors.Is(err, want) {
					t.Errorf("%s: %+v, %v, want %v", test.name, got, err, want)
				}
			case err != nil || got.Role != store.RoleAdmin || got.Instance != (Instance{"localhost", port}):
				t.Errorf("%s: %+v, %v", test.name, got, err)
			}
		}
	}

	if err := byName.Ping(t.Context(), Credentials{Username: "default", Host: "::1", Port: port, TLS: true, CA: ca}); err != nil {
		t.Errorf("Ping: %v", err)
	}
	_, err := byName.Login(t.Context(), Credentials{Username: "default", Host: "localhost", Port: port})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("plain to a TLS port: %v, want ErrUnreachable", err)
	}
}

func TestTLSToAPlainPortIsUnreachable(t *testing.T) {
	t.Parallel()
	d := setup(t, db.Addr(), withTimeout(time.Second))
	c := at(t, db.Addr(), "default", "")
	c.TLS = true
	if got, err := d.Login(t.Context(), c); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Login = %+v, %v, want ErrUnreachable", got, err)
	}
}

// selfSigned makes a certificate for localhost with these dates.
func selfSigned(t *testing.T, from, to time.Time) (cert tls.Certificate, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, base64.StdEncoding.EncodeToString(bundle)
}

func TestTLSPeerMustBeCurrentInDatesAndVersion(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name     string
		from, to time.Duration
		max      uint16
		good     bool
	}{
		{"valid", -time.Hour, time.Hour, tls.VersionTLS13, true},
		{"valid over TLS 1.2", -time.Hour, time.Hour, tls.VersionTLS12, true},
		{"over TLS 1.1", -time.Hour, time.Hour, tls.VersionTLS11, false},
		{"expired", -time.Hour, -time.Minute, tls.VersionTLS13, false},
		{"not yet valid", time.Minute, time.Hour, tls.VersionTLS13, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cert, ca := selfSigned(t, now.Add(test.from), now.Add(test.to))
			config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: test.max}
			p := newPeer(t, func(conn net.Conn) {
				secure := tls.Server(conn, config)
				_, _ = secure.Write([]byte(hello + "+OK\r\n*0\r\n-ERR arguments\r\n"))
				silent(secure)
			})
			c := at(t, p.Addr().String(), "alice", "secret")
			c.TLS, c.CA = true, ca
			got, err := setup(t, net.JoinHostPort("localhost", strconv.Itoa(c.Port))).Login(t.Context(), c)
			if test.good && (err != nil || got.Role != store.RoleAdmin) {
				t.Errorf("Login = %+v, %v", got, err)
			}
			if !test.good && !errors.Is(err, ErrUnreachable) {
				t.Errorf("Login = %+v, %v, want ErrUnreachable", got, err)
			}
		})
	}
}

func TestClosingDoesNotWaitForAPeerThatStoppedReading(t *testing.T) {
	t.Parallel()
	cert, _ := selfSigned(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // what is written here waits for its reader
		defer far.Close()
		shaken := make(chan error, 1)
		go func() {
			config := &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true}
			shaken <- tls.Server(far, config).HandshakeContext(t.Context())
		}()
		secure := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
		if err := errors.Join(secure.HandshakeContext(t.Context()), <-shaken); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := newGuard(secure, near).Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestLoginThatCannotBeWrittenIsUnreachable(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	p := newPeer(t, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = conn.Write([]byte(hello))
		<-over
	})
	t.Cleanup(func() { close(over) })
	// More than the network takes without a reader.
	c := at(t, p.Addr().String(), "alice", string(make([]byte, 32<<20)))
	d := setup(t, p.Addr().String(), withTimeout(300*time.Millisecond))
	begin := time.Now()
	if _, err := d.Login(t.Context(), c); !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v, want ErrUnreachable", err)
	}
	if took := time.Since(begin); took > margin {
		t.Errorf("took %v", took)
	}
}
