import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.js";

/** selectText marks an element's text, for a person to copy it by hand. */
function selectText(element: Element): void {
  const selection = getSelection();
  const range = document.createRange();
  range.selectNodeContents(element);
  selection?.removeAllRanges();
  selection?.addRange(range);
}

/**
 * copyText puts the text of an element on the clipboard. Pages that do not come over HTTPS (or from this machine) have no
 * clipboard API; there the older command may still work, and otherwise the text stays selected.
 */
export async function copyText(text: string, element: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    selectText(element);
    return document.execCommand("copy");
  }
}

type State = "idle" | "copied" | "failed";

interface CopyButtonProps {
  text: string;
  /** What is copied, for the button's name: "Copy token". */
  what: string;
  /** The element that shows the text. */
  source: () => Element | null;
  onCopied?: () => void;
  primary?: boolean;
  autofocus?: boolean;
}

/** A button that copies, and says whether it has. */
export function CopyButton({ text, what, source, onCopied, primary, autofocus }: CopyButtonProps) {
  const [state, setState] = useState<State>("idle");
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (autofocus) button.current?.focus();
  }, []);
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("idle"), 4000);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = async () => {
    const element = source();
    const done = element !== null && (await copyText(text, element));
    setState(done ? "copied" : "failed");
    if (done) onCopied?.();
  };

  return (
    <span class="copy">
      <button type="button" ref={button} class={primary ? "button primary" : "button"} onClick={copy}>
        <Icon name={state === "copied" ? "check" : "copy"} />
        {state === "copied" ? "Copied" : `Copy ${what}`}
      </button>
      <span role="status" class={state === "failed" ? "small" : "visually-hidden"}>
        {state === "copied" && `The ${what} is on the clipboard.`}
        {state === "failed" && "Press Ctrl+C or ⌘C to copy the selected text."}
      </span>
    </span>
  );
}
