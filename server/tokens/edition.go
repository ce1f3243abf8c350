package tokens

import (
	"context"

	"github.com/falkorpat/falkorpat/store"
)

// Edition stands for all that lists of tokens show. A list that was begun after
// an edition was read is, as long as the edition that is read is equal to it, what
// a list made at that moment would be, with one exception below. What a list
// depends on besides its request is:
//
//   - What the store holds, by whatever replica it was changed (store.Edition).
//   - Uses that this replica knows of and the store does not yet. Every one that
//     lists would show otherwise than the one before is counted before the request
//     that it belongs to goes on.
//   - The time: tokens expire. All times of tokens are whole seconds, so within one
//     second of the clock, wherever that is set, they have the same statuses.
//   - The policy, which stays what it is.
//
// The exception are changes that nobody was told the end of: those still under
// way, those whose replica died or gave up before the store was done, and those
// that someone makes in the store by hand. Such a change may show in one list and
// not yet in the next, until another edition comes: with its own number, or else
// with the next second.
type Edition struct {
	stored store.Edition
	uses   uint64
	second int64
}

// Edition reads the edition; known is false where there is none, because nothing
// is to be remembered: with the lease off, as beside FalkorDB Browser, which changes
// tokens and counts nothing. It returns store.ErrUnavailable.
func (s *Service) Edition(ctx context.Context) (e Edition, known bool, err error) {
	if s.lease.Off() {
		return Edition{}, false, nil
	}
	e = Edition{uses: s.recorder.shown.Load(), second: s.now().Unix()}
	if e.stored, err = s.store.Edition(ctx); err != nil {
		return Edition{}, false, err
	}
	return e, true, nil
}
