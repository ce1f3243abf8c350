// Who is signed in, and which page that leads to.

import type { Session } from "@falkorpat/sdk";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Api, newApi } from "./api.js";
import { instanceName } from "./lib/instance.js";
import type { Failure } from "./lib/problem.js";
import { type Memory, newMemory } from "./memory.js";
import { NotFoundPage } from "./pages/not-found.js";
import { SignInPage } from "./pages/sign-in.js";
import { TokenPage } from "./pages/token.js";
import { TokensPage } from "./pages/tokens.js";
import { addressOf, HOME, type Router, RouterContext, SIGN_IN, useRouter } from "./router.js";
import { FailureAlert } from "./ui/bits.js";
import { Confirm } from "./ui/dialog.js";
import { Shell } from "./ui/shell.js";

/** Why the sign-in page is shown, when the person did not ask for it. */
export type Notice = "expired" | "signed-out" | undefined;

export function App() {
  const router = useRouter();
  const { session, notice, failure, memory, api, load, entered, signOut } = useSession();
  useRedirects(router, session, notice);

  return (
    <RouterContext.Provider value={router}>
      {failure ? (
        <main class="splash">
          <FailureAlert failure={failure} onRetry={load} />
        </main>
      ) : router.place.path === SIGN_IN ? (
        <SignInPage api={api} notice={notice} memory={memory.signIn} onSignedIn={entered} />
      ) : (
        <Shell session={session} onSignOut={signOut}>
          <Page router={router} session={session} api={api} memory={memory} />
        </Shell>
      )}
      {router.asking && (
        <Confirm
          title="Leave without the token?"
          action="Leave"
          cancel="Stay"
          onConfirm={() => router.answer(true)}
          onCancel={() => router.answer(false)}
        >
          <p>You have not copied the new token yet. Once you leave, nobody can show it to you again.</p>
        </Confirm>
      )}
    </RouterContext.Provider>
  );
}

interface PageProps {
  router: Router;
  session: Session | null | undefined;
  api: Api;
  memory: Memory;
}

function Page({ router, session, api, memory }: PageProps) {
  const { path } = router.place;
  if (path === "") return null;
  // Lists are fetched while it is still being asked who this is.
  if (path === HOME) return <TokensPage api={api} memory={memory} session={session ?? undefined} />;
  if (path.startsWith(HOME + "/")) {
    const id = decodeURIComponent(path.slice(HOME.length + 1));
    return <TokenPage api={api} memory={memory} id={id} session={session ?? undefined} />;
  }
  return <NotFoundPage />;
}

/** useSession knows who is signed in: undefined is not known yet, null nobody. */
function useSession() {
  const [session, setSession] = useState<Session | null>();
  const [notice, setNotice] = useState<Notice>();
  const [failure, setFailure] = useState<Failure>();
  const memory = useRef(newMemory());
  const known = useRef(false);

  const ended = (why: Notice) => {
    known.current = false;
    setNotice(why);
    setSession(null);
  };
  const expired = () => (known.current ? ended("expired") : setSession(null));
  const api = useMemo(() => newApi(document.baseURI, expired), []);

  const entered = (next: Session) => {
    const before = memory.current.userId;
    if (before !== undefined && before !== next.user.user_id) memory.current = newMemory(memory.current.signIn);
    memory.current.userId = next.user.user_id;
    memory.current.signIn.username = next.user.username;
    memory.current.signIn.instance ||= instanceName(next.instance);
    known.current = true;
    setNotice(undefined);
    setSession(next);
  };

  const load = async () => {
    setFailure(undefined);
    const result = await api.session();
    if (result.ok) entered(result.value);
    else if (result.failure.status !== 401) setFailure(result.failure);
  };
  useEffect(() => void load(), []);

  const signOut = async (): Promise<Failure | undefined> => {
    const result = await api.signOut();
    if (!result.ok) return result.failure;
    memory.current = newMemory(memory.current.signIn);
    ended("signed-out");
    return undefined;
  };

  return { session, notice, failure, memory: memory.current, api, load, entered, signOut };
}

/** useRedirects leads to the sign-in page and back to where one was. */
function useRedirects(router: Router, session: Session | null | undefined, notice: Notice): void {
  const { place, guard, go } = router;
  useEffect(() => {
    if (session === null && place.path !== SIGN_IN && guard === "none") {
      const from = notice === "signed-out" ? undefined : addressOf(place);
      go(SIGN_IN, { replace: true, from });
    }
    if (session && (place.path === "" || place.path === SIGN_IN)) {
      go(place.from ?? HOME, { replace: true });
    }
  }, [session, place, guard]);
}
