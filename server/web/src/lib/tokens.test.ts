import assert from "node:assert/strict";
import { test } from "node:test";
import type { Token } from "@falkorpat/sdk";
import { NEWEST_FIRST, pageOf, searchTokens, type Sort, sortTokens, toggleSort } from "./tokens.js";

function token(part: Partial<Token> & { token_id: string }): Token {
  return {
    user_id: "user-1",
    username: "default",
    name: part.token_id,
    description: "",
    permissions: null,
    graphs: ["*"],
    allowed_ips: null,
    not_before: null,
    role: "Admin",
    host: "localhost",
    port: 6379,
    created_at: "2026-01-01T00:00:00Z",
    expires_at: null,
    last_used: null,
    last_used_ip: null,
    last_used_agent: null,
    revoked_at: null,
    suspended_at: null,
    stale_since: null,
    rotated_to: null,
    rotated_from: null,
    status: "active",
    is_active: true,
    ...part,
  } as Token;
}

const TOKENS: readonly Token[] = [
  token({ token_id: "1-a", name: "token 10", created_at: "2026-01-03T00:00:00Z", last_used: "2026-02-01T00:00:00Z" }),
  token({ token_id: "2-b", name: "token 9", created_at: "2026-01-02T00:00:00Z", expires_at: "2026-03-01T00:00:00Z" }),
  token({ token_id: "3-1761055513333333-c", name: "Émile", created_at: "2026-01-01T00:00:00Z", expires_at: "2026-02-01T00:00:00Z" }),
  token({ token_id: "4-d", name: "ébauche", created_at: "2026-01-01T00:00:00Z", last_used_ip: "192.0.2.17" }),
];

const ids = (tokens: readonly Token[]) => tokens.map((each) => each.token_id.charAt(0)).join("");

test("every column sorts both ways, with never in its place and the newest first among equals", () => {
  const cases: [sort: Sort, order: string][] = [
    [NEWEST_FIRST, "1243"],
    [{ key: "created_at", direction: "asc" }, "4321"],
    [{ key: "name", direction: "asc" }, "4321"],
    [{ key: "name", direction: "desc" }, "1234"],
    [{ key: "expires_at", direction: "asc" }, "3214"],
    [{ key: "expires_at", direction: "desc" }, "1423"],
    [{ key: "last_used", direction: "desc" }, "1243"],
    [{ key: "last_used", direction: "asc" }, "2431"],
    [{ key: "username", direction: "asc" }, "1243"],
  ];
  for (const [sort, order] of cases) assert.equal(ids(sortTokens(TOKENS, sort)), order, JSON.stringify(sort));
  assert.equal(ids(TOKENS), "1234", "sorting must not change what it was given");
});

test("a header turns its own order round, and gives another column its natural one", () => {
  assert.deepEqual(toggleSort(NEWEST_FIRST, "created_at"), { key: "created_at", direction: "asc" });
  assert.deepEqual(toggleSort(NEWEST_FIRST, "name"), { key: "name", direction: "asc" });
  assert.deepEqual(toggleSort(NEWEST_FIRST, "expires_at"), { key: "expires_at", direction: "asc" });
  assert.deepEqual(toggleSort(NEWEST_FIRST, "last_used"), { key: "last_used", direction: "desc" });
});

test("a search finds every word, in any case, in whatever is shown", () => {
  const cases: [query: string, found: string][] = [
    ["", "1234"],
    ["  ", "1234"],
    ["TOKEN", "12"],
    ["token 9", "2"],
    ["9 TOKEN", "2"],
    ["É", "34"],
    ["192.0.2", "4"],
    ["c-33333", ""],
    ["3333333-c", "3"],
    ["1761055513333333-c", "3"],
    ["default admin", "1234"],
    ["nothing", ""],
    [".*", ""],
  ];
  for (const [query, found] of cases) assert.equal(ids(searchTokens(TOKENS, query)), found, query);
});

test("pages cover every row once, and one that does not exist becomes the nearest", () => {
  const rows = Array.from({ length: 250 }, (_, number) => number);
  const seen = Array.from({ length: 10 }, (_, number) => pageOf(rows, number + 1, 25).rows).flat();
  assert.deepEqual(seen, rows);
  assert.deepEqual({ ...pageOf(rows, 99, 100), rows: 0 }, { rows: 0, page: 3, pages: 3, from: 201, to: 250, total: 250 });
  assert.equal(pageOf(rows, 0, 25).page, 1);
  assert.deepEqual(pageOf([], 1, 25), { rows: [], page: 1, pages: 1, from: 0, to: 0, total: 0 });
});
