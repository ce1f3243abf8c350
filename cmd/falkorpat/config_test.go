package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/falkorpat/falkorpat"
	"github.com/falkorpat/falkorpat/crypto"
)

// sound is a configuration that nothing is wrong with.
func sound(t *testing.T) config {
	t.Helper()
	return config{
		Addr: "localhost:3000", Instances: "localhost:6379", DataDir: filepath.Join(t.TempDir(), "data"),
		SessionLifetime: 24 * time.Hour, EventRetention: 48 * time.Hour, LoginFailures: 30, LeakReports: 60, QueryTimeout: time.Second, QueryRows: 1, policyFlags: policyFlags{MaxLifetime: lifetime(366 * day)},
	}
}

func TestSoundConfigurationIsReadAndItsSecretsKept(t *testing.T) {
	t.Parallel()
	c := sound(t)
	first, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	if first.AuthSecret != second.AuthSecret || strings.Join(first.signing.IDs(), "") != strings.Join(second.signing.IDs(), "") ||
		strings.Join(first.sealing.IDs(), "") != strings.Join(second.sealing.IDs(), "") {
		t.Error("a second start has other secrets")
	}
	for _, name := range []string{authSecretFile, encryptionKeyFile} {
		info, err := os.Stat(filepath.Join(c.DataDir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestAllFaultsOfAConfigurationAreToldAtOnce(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := sound(t)
	c.Addr, c.BasePath, c.Instances, c.Proxies = "3000", "pat", "localhost:http", []string{"10.0.0.0/8", "proxy"}
	c.AdminAddr = "9090"
	c.StoreURL, c.AuthSecret, c.EncryptionKeyFile = "http://db", "changeme", empty
	c.SessionLifetime, c.EventRetention, c.LoginFailures, c.LeakReports = 48*time.Hour, time.Hour, 0, 0
	c.QueryTimeout, c.QueryRows = 0, 0
	_, err := c.read()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, field := range []string{
		"--addr", "--admin-addr", "--base-path", "--instances", "--trusted-proxies", "--store-url", "--session-lifetime", "--event-retention", "--query-timeout", "--query-rows", "--login-failures", "--leak-reports",
		"AUTH_SECRET", "--encryption-key-file",
	} {
		if !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "changeme") {
		t.Errorf("the secret is in: %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, encryptionKeyFile)); err == nil {
		t.Error("a secret was made although the configuration is wrong")
	}
}

func TestHeaderForTokensIsOneOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, fine := range map[string]bool{
		"": true, "X-Api-Key": true, "PRIVATE-TOKEN": true, "x_token": true,
		"X Api Key": false, "X-Api-Key:": false, "Schlüssel": false, "authorization": false, "Cookie": false, "x-request-id": false, "user-agent": false,
		"X-FORWARDED-FOR": false,
	} {
		c := sound(t)
		c.VerifyHeader = name
		if _, err := c.read(); (err == nil) != fine || err != nil && !strings.Contains(err.Error(), "--verify-header") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSecretIsGivenByValueOrFileNotBoth(t *testing.T) {
	t.Parallel()
	secret, err := crypto.NewSigningSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := sound(t)
	c.AuthSecretFile = file
	if s, err := c.read(); err != nil || s.AuthSecret != secret {
		t.Errorf("by file: %v", err)
	}
	c.AuthSecret = secret
	if _, err := c.read(); err == nil || !strings.Contains(err.Error(), "--auth-secret-file") {
		t.Errorf("both: %v", err)
	}
}

func TestGeneratedSecretIsTheSameForAllWhoStartAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	found := make([]string, 20)
	var group sync.WaitGroup
	for i := range found {
		group.Go(func() {
			var err error
			if found[i], err = keptSecret(path, crypto.NewSigningSecret); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, one := range found {
		if one == "" || one != found[0] {
			t.Fatal("not all got the same secret")
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("drafts are left: %v", left)
	}
}

func TestLocalOnlyIsALoopbackAddressWithoutProxies(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"localhost:3000": true, "127.0.0.1:0": true, "127.1.2.3:1": true, "[::1]:3000": true,
		":3000": false, "0.0.0.0:3000": false, "[::]:3000": false, "192.0.2.1:3000": false, "pat.example:3000": false,
	} {
		c := sound(t)
		c.Addr = addr
		s, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.localOnly(); got != want {
			t.Errorf("%s: %v", addr, got)
		}
		c.Proxies = []string{"127.0.0.1"}
		if s, err = c.read(); err != nil || s.localOnly() {
			t.Errorf("%s behind a proxy: %v", addr, err)
		}
	}
}

func TestEmptyVariableMeansTheDefault(t *testing.T) { //nolint:paralleltest // it changes the environment
	for _, name := range []string{"FALKORPAT_LOGIN_FAILURES", "FALKORPAT_SESSION_LIFETIME", "FALKORPAT_LOG_LEVEL", "FALKORPAT_MAX_LIFETIME", "FALKORPAT_DEFAULT_LIFETIME", "FALKORPAT_DEV", "FALKORPAT_INSTANCES"} {
		t.Setenv(name, "")
	}
	var told strings.Builder
	// The address is wrong, so that it ends there; nothing else may be.
	status := run(t.Context(), []string{"serve", "--addr", "3000", "--data-dir", filepath.Join(t.TempDir(), "data")}, &told, &told)
	if got := strings.TrimSpace(told.String()); status != exitFault || strings.Count(got, "\n") != 0 || !strings.Contains(got, "--addr") {
		t.Errorf("status %d: %s", status, got)
	}
}

func TestVersionIsTheContracts(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(falkorpat.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	changelog, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Info.Version != version || !strings.Contains(string(changelog), "\n## "+version) {
		t.Errorf("the program is %s, openapi.yaml %s, and CHANGELOG.md has a heading for it: %v",
			version, doc.Info.Version, strings.Contains(string(changelog), "\n## "+version))
	}
}
