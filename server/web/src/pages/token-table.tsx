import type { Token } from "@falkorpat/sdk";
import { type Query, type Sort, sorted } from "../lib/query.js";
import { Icon } from "../ui/icons.js";
import type { Column } from "./columns.js";

interface TokenTableProps {
  columns: readonly Column[];
  rows: readonly Token[];
  query: Query;
  onQuery(query: Query): void;
  now: number;
  onRevoke(token: Token): void;
  selected: ReadonlySet<string>;
  onSelect(selected: ReadonlySet<string>): void;
}

/** The table itself; at a phone's width every row becomes a card, and the headers a choice. */
export function TokenTable(props: TokenTableProps) {
  const { columns, rows, query, onQuery, now, onRevoke, selected, onSelect } = props;
  // What has ended for good is refused already.
  const revocable = query.status !== "expired" && query.status !== "revoked";
  return (
    <>
      <SortChoice columns={columns} query={query} onQuery={onQuery} />
      <table class="token-table">
        <thead>
          <tr>
            {revocable && <SelectAll rows={rows} selected={selected} onSelect={onSelect} />}
            {columns.map((column) => (
              <Header key={column.key} column={column} query={query} onQuery={onQuery} />
            ))}
            {revocable && (
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((token) => (
            <tr key={token.token_id} data-token={token.token_id}>
              {revocable && (
                <td class="select">
                  <input
                    type="checkbox"
                    aria-label={`Select ${token.name}`}
                    checked={selected.has(token.token_id)}
                    onChange={(event) => onSelect(changed(selected, token.token_id, event.currentTarget.checked))}
                  />
                </td>
              )}
              {columns.map(({ key, label, cell }) => (
                <td key={key} data-column={key} data-label={label}>
                  {cell(token, now)}
                </td>
              ))}
              {revocable && (
                <td class="actions">
                  <button
                    type="button"
                    class="button small danger-quiet"
                    aria-label={`Revoke ${token.name}`}
                    onClick={() => onRevoke(token)}
                  >
                    Revoke
                  </button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function changed(selected: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(selected);
  if (on) next.add(id);
  else next.delete(id);
  return next;
}

function SelectAll({ rows, selected, onSelect }: Pick<TokenTableProps, "rows" | "selected" | "onSelect">) {
  const all = rows.every((token) => selected.has(token.token_id));
  return (
    <th scope="col" class="select">
      <input
        type="checkbox"
        aria-label="Select all that are shown"
        checked={all}
        onChange={() => onSelect(all ? new Set() : new Set(rows.map((token) => token.token_id)))}
      />
    </th>
  );
}

interface HeaderProps {
  column: Column;
  query: Query;
  onQuery(query: Query): void;
}

function Header({ column: { label, sort }, query, onQuery }: HeaderProps) {
  if (sort === undefined) {
    return (
      <th scope="col">
        <span class="unsorted">{label}</span>
      </th>
    );
  }
  const current = query.sort === sort;
  const direction = query.order === "asc" ? "ascending" : "descending";
  return (
    <th scope="col" aria-sort={current ? direction : undefined}>
      <button type="button" class="sort" onClick={() => onQuery(sorted(query, sort))}>
        {label}
        <Icon name={current && query.order === "asc" ? "up" : "down"} class={current ? "on" : ""} />
      </button>
    </th>
  );
}

interface SortChoiceProps {
  columns: readonly Column[];
  query: Query;
  onQuery(query: Query): void;
}

function SortChoice({ columns, query, onQuery }: SortChoiceProps) {
  return (
    <div class="sort-choice">
      <label>
        <span class="muted small">Sort by</span>
        <select
          class="input"
          value={query.sort}
          onChange={(event) => onQuery(sorted(query, event.currentTarget.value as Sort))}
        >
          {columns
            .filter(({ sort }) => sort !== undefined)
            .map(({ sort, label }) => (
              <option key={sort} value={sort}>
                {label}
              </option>
            ))}
        </select>
      </label>
      <button type="button" class="button quiet" onClick={() => onQuery(sorted(query, query.sort))}>
        <Icon name={query.order === "asc" ? "up" : "down"} />
        <span class="visually-hidden">Reverse the order</span>
      </button>
    </div>
  );
}
