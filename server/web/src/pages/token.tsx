import type { Token } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { instanceName } from "../lib/instance.js";
import type { Failure } from "../lib/problem.js";
import { exact, parseTime } from "../lib/time.js";
import { HOME, Link } from "../router.js";
import { FailureAlert, RoleBadge, StatusBadge, Typed, useNow, When } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { usePage } from "../ui/page.js";
import { ExpiryMark } from "./columns.js";
import { RevokeDialog } from "./revoke-dialog.js";

/** Everything about one token. */
export function TokenPage({ api, id }: { api: Api; id: string }) {
  const [token, setToken] = useState<Token>();
  const [failure, setFailure] = useState<Failure>();
  const [revoking, setRevoking] = useState(false);
  const heading = usePage(token ? token.name : "Token");

  const load = async () => {
    const result = await api.token(id);
    setFailure(result.ok ? undefined : result.failure);
    if (result.ok) setToken(result.value);
  };
  useEffect(() => {
    setToken(undefined);
    void load();
  }, [id]);

  const revoke = async () => {
    setRevoking(false);
    const result = await api.revoke(id);
    if (result.ok) await load();
    else setFailure(result.failure);
    heading.current?.focus();
  };

  return (
    <>
      <p class="crumb">
        <Link to={HOME}>
          <Icon name="left" />
          Personal access tokens
        </Link>
      </p>
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {token ? <Typed>{token.name}</Typed> : "Token"}
        </h1>
        {token?.status === "active" && (
          <button type="button" class="button danger-quiet" onClick={() => setRevoking(true)}>
            Revoke token
          </button>
        )}
      </header>
      {failure && <FailureAlert failure={failure} onRetry={isPassing(failure) ? load : undefined} />}
      {token ? <Details token={token} /> : !failure && <div class="card skeleton tall" role="status" aria-label="Loading" />}
      {revoking && token && <RevokeDialog token={token} onConfirm={revoke} onCancel={() => setRevoking(false)} />}
    </>
  );
}

/** isPassing tells whether trying again can help. */
function isPassing({ status }: Failure): boolean {
  return status === 0 || status >= 500;
}

function Details({ token }: { token: Token }) {
  const now = useNow();
  const rows: [label: string, value: ComponentChildren][] = [
    ["Status", <StatusBadge status={token.status} />],
    ["Token ID", <code>{token.token_id}</code>],
    ["User", <Owner token={token} />],
    ["Instance", <code>{instanceName(token)}</code>],
    ["Created", <Moment at={token.created_at} now={now} past />],
    [token.status === "expired" ? "Expired" : "Expires", <Ending token={token} now={now} />],
  ];
  if (token.revoked_at !== null) rows.push(["Revoked", <Moment at={token.revoked_at} now={now} past />]);
  rows.push(["Last used", <Moment at={token.last_used} now={now} past />]);
  if (token.last_used_ip !== null) rows.push(["From", <code>{token.last_used_ip}</code>]);
  if (token.last_used_agent !== null) rows.push(["With", <Typed>{token.last_used_agent}</Typed>]);
  return (
    <dl class="card details">
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Owner({ token }: { token: Token }) {
  return (
    <>
      <Typed>{token.username}</Typed> <RoleBadge role={token.role} />
    </>
  );
}

function Ending({ token, now }: { token: Token; now: number }) {
  return (
    <>
      <Moment at={token.expires_at} now={now} />
      <ExpiryMark token={token} now={now} />
    </>
  );
}

/** A time both ways: here is room for the exact one. */
function Moment({ at, now, past }: { at: string | null; now: number; past?: boolean }) {
  const ms = parseTime(at);
  return (
    <>
      <When at={ms} now={now} past={past} /> {ms !== null && <span class="sub inline">{exact(ms)}</span>}
    </>
  );
}
