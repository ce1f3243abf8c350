import type { Token } from "@falkorpat/sdk";
import { NEWEST_FIRST, pageOf, searchTokens, sortTokens } from "../lib/tokens.js";
import type { View } from "../memory.js";
import { FailureAlert } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { Pager } from "../ui/pager.js";
import { columnsOf } from "./columns.js";
import type { Tab } from "./status-tabs.js";
import { TokenTable } from "./token-table.js";
import type { Tokens } from "./use-tokens.js";

interface TokenListProps {
  list: Tokens;
  status: Tab;
  admin: boolean;
  view: View;
  onView(view: View): void;
  now: number;
  onRevoke(token: Token): void;
  onGenerate(): void;
}

/** The tokens of one status in whatever state they are: loading, failed, none, or a table with its tools. */
export function TokenList({ list, status, admin, view, onView, now, onRevoke, onGenerate }: TokenListProps) {
  const { tokens, failure } = list;
  if (!tokens) {
    return failure ? (
      <div class="tokens-state">
        <FailureAlert failure={failure} onRetry={list.reload} />
      </div>
    ) : (
      <Loading />
    );
  }

  const columns = columnsOf(status, admin);
  // A tab may lack the column that another one was sorted by.
  const sort = columns.some(({ key }) => key === view.sort.key) ? view.sort : NEWEST_FIRST;
  const found = searchTokens(tokens, view.query);
  const page = pageOf(sortTokens(found, sort), view.page, view.size);

  return (
    <>
      {failure && (
        <div class="tokens-state">
          <FailureAlert failure={failure} onRetry={list.reload} />
        </div>
      )}
      {tokens.length === 0 ? (
        <NoTokens status={status} onGenerate={onGenerate} />
      ) : (
        <>
          <Toolbar list={list} view={view} onView={onView} found={found.length} total={tokens.length} />
          {found.length === 0 ? (
            <NothingFound query={view.query} onClear={() => onView({ ...view, query: "", page: 1 })} />
          ) : (
            <TokenTable
              columns={columns}
              rows={page.rows}
              status={status}
              sort={sort}
              onSort={(next) => onView({ ...view, sort: next, page: 1 })}
              now={now}
              onRevoke={onRevoke}
            />
          )}
          <Pager page={page} size={view.size} onChange={(change) => onView({ ...view, ...change })} />
        </>
      )}
    </>
  );
}

interface ToolbarProps {
  list: Tokens;
  view: View;
  onView(view: View): void;
  found: number;
  total: number;
}

function Toolbar({ list, view, onView, found, total }: ToolbarProps) {
  return (
    <div class="toolbar" role="search">
      <label class="search">
        <span class="visually-hidden">Search tokens</span>
        <Icon name="search" />
        <input
          class="input"
          type="search"
          placeholder="Search by name, user, address or ID"
          autocomplete="off"
          dir="auto"
          value={view.query}
          onInput={(event) => onView({ ...view, query: event.currentTarget.value, page: 1 })}
        />
      </label>
      <p class="muted small count" role="status">
        {found === total ? `${total} ${total === 1 ? "token" : "tokens"}` : `${found} of ${total} tokens`}
      </p>
      <button type="button" class="button quiet" onClick={list.reload} aria-busy={list.loading} title="Reload the list">
        <Icon name="refresh" class={list.loading ? "turning" : ""} />
        <span class="visually-hidden">Reload</span>
      </button>
    </div>
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

function NothingFound({ query, onClear }: { query: string; onClear: () => void }) {
  return (
    <div class="empty">
      <h2>
        No token matches “<bdi>{query}</bdi>”
      </h2>
      <button type="button" class="button" onClick={onClear}>
        Clear the search
      </button>
    </div>
  );
}
