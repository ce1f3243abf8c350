package lease

import (
	"strconv"
	"testing"
	"time"
)

// The model is a small world, of which every order of events is explored: one
// token that is revoked once, two replicas that hold leases and remember the
// token, and a third process that revokes. What replicas and revoker decide is
// decided by the code itself (view, census, confirmation); what is modelled is
// what lies between: the store, messages on their way, look-ups under way, lost
// connections, crashes, a store that is replaced by one which lacks the table,
// and time. Anybody may be as slow as they like, which is also what a frozen
// process is.

const (
	modelLength = 2 // ticks of a replica's clock
	modelTerm   = 3 // ticks of the revoker's, with the margin
	modelEnd    = 5 // when a world ends
	maxRenewals = 2 // of each replica
	queueLength = 3
)

// world is one state. It holds small numbers only, to be the key of a map.
type world struct {
	now int8
	// server is 1, and 2 after the store was replaced; seq is its count of changes.
	server, seq int8
	// table has the stamp of each replica, 0 for none.
	table    [2]int8
	replicas [2]replicaState
	revoker  revokerState
	mishaps
}

// mishaps are how many connections may still break, processes crash, stores be
// replaced, and how often the revoker may have read the table before.
type mishaps struct {
	cuts, crashes, failovers, looks int8
	// alone leaves one replica only, the one with the slow clock.
	alone bool
}

type replicaState struct {
	// gone is a replica that has crashed, or that knows nothing any more which
	// could be wrong.
	gone, connected bool
	// viewServer, applied, until are its view.
	viewServer, applied, until int8
	// drops is what its marks count.
	drops int8
	// stamp and sent are those of the last renewal; asking is whether that has not
	// arrived.
	stamp, sent int8
	asking      bool
	// inbox is what was published to it and not heard: seq of changes, and -seq-1
	// of grants; 0 for none. grantOf is the stamp of each grant.
	inbox   [queueLength]int8
	grantOf [queueLength]int8
	// looking is whether a look-up is under way that has found the token active,
	// under which mark. The mark is taken when the store answers: taken earlier, it
	// would only be worth less.
	looking  bool
	lookMark int8
	// remembered is whether the token is remembered as active, under which mark.
	remembered bool
	mark       int8
	// confirming is the seq of a confirmation under way; 0 for none.
	confirming int8
}

// stages of the revoker.
const (
	stageIdle int8 = iota
	stageCommitted
	stageTold
	stageAnswered
)

type revokerState struct {
	stage int8
	// its census; server is 0 for none.
	server, since     int8
	seenStamp, seenAt [2]int8
	// its wait: ends -1 for nobody.
	waitServer, waitSeq, floor int8
	ends                       [2]int8
}

// rules are what the protocol demands; each can be broken.
type rules struct {
	fillIgnoresDrops  bool // a look-up may fill under the mark of its end
	leaseFromGrant    bool // a lease counts from when the grant came
	missedIsIgnored   bool // missed changes drop nothing
	tellBeforeCommit  bool // others are told before the change is made
	noWaitForLeases   bool // the answer does not wait for who has not confirmed
	noMargin          bool // clocks are taken for equal
	serverIsIgnored   bool // a store that was replaced is taken for the same
	removeRenewed     bool // who has renewed meanwhile is taken out of the table
	confirmBeforeDrop bool // a change is confirmed by who has not applied it
}

func server(n int8) string { return strconv.Itoa(int(n)) }

func serverNumber(name string) int8 {
	n, _ := strconv.Atoi(name)
	return int8(n)
}

// clock is a replica's: the second one's is as slow as the margin allows.
func (w *world) clock(i int) time.Duration {
	if i == 1 {
		return time.Duration(int(w.now) * modelLength / modelTerm)
	}
	return time.Duration(w.now)
}

func (s *replicaState) view() view {
	v := view{applied: uint64(s.applied), until: time.Duration(s.until)}
	if s.viewServer != 0 {
		v.server = server(s.viewServer)
	}
	return v
}

func (s *replicaState) setView(v view) {
	s.viewServer, s.applied, s.until = serverNumber(v.server), int8(v.applied), int8(v.until)
}

// accepts tells whether a request to a replica would be let in now by what it
// remembers.
func (w *world) accepts(i int) bool {
	s := &w.replicas[i]
	v := s.view()
	return !s.gone && s.remembered && s.mark == s.drops && v.holds(w.clock(i))
}

