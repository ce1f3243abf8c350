// What a token may do at most: the choices of the generate dialog, and the
// words for what a token has.

import type { CreateTokenRequest, Permission, Role, Token } from "@falkorpat/sdk";

/** Every permission with what it is for, in the order in which they are offered. */
export const PERMISSIONS: Readonly<Record<Permission, string>> = {
  "graph:read": "Run queries that read graphs.",
  "graph:write": "Run queries that change graphs.",
  "graph:admin": "Create, delete and configure graphs.",
  "tokens:read": "See your tokens.",
  "tokens:write": "Generate, rotate and revoke your tokens.",
  "tokens:admin": "See and revoke everybody’s tokens.",
  "tokens:rotate": "Rotate itself, and no other token.",
};

const ORDER = Object.keys(PERMISSIONS) as Permission[];

/** What the API refuses to tokens of a role; it has the last word. */
const REFUSED: Readonly<Record<Role, readonly Permission[]>> = {
  Admin: [],
  "Read-Write": ["graph:admin", "tokens:admin"],
  "Read-Only": ["graph:admin", "tokens:admin", "graph:write"],
};

/** permissionsOf are those that tokens of a role can have. */
export function permissionsOf(role: Role): Permission[] {
  return ORDER.filter((permission) => !REFUSED[role].includes(permission));
}

/** The limits as they are typed; holds no secret. */
export interface LimitsDraft {
  /** Whether only the chosen permissions are given; otherwise all that the role allows. */
  restricted: boolean;
  permissions: readonly Permission[];
  /** One per line. */
  graphs: string;
  addresses: string;
  /** As an input of type datetime-local has it, or empty. */
  notBefore: string;
}

export const NO_LIMITS: LimitsDraft = {
  restricted: false,
  permissions: ["graph:read"],
  graphs: "",
  addresses: "",
  notBefore: "",
};

/** linesOf are the lines of a text that have something on them. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

type LimitFields = Pick<CreateTokenRequest, "permissions" | "graphs" | "allowedIps" | "notBefore">;

/** limitFields turns a draft into the request's fields; what is not limited is not there. */
export function limitFields(draft: LimitsDraft): LimitFields {
  const fields: LimitFields = {};
  const [graphs, addresses] = [linesOf(draft.graphs), linesOf(draft.addresses)];
  if (draft.restricted) fields.permissions = ORDER.filter((permission) => draft.permissions.includes(permission));
  if (graphs.length > 0) fields.graphs = graphs;
  if (addresses.length > 0) fields.allowedIps = addresses;
  const begin = Date.parse(draft.notBefore);
  if (!Number.isNaN(begin)) fields.notBefore = new Date(begin).toISOString();
  return fields;
}

/** listProblem is what an answer says about a field that is a list: the entry at fault is quoted. */
export function listProblem(
  fields: Readonly<Record<string, string>>,
  name: string,
  entries: readonly string[],
): string | undefined {
  const found: string[] = [];
  for (const [field, message] of Object.entries(fields)) {
    const [list, index] = field.split(".");
    if (list !== name) continue;
    const entry = index === undefined ? undefined : entries[Number(index)];
    found.push(entry === undefined ? message : `“${entry}”: ${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
  return found.length === 0 ? undefined : found.join(" ");
}

/** A token's limits; the same in a list, in details and in a draft. */
export type Limits = Pick<Token, "permissions" | "graphs" | "allowed_ips">;

/** limitsOf are the limits that a draft asks for. */
export function limitsOf(draft: LimitsDraft): Limits {
  const { permissions, graphs, allowedIps } = limitFields(draft);
  return { permissions: permissions ?? null, graphs: graphs ?? ["*"], allowed_ips: allowedIps ?? null };
}

/** allGraphs tells whether a token's graphs are no limit. */
export function allGraphs(graphs: readonly string[]): boolean {
  return graphs.includes("*");
}

const AREAS: Readonly<Record<string, string>> = { graph: "graphs", tokens: "tokens" };

/** permissionWords says what permissions amount to, shortly: "graphs: read, write". */
function permissionWords(permissions: readonly Permission[]): string {
  const areas = new Map<string, string[]>();
  for (const permission of ORDER.filter((each) => permissions.includes(each))) {
    const [area = "", right = ""] = permission.split(":");
    areas.set(area, [...(areas.get(area) ?? []), right]);
  }
  return [...areas].map(([area, rights]) => `${AREAS[area] ?? area}: ${rights.join(", ")}`).join("; ");
}

/** How many graphs are named before the rest is counted. */
const NAMED = 2;

/** graphWords names a token's graphs, as far as there is room. */
function graphWords(graphs: readonly string[]): string {
  const more = graphs.length - NAMED;
  return graphs.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** limitWords are a token's limits at a glance, one text for each that there is. */
export function limitWords({ permissions, graphs, allowed_ips: addresses }: Limits): string[] {
  const words: string[] = [];
  if (permissions !== null) words.push(permissionWords(permissions));
  if (!allGraphs(graphs)) words.push(graphs.length === 1 ? `graph ${graphWords(graphs)}` : `graphs ${graphWords(graphs)}`);
  if (addresses !== null) {
    words.push(addresses.length === 1 ? `from ${addresses[0]}` : `from ${addresses.length} networks`);
  }
  return words;
}
