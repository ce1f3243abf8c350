import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "@falkorpat/sdk";
import { sentenceOf, whoOf } from "./events.js";

const event = (part: Partial<Event>) =>
  ({ action: "token.revoked", outcome: "success", reason: null, username: "ana", actor_token_id: null, token_id: "1-a", ...part }) as Event;

test("an event is a sentence, with its reason in plain words", () => {
  const cases: [part: Partial<Event>, sentence: string][] = [
    [{}, "Revoked."],
    [{ reason: "direct" }, "Revoked."],
    [{ reason: "issuer" }, "Revoked with the token that it was made from."],
    [{ reason: "something_new" }, "Revoked something new."],
    [{ action: "token.created" }, "Generated."],
    [{ action: "token.use_denied", outcome: "denied", reason: "address_not_allowed" }, "Use refused: its address was not allowed."],
    [{ action: "token.create_failed", outcome: "failed", reason: "invalid_credentials" }, "Not generated: the login failed."],
    [{ action: "token.rotated", outcome: "denied", reason: "missing_permission" }, "Rotated in vain: it lacked the permission."],
    [{ action: "graph.deleted", details: { graph: "a b" } }, "Deleted the graph “a b”."],
    [
      { action: "graph.copied", outcome: "denied", reason: "graph_not_allowed", details: { graph: "a", target: "b" } },
      "Tried to copy the graph “a” to “b”: it may not touch that graph.",
    ],
    [
      { action: "config.changed", details: { setting: "TIMEOUT_MAX", before: "0", after: "1000" } },
      "Changed the setting TIMEOUT_MAX from 0 to 1000.",
    ],
    [
      { action: "config.changed", outcome: "failed", reason: "query_refused", details: { setting: "NOPE", after: "1" } },
      "Tried to change the setting NOPE to 1: query refused.",
    ],
    [{ action: "token.flown" as Event["action"] }, "token.flown."],
  ];
  for (const [part, sentence] of cases) assert.equal(sentenceOf(event(part)), sentence);
});

test("who did it is a person, and the token that they used", () => {
  assert.equal(whoOf(event({})), "ana");
  assert.equal(whoOf(event({ actor_token_id: "1-a" })), "ana, with the token itself");
  assert.equal(whoOf(event({ actor_token_id: "2-b" })), "ana, with the token 2-b");
  assert.equal(whoOf(event({ username: null })), "somebody unknown");
});
