import type { Permission, Token } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { instanceName } from "../lib/instance.js";
import { allGraphs, PERMISSIONS, permissionsOf } from "../lib/limits.js";
import { HOME, Link } from "../router.js";
import { Moment, RoleBadge, StatusBadge, Typed } from "../ui/bits.js";
import { ExpiryMark } from "./columns.js";

type Row = readonly [label: string, value: ComponentChildren];

interface PartProps {
  token: Token;
  now: number;
}

/** Everything about one token, but its rotation and its history. */
export function TokenDetails({ token, now }: PartProps) {
  return (
    <div class="details">
      <Card title="Token" rows={identity(token)} />
      <Card title="Limits" rows={limits(token)} />
      <Card title="Lifecycle" rows={lifecycle({ token, now })} />
    </div>
  );
}

function Card({ title, rows }: { title: string; rows: readonly Row[] }) {
  const id = `card-${title.toLowerCase()}`;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id} class="card-title">
        {title}
      </h2>
      <dl class="facts">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function identity(token: Token): Row[] {
  const rows: Row[] = [
    ["Status", <StatusBadge status={token.status} />],
    ["Token ID", <code>{token.token_id}</code>],
    [
      "User",
      <>
        <Typed>{token.username}</Typed> <RoleBadge role={token.role} />
      </>,
    ],
    ["Instance", <code>{instanceName(token)}</code>],
  ];
  if (token.description !== "") rows.splice(1, 0, ["Description", <Description text={token.description} />]);
  return rows;
}

function Description({ text }: { text: string }) {
  return (
    <span class="paragraphs">
      <Typed>{text}</Typed>
    </span>
  );
}

function limits({ permissions, role, graphs, allowed_ips: addresses }: Token): Row[] {
  return [
    [
      "Permissions",
      permissions === null ? (
        <>Everything that the role {role} allows, now and later</>
      ) : (
        <Permissions names={permissions} allowed={permissionsOf(role)} />
      ),
    ],
    ["Graphs", allGraphs(graphs) ? "Every graph" : <Codes of={graphs} />],
    ["Addresses", addresses === null ? "From everywhere" : <Codes of={addresses} />],
  ];
}

function Permissions({ names, allowed }: { names: readonly Permission[]; allowed: readonly Permission[] }) {
  return (
    <ul class="plain-list">
      {names.map((name) => (
        <li key={name}>
          <code>{name}</code> <span class="muted">{PERMISSIONS[name]}</span>
          {!allowed.includes(name) && <span class="badge soon">The role does not allow it now</span>}
        </li>
      ))}
    </ul>
  );
}

function Codes({ of }: { of: readonly string[] }) {
  return (
    <ul class="plain-list codes">
      {of.map((each) => (
        <li key={each}>
          <code>
            <Typed>{each}</Typed>
          </code>
        </li>
      ))}
    </ul>
  );
}

function lifecycle({ token, now }: PartProps): Row[] {
  const rows: Row[] = [["Created", <Moment at={token.created_at} now={now} past />]];
  if (token.not_before !== null) rows.push(["Works from", <Moment at={token.not_before} now={now} />]);
  rows.push([token.status === "expired" ? "Expired" : "Expires", <Ending token={token} now={now} />]);
  if (token.revoked_at !== null) rows.push(["Revoked", <Moment at={token.revoked_at} now={now} past />]);
  if (token.rotated_from !== null) rows.push(["Took the place of", <TokenLink id={token.rotated_from} />]);
  if (token.rotated_to !== null) rows.push(["Its place was taken by", <TokenLink id={token.rotated_to} />]);
  rows.push(["Last used", <Moment at={token.last_used} now={now} past />]);
  if (token.last_used_ip !== null) rows.push(["From", <code>{token.last_used_ip}</code>]);
  if (token.last_used_agent !== null) rows.push(["With", <Typed>{token.last_used_agent}</Typed>]);
  return rows;
}

function Ending({ token, now }: PartProps) {
  return (
    <>
      <Moment at={token.expires_at} now={now} />
      <ExpiryMark token={token} now={now} />
    </>
  );
}

function TokenLink({ id }: { id: string }) {
  return (
    <Link to={`${HOME}/${encodeURIComponent(id)}`}>
      <code>{id}</code>
    </Link>
  );
}
