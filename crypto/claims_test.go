package crypto

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBase64HasOneSpelling(t *testing.T) {
	t.Parallel()
	refused := map[string]string{
		"padding": "YQ==", "line feed": "Y\nWI", "carriage return": "YWI\r", "blank": "YW I", "standard alphabet": "-_+/",
		"unused bits of two digits": "YR", "unused bits of three digits": "YWJ", "one digit": "YWFhY", "not ASCII": "YWé",
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, ok := decodeBase64([]byte(text)); ok {
				t.Errorf("%q decoded to %q", text, out)
			}
		})
	}
}

func TestBase64ThatDecodesEncodesBackToItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("AQYgZm_-=\n")), 0, 12, -1).Draw(t, "text")
		out, ok := decodeBase64([]byte(text))
		if ok && base64.RawURLEncoding.EncodeToString(out) != text {
			t.Fatalf("%q and its canonical spelling both decode", text)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		out, ok := decodeBase64([]byte(base64.RawURLEncoding.EncodeToString(raw)))
		if !ok || string(out) != string(raw) {
			t.Fatalf("%x came back as %x, %t", raw, out, ok)
		}
	})
}

func TestOnlyJSONObjectsAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "[]", `"jti"`, "1", "{", `{"a":1}{}`, `{"a":1} x`, `{"a":}`, "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}",
	} {
		if _, ok := parseObject([]byte(text)); ok {
			t.Errorf("%q was read as an object", text)
		}
	}
	if members, ok := parseObject([]byte(" {} ")); !ok || len(members) != 0 {
		t.Error("the empty object was not read")
	}
}

func TestClaimOfWrongTypeIsNamedButNotQuoted(t *testing.T) {
	t.Parallel()
	members, ok := parseObject([]byte(`{"text" : "value-one", "number": 42, "list": ["value-two"], "none": null, "yes": true,
		"escaped":"A\u0020\"b\"", "negative":-1, "fraction":1.5, "huge":1e400, "late":253402300800, "port":65536, "day":"1"}`))
	if !ok {
		t.Fatal("not read")
	}
	reads := map[string]func(r *claimReader, name string){
		"text":     func(r *claimReader, name string) { r.text(name) },
		"required": func(r *claimReader, name string) { r.required(name) },
		"boolean":  func(r *claimReader, name string) { r.boolean(name) },
		"port":     func(r *claimReader, name string) { r.port(name) },
		"date":     func(r *claimReader, name string) { r.date(name) },
	}
	fits := map[string][]string{
		"text":     {"text", "escaped", "day", "absent"},
		"required": {"text", "escaped", "day"},
		"boolean":  {"yes", "absent"},
		"port":     {"number", "absent"},
		"date":     {"number", "fraction", "port", "absent"},
	}
	names := []string{"absent"}
	for name := range members {
		names = append(names, name)
	}
	for kind, read := range reads {
		for _, name := range names {
			r := claimReader{members: members}
			read(&r, name)
			err, want := r.err(), !slices.Contains(fits[kind], name)
			if (err != nil) != want {
				t.Errorf("%s read as %s: got %v, want an error %t", name, kind, err, want)
			}
			if err != nil && err.Error() != `claim "`+name+`" is missing or not of its type` {
				t.Errorf("%s read as %s: got %q", name, kind, err)
			}
		}
	}
}

func TestFirstWrongClaimIsReported(t *testing.T) {
	t.Parallel()
	r := claimReader{members: object{"a": []byte("1"), "b": []byte("1")}}
	_, _, _ = r.text("a"), r.text("b"), r.text("c")
	if got, want := r.err().Error(), `claim "a" is missing or not of its type`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClaimNamesAreTakenExactly(t *testing.T) {
	t.Parallel()
	members, _ := parseObject([]byte(`{"Exp":1,"EXP":2,"exp":3,"JTI":"x"}`))
	r := claimReader{members: members}
	if got := r.date("exp").Unix(); got != 3 {
		t.Errorf("exp: got %d, want 3", got)
	}
	if r.has("jti") {
		t.Error("JTI was taken for jti")
	}
}

func TestDateKeepsFractions(t *testing.T) {
	t.Parallel()
	r := claimReader{members: object{"exp": []byte("1795314612.5")}}
	if got, want := r.date("exp"), time.UnixMilli(1795314612500).UTC(); !got.Equal(want) || r.err() != nil {
		t.Errorf("got %v, %v, want %v", got, r.err(), want)
	}
}

func TestOnlyTimesThatTokensCanExpressAreWritable(t *testing.T) {
	t.Parallel()
	now := time.Unix(1795314612, 0)
	tests := []struct {
		name      string
		issuedAt  time.Time
		expiresAt time.Time
		port      int
		text      string
		fine      bool
	}{
		{"never ends", now, time.Time{}, 6379, "", true},
		{"ends at the last second there is", now, time.Unix(maxUnixSeconds, 0), 0, "x", true},
		{"starts with the epoch", time.Unix(0, 0), now, maxPort, "é\u200d", true},
		{"no time of issue", time.Time{}, now, 0, "", false},
		{"issued before the epoch", time.Unix(-1, 0), now, 0, "", false},
		{"ends before the epoch", now, time.Unix(-1, 0), 0, "", false},
		{"ends in the year 10000", now, time.Unix(maxUnixSeconds+1, 0), 0, "", false},
		{"negative port", now, now, -1, "", false},
		{"port too high", now, now, maxPort + 1, "", false},
		{"not UTF-8", now, now, 0, "\xff", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := checkWritable(test.issuedAt, test.expiresAt, test.port, "fine", test.text)
			if (err == nil) != test.fine || err != nil && !errors.Is(err, ErrClaims) {
				t.Errorf("got %v, want fine %t", err, test.fine)
			}
		})
	}
}

// TestBindingsNeverEncodeAlike draws from so few letters that fields shifted into each other are found.
func TestBindingsNeverEncodeAlike(t *testing.T) {
	t.Parallel()
	field := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00")), 0, 3, -1)
	draw := func(t *rapid.T, name string) Binding {
		return Binding{
			TokenID: field.Draw(t, name+" token"), Username: field.Draw(t, name+" user"), Host: field.Draw(t, name+" host"),
			Port: rapid.IntRange(-1, 2).Draw(t, name+" port"),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		one, two := draw(t, "one"), draw(t, "two")
		if (one == two) != (string(one.encode()) == string(two.encode())) {
			t.Fatalf("%+v and %+v", one, two)
		}
	})
	shifted := [][2]Binding{
		{{TokenID: "ab", Username: "c"}, {TokenID: "a", Username: "bc"}},
		{{Username: "ab", Host: ""}, {Username: "", Host: "ab"}},
		{{Host: "h1", Port: 2}, {Host: "h", Port: 12}},
	}
	for _, pair := range shifted {
		if string(pair[0].encode()) == string(pair[1].encode()) {
			t.Errorf("%+v and %+v encode alike", pair[0], pair[1])
		}
	}
}
