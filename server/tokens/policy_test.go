package tokens

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

const day = 24 * time.Hour

// strict is a policy that limits all that can be limited.
var strict = Policy{DefaultLifetime: 30 * day, MaxLifetime: 90 * day, NeverForbidden: true}

func TestExpiryFollowsThePolicy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 400_000_000, time.UTC)
	noDefault := Policy{MaxLifetime: 90 * day, NeverForbidden: true}.complete()
	endless := Policy{DefaultLifetime: 30 * day}
	const most = int64(90 * day / time.Second)
	for _, test := range []struct {
		name   string
		policy Policy
		in     Request
		want   time.Duration // 0 for never
		field  string
	}{
		{"default where nothing is asked", strict, Request{}, 30 * day, ""},
		{"default also where never is allowed", endless, Request{}, 30 * day, ""},
		{"never where it is asked and allowed", endless, Request{Never: true}, 0, ""},
		{"never where nothing is asked and there is no default", Policy{}, Request{}, 0, ""},
		{"maximum where there is no default and never is forbidden", noDefault, Request{}, 90 * day, ""},
		{"never where it is forbidden", strict, Request{Never: true}, 0, "expiresAt"},
		{"longest lifetime", strict, Request{TTLSeconds: most}, 90 * day, ""},
		{"longer lifetime", strict, Request{TTLSeconds: most + 1}, 0, "ttlSeconds"},
		{"latest end", strict, Request{ExpiresAt: now.Add(90 * day)}, 90 * day, ""},
		{"later end", strict, Request{ExpiresAt: now.Add(90*day + time.Second)}, 0, "expiresAt"},
		{"a lifetime beats null", strict, Request{TTLSeconds: 60, Never: true}, time.Minute, ""},
		{"more than the default", strict, Request{TTLSeconds: int64(31 * day / time.Second)}, 31 * day, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if faults := test.policy.Faults(); len(faults) > 0 {
				t.Fatalf("the policy is at fault: %+v", faults)
			}
			got, err := test.in.expiry(now, test.policy)
			want := time.Time{}
			if test.want != 0 {
				want = now.Add(test.want).Truncate(time.Second)
			}
			if fieldOf(err) != test.field || (err == nil) != (test.field == "") || !got.Equal(want) {
				t.Errorf("expiry = %v, %v; want %v, field %q", got, err, want, test.field)
			}
			if err != nil && !strings.Contains(err.Error(), "7776000") {
				t.Errorf("does not say what is allowed: %v", err)
			}
		})
	}
}

func TestEndIsBoundedByThePolicy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	never := time.Time{}
	for _, test := range []struct {
		name      string
		policy    Policy
		end, want time.Time
	}{
		{"within", strict, now.Add(day), now.Add(day)},
		{"beyond", strict, now.Add(91 * day), now.Add(90 * day)},
		{"never", strict, never, now.Add(90 * day)},
		{"never, allowed", Policy{}, never, never},
		{"ten years", Policy{}, now.Add(3660 * day), now.Add(366 * day)},
	} {
		if got := test.policy.bounded(now, test.end); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestViolationsNameWhatATokenExceeds(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ending := func(lifetime time.Duration) *store.Token {
		return &store.Token{CreatedAt: begin, ExpiresAt: begin.Add(lifetime)}
	}
	never := &store.Token{CreatedAt: begin}
	for _, test := range []struct {
		name   string
		policy Policy
		token  *store.Token
		want   string
	}{
		{"never", strict, never, "[never_expires]"},
		{"never, allowed", Policy{}, never, "[]"},
		{"the longest", strict, ending(90 * day), "[]"},
		{"the longest, rounded", strict, ending(90*day + time.Second), "[]"},
		{"longer", strict, ending(90*day + 2*time.Second), "[lifetime]"},
		{"longer than any", Policy{}, ending(3660 * day), "[lifetime]"},
	} {
		got := test.policy.Violations(test.token)
		if got == nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
		}
		for _, existing := range []ExistingPolicy{"", ExistingReport, ExistingShorten, ExistingBlock} {
			test.policy.Existing = existing
			if blocks := test.policy.blocks(test.token); blocks != (existing == ExistingBlock && len(got) > 0) {
				t.Errorf("%s, %s: blocks %v", test.name, existing, blocks)
			}
		}
	}
}

func TestNothingIsLeftOutOfACompletePolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want Policy }{
		{Policy{}, Policy{MaxLifetime: MaxLifetime, Reuse: ReuseRecord, Existing: ExistingReport}},
		{
			Policy{MaxLifetime: day, NeverForbidden: true, Reuse: ReuseRevoke, Existing: ExistingBlock},
			Policy{DefaultLifetime: day, MaxLifetime: day, NeverForbidden: true, Reuse: ReuseRevoke, Existing: ExistingBlock},
		},
	} {
		if got := test.in.complete(); got != test.want {
			t.Errorf("%+v is completed to %+v", test.in, got)
		}
	}
}

func TestServiceRefusesAPolicyThatContradictsItself(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, p := range []Policy{
		{MaxLifetime: day}, {DefaultLifetime: 367 * day}, {MaxLifetime: 367 * day}, {SuspendIdleDays: -1}, {Reuse: "x"}, {Existing: "x"},
	} {
		o := f.options
		o.Policy = p
		_, err := New(o)
		if err == nil || !strings.Contains(err.Error(), "Policy") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
