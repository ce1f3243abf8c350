package server

import (
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// fromListTokens reads what the list of a user's instance is to hold. Whose
// tokens these are has been decided.
func fromListTokens(p *api.ListTokensParams, user store.User, username string) tokens.ListRequest {
	return tokens.ListRequest{
		Instance: instance.Instance{Host: user.Host, Port: user.Port},
		Filter: tokens.Filter{
			Username: username, Statuses: fromStatus(p.Status), Name: p.Name, Graph: p.Graph,
			Created:  tokens.Period{After: p.CreatedAfter, Before: p.CreatedBefore},
			Expires:  tokens.Period{After: p.ExpiresAfter, Before: p.ExpiresBefore},
			LastUsed: tokens.Period{After: p.LastUsedAfter, Before: p.LastUsedBefore}, NeverUsed: p.NeverUsed,
		},
		Sort: store.Sort(p.Sort), Descending: p.Order == api.Desc,
		Cursor: p.Cursor, Limit: p.Limit, Total: p.Total,
	}
}

// fromStatus is the store's word for a filter: all statuses are none.
func fromStatus(f api.TokenStatusFilter) []store.Status {
	if f == api.TokenStatusFilterAll {
		return nil
	}
	return []store.Status{store.Status(f)}
}

func toTokenList(page *tokens.Page, role store.Role, now time.Time, policy tokens.Policy) api.TokenList {
	list := api.TokenList{
		Tokens: make([]api.Token, len(page.Tokens)), Count: len(page.Tokens), Total: page.Total,
		Role: api.Role(role), NextCursor: textOrNull(page.Next),
	}
	for i, t := range page.Tokens {
		list.Tokens[i] = toToken(t, now, policy)
	}
	return list
}
