// What a person has typed into the generate dialog, and the request that it
// becomes.

import type { CreateTokenRequest } from "@falkorpat/sdk";
import { type ExpiryDraft, type ExpiryRule, expiryFields, expiryProblem, NO_EXPIRY } from "./expiry.js";
import { type LimitsDraft, limitFields, linesOf, listProblem, NO_LIMITS } from "./limits.js";
import type { Failure } from "./problem.js";

/** Holds no secret, so that it can be kept while somebody signs in again. */
export interface Draft extends ExpiryDraft, LimitsDraft {
  name: string;
  description: string;
}

export const EMPTY_DRAFT: Draft = { name: "", description: "", ...NO_EXPIRY, ...NO_LIMITS };

/** What is wrong, by the part of the dialog that it is wrong with. */
export type Faults = Partial<Record<FaultAt, string>>;
export type FaultAt = "name" | "description" | "expiry" | "permissions" | "graphs" | "addresses" | "notBefore";

/** What can be wrong inside of the limits. */
export const LIMIT_FAULTS: readonly FaultAt[] = ["permissions", "graphs", "addresses", "notBefore"];

/** tidy leaves out what is not wrong. */
function tidy(faults: Record<FaultAt, string | undefined>): Faults {
  return Object.fromEntries(Object.entries(faults).filter(([, message]) => message !== undefined));
}

/** faultsOf is what can be said before the server is asked. */
export function faultsOf(draft: Draft, rule: ExpiryRule, now: number): Faults {
  return tidy({
    name: nameProblem(draft.name),
    description: descriptionProblem(draft.description),
    expiry: expiryProblem(draft, rule, now),
    permissions: draft.restricted && draft.permissions.length === 0 ? "Choose at least one." : undefined,
    graphs: undefined,
    addresses: undefined,
    notBefore: undefined,
  });
}

/** faultsFrom is what an answer says about the parts of the dialog; empty when it is about none of them. */
export function faultsFrom({ code, message, fields }: Failure, draft: Draft): Faults {
  return tidy({
    name: fields["name"],
    description: fields["description"],
    expiry: fields["expiresAt"] ?? fields["ttlSeconds"],
    // The role may have changed since the dialog was opened.
    permissions:
      code === "missing_permission" && draft.restricted ? message : listProblem(fields, "permissions", draft.permissions),
    graphs: listProblem(fields, "graphs", linesOf(draft.graphs)),
    addresses: listProblem(fields, "allowedIps", linesOf(draft.addresses)),
    notBefore: fields["notBefore"],
  });
}

/** requestOf is the request for a draft without problems. */
export function requestOf(draft: Draft, rule: ExpiryRule): CreateTokenRequest {
  const description = draft.description.trim();
  return {
    name: draft.name.trim(),
    ...(description !== "" && { description }),
    ...expiryFields(draft, rule),
    ...limitFields(draft),
  };
}

/** nameProblem says what is wrong with a token's name, or nothing; it counts as the server does. */
export function nameProblem(name: string): string | undefined {
  const trimmed = name.trim();
  if (trimmed === "") return "Give the token a name.";
  const length = [...trimmed].length;
  if (length > 100) return `At most 100 characters; these are ${length}.`;
  if (/\p{Cc}/u.test(trimmed)) return "Leave out control characters, such as tabs.";
  return undefined;
}

/** descriptionProblem says what is wrong with a token's description, or nothing. */
export function descriptionProblem(description: string): string | undefined {
  const length = [...description.trim()].length;
  return length > 500 ? `At most 500 characters; these are ${length}.` : undefined;
}
