// Sorting, searching and paging of tokens that are already here: the list is
// fetched once and then answers every key press without asking the server.

import type { Token } from "@falkorpat/sdk";
import { parseTime } from "./time.js";

export type SortKey = "name" | "username" | "role" | "created_at" | "expires_at" | "revoked_at" | "last_used";
export type Direction = "asc" | "desc";

export interface Sort {
  key: SortKey;
  direction: Direction;
}

export const NEWEST_FIRST: Sort = { key: "created_at", direction: "desc" };

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

type Comparison = (a: Token, b: Token) => number;

// "Never" has a place in the order: a token that never expires outlives all
// others, one that was never used was used longest ago.
function byTime(key: "created_at" | "expires_at" | "revoked_at" | "last_used", never: number): Comparison {
  return (a, b) => {
    const [x, y] = [parseTime(a[key]) ?? never, parseTime(b[key]) ?? never];
    return x === y ? 0 : x - y;
  };
}

const comparisons: Record<SortKey, Comparison> = {
  name: (a, b) => collator.compare(a.name, b.name),
  username: (a, b) => collator.compare(a.username, b.username),
  role: (a, b) => collator.compare(a.role, b.role),
  created_at: byTime("created_at", -Infinity),
  expires_at: byTime("expires_at", Infinity),
  revoked_at: byTime("revoked_at", Infinity),
  last_used: byTime("last_used", -Infinity),
};

/** sortTokens returns a sorted copy; what compares equal is newest first, so that rows never jump. */
export function sortTokens(tokens: readonly Token[], sort: Sort): Token[] {
  const sign = sort.direction === "asc" ? 1 : -1;
  const compare = comparisons[sort.key];
  return [...tokens].sort(
    (a, b) => sign * compare(a, b) || comparisons.created_at(b, a) || (a.token_id < b.token_id ? 1 : -1),
  );
}

/** toggleSort is what a click on a column's header asks for: the other way round, or that column. */
export function toggleSort(sort: Sort, key: SortKey): Sort {
  if (sort.key === key) return { key, direction: sort.direction === "asc" ? "desc" : "asc" };
  const textual = key === "name" || key === "username" || key === "role";
  return { key, direction: textual || key === "expires_at" ? "asc" : "desc" };
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

/** A shorter piece of an ID is in too many of them by chance. */
const ID_PIECE = 8;

/** searchTokens keeps the tokens in which every word of the query occurs: in what is shown, or in the ID. */
export function searchTokens(tokens: readonly Token[], query: string): readonly Token[] {
  const wanted = folded(query).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return tokens;
  return tokens.filter((token) => {
    const shown = folded([token.name, token.username, token.role, token.last_used_ip ?? ""].join("\n"));
    const id = folded(token.token_id);
    return wanted.every((word) => shown.includes(word) || (word.length >= ID_PIECE && id.includes(word)));
  });
}

export interface Page<T> {
  rows: readonly T[];
  /** 1 to pages, whatever was asked for. */
  page: number;
  pages: number;
  /** The first and last row's number, from 1; both 0 when there is none. */
  from: number;
  to: number;
  total: number;
}

/** pageOf cuts one page out of rows; a page that does not exist becomes the nearest that does. */
export function pageOf<T>(rows: readonly T[], page: number, size: number): Page<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const current = Math.min(Math.max(1, page), pages);
  const start = (current - 1) * size;
  const cut = rows.slice(start, start + size);
  return {
    rows: cut,
    page: current,
    pages,
    from: cut.length === 0 ? 0 : start + 1,
    to: start + cut.length,
    total: rows.length,
  };
}

/** titled is a word with a capital letter. */
export function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
