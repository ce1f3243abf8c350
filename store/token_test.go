package store

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

func TestStatusAtTheBoundariesOfTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token Token
		want  Status
	}{
		"never expires":               {Token{Active: true}, StatusActive},
		"expires later":               {Token{Active: true, ExpiresAt: noon.Add(time.Nanosecond)}, StatusActive},
		"expires now":                 {Token{Active: true, ExpiresAt: noon}, StatusExpired},
		"expired":                     {Token{Active: true, ExpiresAt: noon.Add(-time.Hour)}, StatusExpired},
		"expired and swept":           {Token{ExpiresAt: noon.Add(-time.Hour)}, StatusExpired},
		"revoked":                     {Token{RevokedAt: noon}, StatusRevoked},
		"revoked, expired since":      {Token{RevokedAt: noon.Add(-time.Hour), ExpiresAt: noon}, StatusRevoked},
		"revoked in the future":       {Token{Active: true, RevokedAt: noon.Add(time.Hour)}, StatusRevoked},
		"inactive for unknown reason": {Token{ExpiresAt: noon.Add(time.Hour)}, StatusRevoked},
		"inactive, never expires":     {Token{}, StatusRevoked},
		"stale":                       {Token{Active: true, StaleSince: noon.Add(-time.Hour)}, StatusStale},
		"suspended":                   {Token{Active: true, SuspendedAt: noon.Add(-time.Hour)}, StatusSuspended},
		"suspended and stale":         {Token{Active: true, SuspendedAt: noon, StaleSince: noon}, StatusSuspended},
		"expired, suspended, stale":   {Token{Active: true, ExpiresAt: noon, SuspendedAt: noon, StaleSince: noon}, StatusExpired},
		"swept, suspended, stale":     {Token{ExpiresAt: noon, SuspendedAt: noon, StaleSince: noon}, StatusExpired},
		"revoked, suspended, stale":   {Token{RevokedAt: noon, SuspendedAt: noon, StaleSince: noon}, StatusRevoked},
		"inactive, suspended, stale":  {Token{SuspendedAt: noon, StaleSince: noon}, StatusRevoked},
	} {
		if got := c.token.Status(noon); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestUserIDTellsUsersAndInstancesApart(t *testing.T) {
	t.Parallel()
	if a, b := UserID("alice", "localhost", 6379), UserID("alice", "localhost", 6379); a != b {
		t.Errorf("the same user is %s and %s", a, b)
	}
	seen := map[string]string{}
	for name, id := range map[string]string{
		"alice":           UserID("alice", "localhost", 6379),
		"Alice":           UserID("Alice", "localhost", 6379),
		"another port":    UserID("alice", "localhost", 6380),
		"another host":    UserID("alice", "db.example.com", 6379),
		"an IPv6 address": UserID("alice", "::1", 6379),
		"at in the name":  UserID("alice@localhost:6379", "", 0),
		"at in the host":  UserID("alice", "x@localhost", 6379),
		"at, shifted":     UserID("alice@x", "localhost", 6379),
		"colon":           UserID("a:alice", "localhost", 6379),
		"nobody":          UserID("", "localhost", 6379),
	} {
		if !regexp.MustCompile(`^user-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("%s: %q", name, id)
		}
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s are both %s", name, other, id)
		}
		seen[id] = name
	}
}

// Rows keep user IDs: another way to make them would part users from their tokens.
func TestUserIDStaysWhatItWas(t *testing.T) {
	t.Parallel()
	if got := UserID("default", "localhost", 6379); got != "user-d1b7c8d732f2" {
		t.Errorf("got %s", got)
	}
}

func TestTokenIDsSortByTheirTime(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, at := range []time.Time{noon, noon.Add(time.Millisecond), noon.Add(time.Hour), noon.AddDate(200, 0, 0)} {
		id, err := NewTokenID(at, bytes.NewReader([]byte{0xff, 0, 0x0a, 1}))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if ids[0] != "1772366400000-ff000a01" {
		t.Errorf("first ID is %s", ids[0])
	}
	if !slices.IsSorted(ids) {
		t.Errorf("not in order: %v", ids)
	}
}

func TestTokenIDNeedsRandomness(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	if id, err := NewTokenID(noon, iotest.ErrReader(broken)); !errors.Is(err, broken) || id != "" {
		t.Errorf("got %q, %v", id, err)
	}
	if id, err := NewTokenID(noon, bytes.NewReader([]byte{1, 2, 3})); !errors.Is(err, io.ErrUnexpectedEOF) || id != "" {
		t.Errorf("three bytes gave %q, %v", id, err)
	}
}