func (w *world) committed(broken rules) bool {
	if broken.tellBeforeCommit {
		return w.revoker.stage >= stageAnswered
	}
	return w.revoker.stage >= stageCommitted
}

func (s *replicaState) receive(kind, stamp int8) bool {
	if !s.connected || s.gone {
		return true // nobody hears it
	}
	for i := range s.inbox {
		if s.inbox[i] == 0 {
			s.inbox[i], s.grantOf[i] = kind, stamp
			return true
		}
	}
	return false // not within this world
}

// ofReplica are the states that can follow by what happens to one replica.
func (w *world) ofReplica(i int, broken rules) []world {
	s := w.replicas[i]
	if s.gone {
		return nil
	}
	var next []world
	add := func(change func(n *world, s *replicaState) bool) {
		n := *w
		if change(&n, &n.replicas[i]) {
			next = append(next, n)
		}
	}
	if s.stamp < maxRenewals && !s.asking {
		add(func(n *world, s *replicaState) bool {
			s.stamp, s.sent, s.asking = s.stamp+1, int8(n.clock(i)), true
			return true
		})
	}
	if s.asking {
		add(func(n *world, s *replicaState) bool {
			s.asking = false
			n.table[i] = s.stamp
			return s.receive(-n.seq-1, s.stamp)
		})
	}
	if s.inbox[0] != 0 {
		add(func(n *world, s *replicaState) bool { n.hear(i, s, broken); return true })
	}
	switch {
	case !s.looking && !s.remembered && !w.committed(broken):
		add(func(_ *world, s *replicaState) bool { s.looking, s.lookMark = true, s.drops; return true })
	case s.looking:
		add(func(_ *world, s *replicaState) bool {
			s.remembered, s.mark = true, s.lookMark
			if broken.fillIgnoresDrops {
				s.mark = s.drops
			}
			s.looking, s.lookMark = false, 0
			return true
		})
	}
	if s.confirming != 0 {
		add(func(n *world, s *replicaState) bool { n.confirmed(i, s.confirming); s.confirming = 0; return true })
	}
	if w.cuts > 0 && s.connected {
		add(func(n *world, s *replicaState) bool { n.cuts--; s.disconnect(); return true })
	}
	if !s.connected {
		add(func(_ *world, s *replicaState) bool { s.connected = true; return true })
	}
	if w.crashes > 0 {
		add(func(n *world, s *replicaState) bool { n.crashes--; *s = replicaState{gone: true}; return true })
	}
	return next
}

func (s *replicaState) disconnect() {
	s.connected, s.inbox, s.grantOf = false, [queueLength]int8{}, [queueLength]int8{}
}

// hear lets a replica take its oldest message in, as Lease.hear does.
func (w *world) hear(i int, s *replicaState, broken rules) {
	kind, stamp := s.inbox[0], s.grantOf[0]
	copy(s.inbox[:], s.inbox[1:])
	copy(s.grantOf[:], s.grantOf[1:])
	s.inbox[queueLength-1], s.grantOf[queueLength-1] = 0, 0
	v := s.view()
	drop := false
	switch {
	case kind > 0:
		missed := v.changed(server(w.server), uint64(kind))
		drop = !broken.confirmBeforeDrop || missed
		if broken.missedIsIgnored || broken.confirmBeforeDrop {
			drop = !broken.confirmBeforeDrop
		}
		s.confirming = kind
	case stamp == s.stamp:
		sent := time.Duration(s.sent)
		if broken.leaseFromGrant {
			sent = w.clock(i)
		}
		drop = v.granted(server(w.server), uint64(-kind-1), sent, modelLength) && !broken.missedIsIgnored
		if drop {
			s.confirming = -kind - 1
		}
	}
	if drop {
		s.drops++
	}
	s.setView(v)
}

// simplify keeps states few. What is not under the mark of now will never count.
// A replica that knows nothing which could be wrong never will, once the change
// is committed: that the revoker does not wait for it makes the world no safer.
func (w *world) simplify(broken rules) {
	for i := range w.replicas {
		s := &w.replicas[i]
		if s.remembered && s.mark != s.drops {
			s.remembered, s.mark = false, 0
		}
		if s.looking && s.lookMark != s.drops && !broken.fillIgnoresDrops {
			s.looking, s.lookMark = false, 0
		}
		if w.committed(broken) && !s.remembered && !s.looking && !s.gone {
			*s = replicaState{gone: true}
			w.table[i] = 0
			w.revoker.seenStamp[i], w.revoker.seenAt[i] = 0, 0
			w.revoker.ends[i] = -1
		}
		if s.gone && w.revoker.stage == stageAnswered {
			w.revoker = revokerState{stage: stageAnswered}
		}
	}
}

