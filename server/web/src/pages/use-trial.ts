import type { Token } from "@falkorpat/sdk";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { candidatesOf, type Example, EXAMPLE_QUERY, mayRead } from "../lib/example.js";

/** What a new token can be tried with, and what its owner must know for it to work. */
export interface Trial {
  example: Example;
  /** Absent when it cannot be told. */
  token?: Token;
}

/** How many graphs are tried: FalkorDB tells the names of those too that the user may not touch. */
const TRIES = 5;

/**
 * useTrial finds what works with a new token, by asking as its owner, who is signed in: a use of the token itself would
 * show as one. Until it is found there is none; when nothing can be told, the token still shows itself.
 */
export function useTrial(api: Api, tokenId: string): Trial | undefined {
  const [trial, setTrial] = useState<Trial>();
  useEffect(() => {
    let gone = false;
    void find(api, tokenId).then((found) => gone || setTrial(found));
    return () => {
      gone = true;
    };
  }, [tokenId]);
  return trial;
}

async function find(api: Api, tokenId: string): Promise<Trial> {
  const answer = await api.token(tokenId);
  if (!answer.ok) return { example: { kind: "token" } };
  const { token } = answer.value;
  if (!mayRead(token.permissions)) return { example: { kind: "token" }, token };
  const graphs = await api.graphs();
  if (!graphs.ok) return { example: { kind: "token" }, token };
  for (const graph of candidatesOf(token.graphs, graphs.value).slice(0, TRIES)) {
    const tried = await api.query(graph, EXAMPLE_QUERY);
    if (tried.ok) return { example: { kind: "query", graph }, token };
  }
  return { example: { kind: "graphs" }, token };
}
