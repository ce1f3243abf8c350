// What outlives a page while the app is open: in memory only, so that it ends
// with the tab, and never a secret.

import type { Policy, Token, TokenStatus } from "@falkorpat/sdk";
import type { Draft } from "./lib/draft.js";
import { NEWEST_FIRST, type Sort } from "./lib/tokens.js";

export const PAGE_SIZES = [25, 50, 100] as const;

/** How the table is looked at. */
export interface View {
  query: string;
  sort: Sort;
  page: number;
  size: number;
}

export interface Memory {
  /** Whose it is; somebody else signing in starts afresh. */
  userId: string | undefined;
  /** The half-filled generate dialog. */
  draft: Draft | undefined;
  view: View;
  /** What the operator allows; the same for everybody. */
  policy: Policy | undefined;
  /** The lists seen last, shown while they are fetched anew. */
  lists: Partial<Record<TokenStatus, readonly Token[]>>;
  /** What signing in was done with, for the next time; the instance by its name. */
  signIn: { username: string; instance: string; tls: boolean };
}

export const DEFAULT_VIEW: View = { query: "", sort: NEWEST_FIRST, page: 1, size: PAGE_SIZES[0] };

export function newMemory(signIn: Memory["signIn"] = { username: "", instance: "", tls: false }): Memory {
  return { userId: undefined, draft: undefined, policy: undefined, view: DEFAULT_VIEW, lists: {}, signIn };
}
