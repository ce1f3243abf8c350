package audit

import (
	"context"
	"sync"
	"time"
)

// pruneInterval is how often events are looked for that are old enough to go.
const pruneInterval = time.Hour

// loop is the work in the background.
type loop struct {
	once   sync.Once
	cancel context.CancelFunc
	done   chan struct{}
}

// Start begins the work in the background: what waits is written and chained
// once an interval, and what is old enough deleted.
func (s *Service) Start(ctx context.Context) {
	ctx, s.loop.cancel = context.WithCancel(ctx)
	s.loop.done = make(chan struct{})
	go s.run(ctx)
}

// Stop ends it, waits for it, and writes what waits, for as long as ctx allows.
// What is not chained by then is chained by the next one that runs. It may be
// called again, and without a Start.
func (s *Service) Stop(ctx context.Context) error {
	s.loop.once.Do(func() {
		if s.loop.cancel != nil {
			s.loop.cancel()
			<-s.loop.done
		}
	})
	if err := s.Flush(ctx); err != nil {
		return err
	}
	if err := s.Chain(ctx); err != nil {
		s.log.InfoContext(ctx, "events not chained at the end; the next start does it", "error", err)
	}
	return nil
}

func (s *Service) run(ctx context.Context) {
	defer close(s.loop.done)
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	prune := time.NewTicker(pruneInterval)
	defer prune.Stop()
	s.pruneAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			s.pruneAll(ctx)
		case <-tick.C:
			if err := s.runOnce(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "events not written or chained; the next try takes them", "error", err)
			}
		}
	}
}

func (s *Service) runOnce(ctx context.Context) error {
	if err := s.Flush(ctx); err != nil {
		return err
	}
	return s.Chain(ctx)
}

func (s *Service) pruneAll(ctx context.Context) {
	for _, instance := range s.instances {
		pruned, err := s.Prune(ctx, instance)
		if pruned > 0 {
			s.log.InfoContext(ctx, "deleted events older than the retention", "instance", instance, "events", pruned)
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "old events not deleted; the next try takes them", "instance", instance, "error", err)
		}
	}
}
