package server

import (
	"time"

	"github.com/falkorpat/falkorpat/gen/api"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/store"
)

func fromEventQuery(p *api.ListEventsParams, of store.User, username string) store.EventQuery {
	return store.EventQuery{
		Instance: store.InstanceName(of.Host, of.Port), TokenID: p.TokenID, Username: username,
		Action: store.Action(p.Action), Outcome: store.Outcome(p.Outcome), Since: p.After, Before: p.Before, Limit: p.Limit,
	}
}

func toEventList(page *audit.Page) api.EventList {
	list := api.EventList{Events: make([]api.Event, len(page.Events)), Count: len(page.Events), NextCursor: textOrNull(page.Next)}
	for i := range page.Events {
		list.Events[i] = toEvent(&page.Events[i])
	}
	return list
}

func toEvent(e *store.Event) api.Event {
	details := e.Details
	if details == nil {
		details = map[string]string{}
	}
	return api.Event{
		ID: e.ID, Seq: e.Seq, At: e.At.UTC(), Instance: store.InstanceName(e.Host, e.Port),
		Action: api.EventAction(e.Action), Outcome: api.EventOutcome(e.Outcome), Reason: textOrNull(e.Reason),
		UserID: textOrNull(e.UserID), Username: textOrNull(e.Username), ActorTokenID: textOrNull(e.ActorTokenID),
		IP: textOrNull(e.IP), Agent: textOrNull(e.Agent),
		TokenID: textOrNull(e.TokenID), TokenName: textOrNull(e.TokenName), Owner: textOrNull(e.Owner),
		Details: details, PrevHash: e.Prev, Hash: e.Hash,
	}
}

func toEventExport(c store.Chain, q *store.EventQuery, now time.Time) api.EventExport {
	return api.EventExport{
		Chain: q.Instance, Complete: isWhole(q), ExportedAt: now.UTC(),
		Anchor: toPlace(c.Anchor), Head: toPlace(c.Head),
	}
}

func toPlace(p store.ChainPlace) api.ChainPlace { return api.ChainPlace{Seq: p.Seq, Hash: p.Hash} }

// isWhole tells whether a query leaves nothing out.
func isWhole(q *store.EventQuery) bool {
	return q.TokenID == "" && q.Username == "" && q.Action == "" && q.Outcome == "" && q.Since.IsZero() && q.Before.IsZero()
}
