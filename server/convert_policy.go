package server

import (
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/tokens"
)

func toPolicy(p tokens.Policy) api.Policy {
	return api.Policy{
		DefaultLifetimeSeconds: positiveOrNull(int64(p.DefaultLifetime / time.Second)),
		MaxLifetimeSeconds:     int64(p.MaxLifetime / time.Second),
		NeverExpiringAllowed:   !p.NeverForbidden,
		SuspendIdleDays:        positiveOrNull(p.SuspendIdleDays),
		RotatedReuse:           api.PolicyRotatedReuse(p.Reuse),
		ExistingTokens:         api.PolicyExistingTokens(p.Existing),
	}
}

func toViolations(names []string) []api.TokenPolicyViolations {
	violations := make([]api.TokenPolicyViolations, len(names))
	for i, name := range names {
		violations[i] = api.TokenPolicyViolations(name)
	}
	return violations
}

func toTokenResumed(id string, resumed bool) api.TokenResumed {
	if !resumed {
		return api.TokenResumed{Message: "Token was not suspended", TokenID: id}
	}
	return api.TokenResumed{Message: "Token resumed successfully", TokenID: id}
}

func positiveOrNull[N int | int64](n N) *N {
	if n <= 0 {
		return nil
	}
	return &n
}
