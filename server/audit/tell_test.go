package audit

import (
	"context"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

func TestWhatIsToldIsWrittenAtOnceAndEachTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 3 {
		e := f.Success(t.Context(), store.ActionGraphDeleted, &store.Token{ID: "1-a", User: ada})
		e.Details = map[string]string{"graph": "so\x00cial\xff"}
		f.Tell(t.Context(), e)
	}
	if n := f.Queued(); n != 0 {
		t.Errorf("%d events wait", n)
	}
	events := f.listed(t)
	if len(events) != 3 || events[0].Details["graph"] != "so\uFFFDcial\uFFFD" {
		t.Errorf("told %+v", events)
	}
}

func TestWhatIsToldOutlastsTheRequestAndAnOutage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	closed, err := store.Open(t.Context(), store.Options{URL: db.URL(), Graph: t.Name(), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	hungUp, cancel := context.WithCancel(t.Context())
	cancel()
	tell := func(s *store.Store) {
		f.Service.store = s
		f.Tell(hungUp, f.Success(hungUp, store.ActionGraphDeleted, &store.Token{ID: "1-a", User: ada}))
	}
	tell(closed)
	if n := f.Queued(); n != 1 {
		t.Fatalf("%d events wait during the outage", n)
	}
	tell(f.store)
	if n := f.Queued(); n != 1 {
		t.Errorf("%d events wait after it", n)
	}
	if events := f.listed(t); len(events) != 2 {
		t.Errorf("told %+v", events)
	}
}
