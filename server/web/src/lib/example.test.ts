import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { candidatesOf, commandOf, EXAMPLE_QUERY, matches, mayRead } from "./example.js";

test("queries are for tokens that may read", () => {
  assert.equal(mayRead(null), true);
  assert.equal(mayRead(["graph:read", "tokens:read"]), true);
  assert.equal(mayRead(["graph:write"]), false);
});

test("a pattern matches as the server's does", () => {
  const cases: [pattern: string, name: string, yes: boolean][] = [
    ["*", "", true],
    ["*", "a\nb", true],
    ["a", "a", true],
    ["a", "A", false],
    ["a*", "abc", true],
    ["*c", "abcbc", true],
    ["a?c", "a🧪c", true],
    ["a?", "a", false],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["a.c", "abc", false],
    ["**", "x", true],
    ["", "x", false],
    ["*a".repeat(50) + "b", "a".repeat(5000), false],
  ];
  for (const [pattern, name, yes] of cases) assert.equal(matches(pattern, name), yes, `${pattern} and ${name}`);
});

test("a graph that the token names comes first, and none that is not there or not its own", () => {
  const existing = ["a", "b", "config", "..", "team-1", "team-2"];
  assert.deepEqual(candidatesOf(["*"], existing), ["a", "b", "team-1", "team-2"]);
  assert.deepEqual(candidatesOf(["team-*", "b", "gone"], existing), ["b", "team-1", "team-2"]);
  assert.deepEqual(candidatesOf(["gone", "other-?"], existing), []);
});

test("a shell hands the command on as it is meant", () => {
  const graph = `it's "my" $HOME/graph\`?&#é`;
  const words = (command: string) =>
    execFileSync("sh", ["-c", `set -- ${command}; for word; do printf '%s\\0' "$word"; done`], { encoding: "utf8" })
      .split("\0")
      .slice(0, -1);
  const base = "http://host:3000/tools/pat's/";
  assert.deepEqual(words(commandOf({ kind: "query", graph }, "T", base)), [
    "curl",
    "-H",
    "Authorization: Bearer T",
    "-H",
    "Content-Type: application/json",
    "-d",
    `{"query":"${EXAMPLE_QUERY}"}`,
    `${base}api/graph/${encodeURIComponent(graph)}/query`,
  ]);
  assert.deepEqual(words(commandOf({ kind: "graphs" }, "T", base)).slice(3), [`${base}api/graph`]);
  assert.deepEqual(words(commandOf({ kind: "token" }, "T", base)).slice(3), [`${base}api/auth/tokens/self`]);
});
