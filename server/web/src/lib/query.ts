// Which tokens to list, and in which order: in the page's address, so that it
// can be shared and the browser's Back works, and in the API's words.

import type { operations } from "@falkorpat/sdk";
import { DAY } from "./time.js";

/** A list of tokens that has a tab of its own. */
export const TABS = ["active", "stale", "suspended", "expired", "revoked"] as const;
export type Tab = (typeof TABS)[number];

const SORTS = ["created", "expires", "last_used", "name"] as const;
export type Sort = (typeof SORTS)[number];
export type Order = "asc" | "desc";

/** Uses to filter by: any, none, none for as many days, or some within as many. */
export const USES = ["", "never", "idle30", "idle90", "used7", "used30"] as const;
export type Use = (typeof USES)[number];

/** Ends to filter by: any, or within as many days. */
export const ENDS = ["", "7", "30"] as const;
export type End = (typeof ENDS)[number];

/** Ages to filter by: any, made within as many days, or before them. */
export const AGES = ["", "new7", "new30", "old90", "old365"] as const;
export type Age = (typeof AGES)[number];

export interface Query {
  status: Tab;
  name: string;
  username: string;
  graph: string;
  use: Use;
  end: End;
  age: Age;
  sort: Sort;
  order: Order;
}

export const EVERYTHING: Query = {
  status: "active",
  name: "",
  username: "",
  graph: "",
  use: "",
  end: "",
  age: "",
  sort: "created",
  order: "desc",
};

function one<T extends string>(values: readonly T[], text: string | null, otherwise: T): T {
  return values.find((value) => value === text) ?? otherwise;
}

/** queryOf is what an address asks for; anything odd in it means nothing. */
export function queryOf(params: URLSearchParams): Query {
  const text = (name: string) => params.get(name) ?? "";
  return {
    status: one(TABS, params.get("status"), EVERYTHING.status),
    name: text("name"),
    username: text("username"),
    graph: text("graph"),
    use: one(USES, params.get("use"), ""),
    end: one(ENDS, params.get("end"), ""),
    age: one(AGES, params.get("age"), ""),
    sort: one(SORTS, params.get("sort"), EVERYTHING.sort),
    order: one<Order>(["asc", "desc"], params.get("order"), EVERYTHING.order),
  };
}

/** paramsOf is a query as it stands in an address: only what is not as usual. */
export function paramsOf(query: Query): string {
  const params = new URLSearchParams();
  for (const key of Object.keys(EVERYTHING) as (keyof Query)[]) {
    if (query[key] !== EVERYTHING[key]) params.set(key, query[key]);
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** filters counts what is set beside the status and the name. */
export function filters({ username, graph, use, end, age }: Query): number {
  return [username, graph, use, end, age].filter((each) => each.trim() !== "").length;
}

/** unfiltered is a query without its filters. */
export function unfiltered({ status, sort, order }: Query): Query {
  return { ...EVERYTHING, status, sort, order };
}

export type ApiQuery = NonNullable<operations["listTokens"]["parameters"]["query"]>;

/** apiQuery is a query in the API's words. */
export function apiQuery(query: Query, now: number): ApiQuery {
  const days = (count: number) => new Date(now + count * DAY).toISOString();
  const asked: ApiQuery = { status: query.status, sort: query.sort, order: query.order };
  const [name, username, graph] = [query.name.trim(), query.username.trim(), query.graph.trim()];
  if (name !== "") asked.name = name;
  if (username !== "") asked.username = username;
  if (graph !== "") asked.graph = graph;
  if (query.use === "never") asked.never_used = true;
  if (query.use.startsWith("idle")) asked.last_used_before = days(-Number(query.use.slice(4)));
  if (query.use.startsWith("used")) asked.last_used_after = days(-Number(query.use.slice(4)));
  if (query.end !== "") Object.assign(asked, { expires_after: days(0), expires_before: days(Number(query.end)) });
  if (query.age.startsWith("new")) asked.created_after = days(-Number(query.age.slice(3)));
  if (query.age.startsWith("old")) asked.created_before = days(-Number(query.age.slice(3)));
  return asked;
}

/** sorted is what a click on a column's header asks for: the other way round, or that column in its natural order. */
export function sorted(query: Query, sort: Sort): Query {
  if (query.sort === sort) return { ...query, order: query.order === "asc" ? "desc" : "asc" };
  return { ...query, sort, order: sort === "name" || sort === "expires" ? "asc" : "desc" };
}

/** looksLikeId tells whether a text may be a token's ID. */
export function looksLikeId(text: string): boolean {
  return /^\d{10,}-[0-9a-f-]{8,}$/.test(text.trim());
}
