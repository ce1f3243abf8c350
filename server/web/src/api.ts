// The page's only way to the server: the generated SDK, with every wait bounded
// and every outcome a value.

import createClient, {
  type CreateTokenRequest,
  type Credentials,
  type Instance,
  type EventList,
  type Policy,
  type RevokeTokensRequest,
  type RotateTokenRequest,
  type Session,
  type Token,
  type TokenAnswer,
  type TokenCreated,
  type TokenRotated,
  type TokensRevoked,
} from "@falkorpat/sdk";
import type { Listed } from "./memory.js";
import type { ApiQuery } from "./lib/query.js";
import { failureOf, type Result, unreachable } from "./lib/problem.js";

/** No call takes longer; signing in may take the server 5 s. */
const TIMEOUT_MS = 15_000;
/** How many calls one list may take at most before a person has to ask for more. */
const MOST_CALLS = 20;

/** How long a query may take. */
const QUERY_MS = 2_000;

/** How many events are fetched at a time. */
const EVENTS_PAGE = 25;

/** What becomes of the token that took a revoked one's place. */
export type Successor = "revoke" | "keep";

export interface Api {
  session(): Promise<Result<Session>>;
  signIn(credentials: Credentials): Promise<Result<Session>>;
  signOut(): Promise<Result<void>>;
  policy(): Promise<Result<Policy>>;
  instances(): Promise<Result<readonly Instance[]>>;
  /** What a query finds: the first size tokens, or as many after what is there. */
  tokens(query: ApiQuery, from: Listed | undefined, size: number): Promise<Result<Listed>>;
  token(id: string): Promise<Result<TokenAnswer>>;
  /** The key makes it safe to ask again after an answer was lost; so it is when rotating. */
  createToken(request: CreateTokenRequest, key: string): Promise<Result<TokenCreated>>;
  rotate(id: string, request: RotateTokenRequest, key: string): Promise<Result<TokenRotated>>;
  revoke(id: string, successor?: Successor): Promise<Result<void>>;
  /** Ends many tokens, as many as fit into one call; or tells how many that would be. */
  revokeMany(request: RevokeTokensRequest): Promise<Result<TokensRevoked>>;
  /** Puts the password that is right now behind a token. */
  rebind(id: string, password: string): Promise<Result<void>>;
  /** Lets a suspended token work again. */
  resume(id: string): Promise<Result<void>>;
  /** One page of what happened to a token, newest first; without a cursor the first. */
  events(id: string, cursor?: string): Promise<Result<EventList>>;
  /** The names of the graphs of the instance. */
  graphs(): Promise<Result<readonly string[]>>;
  /** Tells whether a graph answers a query, which is run as one that may not write. */
  query(graph: string, query: string): Promise<Result<void>>;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** newApi makes the API below base. onSignedOut is told whenever the server no longer knows the session. */
export function newApi(base: string, onSignedOut: () => void): Api {
  const client = createClient({
    baseUrl: base.replace(/\/$/, ""),
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
  });

  async function call<T, U>(answer: Promise<Answer<T>>, pick: (data: T) => U): Promise<Result<U>> {
    try {
      const { data, error, response } = await answer;
      if (response.ok) return { ok: true, value: pick(data as T) };
      const failure = failureOf(response.status, error, response.headers.get("Retry-After"));
      if (failure.status === 401 && failure.code !== "invalid_credentials") onSignedOut();
      return { ok: false, failure };
    } catch {
      return { ok: false, failure: unreachable() };
    }
  }

  async function tokens(query: ApiQuery, from: Listed | undefined, size: number): Promise<Result<Listed>> {
    const all: Token[] = [...(from?.tokens ?? [])];
    let cursor = from?.cursor ?? null;
    let total = from?.total;
    // Where a filter leaves little, an answer may hold less than was asked for, and the search goes on.
    for (let left = size, calls = 0; left > 0 && calls < MOST_CALLS; calls++) {
      const page: ApiQuery = { ...query, limit: left, total: total === undefined };
      if (cursor !== null) page.cursor = cursor;
      const result = await call(client.GET("/api/auth/tokens", { params: { query: page } }), (list) => list);
      if (!result.ok) return result;
      const { tokens: found, next_cursor: next, total: counted } = result.value;
      all.push(...found);
      left -= found.length;
      total ??= counted ?? undefined;
      cursor = next;
      if (cursor === null) break;
    }
    return { ok: true, value: { tokens: all, cursor, total: total ?? all.length } };
  }

  const one = (tokenId: string) => ({ params: { path: { tokenId } } });
  const keyed = (key: string) => ({ header: { "Idempotency-Key": key } });
  return {
    session: () => call(client.GET("/api/auth/session"), (session) => session),
    signIn: (body) => call(client.POST("/api/auth/session", { body }), (session) => session),
    signOut: () => call(client.DELETE("/api/auth/session"), () => undefined),
    policy: () => call(client.GET("/api/auth/policy"), (policy) => policy),
    instances: () => call(client.GET("/api/instances"), (list) => list.instances),
    tokens,
    token: (id) => call(client.GET("/api/auth/tokens/{tokenId}", one(id)), (answer) => answer),
    createToken: (body, key) =>
      call(client.POST("/api/auth/tokens", { body, params: keyed(key) }), (created) => created),
    rotate: (id, body, key) =>
      call(
        client.POST("/api/auth/tokens/{tokenId}/rotate", { body, params: { ...one(id).params, ...keyed(key) } }),
        (rotated) => rotated,
      ),
    revoke: (id, successor = "revoke") =>
      call(
        client.DELETE("/api/auth/tokens/{tokenId}", { params: { ...one(id).params, query: { successor } } }),
        () => undefined,
      ),
    revokeMany: (body) => call(client.POST("/api/auth/tokens/revoke", { body }), (revoked) => revoked),
    resume: (id) => call(client.POST("/api/auth/tokens/{tokenId}/resume", one(id)), () => undefined),
    rebind: (id, password) =>
      call(
        client.POST("/api/auth/tokens/{tokenId}/credentials", { ...one(id), body: { password } }),
        () => undefined,
      ),
    events: (id, cursor = "") =>
      call(
        client.GET("/api/auth/events", { params: { query: { token_id: id, limit: EVENTS_PAGE, cursor } } }),
        (list) => list as EventList,
      ),
    graphs: () => call(client.GET("/api/graph"), (list) => list.graphs),
    query: (graph, query) =>
      call(
        client.POST("/api/graph/{graph}/query", {
          params: { path: { graph } },
          body: { query, readOnly: true, timeoutMs: QUERY_MS, bigints: "number" },
        }),
        () => undefined,
      ),
  };
}
