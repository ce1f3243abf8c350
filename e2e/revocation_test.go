package e2e

import (
	"syscall"
	"testing"
	"time"
)

// rounds is how often a replica is broken and mended in each proof.
const rounds = 4

// inRounds revokes all tokens of a proof in rounds, each with the last replica
// broken. All replicas remember all tokens of a round when it begins.
func (f *fleet) inRounds(broken func(revoke func())) {
	f.t.Helper()
	count := revocations(f.t, 200)
	for round := range rounds {
		size := count / rounds
		if round == 0 {
			size += count % rounds
		}
		for replica := range f.replicas {
			f.holding(replica)
		}
		tokens := f.create(size)
		var wait func()
		broken(func() { wait = f.revoke(tokens, 2) })
		wait()
	}
	f.conclude(count)
}

func TestRevokedTokenIsRefusedOnEveryReplicaAtOnce(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	count := revocations(t, 1000)
	for replica := range f.replicas {
		f.holding(replica)
	}
	const batch = 250 // what is remembered is remembered for 10 s
	for left := count; left > 0; left -= batch {
		tokens := f.create(min(batch, left))
		f.revoke(tokens, 3)()
	}
	f.conclude(count)
}

func TestRevokedTokenIsRefusedByAReplicaThatWasFrozen(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.inRounds(func(revoke func()) {
		pid := f.replicas[2].cmd.Process.Pid
		signal(t, pid, syscall.SIGSTOP)
		defer signal(t, pid, syscall.SIGCONT)
		revoke()
	})
}

func TestRevokedTokenIsRefusedByAReplicaCutOffFromTheStore(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.inRounds(func(revoke func()) {
		f.proxy.cut()
		defer f.proxy.mend()
		revoke()
	})
}

func TestRevokedTokenIsRefusedByAReplicaWhoseStoreIsSilent(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.inRounds(func(revoke func()) {
		f.proxy.stall()
		defer f.proxy.mend()
		revoke()
	})
}

func TestRevokedTokenIsRefusedByAReplicaFarFromTheStore(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.cold = 400 * time.Millisecond
	f.inRounds(func(revoke func()) {
		f.proxy.slow(150 * time.Millisecond)
		defer f.proxy.mend()
		revoke()
	})
}

func TestRevokedTokenIsRefusedByAReplicaWhoseConnectionsAreReset(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.inRounds(func(revoke func()) {
		stop := f.proxy.flap(30 * time.Millisecond)
		defer stop()
		revoke()
	})
}

func TestRevocationIsAnsweredWhenAReplicaWasKilled(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.inRounds(func(revoke func()) {
		if err := f.replicas[2].kill(); err != nil {
			t.Fatal(err)
		}
		revoke()
		f.replicas[2] = f.replicas[2].restart(t)
	})
}
