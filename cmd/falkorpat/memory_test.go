package main

import "testing"

func TestGarbageStaysWithinItsRoom(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0:        100,
		1 << 20:  maxGCPercent,
		8 << 20:  200,
		16 << 20: 100,
		32 << 20: 50,
		50 << 20: 32,
		1 << 30:  minGCPercent,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("beside %d bytes: %d%%, want %d%%", live, got, want)
		}
	}
}
