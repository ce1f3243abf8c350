import type { Token } from "@falkorpat/sdk";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Api, Successor } from "../api.js";
import type { Failure } from "../lib/problem.js";
import { apiQuery, paramsOf, type Query } from "../lib/query.js";
import type { Listed, Memory } from "../memory.js";

/** Coming back to the window fetches the list anew, but not more often than this. */
const FRESH_MS = 10_000;
/** How many tokens are fetched at a time, and how many the API gives at most. */
const STEP = 50;
const MOST = 1000;

/** What became of a revocation. */
export interface Notice {
  /** The token's name, as somebody typed it; absent when there were many. */
  name?: string;
  /** How many there were. */
  count: number;
  /** Absent when it worked. */
  failure?: Failure;
}

export interface Tokens {
  /** undefined until the first answer. */
  tokens: readonly Token[] | undefined;
  /** How many there are on the server; undefined where that is not known. */
  total: number | undefined;
  /** Whether there are more than are here. */
  more: boolean;
  loading: boolean;
  failure: Failure | undefined;
  notice: Notice | undefined;
  clearNotice(): void;
  /** Fetches what is shown anew. */
  reload(): void;
  /** Fetches what comes after what is shown. */
  next(): void;
  /** Shows a token that has just been made. */
  created(id: string): void;
  /** Takes the token off the list at once, and puts it back if the server will not have it. */
  revoke(token: Token, successor: Successor): void;
  /** Tells that many were ended, and fetches what is left. */
  revoked(count: number): void;
}

/** useTokens is what a query finds, with what the person does to it. */
export function useTokens(api: Api, memory: Memory, query: Query): Tokens {
  const [, redraw] = useReducer<number, void>((n) => n + 1, 0);
  const [loading, setLoading] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [notice, setNotice] = useState<Notice>();
  const [hidden] = useState(() => new Set<string>());
  // Answers may overtake each other; only the latest question's counts.
  const asked = useRef({ count: 0, at: 0 });
  const key = paramsOf(query);
  const listed = memory.lists.get(key);

  const ask = async (from: Listed | undefined, size: number) => {
    const mine = ++asked.current.count;
    asked.current.at = Date.now();
    setLoading(true);
    const result = await api.tokens(apiQuery(query, Date.now()), from, size);
    if (mine !== asked.current.count) return;
    setLoading(false);
    setFailure(result.ok ? undefined : result.failure);
    if (result.ok) memory.lists.set(key, result.value);
    redraw();
  };
  const load = () => ask(undefined, Math.min(MOST, Math.max(STEP, memory.lists.get(key)?.tokens.length ?? 0)));

  useEffect(() => {
    setFailure(undefined);
    void load();
    const onVisible = () => {
      if (document.visibilityState === "visible" && Date.now() - asked.current.at > FRESH_MS) void load();
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      asked.current.count++;
    };
  }, [key]);

  const created = async (id: string) => {
    const result = await api.token(id);
    if (!result.ok) return;
    const before = memory.lists.get("");
    const rest = (before?.tokens ?? []).filter((token) => token.token_id !== id);
    memory.lists.set("", {
      tokens: [result.value.token, ...rest],
      cursor: before?.cursor ?? null,
      total: (before?.total ?? rest.length) + 1,
    });
    redraw();
  };

  const revoke = async (token: Token, successor: Successor) => {
    hidden.add(token.token_id);
    redraw();
    const result = await api.revoke(token.token_id, successor);
    if (!result.ok) hidden.delete(token.token_id);
    setNotice({ name: token.name, count: 1, ...(!result.ok && { failure: result.failure }) });
    // The tokens made from it went too, and perhaps what came before and after.
    if (result.ok) void load();
  };

  const shown = listed?.tokens.filter((token) => query.status === "revoked" || !hidden.has(token.token_id));
  return {
    tokens: shown,
    total: listed && shown && listed.total - (listed.tokens.length - shown.length),
    more: listed !== undefined && listed.cursor !== null,
    loading,
    failure,
    notice,
    clearNotice: () => setNotice(undefined),
    reload: () => void load(),
    next: () => void (!loading && ask(listed, STEP)),
    created: (id) => void created(id),
    revoked: (count) => {
      setNotice({ count });
      void load();
    },
    revoke: (token, successor) => void revoke(token, successor),
  };
}
