package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// schemaVersion counts the migrations below that a store has behind it.
const schemaVersion = 7

const (
	// schemaWait bounds the wait for indexes and constraints over existing rows.
	schemaWait = 5 * time.Minute
	schemaPoll = 20 * time.Millisecond
)

const (
	queryVersion = `MATCH (s:Schema {name: 'falkorpat'}) RETURN s.version`
	// Replicas may start at once: the version only grows.
	querySetVersion = `MERGE (s:Schema {name: 'falkorpat'})
		ON CREATE SET s.version = $version
		ON MATCH SET s.version = CASE WHEN s.version < $version THEN $version ELSE s.version END`
	queryConstraints = `CALL db.constraints() YIELD type, label, properties, status RETURN type, label, properties[0], status`
	queryIndexes     = `CALL db.indexes() YIELD label, properties, status UNWIND properties AS property RETURN label, property, status`
)

// indexes are what queries start from or filter by. Creating one that exists is
// an error of FalkorDB's that means success here.
var indexes = [...]struct{ label, property, create string }{
	{"Token", "token_id", `CREATE INDEX FOR (t:Token) ON (t.token_id)`},
	{"Token", "token_hash", `CREATE INDEX FOR (t:Token) ON (t.token_hash)`},
	{"Token", "username", `CREATE INDEX FOR (t:Token) ON (t.username)`},
	{"Token", "host", `CREATE INDEX FOR (t:Token) ON (t.host)`},
	{"Token", "port", `CREATE INDEX FOR (t:Token) ON (t.port)`},
	{"Token", "kind", `CREATE INDEX FOR (t:Token) ON (t.kind)`},
	{"Token", "is_active", `CREATE INDEX FOR (t:Token) ON (t.is_active)`},
	{"Token", "created_at", `CREATE INDEX FOR (t:Token) ON (t.created_at)`},
	{"Token", "expires_at", `CREATE INDEX FOR (t:Token) ON (t.expires_at)`},
	{"Token", "not_before", `CREATE INDEX FOR (t:Token) ON (t.not_before)`},
	{"Token", "last_used", `CREATE INDEX FOR (t:Token) ON (t.last_used)`},
	{"Token", "resumed_at", `CREATE INDEX FOR (t:Token) ON (t.resumed_at)`},
	{"Token", "owner_unlinked", `CREATE INDEX FOR (t:Token) ON (t.owner_unlinked)`},
	{"Token", "revoker_unlinked", `CREATE INDEX FOR (t:Token) ON (t.revoker_unlinked)`},
	{"User", "user_id", `CREATE INDEX FOR (u:User) ON (u.user_id)`},
	{"IdempotencyKey", "key", `CREATE INDEX FOR (k:IdempotencyKey) ON (k.key)`},
	{"IdempotencyKey", "expires_at", `CREATE INDEX FOR (k:IdempotencyKey) ON (k.expires_at)`},
	{"Event", "event_id", `CREATE INDEX FOR (e:Event) ON (e.event_id)`},
	{"Event", "seq", `CREATE INDEX FOR (e:Event) ON (e.seq)`},
	{"Event", "at", `CREATE INDEX FOR (e:Event) ON (e.at)`},
	{"Event", "instance", `CREATE INDEX FOR (e:Event) ON (e.instance)`},
	{"Event", "token_id", `CREATE INDEX FOR (e:Event) ON (e.token_id)`},
	{"Event", "username", `CREATE INDEX FOR (e:Event) ON (e.username)`},
	{"Event", "owner", `CREATE INDEX FOR (e:Event) ON (e.owner)`},
	{"Event", "action", `CREATE INDEX FOR (e:Event) ON (e.action)`},
	{"Event", "outcome", `CREATE INDEX FOR (e:Event) ON (e.outcome)`},
	{"Event", "unchained", `CREATE INDEX FOR (e:Event) ON (e.unchained)`},
	{"Chain", "instance", `CREATE INDEX FOR (c:Chain) ON (c.instance)`},
	{"Schema", "name", `CREATE INDEX FOR (s:Schema) ON (s.name)`},
}

// unique are the properties that no two rows of a label share. MERGE alone does
// not guarantee that.
var unique = [...]struct{ label, property string }{
	{"Token", "token_id"},
	{"Token", "token_hash"},
	{"User", "user_id"},
	{"IdempotencyKey", "key"},
	{"Chain", "instance"},
}

