package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// tokenColumns are what scanToken reads, in its order. listColumns are the same
// for those who are not going to log in: without sealed passwords, and without
// certificates, which can be a hundred times as long as the rest.
const (
	tokenColumns = metaColumns + `, t.encrypted_password, t.ca`
	listColumns  = metaColumns + `, '' AS sealed, '' AS ca`
	metaColumns  = ` toJSON([t.port, t.not_before, t.created_at, t.expires_at, t.revoked_at, t.suspended_at, t.resumed_at, t.stale_since, t.rotated_at,
			t.last_used, t.is_active, t.tls]) AS numbers,
		t.token_id, t.token_hash, t.user_id, t.username, t.host, t.name, t.role, t.description, t.permissions, t.graphs, t.allowed_ips, t.limits,
		t.rotated_to, t.rotated_from, t.last_used_ip, t.last_used_agent`
)

// tokenPattern makes the node, which the linker ties to its user; the parameters
// are tokenParams'.
const tokenPattern = `
	CREATE (t:Token {token_id: $token_id, token_hash: $token_hash, user_id: $user_id, username: $username,
		host: $host, port: $port, name: $name, description: $description, role: $role, permissions: $permissions,
		graphs: $graphs, allowed_ips: $allowed_ips, limits: $limits, not_before: $not_before, created_at: $created_at, expires_at: $expires_at,
		last_used: -1, is_active: true, encrypted_password: $encrypted_password, kind: $kind, tls: $tls, ca: $ca, owner_unlinked: true})`

// isPAT keeps sessions, which are rows of the same label, out of all that
// concerns tokens. Rows written before there were kinds are tokens.
const isPAT = ` coalesce(t.kind, 'pat') = 'pat' `

const (
	queryCreateToken = tokenPattern + keepKey + keepEvents + ` RETURN t.token_id`
	// The issuer is matched in the query that creates, so that no token can be
	// made from one that is being revoked.
	queryCreateTokenFrom = `MATCH (issuer:Token {token_id: $issuer_id})
		WHERE coalesce(issuer.kind, 'pat') = 'pat' AND issuer.is_active = true AND (coalesce(issuer.expires_at, -1) < 0 OR issuer.expires_at > $now)` +
		tokenPattern + `, (t)-[:ISSUED_BY]->(issuer)` + keepKey + keepEvents + ` RETURN t.token_id`
	queryTokenByHash = `MATCH (t:Token {token_hash: $token_hash}) WHERE` + isPAT + `RETURN` + tokenColumns
	queryTokenByID   = `MATCH (t:Token {token_id: $token_id}) WHERE` + isPAT + `RETURN` + tokenColumns
	queryUpdateRole  = `MATCH (t:Token {token_id: $token_id}) SET t.role = $role`
)

// What falls with a token: those that it took the place of, those that took its
// place, and all that were made from any of these, directly or not. Without the
// WITH, FalkorDB would start from all tokens that are not revoked.
//
// Whoever revokes appears in the graph even where no token of theirs does. What
// another program that shares the store has revoked has the relationship but no
// time.
const (
	revokeRoot = `MATCH (root:Token {token_id: $token_id}) WHERE coalesce(root.kind, 'pat') = 'pat' WITH root `
	revokeTree = revokeRoot + `MATCH (root)-[:ROTATED_TO*0..]-(one:Token) WITH DISTINCT one
		MATCH (one)<-[:ISSUED_BY*0..]-(t:Token) WITH t, min(CASE WHEN t.token_id = $token_id THEN 0 WHEN t.token_id = one.token_id THEN 1 ELSE 2 END) AS step
		WITH t, CASE step WHEN 0 THEN $reason WHEN 1 THEN '` + reasonRotation + `' ELSE '` + reasonIssuer + `' END AS reason`
	revokePast = revokeRoot + `MATCH (root)<-[:ROTATED_TO*0..]-(t:Token)
		WITH t, CASE WHEN t.token_id = $token_id THEN $reason ELSE '` + reasonRotation + `' END AS reason`
	notRevoked = `t.revoked_at IS NULL AND NOT (t)-[:REVOKED_BY]->()`
	endTokens  = ` WHERE ` + notRevoked + `
		MERGE (u:User {user_id: $user_id}) ON CREATE SET u.username = $username, u.host = $host, u.port = $port
		SET t.is_active = false, t.revoked_at = $at, t.revoked_by = $user_id, t.revoked_ip = $ip, t.revoker_unlinked = true,
			t.encrypted_password = ''` + keepEventOfToken + `
		RETURN t.token_id`

	queryRevokeToken       = revokeTree + endTokens
	queryRevokeRotatedOnly = revokePast + endTokens
)

func tokenParams(t *Token, kind string) []param {
	return []param{
		{"token_id", t.ID},
		{"token_hash", t.Hash},
		{"user_id", t.User.ID},
		{"username", t.User.Username},
		{"host", t.User.Host},
		{"port", t.User.Port},
		{"name", t.Name},
		{"description", t.Description},
		{"role", t.Role},
		{"permissions", joined(t.Permissions)},
		{"graphs", joined(t.Graphs)},
		{"allowed_ips", joined(t.AllowedIPs)},
		{"limits", t.Limits.String()},
		{"not_before", t.NotBefore},
		{"created_at", t.CreatedAt},
		{"expires_at", t.ExpiresAt},
		{"encrypted_password", t.SealedPassword},
		{"kind", kind},
		{"tls", t.TLS},
		{"ca", t.CA},
	}
}

