import type { Token, TokenStatus } from "@falkorpat/sdk";
import { type Sort, type SortKey, toggleSort } from "../lib/tokens.js";
import { Icon } from "../ui/icons.js";
import type { Column } from "./columns.js";

interface TokenTableProps {
  columns: readonly Column[];
  rows: readonly Token[];
  status: TokenStatus;
  sort: Sort;
  onSort(sort: Sort): void;
  now: number;
  onRevoke(token: Token): void;
}

/** The table itself; at a phone's width every row becomes a card, and the headers a choice. */
export function TokenTable({ columns, rows, status, sort, onSort, now, onRevoke }: TokenTableProps) {
  // What has ended for good is refused already.
  const revocable = status !== "expired" && status !== "revoked";
  return (
    <>
      <SortChoice columns={columns} sort={sort} onSort={onSort} />
      <table class="token-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <Header key={column.key} column={column} sort={sort} onSort={onSort} />
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

interface HeaderProps {
  column: Column;
  sort: Sort;
  onSort(sort: Sort): void;
}

function Header({ column: { key, label }, sort, onSort }: HeaderProps) {
  const current = sort.key === key;
  const direction = sort.direction === "asc" ? "ascending" : "descending";
  return (
    <th scope="col" aria-sort={current ? direction : undefined}>
      <button type="button" class="sort" onClick={() => onSort(toggleSort(sort, key))}>
        {label}
        <Icon name={current && sort.direction === "asc" ? "up" : "down"} class={current ? "on" : ""} />
      </button>
    </th>
  );
}

interface SortChoiceProps {
  columns: readonly Column[];
  sort: Sort;
  onSort(sort: Sort): void;
}

function SortChoice({ columns, sort, onSort }: SortChoiceProps) {
  const reverse = () => onSort(toggleSort(sort, sort.key));
  // A sort of another column, so that the newly chosen one gets its natural direction.
  const choose = (key: string) => onSort(toggleSort({ ...sort, key: "role" }, key as SortKey));
  return (
    <div class="sort-choice">
      <label>
        <span class="muted small">Sort by</span>
        <select class="input" value={sort.key} onChange={(event) => choose(event.currentTarget.value)}>
          {columns
            .filter(({ key }) => key !== "role")
            .map(({ key, label }) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
        </select>
      </label>
      <button type="button" class="button quiet" onClick={reverse}>
        <Icon name={sort.direction === "asc" ? "up" : "down"} />
        <span class="visually-hidden">Reverse the order</span>
      </button>
    </div>
  );
}
