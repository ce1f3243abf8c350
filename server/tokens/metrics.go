package tokens

import "time"

// Metrics are called as things happen; nil functions are not.
type Metrics struct {
	// Hit: a token is verified by what was remembered. Missed: after all that it
	// takes.
	Hit, Missed func()
	// Revoked: a revocation is made and no replica accepts the token any more, nor
	// what fell with it, which took this long. Many at once are told batch by batch.
	Revoked func(took time.Duration)
	// Written: uses of so many tokens are in the store. Dropped: so many uses
	// were not noted, because too many tokens are in use.
	Written, Dropped func(n int)
	// Swept: so many tokens, sessions and idempotency keys were over.
	Swept func(tokens, sessions, keys int)
}

func (m *Metrics) setDefaults() {
	nothing, none := func() {}, func(int) {}
	if m.Hit == nil {
		m.Hit = nothing
	}
	if m.Missed == nil {
		m.Missed = nothing
	}
	if m.Revoked == nil {
		m.Revoked = func(time.Duration) {}
	}
	if m.Written == nil {
		m.Written = none
	}
	if m.Dropped == nil {
		m.Dropped = none
	}
	if m.Swept == nil {
		m.Swept = func(int, int, int) {}
	}
}
