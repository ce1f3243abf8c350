package graph

import "testing"

// TestEveryTypeIsToldExactly holds what FalkorDB 4.16 answered, compared with
// what redis-cli and the official Python client show of the same values.
func TestEveryTypeIsToldExactly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for text, want := range map[string][2]string{ // plain and typed
		`null`:                                  {`null`, `null`},
		`true`:                                  {`true`, `true`},
		`false`:                                 {`false`, `false`},
		`0`:                                     {`0`, `0`},
		`9223372036854775807`:                   {`9223372036854775807`, `9223372036854775807`},
		`-9223372036854775808`:                  {`-9223372036854775808`, `-9223372036854775808`},
		`3.0`:                                   {`3.0`, `3.0`},
		`-0.0`:                                  {`-0.0`, `-0.0`},
		`2.5`:                                   {`2.5`, `2.5`},
		`0.1`:                                   {`0.1`, `0.1`},
		`1e300`:                                 {`1e+300`, `1e+300`},
		`1.5e-9`:                                {`1.5e-09`, `1.5e-09`},
		`0.0/0.0`:                               {`"NaN"`, `{"$type":"double","value":"NaN"}`},
		`1.0/0.0`:                               {`"Infinity"`, `{"$type":"double","value":"Infinity"}`},
		`-1.0/0.0`:                              {`"-Infinity"`, `{"$type":"double","value":"-Infinity"}`},
		`''`:                                    {`""`, `""`},
		`'NaN'`:                                 {`"NaN"`, `"NaN"`},
		`'é"\\ 👩‍💻'`:                            {`"é\"\\ 👩‍💻"`, `"é\"\\ 👩‍💻"`},
		`[]`:                                    {`[]`, `[]`},
		`[1,[2.0,'x'],null]`:                    {`[1,[2.0,"x"],null]`, `[1,[2.0,"x"],null]`},
		`{}`:                                    {`{}`, `{"$type":"map","value":{}}`},
		`{a:1,b:{c:[true]}}`:                    {`{"a":1,"b":{"c":[true]}}`, `{"$type":"map","value":{"a":1,"b":{"$type":"map","value":{"c":[true]}}}}`},
		`point({latitude:1.5,longitude:-2.25})`: {`{"latitude":1.5,"longitude":-2.25}`, `{"$type":"point","value":{"latitude":1.5,"longitude":-2.25}}`},
		`vecf32([1,2.5])`:                       {`[1.0,2.5]`, `{"$type":"vector","value":[1.0,2.5]}`},
		`date('2024-01-31')`:                    {`"2024-01-31"`, `{"$type":"date","value":"2024-01-31"}`},
		`date('1900-01-01')`:                    {`"1900-01-01"`, `{"$type":"date","value":"1900-01-01"}`},
		`date('9999-12-31')`:                    {`"9999-12-31"`, `{"$type":"date","value":"9999-12-31"}`},
		`localtime('10:11:12')`:                 {`"10:11:12"`, `{"$type":"time","value":"10:11:12"}`},
		`localdatetime('2024-01-31T10:11:12')`:  {`"2024-01-31T10:11:12"`, `{"$type":"datetime","value":"2024-01-31T10:11:12"}`},
		`localdatetime('1960-01-01T00:00:01')`:  {`"1960-01-01T00:00:01"`, `{"$type":"datetime","value":"1960-01-01T00:00:01"}`},
		`duration('P1Y2M3DT4H5M6S')`:            {`"P1Y2M3DT4H5M6S"`, `{"$type":"duration","value":"P1Y2M3DT4H5M6S"}`},
		`duration('P1W')`:                       {`"P7D"`, `{"$type":"duration","value":"P7D"}`},
		`duration({days:1,hours:-2})`:           {`"PT22H"`, `{"$type":"duration","value":"PT22H"}`},
		`duration({seconds:0})`:                 {`"PT0S"`, `{"$type":"duration","value":"PT0S"}`},
		`duration({years:-1})`:                  {`"-P1Y"`, `{"$type":"duration","value":"-P1Y"}`},
		`[date('2024-01-31'),localtime('1:2:3')]`: {`["2024-01-31","01:02:03"]`, `[{"$type":"date","value":"2024-01-31"},{"$type":"time","value":"01:02:03"}]`},
	} {
		for i, typed := range []bool{false, true} {
			if got := f.one(Query{Text: "RETURN " + text, Format: Format{Typed: typed}}); got != want[i] {
				t.Errorf("%s is told as %s, want %s", text, got, want[i])
			}
		}
	}
}

func TestEntitiesAreToldByTheirNames(t *testing.T) {
	t.Parallel()
	f := setup(t)
	const (
		ada  = `{"id":0,"labels":["Person","Math"],"properties":{"name":"Ada","born":1815}}`
		mark = `{"id":1,"labels":[],"properties":{}}`
	)
	got := f.one(Query{Text: `CREATE (a:Person:Math {name:'Ada', born:1815})-[e:KNOWS {since: 1.5}]->(b) RETURN a, e, b`})
	known := `{"id":0,"type":"KNOWS","source":0,"target":1,"properties":{"since":1.5}}`
	if want := ada + "\n" + known + "\n" + mark; got != want {
		t.Errorf("created:\n%s\nwant\n%s", got, want)
	}
	got = f.one(Query{Text: `MATCH p=(a)-[e]->(b) RETURN p, [a,e], {k:b}`, ReadOnly: true})
	if want := `{"nodes":[` + ada + `,` + mark + `],"edges":[` + known + `]}` + "\n[" + ada + "," + known + "]\n" + `{"k":` + mark + `}`; got != want {
		t.Errorf("matched:\n%s\nwant\n%s", got, want)
	}
	got = f.one(Query{Text: `MATCH ()-[e]->(b) RETURN e, b`, Format: Format{Typed: true}})
	if want := `{"$type":"edge","value":` + known + "}\n" + `{"$type":"node","value":` + mark + `}`; got != want {
		t.Errorf("typed:\n%s\nwant\n%s", got, want)
	}
}

func TestLargeIntegersAreTextsWhereAskedFor(t *testing.T) {
	t.Parallel()
	f := setup(t)
	q := Query{Text: `RETURN [9007199254740992, 9007199254740993, -9007199254740993, 1]`, Format: Format{TextBigints: true}}
	if got := f.one(q); got != `[9007199254740992,"9007199254740993","-9007199254740993",1]` {
		t.Errorf("told as %s", got)
	}
}
