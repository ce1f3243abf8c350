package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/server/tokens"
)

// policyFlags are the options that say what tokens may be.
type policyFlags struct {
	DefaultLifetime lifetime              `env:"FALKORPAT_DEFAULT_LIFETIME" help:"Lifetime of a token for which none is asked, as 90d or 12h. Default: none, or the maximum where tokens must have an end." placeholder:"90d"`
	MaxLifetime     lifetime              `env:"FALKORPAT_MAX_LIFETIME" default:"366d" help:"Longest lifetime that can be asked for, at most 366d; less only with --never-expiring=forbid."`
	NeverExpiring   neverExpiring         `env:"FALKORPAT_NEVER_EXPIRING" default:"allow" enum:"allow,forbid" help:"Whether tokens may have no end: ${enum}."`
	SuspendIdleDays int                   `env:"FALKORPAT_SUSPEND_IDLE_DAYS" default:"0" help:"Days without use after which a token is suspended; 0 for never."`
	RotatedReuse    tokens.ReusePolicy    `env:"FALKORPAT_ROTATED_REUSE" default:"record" enum:"record,revoke" help:"What follows when a token is used after it was rotated out and its grace is over: ${enum}. Revoke ends all that it was rotated to, and all made from these."`
	ExistingTokens  tokens.ExistingPolicy `env:"FALKORPAT_EXISTING_TOKENS" default:"report" enum:"report,block,shorten" help:"What becomes of tokens that exceed these lifetimes: ${enum}. Block refuses them for as long as they do, shorten ends them at the maximum."`
}

// neverExpiring is "allow" or "forbid".
type neverExpiring string

const forbid neverExpiring = "forbid"

// flagNames puts the flags where a fault of the policy names its fields.
var flagNames = strings.NewReplacer(
	"default_lifetime_seconds", "--default-lifetime", "max_lifetime_seconds", "--max-lifetime",
	"never_expiring_allowed", "--never-expiring", "suspend_idle_days", "--suspend-idle-days",
	"rotated_reuse", "--rotated-reuse", "existing_tokens", "--existing-tokens",
)

func (p policyFlags) policy() tokens.Policy {
	return tokens.Policy{
		DefaultLifetime: time.Duration(p.DefaultLifetime), MaxLifetime: time.Duration(p.MaxLifetime),
		NeverForbidden: p.NeverExpiring == forbid, SuspendIdleDays: p.SuspendIdleDays,
		Reuse: p.RotatedReuse, Existing: p.ExistingTokens,
	}
}

func (p policyFlags) checkPolicy(f *faults) {
	if p.MaxLifetime == 0 {
		f.add("--max-lifetime", errors.New("must be at least 1s"))
	}
	for _, fault := range p.policy().Faults() {
		f.add(flagNames.Replace(fault.Field), errors.New(flagNames.Replace(fault.Message)))
	}
}

// lifetime is a duration that may be written in days too, as nobody counts the
// lifetimes of tokens in hours.
type lifetime time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *lifetime) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no number of days", text)
		}
		*l = lifetime(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration, as 90d or 12h", text)
	}
	*l = lifetime(d)
	return nil
}
