package graph

// nameKind says what a number in a reply names.
type nameKind int

const (
	labelNames nameKind = iota
	typeNames
	keyNames
	nameKinds
)

// Names are what the numbers in a graph's replies stand for, in one version of
// the graph's schema. They never change once they are made.
type Names struct {
	// version is FalkorDB's own, a digest of all names in their order.
	version int64
	// texts are JSON strings; the number is the place.
	texts [nameKinds][][]byte
}

// quoted gives a name as a JSON string; false for a number that names nothing.
func (n *Names) quoted(kind nameKind, id int64) ([]byte, bool) {
	texts := n.texts[kind]
	if id < 0 || id >= int64(len(texts)) {
		return nil, false
	}
	return texts[id], true
}

// extends tells whether all that older names stay what they were. Within the
// life of a graph names are only ever added.
func (n *Names) extends(older *Names) bool {
	for kind, texts := range older.texts {
		if len(texts) > len(n.texts[kind]) {
			return false
		}
		for i, text := range texts {
			if string(text) != string(n.texts[kind][i]) {
				return false
			}
		}
	}
	return true
}
