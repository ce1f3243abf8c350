import { titled } from "../lib/tokens.js";
import { HOME, Link } from "../router.js";

const TABS = ["active", "stale", "suspended", "expired", "revoked"] as const;

/** A list of tokens that has a tab of its own. */
export type Tab = (typeof TABS)[number];

/** statusOf is the status that an address asks for; anything odd means active. */
export function statusOf(query: URLSearchParams): Tab {
  return TABS.find((status) => status === query.get("status")) ?? "active";
}

/** Which tokens to see. These are links, so that every one has an address and the browser's Back works. */
export function StatusTabs({ current }: { current: Tab }) {
  return (
    <nav class="tabs" aria-label="Status">
      {TABS.map((status) => (
        <Link
          key={status}
          to={status === "active" ? HOME : `${HOME}?status=${status}`}
          current={status === current}
        >
          {titled(status)}
        </Link>
      ))}
    </nav>
  );
}