// census is the revoker's, as the code has it.
func (w *world) census(broken rules) *census {
	r := &w.revoker
	c := &census{term: modelTerm}
	if broken.noMargin {
		c.term = modelLength
	}
	if r.server == 0 {
		return c
	}
	c.server, c.since, c.seen = server(r.server), time.Duration(r.since), make(map[string]sighting)
	for i, stamp := range r.seenStamp {
		if stamp != 0 {
			c.seen[server(int8(i))] = sighting{server(stamp), time.Duration(r.seenAt[i])}
		}
	}
	return c
}

func (r *revokerState) setCensus(c *census) {
	r.server, r.since = serverNumber(c.server), int8(max(c.since, -modelTerm))
	r.seenStamp, r.seenAt = [2]int8{}, [2]int8{}
	for holder, s := range c.seen {
		i := serverNumber(holder)
		r.seenStamp[i], r.seenAt[i] = serverNumber(s.stamp), int8(s.at)
	}
}

// tableNow is what a script would return. The first server has been watched.
func (w *world) tableNow(broken rules) table {
	t := table{server: server(w.server), seq: uint64(w.seq), settled: w.server == 1 || broken.serverIsIgnored, holders: map[string]string{}}
	for i, stamp := range w.table {
		if stamp != 0 {
			t.holders[server(int8(i))] = server(stamp)
		}
	}
	return t
}

// ofRevoker are the states that can follow by what the revoker does.
func (w *world) ofRevoker(broken rules) []world {
	n := *w
	r := &n.revoker
	switch r.stage {
	case stageIdle, stageCommitted:
		var next []world
		if r.stage == stageIdle {
			n.revoker.stage = stageCommitted
			next = append(next, n)
			n = *w
			next = append(next, n.watch(broken)...)
			n = *w
		} else if told := n.tell(broken); told {
			next = append(next, n)
		}
		return next
	case stageTold:
		wait := n.confirmation()
		if time.Duration(n.now) >= wait.until() || broken.noWaitForLeases {
			*r = revokerState{stage: stageAnswered}
			return []world{n}
		}
	}
	return nil
}

// watch lets the revoker read the table once before it has to, and take out of
// it who must be dead.
func (w *world) watch(broken rules) []world {
	var next []world
	c := w.census(broken)
	if w.looks > 0 {
		n := *w
		c.note(time.Duration(n.now), n.tableNow(broken))
		n.revoker.setCensus(c)
		n.looks--
		next = append(next, n)
	}
	for holder, stamp := range c.dead(time.Duration(w.now)) {
		n := *w
		i := serverNumber(holder)
		if n.table[i] == serverNumber(stamp) || broken.removeRenewed && n.table[i] != 0 {
			n.table[i] = 0
			next = append(next, n)
		}
	}
	return next
}

// tell runs the script that tells of the change.
func (w *world) tell(broken rules) bool {
	r := &w.revoker
	w.seq++
	for i := range w.replicas {
		if !w.replicas[i].receive(w.seq, 0) {
			return false
		}
	}
	if broken.noWaitForLeases {
		*r = revokerState{stage: stageTold}
		return true
	}
	c := w.census(broken)
	c.note(time.Duration(w.now), w.tableNow(broken))
	wait := c.await(uint64(w.seq), "nobody")
	*r = revokerState{stage: stageTold}
	r.setWait(wait)
	return true
}

func (r *revokerState) setWait(c *confirmation) {
	r.waitServer, r.waitSeq, r.floor = serverNumber(c.server), int8(c.seq), int8(c.floor)
	r.ends = [2]int8{-1, -1}
	for holder, end := range c.ends {
		r.ends[serverNumber(holder)] = int8(end)
	}
}

func (w *world) confirmation() *confirmation {
	r := &w.revoker
	c := &confirmation{server: server(r.waitServer), seq: uint64(r.waitSeq), floor: time.Duration(r.floor), ends: map[string]time.Duration{}}
	for i, end := range r.ends {
		if end >= 0 {
			c.ends[server(int8(i))] = time.Duration(end)
		}
	}
	return c
}

