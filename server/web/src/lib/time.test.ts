import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY, exact, parseTime, relative } from "./time.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test("a time's distance is said in the unit that fits", () => {
  const cases: [offset: number, words: string][] = [
    [0, "just now"],
    [-59_000, "just now"],
    [1, "in under a minute"],
    [59_000, "in under a minute"],
    [-MINUTE, "1 minute ago"],
    [-59 * MINUTE, "59 minutes ago"],
    [-59.6 * MINUTE, "1 hour ago"],
    [-23 * HOUR, "23 hours ago"],
    [-23.7 * HOUR, "1 day ago"],
    [DAY, "in 1 day"],
    [30 * DAY, "in 30 days"],
    [30 * DAY - 1000, "in 30 days"],
    [60 * DAY - MINUTE, "in 60 days"],
    [90 * DAY - HOUR, "in 90 days"],
    [-200 * DAY, "7 months ago"],
    [366 * DAY, "in 12 months"],
    [-3 * 365.25 * DAY, "3 years ago"],
  ];
  for (const [offset, words] of cases) assert.equal(relative(NOW + offset, NOW), words, `offset ${offset}`);
});

test("the API's times are read to the millisecond, and null is never", () => {
  assert.equal(parseTime("2026-11-22T12:00:00Z"), NOW);
  assert.equal(parseTime("2026-11-22T14:00:00+02:00"), NOW);
  assert.equal(parseTime(null), null);
  assert.equal(parseTime("soon"), null);
});

test("the exact time says its zone", () => {
  assert.match(exact(NOW, "en-GB", "UTC"), /22 November 2026.*12:00:00 UTC/);
  assert.match(exact(NOW, "en-GB", "Asia/Kolkata"), /17:30:00 GMT\+5:30/);
});
