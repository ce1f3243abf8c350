import assert from "node:assert/strict";
import { test } from "node:test";
import { base64, CA_LIMIT, caProblem } from "./ca.js";
import { instanceName } from "./instance.js";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a CA file is encoded byte for byte", () => {
  for (const length of [0, 1, 2, 3, 8191, 8192, 20_000]) {
    const content = Uint8Array.from({ length }, (_, at) => (at * 7) % 256);
    assert.equal(base64(content), Buffer.from(content).toString("base64"), `${length} bytes`);
  }
});

test("the largest CA file still fits into the API's field", () => {
  assert.ok(base64(new Uint8Array(CA_LIMIT)).length <= 60_000);
});

test("a CA file must be PEM and small enough", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
  assert.equal(caProblem(bytes(pem)), undefined);
  assert.match(caProblem(bytes(pem.padEnd(CA_LIMIT + 1))) ?? "", /45 kB/);
  assert.match(caProblem(bytes("MII")) ?? "", /PEM/);
  assert.match(caProblem(bytes("")) ?? "", /PEM/);
});

test("an IPv6 instance is written with brackets", () => {
  assert.equal(instanceName({ host: "localhost", port: 6379 }), "localhost:6379");
  assert.equal(instanceName({ host: "::1", port: 6380 }), "[::1]:6380");
});
