package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/tokens"
)

const day = 24 * time.Hour

func TestContradictionsOfThePolicyAreToldByTheirFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args string
		want []string // flags in one line each; none when all is well
	}{
		"as it is":            {"", nil},
		"all":                 {"--default-lifetime=30d --max-lifetime=90d --never-expiring=forbid --suspend-idle-days=90 --existing-tokens=block", nil},
		"hours":               {"--default-lifetime=12h --max-lifetime=12h --never-expiring=forbid", nil},
		"the whole range":     {"--max-lifetime=31622400s --default-lifetime=1s", nil},
		"default above max":   {"--default-lifetime=91d --max-lifetime=90d --never-expiring=forbid", []string{"--default-lifetime: must not be longer than --max-lifetime"}},
		"default above all":   {"--default-lifetime=367d", []string{"--default-lifetime: must not be longer than --max-lifetime"}},
		"never and a maximum": {"--max-lifetime=90d", []string{"--never-expiring: must not be allowed together with --max-lifetime"}},
		"maximum above all":   {"--max-lifetime=367d", []string{"--max-lifetime: must be"}},
		"no maximum":          {"--max-lifetime=0", []string{"--max-lifetime: must be"}},
		"half a second":       {"--default-lifetime=500ms", []string{"--default-lifetime: must be"}},
		"negative":            {"--default-lifetime=-1h", []string{"--default-lifetime: must be"}},
		"idle before":         {"--suspend-idle-days=-1", []string{"--suspend-idle-days: must be"}},
		"idle for ages":       {"--suspend-idle-days=3661", []string{"--suspend-idle-days: must be"}},
		"together": {
			"--default-lifetime=91d --max-lifetime=90d --suspend-idle-days=-1",
			[]string{"--default-lifetime: must", "--never-expiring: must", "--suspend-idle-days: must"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told strings.Builder
			// The address is wrong, so that it ends there; it is told first.
			args := append([]string{"serve", "--addr", "3000", "--data-dir", filepath.Join(t.TempDir(), "data")}, strings.Fields(c.args)...)
			if status := run(t.Context(), args, &told, &told); status != exitFault {
				t.Fatalf("status %d: %s", status, told.String())
			}
			lines := strings.Split(strings.TrimSpace(told.String()), "\n")[1:]
			if len(lines) != len(c.want) {
				t.Fatalf("told %q, want %q", lines, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(lines[i], want) || strings.Contains(lines[i], "_") {
					t.Errorf("told %q, want %q", lines[i], want)
				}
			}
		})
	}
}

func TestLifetimesAreWrittenInDaysOrAsDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * day, "0d": 0, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute, "0": 0} {
		var got lifetime
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%q is read as %s, %v", text, time.Duration(got), err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "99999d", "90", "90 days", "1d12h"} {
		var got lifetime
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, time.Duration(got))
		}
	}
}

func TestFlagsBecomeThePolicy(t *testing.T) {
	t.Parallel()
	got := policyFlags{
		DefaultLifetime: lifetime(time.Hour), MaxLifetime: lifetime(day), NeverExpiring: "forbid", SuspendIdleDays: 9,
		RotatedReuse: "revoke", ExistingTokens: "shorten",
	}.policy()
	want := tokens.Policy{
		DefaultLifetime: time.Hour, MaxLifetime: day, NeverForbidden: true, SuspendIdleDays: 9,
		Reuse: tokens.ReuseRevoke, Existing: tokens.ExistingShorten,
	}
	if got != want {
		t.Errorf("policy is %+v", got)
	}
}
