package access

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxPatterns bounds a list of patterns, maxPattern one of them, in
	// characters.
	maxPatterns = 50
	maxPattern  = 256
)

// ParseGraphs checks a list of graph names and patterns. It returns a
// *ListError for an empty or overlong list, for an item that no graph can be
// called by, and for one that another one covers.
func ParseGraphs(patterns []string) error {
	if err := checkLength(len(patterns), "graph"); err != nil {
		return err
	}
	for i, p := range patterns {
		length := utf8.RuneCountInString(p)
		switch {
		case length < 1 || length > maxPattern:
			return &ListError{i, "must have 1 to 256 characters"}
		case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
			return &ListError{i, "must not contain control characters"}
		}
	}
	for i, p := range patterns {
		for j, other := range patterns {
			if i != j && covers(other, p) && (i > j || !covers(p, other)) {
				return &ListError{i, "is covered by another item of the list"}
			}
		}
	}
	return nil
}

func checkLength(n int, what string) error {
	switch {
	case n == 0:
		return &ListError{-1, "must hold at least one " + what + "; leave it out for no limit"}
	case n > maxPatterns:
		return &ListError{-1, "must hold at most 50 items"}
	}
	return nil
}

// MatchesGraph tells whether one of the patterns matches a graph's name. Nil is
// no limit.
func MatchesGraph(patterns []string, name string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// GraphError says which graph a token may not touch.
type GraphError struct{ Graph string }

func (*GraphError) Error() string { return "the graph is not one of the token's" }

// OutsideGraphs gives the index of the first pattern that matches a name which
// none of the outer patterns does; -1 when there is none. Nil is no limit, and
// outside of every limit. A
// pattern must lie within a single outer one: that several of them might cover
// it together is not looked for.
func OutsideGraphs(patterns, outer []string) int {
	if outer == nil {
		return -1
	}
	if patterns == nil {
		return 0
	}
	return slices.IndexFunc(patterns, func(p string) bool {
		return !slices.ContainsFunc(outer, func(o string) bool { return covers(o, p) })
	})
}

// matches tells whether a pattern matches a text, which is taken literally.
func matches(pattern, text string) bool {
	return wild(pattern, []rune(text), func(rune) bool { return false })
}

// covers tells whether a pattern matches everything that an inner one does: it
// does so if it matches the inner one's own text, with "?" standing for a
// character that occurs nowhere else and "*" for any number of such. Runs of
// both are put in order first: "*?" means the same as "?*". What it says to be
// covered is; a "?" of the pattern's that only a "*" and what follows it in the
// inner one can meet together, as in "?*" and "*a", it takes for not covered.
func covers(pattern, inner string) bool {
	return wild(ordered(pattern), []rune(ordered(inner)), func(r rune) bool { return r == '*' })
}

// wild matches by trying the latest "*" again with one character more, which
// takes time in proportion to the product of the lengths at most. Where many
// tells that a character of the text stands for any number, only "*" matches it;
// one that is "?" in a pattern's text is matched by "?" and "*" alone, because
// no other character of the pattern equals it.
func wild(pattern string, text []rune, many func(rune) bool) bool {
	p := []rune(pattern)
	at, star, mark := 0, -1, 0
	for i := 0; i < len(text); {
		switch {
		case at < len(p) && p[at] == '*':
			star, mark = at, i
			at++
		case at < len(p) && !many(text[i]) && (p[at] == '?' || p[at] == text[i]):
			at++
			i++
		case star >= 0:
			mark++
			at, i = star+1, mark
		default:
			return false
		}
	}
	for at < len(p) && p[at] == '*' {
		at++
	}
	return at == len(p)
}

// ordered puts every run of wildcards into the form "??*".
func ordered(pattern string) string {
	var b strings.Builder
	single, many := 0, false
	flush := func() {
		b.WriteString(strings.Repeat("?", single))
		if many {
			b.WriteByte('*')
		}
		single, many = 0, false
	}
	for _, r := range pattern {
		switch r {
		case '?':
			single++
		case '*':
			many = true
		default:
			flush()
			b.WriteRune(r)
		}
	}
	flush()
	return b.String()
}
