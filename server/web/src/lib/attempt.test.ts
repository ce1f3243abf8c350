import assert from "node:assert/strict";
import { test } from "node:test";
import { newKeys } from "./attempt.js";

test("a repeated request has the key of the first, and another one its own", () => {
  const keys = newKeys();
  const first = keys({ name: "a" });
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.equal(keys({ name: "a" }), first);
  assert.notEqual(keys({ name: "b" }), first);
  assert.notEqual(keys({ name: "a" }), first, "what was given up is a new wish when it comes back");
  assert.notEqual(newKeys()({ name: "a" }), first);
});