func (w *world) confirmed(i int, seq int8) {
	if w.revoker.stage != stageTold || w.revoker.waitServer == 0 {
		return
	}
	c := w.confirmation()
	c.applied(server(w.server), server(int8(i)), uint64(seq))
	w.revoker.setWait(c)
}

// next are all states that can follow.
func (w *world) next(broken rules) []world {
	next := w.ofRevoker(broken)
	for i := range w.replicas {
		next = append(next, w.ofReplica(i, broken)...)
	}
	if w.now < modelEnd {
		n := *w
		n.now++
		next = append(next, n)
	}
	if w.failovers > 0 {
		next = append(next, w.replaced())
	}
	for i := range next {
		next[i].simplify(broken)
	}
	return next
}

// replaced is the world after another server took over that has the rows, but
// not the table.
func (w *world) replaced() world {
	n := *w
	n.failovers--
	n.server, n.seq, n.table = 2, 0, [2]int8{}
	for i := range n.replicas {
		if !n.replicas[i].gone {
			n.replicas[i].disconnect()
			n.replicas[i].confirming = 0
		}
	}
	return n
}

// explored is what there was to see.
type explored struct {
	states int
	// wrong is a state in which a revoked token would be let in after the answer.
	wrong *world
	// remembered counts states in which a token is let in from memory, answered
	// those after the answer.
	remembered, answered int
}

// explore looks at every state that can be reached, until one is wrong.
func explore(m mishaps, broken rules) explored {
	first := world{server: 1, mishaps: m}
	for i := range first.replicas {
		first.replicas[i].connected = true
	}
	first.replicas[0].gone = m.alone
	var e explored
	seen := map[world]struct{}{first: {}}
	open := []world{first}
	for len(open) > 0 {
		w := open[len(open)-1]
		open = open[:len(open)-1]
		e.states++
		accepts := w.accepts(0) || w.accepts(1)
		if accepts {
			e.remembered++
		}
		if w.revoker.stage == stageAnswered {
			e.answered++
			if accepts {
				e.wrong = &w
				return e
			}
		}
		for _, n := range w.next(broken) {
			if _, known := seen[n]; !known {
				seen[n] = struct{}{}
				open = append(open, n)
			}
		}
	}
	return e
}

var (
	pair   = mishaps{crashes: 1}
	cut    = mishaps{cuts: 2, crashes: 1, alone: true}
	failed = mishaps{failovers: 1, looks: 1, alone: true}
)

func TestModelNoOrderOfEventsLetsARevokedTokenIn(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mishaps{"two replicas": pair, "connections break": cut, "another store takes over": failed} {
		e := explore(m, rules{})
		t.Logf("%s: %d states; let in from memory in %d, answered in %d", name, e.states, e.remembered, e.answered)
		if e.wrong != nil {
			t.Errorf("%s: let in after the answer: %+v", name, *e.wrong)
		}
		if e.remembered == 0 || e.answered == 0 {
			t.Errorf("%s: the model shows nothing", name)
		}
	}
}

func TestModelMissesEachRuleThatIsBroken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rules   rules
		mishaps mishaps
	}{
		"a look-up fills after the drop":               {rules{fillIgnoresDrops: true}, pair},
		"a lease counts from the grant":                {rules{leaseFromGrant: true}, pair},
		"missed changes drop nothing":                  {rules{missedIsIgnored: true}, cut},
		"others are told before the commit":            {rules{tellBeforeCommit: true}, pair},
		"the answer does not wait for leases to end":   {rules{noWaitForLeases: true}, pair},
		"the wait has no margin for slow clocks":       {rules{noMargin: true}, pair},
		"a store that took over is taken for the same": {rules{serverIsIgnored: true}, failed},
		"a holder that has renewed is taken out":       {rules{removeRenewed: true}, failed},
		"a change is confirmed before it is applied":   {rules{confirmBeforeDrop: true}, pair},
	} {
		if e := explore(test.mishaps, test.rules); e.wrong == nil {
			t.Errorf("%s: not found in %d states", name, e.states)
		} else {
			t.Logf("%s: found after %d states: %+v", name, e.states, *e.wrong)
		}
	}
}
