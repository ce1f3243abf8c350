// Package crypto holds every cryptographic decision that the service makes, and nothing else: it opens no file, makes no
// connection, reads no clock. Whoever calls it brings the time and the randomness; only the session cookie's initialisation
// vector comes from the system directly.
//
// It does five jobs:
//
//   - Tokens. A personal access token is a compact JWT signed with HMAC-SHA-256. [SigningRing.Sign] writes one and
//     [SigningRing.Verify] reads one; claims of a stranger's token can only be had through the [Verified] that Verify returns.
//   - Sealing. The password behind a token is kept encrypted with AES-256-GCM, bound to the row that it belongs to. [Sealer]
//     is the only user of a cipher in the program, apart from the session cookie's.
//   - Sessions. The sign-in cookie is an encrypted JWT (JWE) of the kind that Auth.js writes, so that one sign-in can serve
//     every program that shares the secret. [SigningRing.SealSession] and [SigningRing.OpenSession].
//   - Cursors. Where the next page of a list begins is told to the client in a text that it can't change.
//     [SigningRing.SignCursor] and [SigningRing.OpenCursor].
//   - Digests. The store looks tokens and sessions up by [HashToken] and [HashSession], never by their text.
//
// # Keys
//
// Keys come in rings, so that they can be changed without a moment at which something valid is refused: the first key of a
// ring signs or seals, all of them verify or open. To rotate, put the new key in front; to end what the old key made, remove
// it. Each key has an ID, eight hexadecimal digits derived one-way from the key, which may be logged and stored.
//
// # What callers can rely on
//
// No error contains a key, a token, a plaintext or a claim's value, and printing a ring or a Sealer shows the IDs of its keys
// only. Every refusal wraps one of the roots [ErrToken], [ErrSession], [ErrSealed], [ErrCursor] and [ErrKey]; a caller's own mistake, such
// as claims that cannot be written, wraps [ErrClaims]. One token has one text: encodings that decode to the same bytes but are
// spelt differently are refused, because the store knows a token by the digest of its text.
//
// All values of this package may be used by several goroutines at once.
package crypto
