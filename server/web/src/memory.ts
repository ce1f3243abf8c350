// What outlives a page while the app is open: in memory only, so that it ends
// with the tab, and never a secret.

import type { Policy, Token } from "@falkorpat/sdk";
import type { Draft } from "./lib/draft.js";

/** The part of a list that has been fetched. */
export interface Listed {
  tokens: readonly Token[];
  /** Where the rest begins; null when there is none. */
  cursor: string | null;
  /** How many there are, fetched or not. */
  total: number;
}

export interface Memory {
  /** Whose it is; somebody else signing in starts afresh. */
  userId: string | undefined;
  /** The half-filled generate dialog. */
  draft: Draft | undefined;
  /** What the operator allows; the same for everybody. */
  policy: Policy | undefined;
  /** The lists seen last, by what was asked for: shown while they are fetched anew. */
  lists: Map<string, Listed>;
  /** What the list was last asked for, as it stands in its address. */
  view: string;
  /** What signing in was done with, for the next time; the instance by its name. */
  signIn: { username: string; instance: string; tls: boolean };
}

export function newMemory(signIn: Memory["signIn"] = { username: "", instance: "", tls: false }): Memory {
  return { userId: undefined, draft: undefined, policy: undefined, lists: new Map(), view: "", signIn };
}
