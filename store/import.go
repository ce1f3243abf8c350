package store

import (
	"context"
	"fmt"
)

// What a row of an import holds is what tokenPattern writes; its edge is made
// behind the answer as for any other.
const queryImportTokens = `UNWIND $rows AS row CREATE (t:Token) SET t = row, t.owner_unlinked = true, t.last_used = -1, t.is_active = true`

// importRow is one token as an import writes it.
type importRow struct{ token *Token }

// ImportTokens writes many new tokens in one query, all of them or none; some
// hundreds at a time keep others waiting for milliseconds only. It returns the
// errors of CreateToken. Their issuers, if any, are not looked at.
func (s *Store) ImportTokens(ctx context.Context, tokens []*Token) error {
	rows := make([]importRow, len(tokens))
	for i, t := range tokens {
		rows[i] = importRow{t}
	}
	if _, err := s.write(ctx, queryImportTokens, param{"rows", rows}); err != nil {
		return fmt.Errorf("import %d tokens: %w", len(tokens), err)
	}
	s.linker.soon()
	return nil
}

func appendImportRow(b []byte, r importRow) ([]byte, error) {
	b = append(b, '{')
	var err error
	for i, p := range tokenParams(r.token, "pat") {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, p.name...), ':')
		if b, err = appendLiteral(b, p.value); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return append(b, '}'), nil
}
