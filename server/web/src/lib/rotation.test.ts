import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rotation } from "@falkorpat/sdk";
import { A_DAY, adviceOn, type GraceDraft, graceProblem, graceSeconds } from "./rotation.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const HOUR = 60 * 60_000;
const ago = (hours: number) => new Date(NOW - hours * HOUR).toISOString();

test("a grace is what the API wants, in seconds", () => {
  const custom = (hours: string): GraceDraft => ({ grace: "custom", hours });
  const cases: [draft: GraceDraft, seconds: number | undefined][] = [
    [A_DAY, 86_400],
    [{ grace: "0", hours: "nonsense" }, 0],
    [{ grace: "604800", hours: "" }, 604_800],
    [custom("12"), 43_200],
    [custom(" 0,5 "), 1800],
    [custom("168"), 604_800],
    [custom("169"), undefined],
    [custom("0"), undefined],
    [custom("-1"), undefined],
    [custom(" "), undefined],
    [custom("a day"), undefined],
    [custom("Infinity"), undefined],
  ];
  for (const [draft, seconds] of cases) {
    assert.equal(graceSeconds(draft), seconds, draft.hours);
    assert.equal(graceProblem(draft) === undefined, seconds !== undefined, draft.hours);
  }
});

test("the old token is safe to end when only the new one is used, and not before", () => {
  const rotation = (oldUse: number | null, newUse: number | null): Rotation => ({
    old_token_id: "1-a",
    new_token_id: "2-b",
    rotated_at: ago(10),
    old_ends_at: ago(-14),
    old_last_used: oldUse === null ? null : ago(oldUse),
    new_last_used: newUse === null ? null : ago(newUse),
    last_used_token_id: null,
  });
  const cases: [rotation: Rotation, safe: string][] = [
    [rotation(null, null), "no"],
    [rotation(1, null), "no"],
    [rotation(11, null), "no"],
    [rotation(null, 2), "yes"],
    [rotation(11, 2), "yes"],
    [rotation(1, 2), "no"],
    // Uses are written down every five minutes only.
    [rotation(1 + 4 / 60, 1), "no"],
    [rotation(3, 1), "look"],
  ];
  for (const [given, safe] of cases) {
    assert.equal(adviceOn(given, false, NOW).safe, safe, JSON.stringify(given));
    assert.equal(adviceOn(given, true, NOW).safe, "over");
  }
  assert.match(adviceOn(rotation(1, 2), false, NOW).text, /something used it 1 hour ago/);
});
