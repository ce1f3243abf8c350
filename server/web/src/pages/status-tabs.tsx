import type { TokenStatus } from "@falkorpat/sdk";
import { titled } from "../lib/tokens.js";
import { HOME, Link } from "../router.js";

const STATUSES: readonly TokenStatus[] = ["active", "expired", "revoked"];

/** statusOf is the status that an address asks for; anything odd means active. */
export function statusOf(query: URLSearchParams): TokenStatus {
  return STATUSES.find((status) => status === query.get("status")) ?? "active";
}

/** Which tokens to see. These are links, so that every one has an address and the browser's Back works. */
export function StatusTabs({ current }: { current: TokenStatus }) {
  return (
    <nav class="tabs" aria-label="Status">
      {STATUSES.map((status) => (
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
