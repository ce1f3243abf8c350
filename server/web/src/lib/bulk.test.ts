import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokensRevoked } from "@falkorpat/sdk";
import { type Bulk, bulkRequest, forecast } from "./bulk.js";
import { EVERYTHING } from "./query.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const bulk = (part: Partial<Bulk>): Bulk => ({ scope: "mine", ids: [], query: EVERYTHING, username: "", ...part });

test("what is meant is asked for, and nothing else", () => {
  const cases: [part: Partial<Bulk>, request: object | undefined][] = [
    [{ scope: "mine" }, { others: true }],
    [{ scope: "everyone" }, { everyone: true }],
    [{ scope: "selected", ids: ["1-a", "2-b"] }, { token_ids: ["1-a", "2-b"] }],
    [{ scope: "selected" }, undefined],
    [{ scope: "user", username: " ana " }, { filter: { username: "ana" } }],
    [{ scope: "user", username: " " }, undefined],
    [
      { scope: "found", query: { ...EVERYTHING, name: "CI", use: "never", sort: "name" } },
      { filter: { status: "active", name: "CI", never_used: true } },
    ],
    [{ scope: "found", query: { ...EVERYTHING, status: "revoked" } }, undefined],
  ];
  for (const [part, request] of cases) assert.deepEqual(bulkRequest(bulk(part), NOW), request);
});

test("a dry run is told in a sentence", () => {
  const found = (part: Partial<TokensRevoked>): TokensRevoked => ({
    message: "", dryRun: true, matched: 0, revoked: 0, alreadyRevoked: 0, notFound: [], notAllowed: [], kept: [], complete: true, ...part,
  });
  const cases: [part: Partial<TokensRevoked>, sentence: string][] = [
    [{}, "There is nothing to revoke."],
    [{ matched: 1, revoked: 1 }, "This revokes 1 token."],
    [{ matched: 3, alreadyRevoked: 1, revoked: 2 }, "This revokes 2 tokens."],
    [{ matched: 2, revoked: 5 }, "This revokes 5 tokens. Among them are those made from the others, or rotated with them."],
    [{ matched: 2, revoked: 2, notAllowed: ["x"] }, "This revokes 2 tokens. 1 token cannot be revoked by you."],
  ];
  for (const [part, sentence] of cases) assert.equal(forecast(found(part)), sentence);
});
