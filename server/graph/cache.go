package graph

import (
	"context"
	"fmt"
	"strconv"

	"github.com/maypok86/otter/v2"

	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/resp"
)

// maxGraphs bounds how many graphs' names are remembered.
const maxGraphs = 10_000

// graphKey names a graph of an instance.
type graphKey struct {
	where instance.Instance
	graph string
}

// nameCache remembers the names of graphs. What it holds may be out of date:
// whoever uses it tells FalkorDB its version.
type nameCache struct {
	names *otter.Cache[graphKey, *Names]
}

func newNameCache() (*nameCache, error) {
	names, err := otter.New(&otter.Options[graphKey, *Names]{MaximumSize: maxGraphs})
	if err != nil {
		return nil, fmt.Errorf("graph: make cache: %w", err)
	}
	return &nameCache{names}, nil
}

// get gives the names of a graph; those of an empty one when none are known.
func (c *nameCache) get(key graphKey) *Names {
	if found, ok := c.names.GetIfPresent(key); ok {
		return found
	}
	return &Names{}
}

func (c *nameCache) set(key graphKey, names *Names) { c.names.Set(key, names) }

// queryNames tells the names of each kind in the order of their numbers, all
// as they are at one moment.
const queryNames = `CALL db.labels() YIELD label RETURN 0 AS kind, label AS name
	UNION ALL CALL db.relationshipTypes() YIELD relationshipType RETURN 1 AS kind, relationshipType AS name
	UNION ALL CALL db.propertyKeys() YIELD propertyKey RETURN 2 AS kind, propertyKey AS name`

// fetch asks for a graph's names in one version, or for all that there are when
// versioned is false. Names that are added between FalkorDB's look at the
// version and its answer are in it too: they are of that version only if a query
// that names it is taken afterwards.
func fetch(c *instance.Conn, graph string, version int64, versioned bool) (*Names, error) {
	args := []string{"GRAPH.RO_QUERY", graph, queryNames, "--compact"}
	if versioned {
		args = append(args, "version", strconv.FormatInt(version, 10))
	}
	if err := c.Send(args...); err != nil {
		return nil, err
	}
	names := &Names{version: version}
	return names, readNames(c.Reader, names)
}

// readNames reads rows of a kind and a name.
func readNames(in *resp.Reader, names *Names) error {
	parts, err := begin(in)
	if err != nil || parts != 3 {
		return orShape(err)
	}
	if _, err := columns(in); err != nil {
		return err
	}
	rows, err := in.Next()
	if err != nil || rows.Kind != resp.Array {
		return orShape(err)
	}
	d := &decoder{in: in}
	for range rows.N {
		if err := d.readName(names); err != nil {
			return err
		}
	}
	_, err = statistics(in)
	return err
}

func (d *decoder) readName(names *Names) error {
	if err := d.array(2); err != nil {
		return err
	}
	if err := d.array(2); err != nil {
		return err
	}
	if kind, err := d.integer(); err != nil || kind != typeInteger {
		return orShape(err)
	}
	kind, err := d.integer()
	if err != nil || kind < 0 || kind >= int64(nameKinds) {
		return orShape(err)
	}
	name, err := d.value(nil, 0)
	if err != nil || name[0] != '"' {
		return orShape(err)
	}
	names.texts[kind] = append(names.texts[kind], name)
	return nil
}

// refresh gives a graph's names anew, for a reply that uses one that older ones
// lack. They serve this reply only, since nobody knows of which version they
// are. It returns ErrSchemaChanged when they are another graph's: within the
// life of a graph names are only added.
//
// One case cannot be told: a query adds names, and before they are asked for here,
// some milliseconds later, others delete the graph and make one of that name whose
// first names are those that were known before the query, in their order. FalkorDB
// names no graph by anything else, and a digest only of all names together.
func (s *Service) refresh(ctx context.Context, caller Caller, graph string, older *Names) (*Names, error) {
	c, err := s.keeper.ConnectAside(ctx, caller.Kept)
	if err != nil {
		return nil, err
	}
	c.Within(timeLimit(commandTime))
	names, err := fetch(c, graph, older.version, false)
	c.Release(err == nil || isReply(err))
	switch {
	case err != nil:
		return nil, asInstance(ctx, err)
	case !names.extends(older):
		return nil, ErrSchemaChanged
	}
	return names, nil
}
