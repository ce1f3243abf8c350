import type { Session } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { instanceName } from "../lib/instance.js";
import type { Failure } from "../lib/problem.js";
import { addressOf, HOME, Link, SIGN_IN, useNavigation } from "../router.js";
import { Alert, FailureAlert, RoleBadge, Typed } from "./bits.js";
import { Icon } from "./icons.js";

interface ShellProps {
  session: Session | null | undefined;
  onSignOut(): Promise<Failure | undefined>;
  children: ComponentChildren;
}

/** What is around every page of somebody signed in. */
export function Shell({ session, onSignOut, children }: ShellProps) {
  const router = useNavigation();
  const [failure, setFailure] = useState<Failure>();
  const signOut = () => router.leave(async () => setFailure(await onSignOut()));

  return (
    <>
      <SkipLink />
      <header class="topbar">
        <div class="topbar-inner">
          <Brand />
          <nav class="topnav" aria-label="Main">
            <Link to={HOME} current={router.place.path.startsWith(HOME)}>
              Tokens
            </Link>
            <a href="docs">API docs</a>
          </nav>
          {session && <Account session={session} onSignOut={signOut} />}
        </div>
      </header>
      <main id="main" class="page" tabIndex={-1}>
        {failure && <FailureAlert failure={failure} />}
        {session === null && <SessionEnded />}
        {children}
      </main>
    </>
  );
}

/** The product's mark and name. */
export function Brand() {
  return (
    <Link to="" class="brand">
      <span class="mark">
        <Icon name="key" />
      </span>
      falkorpat
    </Link>
  );
}

function Account({ session, onSignOut }: { session: Session; onSignOut: () => void }) {
  const { user, role, instance } = session;
  return (
    <div class="account">
      <div class="account-who">
        <span class="account-name" title={user.username}>
          <Typed>{user.username}</Typed>
          <RoleBadge role={role} />
        </span>
        <span class="account-instance">
          {instanceName(instance)}
        </span>
      </div>
      <button type="button" class="button quiet" onClick={onSignOut}>
        <Icon name="out" />
        <span class="hidden-on-phones">Sign out</span>
      </button>
    </div>
  );
}

// With a <base> in the page, "#main" alone would lead away from it.
function SkipLink() {
  const toMain = (event: Event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return (
    <a class="skip-link" href={`${location.pathname}${location.search}#main`} onClick={toMain}>
      Skip to content
    </a>
  );
}

// Shown only while a new token keeps the page from going to the sign-in page.
function SessionEnded() {
  const router = useNavigation();
  return (
    <Alert tone="warning">
      <p>Your session has ended. Copy the new token, then sign in again.</p>
      <button
        type="button"
        class="button small"
        onClick={() => router.go(SIGN_IN, { from: addressOf(router.place) })}
      >
        Sign in
      </button>
    </Alert>
  );
}
