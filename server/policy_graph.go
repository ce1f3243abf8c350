package server

import (
	"errors"
	"slices"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/authn"
	"github.com/falkorpat/falkorpat/server/graph"
)

// mayListGraphs tells whether a principal may learn which graphs there are;
// touchable keeps those that it may touch.
func mayListGraphs(p *authn.Principal) error { return p.Permissions.Require(access.GraphRead) }

func touchable(p *authn.Principal, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return mayTouch(p, name) != nil })
}

// mayQuery tells whether a principal may ask a graph something. Whether it may
// also write is told to FalkorDB, which knows what a query does.
func mayQuery(p *authn.Principal, name string) error { return mayUse(p, access.GraphRead, name) }

// mayProfile tells whether a principal may profile a query of a graph, which
// runs it, whatever it does.
func mayProfile(p *authn.Principal, name string) error { return mayUse(p, access.GraphWrite, name) }

// mayManageGraph tells whether a principal may make or delete a graph.
func mayManageGraph(p *authn.Principal, name string) error { return mayUse(p, access.GraphAdmin, name) }

// mayConfigure tells whether a principal may see and change what concerns all
// graphs, which nobody may who is limited to some.
func mayConfigure(p *authn.Principal) error {
	if err := p.Permissions.Require(access.GraphAdmin); err != nil {
		return err
	}
	if p.Token != nil && access.OutsideGraphs([]string{"*"}, p.Token.Graphs) >= 0 {
		return &access.GraphError{Graph: "*"}
	}
	return nil
}

// mayUse asks for a permission, and for the graph to be one of the token's.
func mayUse(p *authn.Principal, need access.Permission, name string) error {
	if err := p.Permissions.Require(need); err != nil {
		return err
	}
	return mayTouch(p, name)
}

func mayTouch(p *authn.Principal, name string) error {
	if p.Token != nil && !access.MatchesGraph(p.Token.Graphs, name) {
		return &access.GraphError{Graph: name}
	}
	return nil
}

// asDenial gives the refusal of a query that would write its reason: where the
// caller did not ask for it, a permission is missing.
func asDenial(p *authn.Principal, asked bool, err error) error {
	if errors.Is(err, graph.ErrReadOnly) && !asked {
		return errors.Join(err, p.Permissions.Require(access.GraphWrite))
	}
	return err
}
