import type { Token } from "@falkorpat/sdk";
import type { Page } from "../lib/tokens.js";
import { PAGE_SIZES } from "../memory.js";
import { Icon } from "./icons.js";

interface PagerProps {
  page: Page<Token>;
  size: number;
  onChange(change: { page: number; size?: number }): void;
}

/** The way through the pages; absent when there is one page and never was another. */
export function Pager({ page, size, onChange }: PagerProps) {
  if (page.total <= PAGE_SIZES[0]) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <label class="pager-size">
        <span class="muted small">Rows</span>
        <select
          class="input"
          value={size}
          onChange={(event) => onChange({ page: 1, size: Number(event.currentTarget.value) })}
        >
          {PAGE_SIZES.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <p class="muted small" role="status">
        {page.from}–{page.to} of {page.total}
      </p>
      <div class="pager-steps">
        <button
          type="button"
          class="button quiet"
          aria-disabled={page.page === 1}
          onClick={() => onChange({ page: Math.max(1, page.page - 1) })}
        >
          <Icon name="left" />
          <span class="visually-hidden">Previous page</span>
        </button>
        <span class="small">
          Page {page.page} of {page.pages}
        </span>
        <button
          type="button"
          class="button quiet"
          aria-disabled={page.page === page.pages}
          onClick={() => onChange({ page: Math.min(page.pages, page.page + 1) })}
        >
          <Icon name="right" />
          <span class="visually-hidden">Next page</span>
        </button>
      </div>
    </nav>
  );
}
