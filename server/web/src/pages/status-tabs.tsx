import { paramsOf, type Query, TABS } from "../lib/query.js";
import { titled } from "../lib/tokens.js";
import { HOME, Link } from "../router.js";

/** Which tokens to see. These are links, so that every one has an address and the browser's Back works. */
export function StatusTabs({ query }: { query: Query }) {
  return (
    <nav class="tabs" aria-label="Status">
      {TABS.map((status) => (
        <Link key={status} to={HOME + paramsOf({ ...query, status })} current={status === query.status}>
          {titled(status)}
        </Link>
      ))}
    </nav>
  );
}
