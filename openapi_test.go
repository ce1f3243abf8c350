package falkorpat_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/falkorpat/falkorpat"
	"github.com/falkorpat/falkorpat/gen/api"
)

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(falkorpat.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestContractIsValidAndItsExamplesMatchTheirSchemas(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
}

func TestEveryOperationIsCompletelyDescribed(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	ids := make(map[string]string)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			name := method + " " + path
			if operation.OperationID == "" || operation.Summary == "" || len(operation.Tags) != 1 {
				t.Errorf("%s: wants an operationId, a summary and one tag", name)
			}
			if other, taken := ids[operation.OperationID]; taken {
				t.Errorf("%s: operationId %s is %s's", name, operation.OperationID, other)
			}
			ids[operation.OperationID] = name
			checkStatuses(t, doc, name, item, operation)
		}
	}
	if len(ids) == 0 {
		t.Fatal("no operations")
	}
}

// checkStatuses holds an operation to declaring the answers that middleware can
// give for it.
func checkStatuses(t *testing.T, doc *openapi3.T, name string, item *openapi3.PathItem, operation *openapi3.Operation) {
	t.Helper()
	want := []string{"421", "500"}
	security := doc.Security
	if operation.Security != nil {
		security = *operation.Security
	}
	if len(security) > 0 {
		want = append(want, "401", "403", "503")
	}
	if operation.RequestBody != nil {
		want = append(want, "400", "413", "415")
	}
	if len(operation.Parameters)+len(item.Parameters) > 0 {
		want = append(want, "400")
	}
	if method, _, _ := strings.Cut(name, " "); method != "GET" {
		want = append(want, "403")
	}
	for _, status := range want {
		if operation.Responses.Value(status) == nil {
			t.Errorf("%s: can answer %s and does not declare it", name, status)
		}
	}
}

func TestEverySchemaHasAnExampleAndEveryStringABound(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	checked := 0
	visit := func(name string, ref *openapi3.SchemaRef) {
		checked++
		s := ref.Value
		// An example of null is no example to the parser, though it is one to
		// the reader.
		if s.Example == nil && !s.Nullable && len(s.AllOf) == 0 && s.Items == nil {
			t.Errorf("%s: has no example", name)
		}
		if s.Type.Is("string") && s.MaxLength == nil {
			t.Errorf("%s: string without maxLength", name)
		}
		if s.Type.Is("array") && s.MaxItems == nil {
			t.Errorf("%s: array without maxItems", name)
		}
	}
	for name, schema := range doc.Components.Schemas {
		walk(name, schema, visit)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				walk(method+" "+path+" "+p.Value.Name, p.Value.Schema, visit)
			}
			for status, response := range operation.Responses.Map() {
				for media, content := range response.Value.Content {
					walk(method+" "+path+" "+status+" "+media, content.Schema, visit)
				}
			}
		}
	}
	if checked < 100 {
		t.Fatalf("checked only %d schemas", checked)
	}
}

func walk(name string, ref *openapi3.SchemaRef, visit func(string, *openapi3.SchemaRef)) {
	visit(name, ref)
	for property, schema := range ref.Value.Properties {
		walk(name+"."+property, schema, visit)
	}
	for _, schema := range ref.Value.OneOf {
		walk(name+"(oneOf)", schema, visit)
	}
	if ref.Value.Items != nil {
		walk(name+"[]", ref.Value.Items, visit)
	}
}

func TestEmbeddedDocumentIsTheContract(t *testing.T) {
	t.Parallel()
	embedded, err := api.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	want, err := contract(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := embedded.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("gen/api holds another document than openapi.yaml; run make generate")
	}
}
