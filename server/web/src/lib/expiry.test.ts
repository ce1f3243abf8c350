import assert from "node:assert/strict";
import { test } from "node:test";
import {
  choicesOf,
  chosen,
  endOfDay,
  type ExpiryDraft,
  type ExpiryRule,
  expiresSoon,
  expiryEnd,
  expiryFields,
  expiryProblem,
  isoDay,
  lastDay,
  NO_EXPIRY,
  NO_RULE,
  ruleOf,
} from "./expiry.js";
import { DAY } from "./time.js";

const NOW = new Date(2026, 10, 22, 12).getTime();
const draft = (part: Partial<ExpiryDraft>): ExpiryDraft => ({ ...NO_EXPIRY, ...part });

test("30 days are preselected", () => {
  assert.deepEqual(expiryFields(NO_EXPIRY, NO_RULE), { ttlSeconds: 2_592_000 });
});

test("what the operator does not allow cannot be chosen, and what is the default is preselected", () => {
  const rule = (longest: number, never: boolean, preset?: number): ExpiryRule => ({ longest, never, preset });
  const cases: [rule: ExpiryRule, labels: string, preselected: string][] = [
    [NO_RULE, "30 days, 60 days, 90 days, Custom, Never", "30"],
    [rule(366, false, 90), "30 days, 60 days, 90 days, Custom", "90"],
    [rule(60, false), "30 days, 60 days, Custom", "30"],
    [rule(366, true, 45), "30 days, 45 days, 60 days, 90 days, Custom, Never", "45"],
    [rule(7, false), "7 days, Custom", "7"],
    [rule(7, false, 1), "24 hours, 7 days, Custom", "1"],
    [rule(7, false, 0.5), "12 hours, 7 days, Custom", "0.5"],
    [rule(0.5, false), "12 hours", "0.5"],
  ];
  for (const [given, labels, preselected] of cases) {
    const choices = choicesOf(given);
    assert.equal(choices.map(({ label }) => label).join(", "), labels, JSON.stringify(given));
    assert.equal(chosen(NO_EXPIRY, given), preselected);
    assert.equal(chosen(draft({ expiry: "never" }), given), given.never ? "never" : preselected);
  }
  assert.deepEqual(expiryFields(NO_EXPIRY, rule(0.5, false)), { ttlSeconds: 43_200 });
  assert.match(expiryProblem(draft({ expiry: "custom", date: isoDay(NOW + 8 * DAY) }), rule(7, false), NOW) ?? "", /at most 6 days/);
});

test("the policy is the rule, and without one there is the API's", () => {
  assert.deepEqual(ruleOf(undefined), NO_RULE);
  const policy = {
    default_lifetime_seconds: 86_400,
    max_lifetime_seconds: 7_776_000,
    never_expiring_allowed: false,
    suspend_idle_days: null,
    rotated_reuse: "record",
    existing_tokens: "report",
  } as const;
  assert.deepEqual(ruleOf(policy), { longest: 90, never: false, preset: 1 });
  assert.equal(ruleOf({ ...policy, default_lifetime_seconds: null }).preset, undefined);
});

test("every choice becomes the field that the API knows", () => {
  assert.deepEqual(expiryFields(draft({ expiry: "60" }), NO_RULE), { ttlSeconds: 5_184_000 });
  assert.deepEqual(expiryFields(draft({ expiry: "90" }), NO_RULE), { ttlSeconds: 7_776_000 });
  assert.deepEqual(expiryFields(draft({ expiry: "never" }), NO_RULE), { expiresAt: null });
  const custom = expiryFields(draft({ expiry: "custom", date: "2026-12-24" }), NO_RULE);
  assert.deepEqual(custom, { expiresAt: new Date(2026, 11, 24, 23, 59, 59).toISOString() });
  assert.throws(() => expiryFields(draft({ expiry: "custom", date: "" }), NO_RULE), RangeError);
});

test("a custom day must be one, today or later, and not too far", () => {
  const cases: [date: string, refused: boolean][] = [
    ["", true],
    ["2026-02-31", true],
    ["next week", true],
    ["2026-11-21", true],
    ["2026-11-22", false],
    [lastDay(NOW, NO_RULE), false],
    [isoDay(NOW + 366 * DAY), true],
  ];
  for (const [date, refused] of cases) {
    assert.equal(expiryProblem(draft({ expiry: "custom", date }), NO_RULE, NOW) !== undefined, refused, date);
  }
  assert.equal(expiryProblem(draft({ expiry: "never", date: "2000-01-01" }), NO_RULE, NOW), undefined);
});

test("the last day to choose ends within the server's limit, whatever the hour", () => {
  for (const hour of [0, 1, 12, 23]) {
    const now = new Date(2026, 10, 22, hour, 59, 59).getTime();
    const end = endOfDay(lastDay(now, NO_RULE));
    assert.ok(end !== null && end <= now + 366 * DAY, `at ${hour} h`);
  }
});

test("the end that is shown is the end that is sent", () => {
  assert.equal(expiryEnd(draft({ expiry: "30" }), NO_RULE, NOW), NOW + 30 * DAY);
  assert.equal(expiryEnd(draft({ expiry: "never" }), NO_RULE, NOW), null);
  assert.equal(expiryEnd(draft({ expiry: "custom", date: "" }), NO_RULE, NOW), undefined);
});

test("only what expires within 7 days is marked, and not what has expired", () => {
  assert.equal(expiresSoon(NOW + 7 * DAY, NOW), true);
  assert.equal(expiresSoon(NOW + 7 * DAY + 1, NOW), false);
  assert.equal(expiresSoon(NOW + 1, NOW), true);
  assert.equal(expiresSoon(NOW, NOW), false);
  assert.equal(expiresSoon(null, NOW), false);
});
