package tokens

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/store"
)

// many stores active tokens of one user, without going through a login.
func (f *fixture) many(t *testing.T, n int) (owner store.User, ids []string) {
	t.Helper()
	owner = store.User{ID: store.UserID("ada", "localhost", f.port), Username: "ada", Host: "localhost", Port: f.port}
	for i := range n {
		id := fmt.Sprintf("%d-%08x", f.clock.Now().UnixMilli()+int64(i), i)
		if err := f.store.CreateToken(t.Context(), &store.Token{ID: id, Hash: "hash of " + id, User: owner, Name: "t", CreatedAt: f.clock.Now()}, nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return owner, ids
}

func (f *fixture) active(t *testing.T) int {
	t.Helper()
	page, err := f.List(t.Context(), f.listRequest(func(r *ListRequest) {
		r.Filter.Statuses, r.Total = []store.Status{store.StatusActive}, true
	}))
	if err != nil {
		t.Fatal(err)
	}
	return *page.Total
}

// A call that runs out of time says so, and the same call again goes on.
func TestRevokingManyGoesOnWhereTimeRanOut(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"filter", "IDs"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			const n = 2*bulkBatch + 50
			owner, ids := f.many(t, n)
			request := BulkRequest{By: owner, Filter: Filter{Statuses: []store.Status{store.StatusActive}}}
			if by == "IDs" {
				request.IDs, request.Judge = ids, func(*store.Token) Verdict { return Allowed }
			}
			for left := n; left > 0; {
				if left > bulkBatch { // late, whenever the time is asked for after the call's beginning
					f.now = func() time.Time {
						defer f.clock.Advance(bulkTime)
						return f.clock.Now()
					}
				}
				done, err := f.RevokeMany(t.Context(), request)
				f.now = f.clock.Now
				if err != nil {
					t.Fatal(err)
				}
				left = max(0, left-bulkBatch)
				if is := f.active(t); is != left || done.Complete != (left == 0) || by == "IDs" && done.Already != n-left-done.Revoked {
					t.Fatalf("%d are left, want %d: %+v", is, left, done)
				}
			}
		})
	}
}

func TestDryRunOfManyCountsEachOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	owner, _ := f.many(t, bulkBatch+20)
	parent, _ := f.issue(t, Request{Name: "parent"})
	accepted, err := f.Verify(t.Context(), parent.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(-24 * time.Hour) // a child in another batch than its parent
	if _, err := f.Issue(t.Context(), Issuer{Kept: credentials.OfToken(accepted.Token()), Role: accepted.Role(), Permissions: accepted.Permissions(), Token: accepted.Token()}, Request{Name: "child"}); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(24 * time.Hour)
	const all = bulkBatch + 22
	request := BulkRequest{By: owner, Filter: Filter{Statuses: []store.Status{store.StatusActive}}, DryRun: true}
	for range 2 {
		done, err := f.RevokeMany(t.Context(), request)
		if err != nil || done.Revoked != all || done.Matched != all || done.Already != 0 || f.active(t) != all {
			t.Errorf("%+v, %v", done, err)
		}
	}
	request.DryRun, request.Asking = false, accepted.Token()
	done, err := f.RevokeMany(t.Context(), request)
	if err != nil || done.Revoked != all-1 || !slices.Equal(done.Kept, []string{parent.ID}) || f.active(t) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}