// migrate brings the store's schema to schemaVersion and waits until it works.
// Every step may be repeated, and by several replicas at once. The last one is
// confirmed to be on disk, and so are those before it.
func (s *Store) migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, schemaWait)
	defer cancel()
	version, err := s.version(ctx)
	if err != nil {
		return fmt.Errorf("read the store's schema version: %w", err)
	}
	if version > schemaVersion {
		return fmt.Errorf("the store's schema is version %d and this program knows %d; use a newer falkorpat", version, schemaVersion)
	}
	for _, index := range indexes {
		if _, err := s.writeSoon(ctx, index.create); err != nil && !strings.Contains(err.Error(), "already indexed") {
			return fmt.Errorf("create the index on %s.%s: %w", index.label, index.property, err)
		}
	}
	for _, u := range unique {
		if err := s.createUnique(ctx, u.label, u.property); err != nil {
			return err
		}
	}
	if err := s.awaitSchema(ctx); err != nil {
		return err
	}
	if _, err := s.write(ctx, querySetVersion, param{"version", schemaVersion}); err != nil {
		return fmt.Errorf("write the store's schema version: %w", err)
	}
	return nil
}

// version reads the schema's version, 0 for a store that has none yet.
func (s *Store) version(ctx context.Context) (int64, error) {
	// Not read-only: a graph that does not exist yet is made by its first query.
	rows, err := s.writeSoon(ctx, queryVersion)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].integer(0), rows[0].err
}

func (s *Store) createUnique(ctx context.Context, label, property string) error {
	_, err := s.command(ctx, s.sendOnce, "GRAPH.CONSTRAINT", "CREATE", s.graph, "UNIQUE", "NODE", label, "PROPERTIES", 1, property)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("create the unique constraint on %s.%s: %w", label, property, err)
	}
	return nil
}

// awaitSchema polls, with progress in the log, until all indexes and
// constraints are operational.
func (s *Store) awaitSchema(ctx context.Context) error {
	ticker := time.NewTicker(schemaPoll)
	defer ticker.Stop()
	for waited := 0; ; waited++ {
		pending, err := s.pendingSchema(ctx)
		if err != nil || len(pending) == 0 {
			return err
		}
		if waited%500 == 499 {
			s.log.InfoContext(ctx, "waiting for the store's indexes", "pending", pending)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("indexes not ready: %s: %w", strings.Join(pending, ", "), classify(ctx.Err()))
		case <-ticker.C:
		}
	}
}

// pendingSchema names what is missing or still being built.
func (s *Store) pendingSchema(ctx context.Context) ([]string, error) {
	pending, err := s.pendingIndexes(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.read(ctx, queryConstraints)
	if err != nil {
		return nil, fmt.Errorf("read the store's constraints: %w", err)
	}
	var working []string
	for _, r := range rows {
		kind, label, property, status := r.text(), r.text(), r.text(), r.text()
		if r.err != nil {
			return nil, fmt.Errorf("read the store's constraints: %w", r.err)
		}
		if kind != "UNIQUE" {
			continue
		}
		if status == "FAILED" {
			return nil, fmt.Errorf("rows of the store share a %s.%s, which must be unique: remove the duplicates and start again",
				label, property)
		}
		if status == "OPERATIONAL" {
			working = append(working, label+"."+property)
		}
	}
	for _, u := range unique {
		if name := u.label + "." + u.property; !slices.Contains(working, name) {
			pending = append(pending, "unique "+name)
		}
	}
	return pending, nil
}

func (s *Store) pendingIndexes(ctx context.Context) ([]string, error) {
	rows, err := s.read(ctx, queryIndexes)
	if err != nil {
		return nil, fmt.Errorf("read the store's indexes: %w", err)
	}
	var working, pending []string
	for i := range rows {
		label, property, status := rows[i].text(), rows[i].text(), rows[i].text()
		if rows[i].err != nil {
			return nil, fmt.Errorf("read the store's indexes: %w", rows[i].err)
		}
		if status == "OPERATIONAL" {
			working = append(working, label+"."+property)
		}
	}
	for _, index := range indexes {
		if name := index.label + "." + index.property; !slices.Contains(working, name) {
			pending = append(pending, "index "+name)
		}
	}
	return pending, nil
}

// Ready tells whether the store answers and its indexes and constraints are in
// place. It returns ErrUnavailable when not.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pending, err := s.pendingSchema(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("%w: missing: %s", ErrUnavailable, strings.Join(pending, ", "))
	}
	return nil
}
