package cypher

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParametersAreWrittenAsLiterals(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{
		``:                                 ``,
		`{}`:                               ``,
		`{"a":1}`:                          `CYPHER a=1 `,
		`{"_":-0}`:                         `CYPHER _=0 `,
		`{"a":"x\"\\'\n","B2":null}`:       `CYPHER a="x\"\\'` + "\n" + `" B2=null `,
		`{"a":[1,2.0,-1.5e3,1e300,[],{}]}`: `CYPHER a=[1,2.0,-1500.0,1e+300,[],{}] `,
		`{"a":{"":true,"x y":false,"$":{"\"":[]}}}`:           "CYPHER a={``:true,`x y`:false,`$`:{`\"`:[]}} ",
		`{"a":9223372036854775807,"b":-9223372036854775808}`:  `CYPHER a=9223372036854775807 b=-9223372036854775808 `,
		`{"a":"} RETURN 1 //","b":"\" b=2 MATCH (n) DELETE"}`: `CYPHER a="} RETURN 1 //" b="\" b=2 MATCH (n) DELETE" `,
	} {
		got, err := AppendParameters([]byte("x"), []byte(object))
		if err != nil || string(got) != "x"+want {
			t.Errorf("%s became %q, %v; want %q", object, got, err, want)
		}
	}
}

func TestWhatNoLiteralStandsForIsNamed(t *testing.T) {
	t.Parallel()
	for object, path := range map[string]string{
		`[]`:                                     "",
		`{"1a":1}`:                               "1a",
		`{"a b":1}`:                              "a b",
		`{"":1}`:                                 "",
		`{"é":1}`:                                "é",
		`{"` + strings.Repeat("a", 129) + `":1}`: strings.Repeat("a", 129),
		`{"a":"x\u0000"}`:                        "a",
		`{"a":[0,{"b":"\u0000"}]}`:               "a.1.b",
		`{"a":{"x` + "`" + `y":1}}`:              "a.x`y",
		`{"a":{"x/y~":9223372036854775808}}`:     "a.x/y~",
		`{"a":-9223372036854775809}`:             "a",
		`{"a":1e400}`:                            "a",
		`{"a":-1.5e-400}`:                        "a",
		`{"a":{"b":1,"b":2}}`:                    "a.b",
		`{"a":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`: "a" + strings.Repeat(".0", 63),
	} {
		var fault *ValueError
		_, err := AppendParameters(nil, []byte(object))
		if !errors.As(err, &fault) || fault.Path != path || fault.Message == "" {
			t.Errorf("%.60s: %v, want a fault of %q", object, err, path)
		}
	}
	for _, broken := range []string{`{"a":`, `{"a":1`, `{`, `{"a":[1`, `{"a":{"b"`, `{"a":tru}`, "{\"a\":\"\xff\"}"} {
		var fault *ValueError
		if _, err := AppendParameters(nil, []byte(broken)); !errors.As(err, &fault) {
			t.Errorf("%q: %v", broken, err)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	deepest := `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`
	if _, err := AppendParameters(nil, []byte(deepest)); err != nil {
		t.Error(err)
	}
}

func TestTextsWithoutALiteralAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\x00", "a\x00b", "\xff", "é\xc3"} {
		if _, err := AppendString(nil, text); !errors.Is(err, ErrText) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFloatsAreNeverWrittenAsIntegers(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{
		0: "0.0", math.Copysign(0, -1): "-0.0", 1: "1.0", -123456789: "-123456789.0", 1e15: "1e+15", 0.1: "1e-01",
		math.MaxFloat64: "1.7976931348623157e+308", math.SmallestNonzeroFloat64: "5e-324",
	} {
		if got := string(AppendFloat(nil, f)); got != want {
			t.Errorf("%v is written %s, want %s", f, got, want)
		}
	}
}
