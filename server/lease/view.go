package lease

import "time"

// view is what one replica knows from what it has heard. Times are on its own
// clock, counted from its start.
type view struct {
	// server is who was heard last.
	server string
	// applied is how many of the server's changes have been applied.
	applied uint64
	// until is the end of the lease.
	until time.Duration
}

// changed takes in that the server has made its change number seq. It tells
// whether others were missed, so that everything remembered must be dropped,
// besides what the change itself names.
func (v *view) changed(server string, seq uint64) (missed bool) {
	missed = server != v.server || seq != v.applied+1
	if server != v.server {
		v.until = 0 // what another server granted is worth nothing here
	}
	v.server, v.applied = server, seq
	return missed
}

// granted takes in a lease of a length, which was asked for at sent, by when the
// server had made seq changes. When it tells that some were missed, everything
// remembered must be dropped before the lease is relied on.
func (v *view) granted(server string, seq uint64, sent, length time.Duration) (missed bool) {
	missed = server != v.server || seq != v.applied
	v.server, v.applied, v.until = server, seq, sent+length
	return missed
}

// holds tells whether there is a lease at now.
func (v *view) holds(now time.Duration) bool { return now < v.until }
