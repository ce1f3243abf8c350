package store

import (
	"context"
	"fmt"
)

// As a single revocation does it, from several roots at once.
const (
	revokeRoots = `UNWIND $token_ids AS root_id MATCH (root:Token {token_id: root_id}) WHERE coalesce(root.kind, 'pat') = 'pat' WITH DISTINCT root `
	revokeTrees = revokeRoots + `MATCH (root)-[:ROTATED_TO*0..]-(one:Token) WITH DISTINCT one
		MATCH (one)<-[:ISSUED_BY*0..]-(t:Token) WITH t, min(CASE WHEN t.token_id IN $token_ids THEN 0 WHEN t.token_id = one.token_id THEN 1 ELSE 2 END) AS step
		WITH t, CASE step WHEN 0 THEN $reason WHEN 1 THEN '` + reasonRotation + `' ELSE '` + reasonIssuer + `' END AS reason`

	queryRevokeTokens = revokeTrees + endTokens
	queryWouldRevoke  = revokeTrees + ` WHERE ` + notRevoked + ` RETURN t.token_id`
	queryFamily       = revokeRoots + `MATCH (root)-[:ROTATED_TO*0..]-(one:Token) WITH DISTINCT one
		MATCH (one)<-[:ISSUED_BY*0..]-(t:Token) RETURN DISTINCT t.token_id`
	queryTokensByID = `UNWIND $token_ids AS id MATCH (t:Token {token_id: id}) WHERE` + isPAT + `RETURN` + listColumns

	// A token falls with all that it was made from, directly or not, and with
	// what these were rotated from and to.
	queryLineage = `MATCH (asking:Token {token_id: $token_id}) WITH asking
		MATCH (asking)-[:ISSUED_BY*0..]->(up:Token) WITH DISTINCT up
		MATCH (up)-[:ROTATED_TO*0..]-(one:Token) RETURN DISTINCT one.token_id`
)

// TokensByID finds tokens by their IDs, in any order. IDs of none are passed
// over, and so are sessions. SealedPassword and CA are left empty.
func (s *Store) TokensByID(ctx context.Context, ids []string) ([]*Token, error) {
	rows, err := s.read(ctx, queryTokensByID, param{"token_ids", ids})
	if err != nil {
		return nil, fmt.Errorf("find %d tokens: %w", len(ids), err)
	}
	tokens := make([]*Token, len(rows))
	for i := range rows {
		if tokens[i], err = scanToken(&rows[i]); err != nil {
			return nil, fmt.Errorf("find %d tokens: %w", len(ids), err)
		}
	}
	return tokens, nil
}

// RevokeTokens is RevokeToken for several tokens: they and all that falls with
// any of them end in one query, or none does. TokenID and KeepSuccessor of r
// count for nothing.
func (s *Store) RevokeTokens(ctx context.Context, ids []string, r Revocation) ([]string, error) {
	rows, err := s.write(ctx, queryRevokeTokens,
		param{"token_ids", ids}, param{"at", r.At}, param{"ip", r.IP}, param{"reason", r.Event.Reason}, eventsParam(r.Event),
		param{"user_id", r.By.ID}, param{"username", r.By.Username}, param{"host", r.By.Host}, param{"port", r.By.Port})
	if err != nil {
		return nil, fmt.Errorf("revoke %d tokens: %w", len(ids), err)
	}
	s.linker.soon()
	return textsOf(rows, "revoke tokens")
}

// WouldRevoke tells which tokens RevokeTokens would end.
func (s *Store) WouldRevoke(ctx context.Context, ids []string) ([]string, error) {
	rows, err := s.read(ctx, queryWouldRevoke, param{"token_ids", ids}, param{"reason", ""})
	if err != nil {
		return nil, fmt.Errorf("find what falls with %d tokens: %w", len(ids), err)
	}
	return textsOf(rows, "find what falls with tokens")
}

// Family finds what RevokeToken ends together with any of some tokens, whether or not
// it has ended before.
func (s *Store) Family(ctx context.Context, tokenIDs ...string) ([]string, error) {
	rows, err := s.read(ctx, queryFamily, param{"token_ids", tokenIDs})
	if err != nil {
		return nil, fmt.Errorf("find family of %d tokens: %w", len(tokenIDs), err)
	}
	return textsOf(rows, "find family of tokens")
}

// Lineage gives the IDs of all tokens with which a token would fall, its own
// among them.
func (s *Store) Lineage(ctx context.Context, tokenID string) ([]string, error) {
	rows, err := s.read(ctx, queryLineage, param{"token_id", tokenID})
	if err != nil {
		return nil, fmt.Errorf("find what token %s falls with: %w", tokenID, err)
	}
	return textsOf(rows, "find what a token falls with")
}

// textsOf reads the one column of an answer.
func textsOf(rows []row, doing string) ([]string, error) {
	texts := make([]string, len(rows))
	for i := range rows {
		if texts[i] = rows[i].text(); rows[i].err != nil {
			return nil, wrapped(rows[i].err, doing)
		}
	}
	return texts, nil
}
