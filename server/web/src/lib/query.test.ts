import assert from "node:assert/strict";
import { test } from "node:test";
import { apiQuery, EVERYTHING, filters, looksLikeId, paramsOf, type Query, queryOf, sorted, unfiltered } from "./query.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const query = (part: Partial<Query>): Query => ({ ...EVERYTHING, ...part });

test("what is looked at stands in the address, and comes back from it", () => {
  const full = query({
    status: "revoked", name: "é & co", username: "ana", graph: "a*b", use: "idle30", end: "7", age: "old90", sort: "name", order: "asc",
  });
  for (const each of [EVERYTHING, full, query({ use: "never" })]) {
    assert.deepEqual(queryOf(new URLSearchParams(paramsOf(each))), each);
  }
  assert.equal(paramsOf(EVERYTHING), "");
  assert.equal(paramsOf(query({ status: "stale" })), "?status=stale");
  assert.deepEqual(queryOf(new URLSearchParams("status=odd&sort=role&order=up&use=x&end=1&age=2")), EVERYTHING);
});

test("filters are asked of the API in its own words", () => {
  const usual = { status: "active", sort: "created", order: "desc" };
  const at = (days: number) => new Date(NOW + days * 86_400_000).toISOString();
  const cases: [part: Partial<Query>, asked: object][] = [
    [{}, {}],
    [{ name: "  ", username: " ana ", graph: "g" }, { username: "ana", graph: "g" }],
    [{ name: "CI" }, { name: "CI" }],
    [{ use: "never" }, { never_used: true }],
    [{ use: "idle90" }, { last_used_before: at(-90) }],
    [{ use: "used7" }, { last_used_after: at(-7) }],
    [{ end: "30" }, { expires_after: at(0), expires_before: at(30) }],
    [{ age: "new7" }, { created_after: at(-7) }],
    [{ age: "old365" }, { created_before: at(-365) }],
  ];
  for (const [part, asked] of cases) assert.deepEqual(apiQuery(query(part), NOW), { ...usual, ...asked });
});

test("a header turns its own order round, and gives another column its natural one", () => {
  assert.deepEqual(sorted(EVERYTHING, "created"), query({ order: "asc" }));
  assert.deepEqual(sorted(EVERYTHING, "name"), query({ sort: "name", order: "asc" }));
  assert.deepEqual(sorted(EVERYTHING, "expires"), query({ sort: "expires", order: "asc" }));
  assert.deepEqual(sorted(query({ sort: "name", order: "asc" }), "last_used"), query({ sort: "last_used" }));
});

test("clearing the filters keeps the tab and the order", () => {
  const set = query({ status: "expired", name: "x", username: "y", use: "never", sort: "name" });
  assert.equal(filters(set), 2);
  assert.deepEqual(unfiltered(set), query({ status: "expired", sort: "name" }));
  assert.equal(filters(unfiltered(set)), 0);
});

test("an ID is told from a name", () => {
  for (const id of ["1761055513181-215c579b", " 1761055513181-215c579b-1111-2222-3333-444455556666 "]) assert.ok(looksLikeId(id));
  for (const name of ["CI", "2026-report", "1761055513181", ""]) assert.ok(!looksLikeId(name));
});
