package instance

import (
	"strings"
	"testing"
	"time"
)

func TestFaultyOptionsAreAllNamed(t *testing.T) {
	t.Parallel()
	one, err := ParseAllowed("localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		o     Options
		wants []string
	}{
		{"none allowed", Options{}, []string{"Allowed"}},
		{"an entry that nobody checked", Options{Allowed: []Allowed{{}}}, []string{"Allowed"}},
		{"an instance twice", Options{Allowed: append(one, one...)}, []string{"Allowed", "localhost:6379"}},
		{"negative", Options{Timeout: -1, FailureFloor: -1, MaxLogins: -1}, []string{"Allowed", "Timeout", "FailureFloor", "MaxLogins"}},
		{"a floor above the timeout", Options{Allowed: one, Timeout: 1, FailureFloor: 2}, []string{"FailureFloor"}},
		{"a floor above the default timeout", Options{Allowed: one, FailureFloor: time.Minute}, []string{"FailureFloor"}},
	} {
		d, err := New(test.o)
		if err == nil {
			t.Errorf("%s: New = %+v, want an error", test.name, d)
			continue
		}
		for _, want := range test.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not name %s", test.name, err, want)
			}
		}
	}
}

func TestDefaultsKeepTheDocumentedBounds(t *testing.T) {
	t.Parallel()
	allowed, err := ParseAllowed("localhost")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{Allowed: allowed})
	if err != nil {
		t.Fatal(err)
	}
	if d.timeout != 4500*time.Millisecond || d.floor != 250*time.Millisecond || cap(d.slots[slotKey{d.order[0], forKept}]) != 64 {
		t.Errorf("timeout %v, floor %v, %d slots", d.timeout, d.floor, cap(d.slots[slotKey{d.order[0], forKept}]))
	}
	if d, err = New(Options{Allowed: allowed, Timeout: 100 * time.Millisecond}); err != nil || d.floor != d.timeout {
		t.Errorf("with a short timeout: %+v, %v", d, err)
	}
}
