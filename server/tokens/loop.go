package tokens

import (
	"context"
	"sync"
	"time"
)

// loop calls run once an interval, in a goroutine of its own, until it is
// stopped.
type loop struct {
	interval time.Duration
	// atOnce makes the first call at the start instead of an interval later.
	atOnce bool
	run    func(ctx context.Context)

	once   sync.Once
	cancel context.CancelFunc
	done   chan struct{}
}

// start begins; it must be called at most once.
func (l *loop) start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	l.done = make(chan struct{})
	go func() {
		defer close(l.done)
		ticker := time.NewTicker(l.interval)
		defer ticker.Stop()
		if l.atOnce {
			l.run(ctx)
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				l.run(ctx)
			}
		}
	}()
}

// stop ends the loop, and what run is doing, and waits for it. It may be called
// again, and without a start.
func (l *loop) stop() {
	l.once.Do(func() {
		if l.cancel != nil {
			l.cancel()
			<-l.done
		}
	})
}
