import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, EMPTY_DRAFT, faultsFrom, faultsOf, nameProblem, requestOf } from "./draft.js";
import { NO_RULE } from "./expiry.js";
import { failureOf } from "./problem.js";

const NOW = new Date(2026, 10, 22, 12).getTime();
const draft = (part: Partial<Draft>): Draft => ({ ...EMPTY_DRAFT, name: "n", ...part });

const refused = (...errors: { field: string; message: string }[]) =>
  failureOf(400, { title: "T", status: 400, code: "invalid_request", message: "Invalid.", requestId: "r", errors }, null);

test("a name and a click are enough, and ask for nothing else", () => {
  assert.deepEqual(faultsOf(draft({}), NO_RULE, NOW), {});
  assert.deepEqual(requestOf(draft({ name: "  CI " }), NO_RULE), { name: "CI", ttlSeconds: 2_592_000 });
});

test("everything that was typed is asked for", () => {
  const full = draft({
    description: " why \n and whose ",
    expiry: "never",
    restricted: true,
    permissions: ["tokens:read", "graph:read"],
    graphs: "social\n\n tenant-* ",
    addresses: "192.0.2.0/24",
    notBefore: "2026-12-01T06:00",
  });
  assert.deepEqual(requestOf(full, NO_RULE), {
    name: "n",
    description: "why \n and whose",
    expiresAt: null,
    permissions: ["graph:read", "tokens:read"],
    graphs: ["social", "tenant-*"],
    allowedIps: ["192.0.2.0/24"],
    notBefore: new Date(2026, 11, 1, 6).toISOString(),
  });
});

test("what can be known to be wrong is told at once", () => {
  const faults = faultsOf(
    draft({ name: " ", description: "x".repeat(501), expiry: "custom", restricted: true, permissions: [] }),
    NO_RULE,
    NOW,
  );
  assert.deepEqual(Object.keys(faults).sort(), ["description", "expiry", "name", "permissions"]);
  assert.deepEqual(faultsOf(draft({ permissions: [] }), NO_RULE, NOW), {}, "permissions that are not asked for are not missing");
});

test("what the server refuses is told at its part of the dialog, with the entry at fault", () => {
  const typed = draft({ restricted: true, graphs: "a\n\nb*", addresses: "10.0.0.1/8" });
  const failure = refused(
    { field: "expiresAt", message: "must be later" },
    { field: "graphs.1", message: "Is covered." },
    { field: "allowedIps.0", message: "has host bits" },
    { field: "allowedIps", message: "is too long" },
    { field: "notBefore", message: "must be before the expiry" },
  );
  assert.deepEqual(faultsFrom(failure, typed), {
    expiry: "Must be later.",
    graphs: "“b*”: is covered.",
    addresses: "“10.0.0.1/8”: has host bits. Is too long.",
    notBefore: "Must be before the expiry.",
  });
  assert.deepEqual(faultsFrom(refused({ field: "other", message: "x" }), typed), {});
});

test("a permission that the role does not have is told at the permissions, when they were chosen", () => {
  const failure = { ...refused(), status: 403, code: "missing_permission", message: "This needs graph:write." };
  assert.deepEqual(faultsFrom(failure, draft({ restricted: true })), { permissions: "This needs graph:write." });
  assert.deepEqual(faultsFrom(failure, draft({})), {});
});

test("a name has 1 to 100 characters, counted as Unicode does", () => {
  const cases: [name: string, refused: boolean][] = [
    ["", true],
    [" \t ", true],
    ["a", false],
    [` ${"x".repeat(100)} `, false],
    ["x".repeat(101), true],
    ["🧪".repeat(100), false],
    ["🧪".repeat(101), true],
    ["a\tb", true],
    ["a\u200db", false],
    ["<script>", false],
  ];
  for (const [name, refused] of cases) assert.equal(nameProblem(name) !== undefined, refused, JSON.stringify(name));
});
