import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, unreachable } from "./problem.js";

const problem = { title: "T", status: 400, code: "invalid_request", message: "Invalid.", requestId: "r" };

test("a problem keeps its sentence, and its first message for every field", () => {
  const failure = failureOf(
    400,
    {
      ...problem,
      errors: [
        { field: "name", message: "must not be empty" },
        { field: "name", message: "is wrong" },
        { field: "ttlSeconds", message: "Must be less." },
      ],
    },
    null,
  );
  assert.equal(failure.message, "Invalid.");
  assert.equal(failure.requestId, "r");
  assert.deepEqual(failure.fields, { name: "Must not be empty.", ttlSeconds: "Must be less." });
});

test("too many attempts say how long to wait", () => {
  const body = { ...problem, status: 429, code: "too_many_failed_logins" };
  assert.match(failureOf(429, body, "42").message, /Try again in 42 s\.$/);
  assert.match(failureOf(429, body, "600").message, /Try again in 10 minutes\.$/);
  assert.match(failureOf(429, body, null).message, /^Too many failed attempts\.$/);
});

test("an answer that is no problem is told by its status", () => {
  for (const body of [undefined, null, "<html>Bad Gateway</html>", { message: 3 }]) {
    const failure = failureOf(502, body, null);
    assert.equal(failure.message, "The server answered with status 502.");
    assert.deepEqual(failure.fields, {});
  }
  assert.equal(unreachable().status, 0);
});
