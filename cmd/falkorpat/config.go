package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/web"
	"github.com/falkorpat/falkorpat/store"
)

// config is the whole configuration of the service: a flag wins over its
// environment variable, that over the default. Each secret can be given by a
// file too, so that it stands in no environment and no process list.
type config struct {
	Addr         string   `env:"FALKORPAT_ADDR" default:"localhost:3000" help:"Address to serve on, host:port."`
	BasePath     string   `env:"FALKORPAT_BASE_PATH" help:"Path prefix that everything is served under, as /pat." placeholder:"/PREFIX"`
	Instances    string   `env:"FALKORPAT_INSTANCES" default:"localhost:6379" help:"FalkorDB servers that users may log in to: host:port, comma separated."`
	Proxies      []string `name:"trusted-proxies" env:"FALKORPAT_TRUSTED_PROXIES" help:"Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or CIDRs, comma separated." placeholder:"CIDR,…"`
	VerifyHeader string   `name:"verify-header" env:"FALKORPAT_VERIFY_HEADER" help:"Header in which a proxy that asks GET /api/auth/verify may hand on a token instead of in Authorization, as X-Api-Key. Default: none." placeholder:"NAME"`

	StoreURL     string `name:"store-url" env:"API_TOKEN_FALKORDB_URL" help:"FalkorDB that keeps the tokens (falkor, falkors, falkordb, redis, rediss or unix URL). Without it, a private one runs in the data directory." placeholder:"URL"`
	StoreURLFile string `name:"store-url-file" env:"API_TOKEN_FALKORDB_URL_FILE" help:"File that holds the store's URL." placeholder:"FILE"`
	DataDir      string `env:"FALKORPAT_DATA_DIR" help:"Directory for the private store and generated secrets. Default: falkorpat in the user's data directory." placeholder:"DIR"`
	EngineDir    string `env:"FALKORPAT_ENGINE_DIR" help:"Directory with the engine of the private store, as 'make engine' makes it." placeholder:"DIR"`

	AuthSecret        string `env:"AUTH_SECRET" help:"Keys that sign tokens and encrypt cookies, at least 32 bytes each, comma separated, newest first. Generated in the data directory when missing. Prefer the file." placeholder:"SECRET"`
	AuthSecretFile    string `env:"AUTH_SECRET_FILE" help:"File that holds AUTH_SECRET." placeholder:"FILE"`
	EncryptionKey     string `env:"ENCRYPTION_KEY" help:"Keys that seal passwords, 64 hex digits each, comma separated, newest first. Generated in the data directory when missing. Prefer the file." placeholder:"KEY"`
	EncryptionKeyFile string `env:"ENCRYPTION_KEY_FILE" help:"File that holds ENCRYPTION_KEY." placeholder:"FILE"`
	BrowserCompat     bool   `env:"FALKORPAT_BROWSER_COMPAT" help:"Write and read sealed passwords and token claims as FalkorDB Browser does, to share a store with it."`

	SessionLifetime time.Duration `env:"FALKORPAT_SESSION_LIFETIME" default:"24h" help:"How long a sign-in lasts, at most 24h."`
	TokenCache      int           `env:"FALKORPAT_TOKEN_CACHE" default:"100000" help:"Tokens that are verified from memory, at most; 0 to look every token up in the store for every request."`
	EventRetention  time.Duration `env:"FALKORPAT_EVENT_RETENTION" default:"9600h" help:"How long the history's events are kept, at least 24h."`
	LoginFailures   int           `env:"FALKORPAT_LOGIN_FAILURES" default:"30" help:"Failed logins that one address may have in a minute; negative for no limit."`
	LeakReports     int           `env:"FALKORPAT_LEAK_REPORTS" default:"60" help:"Reports of leaked tokens that one address may send in a minute; negative for no limit."`

	policyFlags

	QueryTimeout     time.Duration `env:"FALKORPAT_QUERY_TIMEOUT" default:"30s" help:"How long one query may take."`
	QueryRows        int64         `env:"FALKORPAT_QUERY_ROWS" default:"100000" help:"How many rows one result may have."`
	QueryConcurrency int64         `env:"FALKORPAT_QUERY_CONCURRENCY" default:"32" help:"How many graph requests of one token or session may be under way at once on a replica; 0 for no limit."`
	QueryRate        int64         `env:"FALKORPAT_QUERY_RATE" default:"60000" help:"How many graph requests one token or session may send in a minute, on all replicas together; 0 for no limit."`

	AdminAddr string `env:"FALKORPAT_ADMIN_ADDR" help:"Address for the operator's /metrics and /debug/pprof, host:port, as localhost:9090. Default: none." placeholder:"ADDR"`

	LogLevel  slog.Level `env:"FALKORPAT_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string     `env:"FALKORPAT_LOG_FORMAT" default:"auto" enum:"auto,json,text" help:"auto (text on a terminal, else JSON), json or text."`

	Dev bool `env:"FALKORPAT_DEV" help:"For trying things out: also start a throw-away FalkorDB on localhost:6379, with example data and users, unless something listens there."`
}

// settings is a configuration that has been checked and read.
type settings struct {
	config
	instances []instance.Allowed
	proxies   []netip.Prefix
	signing   crypto.SigningRing
	sealing   crypto.SealingRing
	// generated names the secrets that come from the data directory.
	generated []string
}

// faults collects what is wrong with a configuration, so that all of it is told
// at once.
type faults []error

func (f *faults) add(field string, err error) {
	if err != nil {
		*f = append(*f, fmt.Errorf("%s: %w", field, err))
	}
}

// read checks the configuration, reads the files it names and, where secrets
// are missing, makes them.
func (c config) read() (*settings, error) {
	var f faults
	s := &settings{config: c}
	s.readFiles(&f)
	s.readAddresses(&f)
	if s.SessionLifetime < time.Minute || s.SessionLifetime > session.MaxLifetime {
		f.add("--session-lifetime", errors.New("must be from 1m to 24h"))
	}
	if s.TokenCache < 0 {
		f.add("--token-cache", errors.New("must be at least 0"))
	}
	if s.EventRetention < audit.MinRetention {
		f.add("--event-retention", errors.New("must be at least 24h"))
	}
	if s.LoginFailures == 0 {
		f.add("--login-failures", errors.New("must be at least 1, or negative for no limit"))
	}
	if s.LeakReports == 0 {
		f.add("--leak-reports", errors.New("must be at least 1, or negative for no limit"))
	}
	s.checkPolicy(&f)
	if s.QueryTimeout < time.Millisecond || s.QueryTimeout > 24*time.Hour {
		f.add("--query-timeout", errors.New("must be from 1ms to 24h"))
	}
	if s.QueryRows < 1 {
		f.add("--query-rows", errors.New("must be at least 1"))
	}
	if s.QueryConcurrency < 0 || s.QueryRate < 0 {
		f.add("--query-concurrency and --query-rate", errors.New("must not be negative"))
	}
	f.add("--data-dir", s.makeDataDir())
	s.readSecrets(&f)
	if len(f) > 0 {
		return nil, fmt.Errorf("configuration: %w", errors.Join(f...))
	}
	return s, nil
}

// readFiles puts the contents of …-file options where the option itself would be.
func (s *settings) readFiles(f *faults) {
	for _, one := range []struct {
		field  string
		file   string
		target *string
	}{
		{"--store-url-file", s.StoreURLFile, &s.StoreURL},
		{"--auth-secret-file", s.AuthSecretFile, &s.AuthSecret},
		{"--encryption-key-file", s.EncryptionKeyFile, &s.EncryptionKey},
	} {
		switch {
		case one.file == "":
		case *one.target != "":
			f.add(one.field, errors.New("must not be given together with the value itself"))
		default:
			text, err := os.ReadFile(one.file)
			*one.target = strings.TrimSpace(string(text))
			if err == nil && *one.target == "" {
				// As when nothing was mounted: going on without it would mean
				// another store, or other keys, than the operator's.
				err = errors.New("the file is empty")
			}
			f.add(one.field, err)
		}
	}
}

func (s *settings) readAddresses(f *faults) {
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		f.add("--addr", errors.New("must be host:port, as localhost:3000"))
	}
	if _, _, err := net.SplitHostPort(s.AdminAddr); s.AdminAddr != "" && err != nil {
		f.add("--admin-addr", errors.New("must be host:port, as localhost:9090"))
	}
	s.BasePath = strings.TrimRight(s.BasePath, "/")
	_, err := web.New(web.Options{BasePath: s.BasePath})
	f.add("--base-path", err)
	s.instances, err = instance.ParseAllowed(s.Instances)
	f.add("--instances", err)
	for _, text := range s.Proxies {
		prefix, err := parsePrefix(text)
		f.add("--trusted-proxies", err)
		s.proxies = append(s.proxies, prefix)
	}
	f.add("--verify-header", checkTokenHeader(s.VerifyHeader))
	if s.StoreURL != "" {
		_, err := store.ParseURL(s.StoreURL)
		f.add("--store-url", err)
	}
}

// checkTokenHeader refuses what no header can be called by, and the headers whose
// content this service logs, keeps or reads as something else.
func checkTokenHeader(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	taken := []string{
		"Authorization", "Cookie", "Host", "Origin", "User-Agent", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection",
		"X-Request-Id", "X-Forwarded-For", "X-Forwarded-Proto", "Sec-Fetch-Site",
	}
	switch {
	case strings.Trim(name, letters) != "":
		return errors.New("must be the name of a header, as X-Api-Key")
	case slices.Contains(taken, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("must not be %s, which means something else", name)
	}
	return nil
}

// parsePrefix reads an address or a CIDR.
func parsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Prefix(address.BitLen())
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR", text)
	}
	return prefix, nil
}

func (s *settings) makeDataDir() error {
	if s.DataDir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return errors.New("must be given: there is no home directory to put it in")
			}
			base = filepath.Join(home, ".local", "share")
		}
		s.DataDir = filepath.Join(base, "falkorpat")
	}
	return os.MkdirAll(s.DataDir, 0o700)
}

// Files of generated secrets in the data directory.
const (
	authSecretFile    = "auth_secret"
	encryptionKeyFile = "encryption_key"
)

func (s *settings) readSecrets(f *faults) {
	var err error
	if text, ok := s.secret(f, "AUTH_SECRET", s.AuthSecret, s.AuthSecretFile, authSecretFile, crypto.NewSigningSecret); ok {
		s.signing, err = crypto.ParseSigningRing(text)
		f.add("AUTH_SECRET", err)
	}
	if text, ok := s.secret(f, "ENCRYPTION_KEY", s.EncryptionKey, s.EncryptionKeyFile, encryptionKeyFile, crypto.NewSealingSecret); ok {
		s.sealing, err = crypto.ParseSealingRing(text)
		f.add("ENCRYPTION_KEY", err)
	}
}

// secret gives a secret as it was given, or from the data directory. A new one
// is made only when nothing else is wrong: a fault must leave nothing behind.
func (s *settings) secret(f *faults, name, given, file, kept string, generate func(io.Reader) (string, error)) (string, bool) {
	if given != "" {
		return given, true
	}
	if file != "" || len(*f) > 0 {
		return "", false // told already
	}
	s.generated = append(s.generated, name)
	text, err := keptSecret(filepath.Join(s.DataDir, kept), generate)
	f.add(name, err)
	return text, err == nil
}

// logGenerated tells the operator which secrets live in the data directory, and
// warns where that will not do.
func (s *settings) logGenerated(ctx context.Context, log *slog.Logger) {
	if len(s.generated) == 0 {
		return
	}
	args := []any{"secrets", s.generated, "dir", s.DataDir, "signing_keys", s.signing.IDs(), "sealing_keys", s.sealing.IDs()}
	if s.StoreURL == "" {
		log.InfoContext(ctx, "secrets from the data directory are used", args...)
		return
	}
	log.WarnContext(ctx, "secrets from the data directory are used with a store that others may share; give every replica the same AUTH_SECRET and ENCRYPTION_KEY", args...)
}

// localOnly tells whether nobody but this machine's programs is to be served:
// the address is this machine's own, and no proxy stands in front.
func (s *settings) localOnly() bool { return isLoopback(s.Addr) && len(s.proxies) == 0 }

// isLoopback tells whether an address, host:port, is reached from this machine
// alone.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
