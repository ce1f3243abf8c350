package crypto

import (
	"crypto/sha256"
	"encoding/hex"
)

// sessionHashPrefix separates the digests of sessions from those of tokens. It is what FalkorDB Browser puts there, which
// makes rows of kind session exchangeable.
const sessionHashPrefix = "connection:"

// HashToken returns the digest by which the store knows a token: the SHA-256 of its compact text, as 64 lower-case
// hexadecimal digits. A token carries a 256-bit signature, so its digest needs neither salt nor stretching.
func HashToken(token string) string {
	return DigestToken(token).String()
}

// Digest is a digest before it is written down.
type Digest [sha256.Size]byte

// String is what the store keeps: 64 lower-case hexadecimal digits.
func (d Digest) String() string {
	var digits [2 * sha256.Size]byte
	hex.Encode(digits[:], d[:])
	return string(digits[:])
}

// DigestToken is HashToken for those who keep digests in memory, by the hundred thousand.
func DigestToken(token string) Digest { return digestText("", token) }

// HashSession returns the digest by which the store knows a session: the SHA-256 of "connection:" and the connection ID, as
// 64 lower-case hexadecimal digits. It is a look-up key and no secret: a session is proved by its cookie, not by this.
func HashSession(connectionID string) string {
	return hashText(sessionHashPrefix, connectionID)
}

func hashText(prefix, text string) string { return digestText(prefix, text).String() }

// digestText hashes prefix and text together. The buffer has a constant size so that it stays on the stack for every text of
// usual length; this runs once for each authenticated request.
func digestText(prefix, text string) Digest {
	buf := make([]byte, 0, 1024)
	buf = append(buf, prefix...)
	buf = append(buf, text...)
	return sha256.Sum256(buf)
}
