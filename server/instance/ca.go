package instance

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
)

// maxCA bounds the text of a CA bundle, in bytes of base64.
const maxCA = 64 << 10

// ValidateCA reports whether ca can be used as Credentials.CA: empty (the
// system's roots), or at most 64 KiB of standard base64 (RFC 4648, 4) of a PEM
// bundle (RFC 7468) with one certificate or more and nothing else in PEM
// blocks. Otherwise the error wraps ErrBadCA.
func ValidateCA(ca string) error {
	_, err := parseCA(ca)
	return err
}

// parseCA returns the roots of a bundle, nil (the system's) for an empty one.
// It is stricter than the standard library, which skips the blocks that it
// cannot read: a bundle of which half is dropped silently fails later, as a
// mysterious TLS error, and a private key in it has been sent to the wrong
// place.
func parseCA(ca string) (*x509.CertPool, error) {
	if ca == "" {
		return nil, nil
	}
	if len(ca) > maxCA {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrBadCA, maxCA)
	}
	rest, err := base64.StdEncoding.DecodeString(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrBadCA)
	}
	roots, found := x509.NewCertPool(), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, fmt.Errorf("%w: PEM block %d is no certificate", ErrBadCA, found+1)
		}
		roots.AddCert(cert)
		found++
	}
	if found == 0 || bytes.Contains(rest, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%w: PEM block %d is missing or cut off", ErrBadCA, found+1)
	}
	return roots, nil
}
