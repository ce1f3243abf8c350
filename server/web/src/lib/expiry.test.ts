import assert from "node:assert/strict";
import { test } from "node:test";
import {
  endOfDay,
  type ExpiryDraft,
  expiresSoon,
  expiryEnd,
  expiryFields,
  expiryProblem,
  isoDay,
  lastDay,
  NO_EXPIRY,
} from "./expiry.js";
import { DAY } from "./time.js";

const NOW = new Date(2026, 10, 22, 12).getTime();
const draft = (part: Partial<ExpiryDraft>): ExpiryDraft => ({ ...NO_EXPIRY, ...part });

test("30 days are preselected", () => {
  assert.deepEqual(expiryFields(NO_EXPIRY), { ttlSeconds: 2_592_000 });
});

test("every choice becomes the field that the API knows", () => {
  assert.deepEqual(expiryFields(draft({ expiry: "60" })), { ttlSeconds: 5_184_000 });
  assert.deepEqual(expiryFields(draft({ expiry: "90" })), { ttlSeconds: 7_776_000 });
  assert.deepEqual(expiryFields(draft({ expiry: "never" })), { expiresAt: null });
  const custom = expiryFields(draft({ expiry: "custom", date: "2026-12-24" }));
  assert.deepEqual(custom, { expiresAt: new Date(2026, 11, 24, 23, 59, 59).toISOString() });
  assert.throws(() => expiryFields(draft({ expiry: "custom", date: "" })), RangeError);
});

test("a custom day must be one, today or later, and not too far", () => {
  const cases: [date: string, refused: boolean][] = [
    ["", true],
    ["2026-02-31", true],
    ["next week", true],
    ["2026-11-21", true],
    ["2026-11-22", false],
    [lastDay(NOW), false],
    [isoDay(NOW + 366 * DAY), true],
  ];
  for (const [date, refused] of cases) {
    assert.equal(expiryProblem(draft({ expiry: "custom", date }), NOW) !== undefined, refused, date);
  }
  assert.equal(expiryProblem(draft({ expiry: "never", date: "2000-01-01" }), NOW), undefined);
});

test("the last day to choose ends within the server's limit, whatever the hour", () => {
  for (const hour of [0, 1, 12, 23]) {
    const now = new Date(2026, 10, 22, hour, 59, 59).getTime();
    const end = endOfDay(lastDay(now));
    assert.ok(end !== null && end <= now + 366 * DAY, `at ${hour} h`);
  }
});

test("the end that is shown is the end that is sent", () => {
  assert.equal(expiryEnd(draft({ expiry: "30" }), NOW), NOW + 30 * DAY);
  assert.equal(expiryEnd(draft({ expiry: "never" }), NOW), null);
  assert.equal(expiryEnd(draft({ expiry: "custom", date: "" }), NOW), undefined);
});

test("only what expires within 7 days is marked, and not what has expired", () => {
  assert.equal(expiresSoon(NOW + 7 * DAY, NOW), true);
  assert.equal(expiresSoon(NOW + 7 * DAY + 1, NOW), false);
  assert.equal(expiresSoon(NOW + 1, NOW), true);
  assert.equal(expiresSoon(NOW, NOW), false);
  assert.equal(expiresSoon(null, NOW), false);
});
