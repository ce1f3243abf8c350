import assert from "node:assert/strict";
import { test } from "node:test";
import { type Limits, limitsOf, limitWords, NO_LIMITS, permissionsOf } from "./limits.js";

const limits = (part: Partial<Limits>): Limits => ({ permissions: null, graphs: ["*"], allowed_ips: null, ...part });

test("a role is offered what its tokens can have", () => {
  assert.equal(permissionsOf("Admin").length, 7);
  assert.deepEqual(permissionsOf("Read-Write"), ["graph:read", "graph:write", "tokens:read", "tokens:write", "tokens:rotate"]);
  assert.deepEqual(permissionsOf("Read-Only"), ["graph:read", "tokens:read", "tokens:write", "tokens:rotate"]);
});

test("limits are said shortly, and no limit not at all", () => {
  const cases: [limits: Limits, words: string[]][] = [
    [limits({}), []],
    [limits({ graphs: ["*", "a"] }), []],
    [limits({ permissions: ["graph:read"] }), ["graphs: read"]],
    [limits({ permissions: ["tokens:rotate", "graph:write", "graph:read"] }), ["graphs: read, write; tokens: rotate"]],
    [limits({ graphs: ["social"] }), ["graph social"]],
    [limits({ graphs: ["a", "b"] }), ["graphs a, b"]],
    [limits({ graphs: ["a", "b", "c", "d"] }), ["graphs a, b and 2 more"]],
    [limits({ allowed_ips: ["192.0.2.0/24"] }), ["from 192.0.2.0/24"]],
    [limits({ allowed_ips: ["192.0.2.0/24", "2001:db8::/32"] }), ["from 2 networks"]],
  ];
  for (const [given, words] of cases) assert.deepEqual(limitWords(given), words);
});

test("a draft has the limits that its token will have", () => {
  assert.deepEqual(limitsOf(NO_LIMITS), limits({}));
  assert.deepEqual(
    limitsOf({ ...NO_LIMITS, restricted: true, graphs: "a\n", addresses: "::1\n" }),
    limits({ permissions: ["graph:read"], graphs: ["a"], allowed_ips: ["::1"] }),
  );
});
