// Shows what the official JavaScript client makes of queries: reads {port, username, password, graph, queries} as JSON, and
// writes the rows of each query as JSON, in the form that the API has for them.
import { readFileSync } from "node:fs";
import { FalkorDB } from "falkordb";

/** told is a value of the client as the API tells it. */
function told(value) {
  if (typeof value === "number" && Number.isNaN(value)) return "NaN";
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(told);
  if (value.constructor.name.match(/^(Plain|Duration)/)) return value.toString();
  if ("relationshipType" in value) {
    const { id, relationshipType: type, sourceId: source, destinationId: target, properties } = value;
    return { id, type, source, target, properties: told(properties) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, told(one)]));
}

const { port, username, password, graph, queries } = JSON.parse(readFileSync(0, "utf8"));
const db = await FalkorDB.connect({ username, password, socket: { host: "127.0.0.1", port } });
const results = [];
for (const query of queries) {
  const { data } = await db.selectGraph(graph).roQuery(query);
  results.push(data.map((row) => Object.values(row).map(told)));
}
await db.close();
console.log(JSON.stringify(results));
