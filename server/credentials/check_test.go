package credentials

import (
	"errors"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/store"
)

func TestAnswerAboutAReplacedPasswordIsNone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	wrong := f.kept()
	var err error
	if wrong.Sealed, err = f.Seal("wrong", wrong.ID, wrong.User); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kept  Kept
		stale bool
		asked bool
	}{{f.kept(), false, true}, {f.kept(), false, false}, {wrong, true, true}, {wrong, true, false}, {f.kept(), false, true}} {
		_, asked, err := f.Check(t.Context(), test.kept)
		if errors.Is(err, ErrStale) != test.stale || asked != test.asked {
			t.Errorf("%v, asked %t; want stale %t, asked %t", err, asked, test.stale, test.asked)
		}
	}
	f.Remember(wrong, store.RoleReadOnly)
	if role, asked, err := f.Check(t.Context(), wrong); role != store.RoleReadOnly || asked || err != nil {
		t.Errorf("remembered: %s, asked %t, %v", role, asked, err)
	}
}

func TestAlikeAreRowsWithTheSameUserAndPassword(t *testing.T) {
	t.Parallel()
	f := setup(t)
	seal := func(id, password string, user store.User) store.Sealed {
		t.Helper()
		sealed, err := f.Seal(password, id, user)
		if err != nil {
			t.Fatal(err)
		}
		return store.Sealed{TokenID: id, User: user, Password: sealed}
	}
	user, elsewhere, other := f.user(), f.user(), f.user()
	elsewhere.Port++
	other.Username = "other"
	alike, spelt := seal("2-a", password, user), seal("3-a", password, user)
	spelt.User.Host = "127.0.0.1" // as another program writes it
	foreign := seal("4-a", password, user)
	foreign.Password = alike.Password // of another row
	rows := []store.Sealed{
		alike, spelt, foreign, seal("5-a", "another", user), seal("6-a", password, elsewhere), seal("7-a", password, other),
		{TokenID: f.kept().ID, User: user, Password: f.sealed},
		{TokenID: "8-a", User: user},
	}
	var got []string
	for _, row := range f.Alike(f.kept(), rows) {
		got = append(got, row.TokenID)
	}
	if strings.Join(got, " ") != "2-a 3-a" {
		t.Errorf("alike are %q, want those of the same user with the same password", got)
	}
	damaged, destroyed := f.kept(), f.kept()
	damaged.CA = "damaged"
	destroyed.Sealed = ""
	for what, kept := range map[string]Kept{"its certificates are damaged": damaged, "its password does not open": destroyed} {
		if got := f.Alike(kept, rows); len(got) > 0 {
			t.Errorf("%s, which is no fault of %v", what, got)
		}
	}
}
