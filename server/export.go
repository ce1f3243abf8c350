package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/store"
)

const contentTypeNDJSON = "application/x-ndjson"

// eventExport is the answer that holds all events that match. They go from the
// store to the client batch by batch, so it may be of any length.
type eventExport struct {
	ctx     context.Context //nolint:containedctx // of the request, which the answer is a part of
	history *audit.Service
	query   store.EventQuery
	now     time.Time
}

// VisitListEventsResponse implements api.ListEventsResponseObject. Once it has
// begun, an error can be told only by breaking the connection off.
func (e *eventExport) VisitListEventsResponse(w http.ResponseWriter) error {
	lines, begun := json.NewEncoder(w), false
	lines.SetEscapeHTML(false)
	control := http.NewResponseController(w)
	err := e.history.Export(e.ctx, e.query, func(chain store.Chain) error {
		begun = true
		w.Header().Set("Content-Type", contentTypeNDJSON)
		w.WriteHeader(http.StatusOK)
		return lines.Encode(toEventExport(chain, &e.query, e.now))
	}, func(events []store.Event) error {
		// Each batch has as much time as a whole answer of another kind.
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("extend the time to write: %w", err)
		}
		for i := range events {
			if err := lines.Encode(toEvent(&events[i])); err != nil {
				return fmt.Errorf("write event: %w", err)
			}
		}
		return nil
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler)
	}
	return err
}
