import type { Token } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { expiresSoon } from "../lib/expiry.js";
import { parseTime } from "../lib/time.js";
import { limitWords } from "../lib/limits.js";
import type { Sort, Tab } from "../lib/query.js";
import { HOME, Link } from "../router.js";
import { RoleBadge, Typed, When } from "../ui/bits.js";

export interface Column {
  /** Its name in the table. */
  key: string;
  label: string;
  /** What it is called where the API can sort by it. */
  sort?: Sort;
  cell(token: Token, now: number): ComponentChildren;
}

/** columnsOf is what the table of a status shows; whose a token is matters only to those who see others'. */
export function columnsOf(status: Tab, admin: boolean): readonly Column[] {
  return [
    { key: "name", label: "Name", sort: "name", cell: Name },
    ...(admin ? OWNER : []),
    { key: "created_at", label: "Created", sort: "created", cell: (token, now) => <Past at={token.created_at} now={now} /> },
    { key: "expires_at", label: status === "expired" ? "Expired" : "Expires", sort: "expires", cell: Expires },
    ...(status === "revoked" ? REVOKED : []),
    { key: "last_used", label: "Last used", sort: "last_used", cell: LastUsed },
  ];
}

const OWNER: readonly Column[] = [
  { key: "username", label: "User", cell: (token) => <Typed>{token.username}</Typed> },
  { key: "role", label: "Role", cell: (token) => <RoleBadge role={token.role} /> },
];

const REVOKED: readonly Column[] = [
  { key: "revoked_at", label: "Revoked", cell: (token, now) => <Past at={token.revoked_at} now={now} /> },
];

function Past({ at, now }: { at: string | null; now: number }) {
  return <When at={parseTime(at)} now={now} past />;
}

function Name(token: Token) {
  const limits = limitWords(token);
  return (
    <>
      <Link to={`${HOME}/${encodeURIComponent(token.token_id)}`} class="token-name">
        <Typed>{token.name}</Typed>
      </Link>
      {limits.length > 0 && <span class="sub limit-words">{limits.map((words) => <Typed key={words}>{words}</Typed>)}</span>}
    </>
  );
}

function Expires(token: Token, now: number) {
  return (
    <>
      <When at={parseTime(token.expires_at)} now={now} />
      <ExpiryMark token={token} now={now} />
      {token.policy_violations.length > 0 && <span class="badge soon against">Against the policy</span>}
    </>
  );
}

/** Marks a token that will expire soon or, in a list fetched a while ago, has expired since. */
export function ExpiryMark({ token, now }: { token: Token; now: number }) {
  const at = parseTime(token.expires_at);
  if (token.status !== "active" || at === null) return null;
  if (at <= now) return <span class="badge status-expired">Expired</span>;
  return expiresSoon(at, now) ? <span class="badge soon">Expires soon</span> : null;
}

function LastUsed(token: Token, now: number) {
  return (
    <>
      <When at={parseTime(token.last_used)} now={now} past />
      {token.last_used_ip !== null && (
        <span class="sub" title={token.last_used_agent ?? undefined}>
          from {token.last_used_ip}
        </span>
      )}
    </>
  );
}
