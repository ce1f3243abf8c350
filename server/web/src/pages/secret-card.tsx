import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { commandOf } from "../lib/example.js";
import { allGraphs } from "../lib/limits.js";
import { day, exact, parseTime } from "../lib/time.js";
import { useNavigation } from "../router.js";
import { Typed } from "../ui/bits.js";
import { CopyButton } from "../ui/copy.js";
import { Icon } from "../ui/icons.js";
import { type Trial, useTrial } from "./use-trial.js";

/** A token that has just been made; its text is nowhere but here. */
export interface Secret {
  tokenId: string;
  token: string;
  name: string;
  expiresAt: string | null;
}

interface SecretCardProps {
  api: Api;
  secret: Secret;
  onDone(): void;
}

/** Shows the new token, this once, and holds the page until it was copied or dismissed. */
export function SecretCard({ api, secret, onDone }: SecretCardProps) {
  const { setGuard } = useNavigation();
  const [copied, setCopied] = useState(false);
  const token = useRef<HTMLElement>(null);
  const expires = parseTime(secret.expiresAt);
  const trial = useTrial(api, secret.tokenId);

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
      {trial ? (
        <Try trial={trial} secret={secret} onCopied={() => setCopied(true)} />
      ) : (
        <div class="skeleton secret-trial" role="status" aria-label="Looking for a graph to try it with" />
      )}
      <button type="button" class="button secret-done" onClick={onDone}>
        {copied ? "Done" : "Dismiss"}
      </button>
    </section>
  );
}


interface TryProps {
  trial: Trial;
  secret: Secret;
  onCopied(): void;
}

/** A command that shows that the token works, to be pasted into a shell. */
function Try({ trial, secret, onCopied }: TryProps) {
  const curl = useRef<HTMLElement>(null);
  const command = commandOf(trial.example, secret.token, document.baseURI);
  return (
    <div class="secret-trial">
      <p class="muted small">{introduction(trial)}</p>
      <div class="secret-row">
        <code ref={curl} class="secret-text one-line" data-secret="curl" tabIndex={0} aria-label="Command">
          {command}
        </code>
        <CopyButton text={command} what="command" source={() => curl.current} onCopied={onCopied} />
      </div>
    </div>
  );
}

/** introduction says what the command does, and under which conditions. */
function introduction({ example, token }: Trial) {
  const words: ComponentChildren[] = [];
  switch (example.kind) {
    case "query":
      words.push("Try it: count what is in the graph “", <Typed>{example.graph}</Typed>, "”.");
      break;
    case "graphs":
      words.push(
        token && allGraphs(token.graphs)
          ? "There is no graph yet to query. Try it: list the graphs that there are."
          : "None of its graphs is there yet. Try it: list those that are.",
      );
      break;
    case "token":
      words.push("Try it: show what the token is.");
  }
  const start = parseTime(token?.not_before ?? null);
  if (start !== null && start > Date.now()) words.push(` It works from ${exact(start)} on.`);
  if (token?.allowed_ips) words.push(" It works from its addresses only.");
  return words;
}
