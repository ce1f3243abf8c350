// Package ratelimit limits failed logins per peer, and whatever else strangers
// may do only so often.
//
// Its job is to make guessing passwords slow without ever standing in the way
// of those who know theirs: only failures count. A build farm behind one
// address may log in as often as it likes, a guesser at the same address gets
// a few failures a minute, and all replicas of the service agree on how many
// are left, since they are counted in the store (GCRA, one script per
// question, on the store's clock).
//
// Counting failures alone leaves a gap: while a guess is being checked it is
// no failure yet, so a thousand guesses sent at once would all be let through.
// Therefore an attempt goes ahead only while fewer attempts of its peer are
// under way than failures are left; otherwise it waits for one of them to end.
// On one replica no more failures than the limit get through, however many
// arrive at once; several replicas together are exact as long as the attempts
// do not overlap, and let through at most the limit on each when they do.
//
// A peer is an IPv4 address or the /64 of an IPv6 address, which is what one
// subscriber gets and can change addresses within.
//
// Where there is no such thing as success, as with reports of leaked tokens,
// each one counts, at once (Limiter.Take).
//
// What cannot be counted is refused: without the store no attempt begins.
//
// Keys in the store are "rate:falkorpat:login:" and the peer (the first word
// is the counting library's own); they expire by themselves within a minute.
// In memory a peer exists only while attempts of it are waiting or under way.
//
// The package imports go-redis, which is otherwise kept to the store and to
// server/instance: the counting library works on its client. That fence was
// widened for this package on purpose; the client is handed in, never made
// here.
package ratelimit
