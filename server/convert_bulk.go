package server

import (
	"cmp"
	"fmt"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/tokens"
	"github.com/falkorpat/falkorpat/store"
)

// fromRevokeTokens reads which tokens a user wants to revoke. A filter that
// names nobody is about the user's own; only everyone is about all.
func fromRevokeTokens(body *api.RevokeTokensRequest, user store.User) (tokens.BulkRequest, error) {
	given := 0
	for _, one := range [...]bool{body.TokenIds != nil, body.Filter != nil, body.Others, body.Everyone} {
		if one {
			given++
		}
	}
	if given != 1 {
		return tokens.BulkRequest{}, &tokens.FieldError{Field: "body", Message: "must hold exactly one of token_ids, filter, others and everyone"}
	}
	request := tokens.BulkRequest{By: user, IDs: body.TokenIds, DryRun: body.DryRun}
	switch {
	case body.Filter != nil:
		request.Filter = fromTokenFilter(body.Filter, user)
	case body.Others:
		request.Filter = tokens.Filter{Username: user.Username, Statuses: alive()}
	case body.Everyone:
		request.Filter = tokens.Filter{Statuses: alive()}
	}
	return request, nil
}

func fromTokenFilter(f *api.TokenFilter, user store.User) tokens.Filter {
	return tokens.Filter{
		Username: cmp.Or(f.Username, user.Username), Statuses: fromRevocable(f.Status), Name: f.Name, Graph: f.Graph,
		Created:  tokens.Period{After: f.CreatedAfter, Before: f.CreatedBefore},
		Expires:  tokens.Period{After: f.ExpiresAfter, Before: f.ExpiresBefore},
		LastUsed: tokens.Period{After: f.LastUsedAfter, Before: f.LastUsedBefore}, NeverUsed: f.NeverUsed,
	}
}

// alive are the statuses of tokens that work or may work again.
func alive() []store.Status {
	return []store.Status{store.StatusActive, store.StatusStale, store.StatusSuspended}
}

// fromRevocable is fromStatus for tokens that are not revoked yet.
func fromRevocable(status api.TokenFilterStatus) []store.Status {
	if status == "" {
		return alive()
	}
	if status == api.TokenFilterStatusAll {
		return append(alive(), store.StatusExpired)
	}
	return []store.Status{store.Status(status)}
}

func toTokensRevoked(b *tokens.Bulk) api.TokensRevoked {
	message := "%d tokens revoked"
	switch {
	case b.DryRun && b.Revoked == 1:
		message = "%d token would be revoked"
	case b.DryRun:
		message = "%d tokens would be revoked"
	case b.Revoked == 1:
		message = "%d token revoked"
	}
	return api.TokensRevoked{
		Message: fmt.Sprintf(message, b.Revoked), DryRun: b.DryRun, Matched: b.Matched, Revoked: b.Revoked, AlreadyRevoked: b.Already,
		NotFound: b.NotFound, NotAllowed: b.NotAllowed, Kept: b.Kept, Complete: b.Complete,
	}
}
