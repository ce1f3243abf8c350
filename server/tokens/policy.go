package tokens

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// Policy is what the operator allows. The zero value allows all that the API
// knows of.
type Policy struct {
	// DefaultLifetime is that of a token for which none is asked, in whole
	// seconds; zero for none.
	DefaultLifetime time.Duration
	// MaxLifetime is the longest lifetime that can be asked for, in whole
	// seconds; zero stands for MaxLifetime, which it cannot exceed.
	MaxLifetime time.Duration
	// NeverForbidden says that every token must have an end.
	NeverForbidden bool
	// SuspendIdleDays is after how many days without use a token is suspended;
	// zero for never.
	SuspendIdleDays int
	// Reuse is what follows the use of a rotated-out token; ReuseRecord when empty.
	Reuse ReusePolicy
	// Existing is what becomes of tokens that would not be allowed any more;
	// ExistingReport when empty.
	Existing ExistingPolicy
}

// MaxSuspendIdleDays bounds Policy.SuspendIdleDays: ten years.
const MaxSuspendIdleDays = 3660

// ReusePolicy is what follows when somebody uses a token that was rotated out,
// after its grace. It is refused in any case.
type ReusePolicy string

// The policies.
const (
	// ReuseRecord only takes note.
	ReuseRecord ReusePolicy = "record"
	// ReuseRevoke revokes all that the token was rotated to and from, and all
	// made from these: one of two holders of a secret is a thief.
	ReuseRevoke ReusePolicy = "revoke"
)

// ExistingPolicy is what becomes of tokens that were made when more was allowed.
type ExistingPolicy string

// What can become of them.
const (
	// ExistingReport only shows them.
	ExistingReport ExistingPolicy = "report"
	// ExistingBlock refuses them for as long as they are not allowed.
	ExistingBlock ExistingPolicy = "block"
	// ExistingShorten ends them when the longest lifetime is over.
	ExistingShorten ExistingPolicy = "shorten"
)

// Details are the policy as events tell it: the API's names and values.
func (p Policy) Details() map[string]string {
	return map[string]string{
		"default_lifetime_seconds": strconv.FormatInt(int64(p.DefaultLifetime/time.Second), 10),
		"max_lifetime_seconds":     strconv.FormatInt(int64(p.longest()/time.Second), 10),
		"never_expiring_allowed":   strconv.FormatBool(!p.NeverForbidden),
		"suspend_idle_days":        strconv.Itoa(p.SuspendIdleDays),
		"rotated_reuse":            string(cmp.Or(p.Reuse, ReuseRecord)),
		"existing_tokens":          string(cmp.Or(p.Existing, ExistingReport)),
	}
}

// Faults tells what is wrong with a policy. Fields are named as in the API, and
// so are those that messages refer to.
func (p Policy) Faults() []FieldError {
	var faults []FieldError
	add := func(field, message string) { faults = append(faults, FieldError{field, message}) }
	if p.MaxLifetime < 0 || p.MaxLifetime > MaxLifetime || p.MaxLifetime%time.Second != 0 {
		add("max_lifetime_seconds", "must be whole seconds, at least one and at most 366 days")
	}
	if p.DefaultLifetime < 0 || p.DefaultLifetime%time.Second != 0 {
		add("default_lifetime_seconds", "must be whole seconds, at least one")
	}
	if p.DefaultLifetime > p.longest() {
		add("default_lifetime_seconds", "must not be longer than max_lifetime_seconds")
	}
	if !p.NeverForbidden && p.longest() < MaxLifetime {
		add("never_expiring_allowed", "must not be allowed together with max_lifetime_seconds below 366 days: a token without an end lives longer")
	}
	if p.SuspendIdleDays < 0 || p.SuspendIdleDays > MaxSuspendIdleDays {
		add("suspend_idle_days", fmt.Sprintf("must be from 0 (never) to %d", MaxSuspendIdleDays))
	}
	if p.Reuse != "" && p.Reuse != ReuseRecord && p.Reuse != ReuseRevoke {
		add("rotated_reuse", "must be record or revoke")
	}
	if p.Existing != "" && p.Existing != ExistingReport && p.Existing != ExistingBlock && p.Existing != ExistingShorten {
		add("existing_tokens", "must be report, block or shorten")
	}
	return faults
}

// complete puts in what the zero value leaves out.
func (p Policy) complete() Policy {
	p.MaxLifetime = p.longest()
	if p.DefaultLifetime == 0 && p.NeverForbidden {
		p.DefaultLifetime = p.MaxLifetime
	}
	if p.Reuse == "" {
		p.Reuse = ReuseRecord
	}
	if p.Existing == "" {
		p.Existing = ExistingReport
	}
	return p
}

func (p Policy) longest() time.Duration {
	if p.MaxLifetime == 0 {
		return MaxLifetime
	}
	return p.MaxLifetime
}

// unasked is when a token ends for which nothing was asked; zero for never.
func (p Policy) unasked(now time.Time) time.Time {
	if p.DefaultLifetime == 0 {
		return time.Time{}
	}
	return after(now, p.DefaultLifetime)
}

// bounded is an end that is meant, or as much of it as is allowed.
func (p Policy) bounded(now, end time.Time) time.Time {
	if end.IsZero() && !p.NeverForbidden {
		return end
	}
	return earlier(end, after(now, p.longest()))
}

// In what a token can exceed the policy.
const (
	ViolationNeverExpires = "never_expires"
	ViolationLifetime     = "lifetime"
)

// Violations tells in what a token exceeds the policy; never nil.
func (p Policy) Violations(t *store.Token) []string {
	violations := []string{}
	switch {
	case t.ExpiresAt.IsZero() && p.NeverForbidden:
		violations = append(violations, ViolationNeverExpires)
	case !t.ExpiresAt.IsZero() && t.ExpiresAt.Sub(t.CreatedAt) > p.longest()+rounding:
		violations = append(violations, ViolationLifetime)
	}
	return violations
}

// blocks tells whether a token is refused because of what it exceeds.
func (p Policy) blocks(t *store.Token) bool {
	return p.Existing == ExistingBlock && len(p.Violations(t)) > 0
}

// rounding is how much longer than its lifetime a token can seem: the begin is
// kept without the fraction of its second, the end is rounded.
const rounding = time.Second

// idleSlack is how much longer than its days a token may be idle: uses are
// written some minutes late, and by replicas whose clocks differ.
const idleSlack = time.Hour

// idleSince is since when a token must have been used so as not to be
// suspended at now; zero where none is.
func (p Policy) idleSince(now time.Time) time.Time {
	if p.SuspendIdleDays == 0 || now.IsZero() {
		return time.Time{}
	}
	return now.Add(-time.Duration(p.SuspendIdleDays)*24*time.Hour - idleSlack).Truncate(time.Second)
}

// isIdle tells whether a token has not been used for so long that it is
// suspended: as the store's IdleTokens finds them.
func (p Policy) isIdle(t *store.Token, now time.Time) bool {
	since := p.idleSince(now)
	if since.IsZero() {
		return false
	}
	for _, sign := range [...]time.Time{t.LastUse.At, t.CreatedAt, t.ResumedAt, t.NotBefore} {
		if sign.After(since) {
			return false
		}
	}
	return true
}

// after is a lifetime later, to the nearest second: with the fraction cut off, a
// lifetime of one second could be over before the answer arrives.
func after(now time.Time, lifetime time.Duration) time.Time {
	return now.Add(lifetime).Round(time.Second)
}

// earlier gives the earlier of two ends, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
