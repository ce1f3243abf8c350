// Where in the app one is. Paths are relative to the base that the server put
// into index.html, so that nothing here knows about a prefix.

import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

/** The pages that other pages lead to. */
export const HOME = "settings/tokens";
export const SIGN_IN = "sign-in";

/** A place in the app. */
export interface Place {
  /** Relative to the base: "sign-in", "settings/tokens". */
  path: string;
  query: URLSearchParams;
  /** Where to go back to after signing in; kept in the history entry, so that it survives a reload. */
  from: string | undefined;
}

/** Whether the page may be left: freely, not by itself, or not without asking either. */
export type Guard = "none" | "keep" | "ask";

export interface Router {
  place: Place;
  guard: Guard;
  setGuard(guard: Guard): void;
  /** Whether a person wanted to leave and has to be asked. */
  asking: boolean;
  /** The person's answer. */
  answer(leave: boolean): void;
  /** Does what leaves the page, or asks first. */
  leave(action: () => void): void;
  go(to: string, options?: { replace?: boolean; from?: string | undefined }): void;
}

const base = new URL(document.baseURI).pathname;

function here(): Place {
  const state: unknown = history.state;
  const from = (state as { from?: unknown } | null)?.from;
  return {
    path: location.pathname.startsWith(base) ? location.pathname.slice(base.length).replace(/\/+$/, "") : "",
    query: new URLSearchParams(location.search),
    from: typeof from === "string" && from.startsWith("settings/") ? from : undefined,
  };
}

/** addressOf is a place as the app's own links name it. */
export function addressOf(place: Place): string {
  const query = place.query.toString();
  return place.path + (query === "" ? "" : "?" + query);
}

/** isSamePage tells whether two addresses are of one page, which is then not left. */
function isSamePage(a: string, b: string): boolean {
  return a.split("?")[0] === b.split("?")[0];
}

export function useRouter(): Router {
  const [place, setPlace] = useState(here);
  const [guard, setGuardState] = useState<Guard>("none");
  const [held, setHeld] = useState<{ action: () => void }>();
  // What event handlers see must be the latest, not what the last rendering saw.
  const latest = useRef({ guard, address: addressOf(place) });

  const setGuard = useCallback((next: Guard) => {
    latest.current.guard = next;
    setGuardState(next);
  }, []);

  const arrive = useCallback(() => {
    const next = here();
    latest.current.address = addressOf(next);
    setPlace(next);
  }, []);

  const leave = useCallback((action: () => void) => {
    if (latest.current.guard === "ask") setHeld({ action });
    else action();
  }, []);

  const go = useCallback<Router["go"]>((to, { replace = false, from } = {}) => {
    const move = () => {
      const state = from === undefined ? null : { from };
      if (replace) history.replaceState(state, "", base + to);
      else history.pushState(state, "", base + to);
      arrive();
    };
    if (isSamePage(to, latest.current.address)) move();
    else leave(move);
  }, []);

  const answer = useCallback(
    (yes: boolean) => {
      setHeld(undefined);
      if (!yes) return;
      setGuard("none");
      held?.action();
    },
    [held],
  );

  useEffect(() => {
    const onPop = () => {
      const wanted = addressOf(here());
      if (latest.current.guard !== "ask" || isSamePage(wanted, latest.current.address)) return arrive();
      // The browser has already gone; stand still again, and ask.
      history.pushState(null, "", base + latest.current.address);
      go(wanted);
    };
    addEventListener("popstate", onPop);
    return () => removeEventListener("popstate", onPop);
  }, []);

  // At once, lest the browser asks about what is settled already.
  useLayoutEffect(() => {
    if (guard !== "ask") return;
    const onUnload = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", onUnload);
    return () => removeEventListener("beforeunload", onUnload);
  }, [guard]);

  const asking = held !== undefined;
  return useMemo(
    () => ({ place, guard, setGuard, asking, answer, leave, go }),
    [place, guard, asking, answer],
  );
}

export const RouterContext = createContext<Router | undefined>(undefined);

/** The router of the page around. */
export function useNavigation(): Router {
  const router = useContext(RouterContext);
  if (!router) throw new Error("useNavigation: outside of RouterContext");
  return router;
}

interface LinkProps {
  to: string;
  class?: string;
  /** Whether the link leads to where one is. */
  current?: boolean;
  children: ComponentChildren;
}

/** A link within the app. What a browser does with modified clicks stays as it is. */
export function Link({ to, class: name, current, children }: LinkProps) {
  const router = useNavigation();
  return (
    <a
      class={name}
      href={base + to}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        router.go(to);
      }}
    >
      {children}
    </a>
  );
}
