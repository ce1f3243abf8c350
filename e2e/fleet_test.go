package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// revocationsVariable says how many tokens each proof revokes; `make proof` sets
// it to 10,000.
const revocationsVariable = "FALKORPAT_PROOF_REVOCATIONS"

// revocations is how many tokens a proof revokes; usual when nobody says more.
func revocations(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv(revocationsVariable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q", revocationsVariable, text)
	}
	return n
}

// fleetWorkers is how many tokens are at work at once.
const fleetWorkers = 3

// fleet is three replicas on one store. The last is the one that suffers: its
// connection to the store goes through a proxy.
type fleet struct {
	t        *testing.T
	replicas [3]*program
	proxy    *storeProxy
	http     *http.Client
	owner    string // the token that revokes
	// cold leaves every second token unknown to the replica that suffers until it is
	// revoked, after a part of this time: its first look-up is under way then.
	cold   time.Duration
	result proof
}

// proof is what a test has seen.
type proof struct {
	mu        sync.Mutex
	latencies []time.Duration
	// before are requests sent before the answer to the revocation was here, after
	// those sent later; accepted are those of the latter that were let in.
	before, after, accepted, unavailable int
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	store := startStore(t)
	f := &fleet{t: t, proxy: startStoreProxy(t, store.Addr())}
	env := sharedKeys(t)
	direct := store.URL()
	proxied := strings.Replace(direct, store.Addr(), f.proxy.addr(), 1)
	if proxied == direct {
		t.Fatalf("no %s in %s", store.Addr(), direct)
	}
	for i, url := range []string{direct, direct, proxied} {
		f.replicas[i] = startProgram(t, options{storeURL: url, env: env, args: []string{"--log-level", "info"}, busy: true})
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	f.http = &http.Client{Transport: transport, Timeout: requestPatience}
	f.owner = f.replicas[0].newToken(t, instanceA.newUser(t, writer), "owner").Token
	return f
}

// send sends a request with a token to a replica; 0 for no answer.
func (f *fleet) send(replica int, method, path, token, body string) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(context.Background(), method, f.replicas[replica].url+path, strings.NewReader(body))
	if err != nil {
		f.t.Error(err)
		return 0, nil
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := f.http.Do(r)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

func (f *fleet) use(replica int, token string) int {
	status, _ := f.send(replica, http.MethodGet, "/api/auth/tokens/self", token, "")
	return status
}

// create makes tokens and uses each on all replicas, so that all remember them.
func (f *fleet) create(n int) []client.TokenCreated {
	f.t.Helper()
	tokens := make([]client.TokenCreated, n)
	f.each(n, func(i int) {
		status, body := f.send(i%2, http.MethodPost, "/api/auth/tokens", f.owner, fmt.Sprintf(`{"name":"victim %d"}`, i))
		if err := json.Unmarshal(body, &tokens[i]); err != nil || status != http.StatusOK {
			f.t.Errorf("create a token: %d, %v", status, err)
			return
		}
		for replica := range f.replicas {
			if replica == 2 && f.isCold(i) {
				continue
			}
			if got := f.use(replica, tokens[i].Token); got != http.StatusOK {
				f.t.Errorf("replica %d answered %d to a new token", replica, got)
			}
		}
	})
	if f.t.Failed() {
		f.t.FailNow()
	}
	return tokens
}

func (f *fleet) isCold(i int) bool { return f.cold > 0 && i%2 == 1 }

func (f *fleet) each(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range fleetWorkers {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

// revoke revokes tokens through the replicas that are well, while all three are
// asked with each without a pause, before and after the answer. It returns a
// function that waits for the last answers.
func (f *fleet) revoke(tokens []client.TokenCreated, by int) (wait func()) {
	var late sync.WaitGroup
	f.each(len(tokens), func(i int) {
		var answered atomic.Bool
		var well sync.WaitGroup
		for replica := range f.replicas {
			group := &well
			if replica == 2 {
				group = &late // it may not answer before it is well again
			}
			group.Go(func() { f.hammer(replica, tokens[i].Token, &answered) })
		}
		if f.isCold(i) {
			const parts = 16
			<-time.After(f.cold * time.Duration(i/2%parts) / parts)
		}
		var status int
		var body []byte
		took := timed(func() {
			status, body = f.send(i%by, http.MethodDelete, "/api/auth/tokens/"+tokens[i].TokenID, f.owner, "")
		})
		answered.Store(true)
		late.Go(func() { f.hammer(2, tokens[i].Token, &answered) }) // at once, also when the ones before wait
		if status != http.StatusOK {
			f.t.Errorf("a revocation was answered %d: %s", status, body)
		}
		f.result.mu.Lock()
		f.result.latencies = append(f.result.latencies, took)
		f.result.mu.Unlock()
		well.Wait()
	})
	return late.Wait
}

// hammer sends requests with a token until one that was sent after the answer to
// its revocation is answered.
func (f *fleet) hammer(replica int, token string, answered *atomic.Bool) {
	for {
		after := answered.Load()
		status := f.use(replica, token)
		f.result.mu.Lock()
		switch {
		case !after:
			f.result.before++
		default:
			f.result.after++
		}
		if after && status >= 200 && status < 300 {
			f.result.accepted++
		}
		if after && status != http.StatusUnauthorized {
			f.result.unavailable++
		}
		f.result.mu.Unlock()
		if after {
			return
		}
	}
}

// conclude prints what was seen, and judges it.
func (f *fleet) conclude(count int) {
	f.t.Helper()
	r := &f.result
	slices.Sort(r.latencies)
	at := func(part float64) time.Duration {
		return r.latencies[min(len(r.latencies)-1, int(part*float64(len(r.latencies))))].Round(10 * time.Microsecond)
	}
	f.t.Logf("%d revocations: p50 %s, p99 %s, longest %s; %d requests during them; of %d sent after the answers %d were accepted, %d not answered or 503",
		len(r.latencies), at(0.5), at(0.99), at(1), r.before, r.after, r.accepted, r.unavailable-r.accepted)
	if r.accepted != 0 {
		f.t.Errorf("%d requests were accepted after the answer to the revocation", r.accepted)
	}
	if len(r.latencies) != count || r.after != 4*count {
		f.t.Errorf("%d revocations and %d requests after them, want %d and %d", len(r.latencies), r.after, count, 4*count)
	}
	if longest := at(1); longest > revocationBound {
		f.t.Errorf("a revocation took %s", longest)
	}
}

// revocationBound is how long a revocation may take whatever the replicas do: a
// lease, its margin, and a busy machine.
const revocationBound = 10 * time.Second

// holding waits until a replica holds a lease, which it says when that changes.
func (f *fleet) holding(replica int) {
	f.t.Helper()
	eventually(f.t, 20*time.Second, fmt.Sprintf("replica %d to hold a lease", replica), func() bool {
		log := f.replicas[replica].logs()
		return strings.LastIndex(log, "lease held") > strings.LastIndex(log, "lease lost")
	})
}
