import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Age, AGES, type End, ENDS, filters, type Query, type Use, USES } from "../lib/query.js";
import { Icon } from "../ui/icons.js";
import type { Tokens } from "./use-tokens.js";

/** So long after the last key press, a text is asked for. */
const PAUSE_MS = 250;

interface ToolsProps {
  list: Tokens;
  query: Query;
  onQuery(query: Query): void;
  admin: boolean;
  /** How many tokens are. */
  selected: number;
  onRevokeMany(): void;
}

/** What narrows the list down. The API does it, so it is over all tokens there are. */
export function ListTools({ list, query, onQuery, admin, selected, onRevokeMany }: ToolsProps) {
  const set = filters(query);
  const [open, setOpen] = useState(set > 0);
  return (
    <div role="search">
      <div class="toolbar">
        <label class="search">
          <span class="visually-hidden">Search tokens by name</span>
          <Icon name="search" />
          <TextFilter
            placeholder="Search by name"
            most={100}
            value={query.name}
            onValue={(name) => onQuery({ ...query, name })}
          />
        </label>
        <button type="button" class="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {set === 0 ? "Filters" : `Filters (${set})`}
        </button>
        <button type="button" class="button danger-quiet" onClick={onRevokeMany}>
          {selected === 0 ? "Revoke many…" : `Revoke selected (${selected})…`}
        </button>
        <Count list={list} />
        <button type="button" class="button quiet" onClick={list.reload} aria-busy={list.loading} title="Reload the list">
          <Icon name="refresh" class={list.loading ? "turning" : ""} />
          <span class="visually-hidden">Reload</span>
        </button>
      </div>
      {open && <Filters query={query} onQuery={onQuery} admin={admin} />}
    </div>
  );
}

function Count({ list: { tokens, total, more } }: { list: Tokens }) {
  const here = tokens?.length ?? 0;
  const all = total ?? here;
  return (
    <p class="muted small count" role="status">
      {more && here < all ? `${here} of ${all} tokens` : `${here} ${here === 1 ? "token" : "tokens"}`}
    </p>
  );
}

interface TextFilterProps {
  id?: string;
  placeholder?: string;
  /** The API's limit. */
  most: number;
  value: string;
  onValue(value: string): void;
}

/** A text that is asked for once somebody stops typing, or at Enter. */
function TextFilter({ id, placeholder, most, value, onValue }: TextFilterProps) {
  const [text, setText] = useState(value);
  const latest = useRef(onValue);
  latest.current = onValue;
  // Back and forth in the browser changes it from outside.
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      class="input"
      id={id}
      type="search"
      placeholder={placeholder}
      autocomplete="off"
      maxLength={most}
      dir="auto"
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Enter" && onValue(text)}
    />
  );
}

const USE_WORDS: Readonly<Record<Use, string>> = {
  "": "Whenever",
  never: "Never",
  idle30: "Not for 30 days",
  idle90: "Not for 90 days",
  used7: "Within 7 days",
  used30: "Within 30 days",
};
const END_WORDS: Readonly<Record<End, string>> = { "": "Whenever", "7": "Within 7 days", "30": "Within 30 days" };
const AGE_WORDS: Readonly<Record<Age, string>> = {
  "": "Whenever",
  new7: "Within 7 days",
  new30: "Within 30 days",
  old90: "Over 90 days ago",
  old365: "Over a year ago",
};

function Filters({ query, onQuery, admin }: Pick<ToolsProps, "query" | "onQuery" | "admin">) {
  return (
    <div class="filters">
      {admin && (
        <Filter id="filter-user" label="User">
          <TextFilter id="filter-user" most={128} value={query.username} onValue={(username) => onQuery({ ...query, username })} />
        </Filter>
      )}
      <Filter id="filter-graph" label="May touch the graph">
        <TextFilter id="filter-graph" most={256} value={query.graph} onValue={(graph) => onQuery({ ...query, graph })} />
      </Filter>
      <Filter id="filter-use" label="Last used">
        <Choice id="filter-use" values={USES} words={USE_WORDS} value={query.use} onValue={(use) => onQuery({ ...query, use })} />
      </Filter>
      <Filter id="filter-end" label="Expires">
        <Choice id="filter-end" values={ENDS} words={END_WORDS} value={query.end} onValue={(end) => onQuery({ ...query, end })} />
      </Filter>
      <Filter id="filter-age" label="Created">
        <Choice id="filter-age" values={AGES} words={AGE_WORDS} value={query.age} onValue={(age) => onQuery({ ...query, age })} />
      </Filter>
    </div>
  );
}

function Filter({ id, label, children }: { id: string; label: string; children: ComponentChildren }) {
  return (
    <div class="filter">
      <label for={id} class="muted small">
        {label}
      </label>
      {children}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  id: string;
  values: readonly T[];
  words: Readonly<Record<T, string>>;
  value: T;
  onValue(value: T): void;
}

function Choice<T extends string>({ id, values, words, value, onValue }: ChoiceProps<T>) {
  return (
    <select id={id} class="input" value={value} onChange={(event) => onValue(event.currentTarget.value as T)}>
      {values.map((each) => (
        <option key={each} value={each}>
          {words[each]}
        </option>
      ))}
    </select>
  );
}
