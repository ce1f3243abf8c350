// The small parts that every page is made of.

import type { Role, TokenStatus } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Failure } from "../lib/problem.js";
import { exact, parseTime, relative } from "../lib/time.js";
import { titled } from "../lib/tokens.js";
import { Icon } from "./icons.js";

/** useNow is the time, moving on every half minute so that "3 minutes ago" stays true. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

interface WhenProps {
  at: number | null;
  now: number;
  /** For what has happened: the page's clock ticks seldom, and must not put it into the future. */
  past?: boolean | undefined;
}

/** A time as its distance from now, with the exact one in the tooltip; null is never. */
export function When({ at, now, past = false }: WhenProps) {
  if (at === null) return <span class="muted">Never</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={exact(at)}>
      {relative(past ? Math.min(at, now) : at, now)}
    </time>
  );
}

interface MomentProps {
  at: string | null;
  now: number;
  past?: boolean;
}

/** A time both ways, where there is room for the exact one. */
export function Moment({ at, now, past }: MomentProps) {
  const ms = parseTime(at);
  return (
    <>
      <When at={ms} now={now} past={past} /> {ms !== null && <span class="sub inline">{exact(ms)}</span>}
    </>
  );
}

/** Text that people typed: shown as text, in its own direction, and never as anything else. */
export function Typed({ children }: { children: string }) {
  return <bdi dir="auto">{children}</bdi>;
}

export function RoleBadge({ role }: { role: Role }) {
  return <span class={`badge role-${role.toLowerCase()}`}>{role}</span>;
}

export function StatusBadge({ status }: { status: TokenStatus }) {
  return <span class={`badge status-${status}`}>{titled(status)}</span>;
}

interface AlertProps {
  tone: "error" | "warning" | "info";
  children: ComponentChildren;
}

/** Something to be read now; errors are also read out. */
export function Alert({ tone, children }: AlertProps) {
  return (
    <div class={`alert ${tone}`} role={tone === "error" ? "alert" : undefined}>
      <Icon name={tone === "info" ? "info" : "warning"} />
      <div>{children}</div>
    </div>
  );
}

/** A failed call, with the number that finds it in the server's log, and a way to try again. */
export function FailureAlert({ failure, onRetry }: { failure: Failure; onRetry?: (() => void) | undefined }) {
  return (
    <Alert tone="error">
      <p>{failure.message}</p>
      {failure.status >= 500 && failure.requestId !== "" && (
        <p class="small">
          Request <code>{failure.requestId}</code>
        </p>
      )}
      {onRetry && (
        <button type="button" class="button small" onClick={onRetry}>
          Try again
        </button>
      )}
    </Alert>
  );
}
