package lease

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// stripes is how many numbers of drops there are. A token that shares its stripe
// with one that changed is looked up once more.
const stripes = 1 << 16

// Mark is a point in a replica's knowledge of one token: what the store is asked
// after the Mark was taken may be remembered for as long as it is Trusted. The
// zero Mark never is.
type Mark struct {
	// Point is where the Mark stands: the same as long as nothing is dropped.
	Point Point
	until time.Duration
}

// Point is a Mark without its time.
type Point struct {
	epoch, drops uint64
	stripe       uint16
}

// marks counts what has been dropped. It is safe for concurrent use.
type marks struct {
	seed maphash.Seed
	// epoch counts how often everything was dropped; it begins at 1.
	epoch atomic.Uint64
	drops [stripes]atomic.Uint64
}

func newMarks() *marks {
	m := &marks{seed: maphash.MakeSeed()}
	m.epoch.Store(1)
	return m
}

func (m *marks) stripe(tokenID string) uint16 {
	return uint16(maphash.String(m.seed, tokenID) % stripes)
}

func (m *marks) take(tokenID string) Point {
	stripe := m.stripe(tokenID)
	return Point{epoch: m.epoch.Load(), drops: m.drops[stripe].Load(), stripe: stripe}
}

// stands tells whether nothing was dropped since the point that concerns it.
func (m *marks) stands(p Point) bool {
	return p.epoch == m.epoch.Load() && p.drops == m.drops[p.stripe].Load()
}

func (m *marks) drop(tokenID string) { m.drops[m.stripe(tokenID)].Add(1) }

func (m *marks) dropAll() { m.epoch.Add(1) }
