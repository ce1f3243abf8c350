import type { Token, TokenStatus } from "@falkorpat/sdk";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Api, Successor } from "../api.js";
import type { Failure } from "../lib/problem.js";
import type { Memory } from "../memory.js";

/** Coming back to the window fetches the list anew, but not more often than this. */
const FRESH_MS = 10_000;

/** What became of a revocation. */
export interface Notice {
  token: Token;
  /** Absent when it worked. */
  failure?: Failure;
}

export interface Tokens {
  /** undefined until the first answer. */
  tokens: readonly Token[] | undefined;
  loading: boolean;
  failure: Failure | undefined;
  notice: Notice | undefined;
  clearNotice(): void;
  reload(): void;
  /** Shows a token that has just been made. */
  created(id: string): void;
  /** Takes the token off the list at once, and puts it back if the server will not have it. */
  revoke(token: Token, successor: Successor): void;
}

/** useTokens is the list of one status, with what the person does to it. */
export function useTokens(api: Api, memory: Memory, status: TokenStatus): Tokens {
  const [, redraw] = useReducer<number, void>((n) => n + 1, 0);
  const [loading, setLoading] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [notice, setNotice] = useState<Notice>();
  const [hidden] = useState(() => new Set<string>());
  // Answers may overtake each other; only the latest question's counts.
  const asked = useRef({ count: 0, at: 0 });

  const load = async () => {
    const mine = ++asked.current.count;
    asked.current.at = Date.now();
    setLoading(true);
    const result = await api.tokens(status);
    if (mine !== asked.current.count) return;
    setLoading(false);
    setFailure(result.ok ? undefined : result.failure);
    if (result.ok) memory.lists[status] = result.value;
    redraw();
  };

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
  }, [status]);

  const created = async (id: string) => {
    const result = await api.token(id);
    if (!result.ok) return;
    memory.lists.active = [result.value.token, ...(memory.lists.active ?? []).filter((token) => token.token_id !== id)];
    redraw();
  };

  const revoke = async (token: Token, successor: Successor) => {
    hidden.add(token.token_id);
    redraw();
    const result = await api.revoke(token.token_id, successor);
    if (!result.ok) hidden.delete(token.token_id);
    setNotice(result.ok ? { token } : { token, failure: result.failure });
    // The tokens made from it went too, and perhaps what came before and after.
    if (result.ok) void load();
  };

  return {
    tokens: memory.lists[status]?.filter((token) => status === "revoked" || !hidden.has(token.token_id)),
    loading,
    failure,
    notice,
    clearNotice: () => setNotice(undefined),
    reload: () => void load(),
    created: (id) => void created(id),
    revoke: (token, successor) => void revoke(token, successor),
  };
}