// CreateToken writes a new token, which becomes active, the client's key for
// it if there is one, and what events tell of it.
//
// It returns ErrConflict when the ID, the hash or the key is taken, ErrIssuerInactive
// when IssuerID names a token that does not work at CreatedAt, and
// ErrInvalidText when a text cannot be kept exactly.
func (s *Store) CreateToken(ctx context.Context, t *Token, key *IdempotencyKey, events ...Event) error {
	query, params := queryCreateToken, append(tokenParams(t, "pat"), keysParam(key), eventsParam(events...))
	if t.IssuerID != "" {
		query = queryCreateTokenFrom
		params = append(params, param{"issuer_id", t.IssuerID}, param{"now", t.CreatedAt})
	}
	rows, err := s.write(ctx, query, params...)
	if err != nil {
		return fmt.Errorf("create token %s: %w", t.ID, err)
	}
	s.linker.soon()
	if len(rows) == 0 {
		return fmt.Errorf("create token %s from %s: %w", t.ID, t.IssuerID, ErrIssuerInactive)
	}
	return nil
}

// TokenByHash finds a token by the hash of its text. It returns ErrNotFound
// when there is none; sessions are never found here.
func (s *Store) TokenByHash(ctx context.Context, hash string) (*Token, error) {
	return s.oneToken(ctx, queryTokenByHash, param{"token_hash", hash})
}

// TokenByID finds a token by its ID. It returns ErrNotFound when there is none;
// sessions are never found here.
func (s *Store) TokenByID(ctx context.Context, id string) (*Token, error) {
	return s.oneToken(ctx, queryTokenByID, param{"token_id", id})
}

func (s *Store) oneToken(ctx context.Context, query string, key param) (*Token, error) {
	rows, err := s.read(ctx, query, key)
	if err != nil {
		return nil, fmt.Errorf("find token by %s: %w", key.name, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("find token by %s: %w", key.name, ErrNotFound)
	}
	t, err := scanToken(&rows[0])
	if err != nil {
		return nil, fmt.Errorf("find token by %s: %w", key.name, err)
	}
	return t, nil
}

func scanToken(r *row) (*Token, error) {
	t, n := &Token{}, r.packed()
	t.User.Port = int(n.integer(0))
	t.NotBefore, t.CreatedAt, t.ExpiresAt, t.RevokedAt = n.time(), n.time(), n.time(), n.time()
	t.SuspendedAt, t.ResumedAt, t.StaleSince, t.RotatedAt = n.time(), n.time(), n.time(), n.time()
	t.LastUse.At = n.time()
	t.Active, t.TLS = n.boolean(), n.boolean()

	t.ID, t.Hash = r.text(), r.text()
	t.User.ID, t.User.Username, t.User.Host = r.text(), r.text(), r.text()
	t.Name, t.Role, t.Description = r.text(), Role(r.text()), r.text()
	t.Permissions, t.Graphs, t.AllowedIPs, t.Limits = split(r.text()), split(r.text()), split(r.text()), r.limits()
	t.RotatedTo, t.RotatedFrom = r.text(), r.text()
	t.LastUse.IP, t.LastUse.Agent = r.text(), r.text()
	t.SealedPassword, t.CA = r.text(), r.text()
	t.LastUse.TokenID = t.ID
	return t, r.err
}

// A list is kept as one text, because FalkorDB gives lists back as texts that
// cannot be told apart. The empty text, and no property, is no list.
func joined(items []string) string { return strings.Join(items, listSeparator) }

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, listSeparator)
}

const listSeparator = "\n"

// UpdateRole records what a token's owner may do now. It is a note for those
// who look at the token later: a crash of the store may undo it.
func (s *Store) UpdateRole(ctx context.Context, tokenID string, role Role) error {
	if _, err := s.writeSoon(ctx, queryUpdateRole, param{"token_id", tokenID}, param{"role", role}); err != nil {
		return fmt.Errorf("update role of token %s: %w", tokenID, err)
	}
	return nil
}

// Revocation says which token ends, and by whom, when and from where.
type Revocation struct {
	TokenID string
	By      User
	At      time.Time
	IP      string
	// KeepSuccessor spares the token that took this one's place, if there is
	// one, and with it all that were made from either.
	KeepSuccessor bool
	// Event is written once for each token that ends, and completed with it. Its
	// Reason is that of the token named.
	Event Event
}

// errNobody keeps an empty user ID away from MERGE: over an index, FalkorDB
// 4.16 does not survive one.
var errNobody = errors.New("the user who revokes has no ID")

// RevokeToken ends a token, those that it took the place of, those that took
// its place, and all that were made from any of them, directly or not, in one
// query, and destroys their sealed passwords. It returns the IDs of the
// tokens that this call ended: none when the token was revoked before. Whether
// the token exists is not told; ask TokenByID.
func (s *Store) RevokeToken(ctx context.Context, r Revocation) ([]string, error) {
	if r.By.ID == "" {
		return nil, fmt.Errorf("revoke token %s: %w", r.TokenID, errNobody)
	}
	query := queryRevokeToken
	if r.KeepSuccessor {
		query = queryRevokeRotatedOnly
	}
	rows, err := s.write(ctx, query,
		param{"token_id", r.TokenID}, param{"at", r.At}, param{"ip", r.IP}, param{"reason", r.Event.Reason}, eventsParam(r.Event),
		param{"user_id", r.By.ID}, param{"username", r.By.Username}, param{"host", r.By.Host}, param{"port", r.By.Port})
	if err != nil {
		return nil, fmt.Errorf("revoke token %s: %w", r.TokenID, err)
	}
	s.linker.soon()
	return textsOf(rows, "revoke token "+r.TokenID)
}
