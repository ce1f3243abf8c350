import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { day, parseTime } from "../lib/time.js";
import { useNavigation } from "../router.js";
import { Typed } from "../ui/bits.js";
import { CopyButton } from "../ui/copy.js";
import { Icon } from "../ui/icons.js";

/** A token that has just been made; its text is nowhere but here. */
export interface Secret {
  tokenId: string;
  token: string;
  name: string;
  expiresAt: string | null;
}

/** Shows the new token, this once, and holds the page until it was copied or dismissed. */
export function SecretCard({ secret, onDone }: { secret: Secret; onDone: () => void }) {
  const { setGuard } = useNavigation();
  const [copied, setCopied] = useState(false);
  const token = useRef<HTMLElement>(null);
  const curl = useRef<HTMLElement>(null);
  const expires = parseTime(secret.expiresAt);
  const command = curlCommand(secret.token);

  // Without a moment between: not one in which the token could be lost, and not
  // one in which it is gone and still asked about.
  useLayoutEffect(() => {
    setGuard(copied ? "keep" : "ask");
    return () => setGuard("none");
  }, [copied]);

  // Selecting the text and copying it by hand is copying too.
  const onCopy = () => {
    if (getSelection()?.toString().includes(secret.token)) setCopied(true);
  };

  return (
    <section class="card secret" aria-labelledby="secret-title" onCopy={onCopy}>
      <h2 id="secret-title">
        <Icon name="check" />
        <span>
          “<Typed>{secret.name}</Typed>” is ready
        </span>
      </h2>
      <p>
        <strong>Copy the token now: it will not be shown again.</strong>{" "}
        {expires === null ? "It never expires." : `It expires on ${day(expires)}.`}
      </p>
      <div class="secret-row">
        <code ref={token} class="secret-text" data-secret="token" tabIndex={0} aria-label="Token">
          {secret.token}
        </code>
        <CopyButton text={secret.token} what="token" source={() => token.current} onCopied={() => setCopied(true)} primary autofocus />
      </div>
      <p class="secret-label muted small">Try it:</p>
      <div class="secret-row">
        <code ref={curl} class="secret-text one-line" data-secret="curl" tabIndex={0} aria-label="Command">
          {command}
        </code>
        <CopyButton text={command} what="command" source={() => curl.current} onCopied={() => setCopied(true)} />
      </div>
      <button type="button" class="button secret-done" onClick={onDone}>
        {copied ? "Done" : "Dismiss"}
      </button>
    </section>
  );
}

/** curlCommand lists tokens with a token, against this very server; nothing in it needs quoting but the header. */
function curlCommand(token: string): string {
  return `curl -H 'Authorization: Bearer ${token}' ${document.baseURI}api/auth/tokens`;
}
