package store

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// startSentinel starts a Sentinel that watches primaries, under the names one,
// two and so on, and returns its address. It decides alone, and soon.
func startSentinel(t *testing.T, primaries ...string) (address string) {
	t.Helper()
	address = closedPort(t)
	_, port, _ := net.SplitHostPort(address)
	lines := []string{"bind 127.0.0.1", "port " + port, "dir " + t.TempDir(), `logfile ""`}
	for i, primary := range primaries {
		name := [...]string{"one", "two"}[i]
		host, port, _ := net.SplitHostPort(primary)
		lines = append(lines, fmt.Sprintf("sentinel monitor %s %s %s 1", name, host, port),
			fmt.Sprintf("sentinel down-after-milliseconds %s 300", name), fmt.Sprintf("sentinel failover-timeout %s 2000", name))
	}
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(embeddedtest.Engine(t).Server, file, "--sentinel")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = client.Close() })
	eventually(t, "the Sentinel answers", func() bool { return client.Ping(t.Context()).Err() == nil })
	return address
}

func TestStoreFollowsThePrimaryThatASentinelWatches(t *testing.T) {
	t.Parallel()
	primary := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0"})
	replica := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0"})
	host, port, _ := net.SplitHostPort(primary.Addr())
	if err := console(t, replica).Do(t.Context(), "REPLICAOF", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	linked := func(role string) func() bool {
		return func() bool {
			info, err := console(t, replica).InfoMap(t.Context(), "replication").Result()
			replication := info["Replication"]
			return err == nil && replication["role"] == role && replication["master_link_status"] != "down"
		}
	}
	eventually(t, "the replica is linked", linked("slave"))
	sentinel := startSentinel(t, primary.Addr())

	s := open(t, Options{URL: "falkor://" + sentinel, Graph: graphOf(t)})
	if s.client().Options().Addr != "FailoverClient" {
		t.Fatalf("connected to %s", s.client().Options().Addr)
	}
	token := create(t, s, alice)
	if n := calls(t, primary, "graph.QUERY"); n == 0 {
		t.Error("the primary was not written to")
	}
	// The Sentinel must know the replica, and the replica the token.
	eventually(t, "the token is on the replica", func() bool {
		found, err := console(t, replica).Do(t.Context(), "GRAPH.RO_QUERY", s.graph, `MATCH (t:Token) RETURN t.token_id`).Slice()
		return err == nil && strings.Contains(fmt.Sprint(found), token.ID)
	})
	watch := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	defer watch.Close()
	eventually(t, "the Sentinel knows the replica", func() bool {
		replicas, err := watch.Replicas(t.Context(), "one").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	})

	if err := engine(t, primary).Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica is the primary", linked("master"))
	eventually(t, "the store has followed", func() bool { return s.Ready(t.Context()) == nil })
	equal(t, "token", byID(t, s, token.ID), token)
	child := create(t, s, alice, from(token))
	equal(t, "ended", revoke(t, s, token.ID), sorted([]string{token.ID, child.ID}))
}

func TestSentinelOfSeveralPrimariesIsRefused(t *testing.T) {
	t.Parallel()
	for _, primaries := range [][]string{nil, {"127.0.0.1:1", "127.0.0.1:2"}} {
		_, err := Open(t.Context(), Options{URL: "falkor://" + startSentinel(t, primaries...), Timeout: 5 * time.Second})
		if want := fmt.Sprintf("watches %d primaries, want 1", len(primaries)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
