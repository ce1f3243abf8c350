package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbageRoom is how much garbage may lie about before it is collected. Go's own
	// measure is a share of what is in use: too little of a small heap, which is
	// then collected 50 times a second under load, and too much of a large one.
	garbageRoom = 16 << 20
	// minGCPercent and maxGCPercent bound that room as the share that Go wants it in.
	minGCPercent, maxGCPercent = 25, 400
	// gcInterval is how often the share is reckoned anew.
	gcInterval = time.Second
	liveHeap   = "/gc/heap/live:bytes"
)

// gcPercent is the room for garbage beside so many bytes in use, as GOGC has it.
func gcPercent(live uint64) int {
	if live == 0 { // nothing has been collected yet
		return 100
	}
	return int(min(maxGCPercent, max(minGCPercent, garbageRoom*100/live))) //nolint:gosec // within the bounds
}

// tendMemory gives back what starting took, and keeps garbage within its room
// from then on. An operator who says otherwise, by GOGC or GOMEMLIMIT, is obeyed.
func (a *app) tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		debug.FreeOSMemory()
		ticker := time.NewTicker(gcInterval)
		defer ticker.Stop()
		sample := []metrics.Sample{{Name: liveHeap}}
		for percent := 100; ; {
			metrics.Read(sample)
			if next := gcPercent(sample[0].Value.Uint64()); next != percent {
				percent = next
				debug.SetGCPercent(percent)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	a.onStop(func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}
