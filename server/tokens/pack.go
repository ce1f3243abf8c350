package tokens

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// packed is a token as it is remembered: in one piece, a third of the size that it
// has otherwise, which the garbage collector need not look into. Token.Hash and
// Token.IssuerID are left out.
type packed string

// pack needs times of whole seconds from 1970 on, as the store gives them.
func pack(t *store.Token) packed {
	w := packer(make([]byte, 0, 256))
	for _, s := range []string{
		t.ID, t.User.ID, t.User.Username, t.User.Host, t.Name, t.Description, string(t.Role), t.RotatedTo, t.RotatedFrom,
		strings.Join(t.Permissions, "\n"), strings.Join(t.Graphs, "\n"), strings.Join(t.AllowedIPs, "\n"),
		t.LastUse.IP, t.LastUse.Agent, t.SealedPassword, t.CA,
	} {
		w.text(s)
	}
	for _, n := range []int64{int64(t.User.Port), t.Limits.TimeoutMs, t.Limits.Rows, t.Limits.Concurrent, t.Limits.PerMinute} {
		w.number(n)
	}
	for _, at := range []time.Time{
		t.NotBefore, t.CreatedAt, t.ExpiresAt, t.RevokedAt, t.SuspendedAt, t.ResumedAt, t.StaleSince, t.RotatedAt, t.LastUse.At,
	} {
		w.time(at)
	}
	w.boolean(t.Active)
	w.boolean(t.TLS)
	return packed(w) // its own size, less what was reserved
}

// token is a copy of the token; whoever asked for it may change it.
func (p packed) token() *store.Token {
	r, t := unpacker(p), &store.Token{}
	for _, s := range [...]*string{&t.ID, &t.User.ID, &t.User.Username, &t.User.Host, &t.Name, &t.Description, (*string)(&t.Role), &t.RotatedTo, &t.RotatedFrom} {
		*s = r.text()
	}
	t.Permissions, t.Graphs, t.AllowedIPs = r.list(), r.list(), r.list()
	t.LastUse.TokenID, t.LastUse.IP, t.LastUse.Agent = t.ID, r.text(), r.text()
	t.SealedPassword, t.CA = r.text(), r.text()
	t.User.Port = int(r.number())
	t.Limits = store.Limits{TimeoutMs: r.number(), Rows: r.number(), Concurrent: r.number(), PerMinute: r.number()}
	for _, at := range [...]*time.Time{
		&t.NotBefore, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.SuspendedAt, &t.ResumedAt, &t.StaleSince, &t.RotatedAt, &t.LastUse.At,
	} {
		*at = r.time()
	}
	t.Active, t.TLS = r.number() == 1, r.number() == 1
	return t
}

type packer []byte

func (w *packer) number(n int64) { *w = binary.AppendVarint(*w, n) }

func (w *packer) text(s string) {
	w.number(int64(len(s)))
	*w = append(*w, s...)
}

// time writes no time as 0.
func (w *packer) time(t time.Time) {
	if t.IsZero() {
		w.number(0)
		return
	}
	w.number(t.Unix() + 1)
}

func (w *packer) boolean(b bool) {
	if b {
		w.number(1)
		return
	}
	w.number(0)
}

// unpacker reads what a packer wrote; its texts are parts of it.
type unpacker string

// number reads as binary.Varint does, which takes no string.
func (r *unpacker) number() int64 {
	var u uint64
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		b := (*r)[i]
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			*r = (*r)[i+1:]
			return int64(u>>1) ^ -int64(u&1) // the zigzag encoding
		}
	}
}

func (r *unpacker) text() string {
	n := r.number()
	s := (*r)[:n]
	*r = (*r)[n:]
	return string(s)
}

func (r *unpacker) list() []string {
	if s := r.text(); s != "" {
		return strings.Split(s, "\n")
	}
	return nil
}

func (r *unpacker) time() time.Time {
	if n := r.number(); n != 0 {
		return time.Unix(n-1, 0).UTC()
	}
	return time.Time{}
}
