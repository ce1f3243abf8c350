package tokens

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// fill gives every field a value of its own.
func fill(t *testing.T, v reflect.Value, next *int64) {
	t.Helper()
	*next++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(*next*1_000_000_000, 0).UTC()))
		return
	}
	switch v.Kind() { //nolint:exhaustive // the others are refused
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d é\x00", *next))
	case reflect.Int, reflect.Int64:
		v.SetInt(-*next << 40)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), next)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), next)
		}
	default:
		t.Fatalf("a token has a %s", v.Type())
	}
}

func TestPackedTokenIsTheSame(t *testing.T) {
	t.Parallel()
	full, next := &store.Token{}, int64(0)
	fill(t, reflect.ValueOf(full).Elem(), &next)
	full.LastUse.TokenID = full.ID
	old := &store.Token{ID: "1-a", CreatedAt: time.Unix(0, 0).UTC(), LastUse: store.Use{TokenID: "1-a"}}
	for name, want := range map[string]*store.Token{"full": full, "empty": {}, "of 1970": old} {
		p := pack(want)
		want.Hash, want.IssuerID = "", "" // left out
		if got := p.token(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestPackedTokenGivesOutCopies(t *testing.T) {
	t.Parallel()
	p := pack(&store.Token{ID: "1-a", Name: "x", Permissions: []string{"graph:read"}})
	first := p.token()
	first.Name, first.Permissions[0] = "changed", "changed"
	if second := p.token(); second.Name != "x" || second.Permissions[0] != "graph:read" {
		t.Errorf("another request got %+v", second)
	}
}

func BenchmarkUnpack(b *testing.B) {
	p := pack(&store.Token{
		ID: "1795348800000-72d31784", User: store.User{ID: "user-0123456789ab", Username: "default", Host: "localhost", Port: 6379},
		Name: "bench", Role: store.RoleAdmin, CreatedAt: time.Unix(1795348800, 0), Active: true,
		SealedPassword: "v1.0123456789abcdef.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	})
	b.ReportAllocs()
	b.ReportMetric(float64(len(p)), "bytes")
	for b.Loop() {
		p.token()
	}
}
