import { useEffect } from "preact/hooks";
import { tokensOf } from "../lib/bulk.js";
import type { Notice } from "../pages/use-tokens.js";
import { Typed } from "./bits.js";
import { Icon } from "./icons.js";

const SHOWN_MS = 6000;

interface ToastProps {
  notice: Notice | undefined;
  onClose(): void;
}

/** What became of a revocation: good news goes by itself, bad news stays until it is closed. */
export function Toast({ notice, onClose }: ToastProps) {
  useEffect(() => {
    if (!notice || notice.failure) return;
    const timer = setTimeout(onClose, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  // The region is always there: readers announce only what changes in one they know.
  return (
    <div class="toasts" role="status">
      {notice && (
        <div class={notice.failure ? "toast error" : "toast"}>
          <Icon name={notice.failure ? "warning" : "check"} />
          <p>
            {notice.failure ? "Not revoked: " : "Revoked "}{notice.name === undefined ? tokensOf(notice.count) : ["“", <Typed>{notice.name}</Typed>, "”"]}.
            {notice.failure && <> {notice.failure.message}</>}
          </p>
          <button type="button" class="button quiet small" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
