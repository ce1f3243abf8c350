package tokens

import (
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

func TestWhatHappensIsToldToThoseWhoMeasure(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var revoked, written, dropped, tokens, others int
	told := Metrics{
		Revoked: func(took time.Duration) {
			revoked++
			if took < 0 {
				t.Errorf("a revocation took %v", took)
			}
		},
		Written: func(n int) { written += n },
		Dropped: func(n int) { dropped += n },
		Swept:   func(t, sessions, keys int) { tokens, others = tokens+t, others+sessions+keys },
	}
	f.metrics, f.recorder.metrics, f.sweeper.metrics = told, told, told

	short, _ := f.issue(t, Request{Name: "short", TTLSeconds: 60})
	ended, _ := f.issue(t, Request{Name: "ended"})
	if _, err := f.Verify(t.Context(), ended.Text, client("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if got := f.Recorded(); got != 1 {
		t.Errorf("%d tokens are recorded, want 1", got)
	}
	if err := f.recorder.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	row := f.row(t, ended.ID)
	for range 2 {
		if _, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil {
			t.Fatal(err)
		}
	}
	lot, _ := f.issue(t, Request{Name: "one of many"})
	for range 2 {
		judge := func(*store.Token) Verdict { return Allowed }
		if _, err := f.RevokeMany(t.Context(), BulkRequest{By: row.User, IDs: []string{lot.ID}, Judge: judge}); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.Advance(time.Hour)
	if err := f.sweeper.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.row(t, short.ID); got.Active {
		t.Error("the expired token was not swept")
	}
	if revoked != 2 || written != 1 || dropped != 0 || tokens != 1 || others != 0 {
		t.Errorf("told of %d revocations, %d uses written, %d dropped, %d tokens and %d others swept", revoked, written, dropped, tokens, others)
	}
	f.recorder.dropped.Store(5) // as when more tokens are in use than are recorded
	for range 2 {
		if err := f.recorder.flush(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if dropped != 5 {
		t.Errorf("told of %d uses dropped, want 5", dropped)
	}
}
