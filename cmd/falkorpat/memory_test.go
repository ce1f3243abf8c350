package main

import "testing"

func TestGarbageStaysWithinItsRoom(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0:        100,
		1 << 20:  maxGCPercent,
		12 << 20: 200,
		24 << 20: 100,
		48 << 20: 50,
		80 << 20: 30,
		1 << 30:  minGCPercent,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("beside %d bytes: %d%%, want %d%%", live, got, want)
		}
	}
}
