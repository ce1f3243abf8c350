// A first command for a new token: what the card of a new token offers to be
// pasted into a shell, and must work there.

import type { Permission } from "@falkorpat/sdk";

/** The query that is tried out and offered: whatever a graph holds, it answers one row, and at once. */
export const EXAMPLE_QUERY = "MATCH (n) RETURN count(n) AS nodes";

/** Which request shows that the token works. */
export type Example = { kind: "query"; graph: string } | { kind: "graphs" } | { kind: "token" };

/** mayRead tells whether a token may run queries; without a list of its own every role lets it. */
export function mayRead(permissions: readonly Permission[] | null): boolean {
  return permissions === null || permissions.includes("graph:read");
}

// A client that follows RFC 3986 takes dots as steps in the path, and the name of settings is not a graph's there.
const UNREACHABLE: readonly string[] = [".", "..", "config"];

/** candidatesOf are the graphs that a token may touch, of those that there are; first those that it names. */
export function candidatesOf(patterns: readonly string[], existing: readonly string[]): string[] {
  const reachable = existing.filter((name) => !UNREACHABLE.includes(name));
  const named = patterns.filter((pattern) => reachable.includes(pattern));
  const others = reachable.filter((name) => !named.includes(name) && patterns.some((pattern) => matches(pattern, name)));
  return [...named, ...others];
}

/** matches tells whether a pattern, with "*" for any text and "?" for any character, matches a whole name. */
export function matches(pattern: string, name: string): boolean {
  // Not a regular expression: with many "*" one can take longer than anybody waits.
  const [wild, text] = [[...pattern], [...name]];
  let [at, star, mark] = [0, -1, 0];
  for (let i = 0; i < text.length; ) {
    if (wild[at] === "*") {
      [star, mark] = [at++, i];
    } else if (wild[at] === "?" || wild[at] === text[i]) {
      [at, i] = [at + 1, i + 1];
    } else if (star >= 0) {
      [at, i] = [star + 1, ++mark];
    } else {
      return false;
    }
  }
  return wild.slice(at).every((rest) => rest === "*");
}

/** commandOf is the request as a command for a POSIX shell; base is where the API is, with a slash at its end. */
export function commandOf(example: Example, token: string, base: string): string {
  const curl = `curl -H ${quoted(`Authorization: Bearer ${token}`)}`;
  switch (example.kind) {
    case "graphs":
      return `${curl} ${quoted(`${base}api/graph`)}`;
    case "token":
      return `${curl} ${quoted(`${base}api/auth/tokens/self`)}`;
    case "query": {
      const url = `${base}api/graph/${encodeURIComponent(example.graph)}/query`;
      const body = JSON.stringify({ query: EXAMPLE_QUERY });
      return `${curl} -H ${quoted("Content-Type: application/json")} -d ${quoted(body)} ${quoted(url)}`;
    }
  }
}

/** quoted is a text as one word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
