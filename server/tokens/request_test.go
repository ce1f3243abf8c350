package tokens

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func fieldOf(err error) string {
	var field *FieldError
	if !errors.As(err, &field) {
		return ""
	}
	return field.Field
}

func TestNameIsOneToAHundredCharactersWithoutControls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in, want string
		ok             bool
	}{
		{"plain", "CI", "CI", true},
		{"trimmed", " \t CI \n", "CI", true},
		{"trimmed no-break space", "\u00a0CI\u3000", "CI", true},
		{"quotes and backslashes", `C:\temp "x" 'y' \`, `C:\temp "x" 'y' \`, true},
		{"joined emoji", "👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦", true},
		{"right to left", "توکن\u200cهای من", "توکن\u200cهای من", true},
		{"a hundred emoji", strings.Repeat("😀", 100), strings.Repeat("😀", 100), true},
		{"a hundred in white space", strings.Repeat(" ", 50) + strings.Repeat("x", 100), strings.Repeat("x", 100), true},
		{"a hundred and one", strings.Repeat("x", 101), "", false},
		{"empty", "", "", false},
		{"only white space", " \t\n ", "", false},
		{"NUL", "a\x00b", "", false},
		{"newline inside", "a\nb", "", false},
		{"DEL", "a\x7f", "", false},
		{"C1 control", "a\u0085b", "", false},
		{"invalid UTF-8", "a\xff", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Request{Name: test.in}.name()
			if test.ok != (err == nil) || got != test.want {
				t.Fatalf("name(%q) = %q, %v; want %q, ok %v", test.in, got, err, test.want, test.ok)
			}
			if err != nil && fieldOf(err) != "name" {
				t.Errorf("error names field %q, want name", fieldOf(err))
			}
		})
	}
}

func TestExpiryIsBoundedAndNeverAmbiguous(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 400_000_000, time.UTC)
	limit := int64(MaxLifetime / time.Second)
	for _, test := range []struct {
		name  string
		in    Request
		want  time.Time
		field string
	}{
		{"neither means never", Request{}, time.Time{}, ""},
		{"lifetime, to the nearest second", Request{TTLSeconds: 60}, now.Add(time.Minute).Truncate(time.Second), ""},
		{"longest lifetime", Request{TTLSeconds: limit}, now.Add(MaxLifetime).Truncate(time.Second), ""},
		{"longer than that", Request{TTLSeconds: limit + 1}, time.Time{}, "ttlSeconds"},
		{"negative", Request{TTLSeconds: -1}, time.Time{}, "ttlSeconds"},
		{"time", Request{ExpiresAt: now.Add(time.Hour)}, now.Add(time.Hour).Truncate(time.Second), ""},
		{"time of another zone", Request{ExpiresAt: now.Add(time.Hour).In(time.FixedZone("", 3600))}, now.Add(time.Hour).Truncate(time.Second), ""},
		{"now", Request{ExpiresAt: now}, time.Time{}, "expiresAt"},
		{"past", Request{ExpiresAt: now.Add(-time.Second)}, time.Time{}, "expiresAt"},
		{"past the bound", Request{ExpiresAt: now.Add(MaxLifetime + 2*time.Second)}, time.Time{}, "expiresAt"},
		{"absurdly far", Request{ExpiresAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, time.Time{}, "expiresAt"},
		{"both", Request{TTLSeconds: 1, ExpiresAt: now.Add(time.Hour)}, time.Time{}, "expiresAt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.in.expiry(now, Policy{})
			if fieldOf(err) != test.field || (err == nil) != (test.field == "") || !got.Equal(test.want) {
				t.Errorf("expiry = %v, %v; want %v, field %q", got, err, test.want, test.field)
			}
		})
	}
}

func TestLifetimeIsOffByHalfASecondAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		ttl := rapid.Int64Range(1, int64(MaxLifetime/time.Second)).Draw(t, "ttl")
		end, err := Request{TTLSeconds: ttl}.expiry(now, Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if off := end.Sub(now.Add(time.Duration(ttl) * time.Second)).Abs(); off > time.Second/2 {
			t.Fatalf("lifetime is off by %v", off)
		}
		if end.Nanosecond() != 0 {
			t.Fatalf("%v is no whole second", end)
		}
	})
}
