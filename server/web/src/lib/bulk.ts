// Revoking many tokens at once: which ones, and what that amounts to.

import type { RevokeTokensRequest, TokensRevoked } from "@falkorpat/sdk";
import { apiQuery, type Query } from "./query.js";

/** Which tokens are meant. */
export type Scope = "selected" | "found" | "mine" | "user" | "everyone";

export interface Bulk {
  scope: Scope;
  /** The selected ones. */
  ids: readonly string[];
  /** What the list is narrowed to. */
  query: Query;
  /** Whose tokens, for the scope of a user. */
  username: string;
}

/** bulkRequest is the request for what is meant; undefined while that is not clear. */
export function bulkRequest({ scope, ids, query, username }: Bulk, now: number): RevokeTokensRequest | undefined {
  switch (scope) {
    case "selected":
      return ids.length === 0 ? undefined : { token_ids: [...ids] };
    case "found": {
      const { sort: _sort, order: _order, status, ...filter } = apiQuery(query, now);
      // What has been revoked cannot be revoked again.
      return status === "revoked" ? undefined : { filter: { ...filter, ...(status !== undefined && { status }) } };
    }
    case "mine":
      return { others: true };
    case "user":
      return username.trim() === "" ? undefined : { filter: { username: username.trim() } };
    case "everyone":
      return { everyone: true };
  }
}

/** tokensOf is a number of tokens in words. */
export function tokensOf(count: number): string {
  return count === 1 ? "1 token" : `${count} tokens`;
}

/** forecast says what a dry run has found. */
export function forecast({ matched, revoked, alreadyRevoked, notAllowed, notFound }: TokensRevoked): string {
  if (revoked === 0) return "There is nothing to revoke.";
  const words = [`This revokes ${tokensOf(revoked)}.`];
  if (revoked > matched - alreadyRevoked) words.push("Among them are those made from the others, or rotated with them.");
  const left = notAllowed.length + notFound.length;
  if (left > 0) words.push(`${tokensOf(left)} cannot be revoked by you.`);
  return words.join(" ");
}
