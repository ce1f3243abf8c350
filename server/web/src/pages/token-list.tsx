import type { Token } from "@falkorpat/sdk";
import { filters, looksLikeId, type Query, type Tab, unfiltered } from "../lib/query.js";
import { HOME, Link } from "../router.js";
import { FailureAlert } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { columnsOf } from "./columns.js";
import { ListTools } from "./list-tools.js";
import { TokenTable } from "./token-table.js";
import type { Tokens } from "./use-tokens.js";

interface TokenListProps {
  list: Tokens;
  query: Query;
  onQuery(query: Query): void;
  selected: ReadonlySet<string>;
  onSelect(selected: ReadonlySet<string>): void;
  onRevokeMany(): void;
  admin: boolean;
  now: number;
  onRevoke(token: Token): void;
  onGenerate(): void;
}

/** What a query finds, in whatever state it is: loading, failed, nothing, or a table with its tools. */
export function TokenList(props: TokenListProps) {
  const { list, query, onQuery, admin, now, onRevoke, onGenerate, selected, onSelect, onRevokeMany } = props;
  const { tokens, failure } = list;
  const narrowed = query.name.trim() !== "" || filters(query) > 0;
  const tools = narrowed || (tokens?.length ?? 0) > 0;
  return (
    <>
      {tools && (
        <ListTools
          list={list}
          query={query}
          onQuery={onQuery}
          admin={admin}
          selected={selected.size}
          onRevokeMany={onRevokeMany}
        />
      )}
      {failure && (
        <div class="tokens-state">
          <FailureAlert failure={failure} onRetry={list.reload} />
        </div>
      )}
      {!tokens && !failure && <Loading />}
      {tokens?.length === 0 && !list.more && !narrowed && <NoTokens status={query.status} onGenerate={onGenerate} />}
      {tokens?.length === 0 && !list.more && narrowed && (
        <NothingFound query={query} onClear={() => onQuery(unfiltered(query))} />
      )}
      {tokens && tokens.length > 0 && (
        <TokenTable
          columns={columnsOf(query.status, admin)}
          rows={tokens}
          query={query}
          onQuery={onQuery}
          now={now}
          onRevoke={onRevoke}
          selected={selected}
          onSelect={onSelect}
        />
      )}
      {list.more && (
        <div class="more">
          <button type="button" class="button" aria-disabled={list.loading} onClick={list.next}>
            {list.loading ? "Loading…" : "Show more"}
          </button>
        </div>
      )}
    </>
  );
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading tokens…</span>
      {[0, 1, 2, 3].map((row) => (
        <div key={row} class="skeleton" />
      ))}
    </div>
  );
}

const NONE: Record<Tab, { title: string; text: string }> = {
  active: {
    title: "No active tokens",
    text: "Generate one, and use it wherever a program needs FalkorDB but should not know your password.",
  },
  stale: { title: "No stale tokens", text: "Tokens appear here while the login behind them fails, most often after a change of the password." },
  suspended: { title: "No suspended tokens", text: "Tokens appear here when they were not used for long. You can resume them." },
  expired: { title: "No expired tokens", text: "Tokens appear here once their time is over." },
  revoked: { title: "No revoked tokens", text: "Tokens appear here once somebody has revoked them." },
};

function NoTokens({ status, onGenerate }: { status: Tab; onGenerate: () => void }) {
  return (
    <div class="empty">
      <span class="empty-mark">
        <Icon name="key" />
      </span>
      <h2>{NONE[status].title}</h2>
      <p class="muted">{NONE[status].text}</p>
      {status === "active" && (
        <button type="button" class="button" onClick={onGenerate}>
          <Icon name="plus" />
          Generate your first token
        </button>
      )}
    </div>
  );
}

function NothingFound({ query, onClear }: { query: Query; onClear: () => void }) {
  const name = query.name.trim();
  return (
    <div class="empty">
      <h2>
        {name === "" ? (
          "No token matches the filters"
        ) : (
          <>
            No token matches “<bdi>{name}</bdi>”
          </>
        )}
      </h2>
      {looksLikeId(name) && (
        <p>
          <Link to={`${HOME}/${encodeURIComponent(name)}`}>Open the token with this ID</Link>
        </p>
      )}
      <button type="button" class="button" onClick={onClear}>
        Clear the search
      </button>
    </div>
  );
}
