import type { Token } from "@falkorpat/sdk";
import { useState } from "preact/hooks";
import type { Api } from "../api.js";
import { newKeys } from "../lib/attempt.js";
import type { Failure } from "../lib/problem.js";
import { A_DAY, type GraceChoice, type GraceDraft, graceProblem, graceSeconds } from "../lib/rotation.js";
import { exact, parseTime } from "../lib/time.js";
import { Alert, FailureAlert, Typed } from "../ui/bits.js";
import { Dialog, FormActions } from "../ui/dialog.js";
import { describedBy, Field } from "../ui/field.js";
import { Segments } from "../ui/segments.js";
import { LostAnswer } from "./lost-answer.js";
import type { Secret } from "./secret-card.js";

interface RotateDialogProps {
  api: Api;
  token: Token;
  onClose(): void;
  onRotated(secret: Secret): void;
}

/** Asks how long the old secret shall work on, and gets a new one. */
export function RotateDialog({ api, token, onClose, onRotated }: RotateDialogProps) {
  const [draft, setDraft] = useState<GraceDraft>(A_DAY);
  const [error, setError] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const [lost, setLost] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [keys] = useState(newKeys);

  const change = (part: Partial<GraceDraft>) => {
    setDraft({ ...draft, ...part });
    setError(undefined);
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    const seconds = graceSeconds(draft);
    if (busy || seconds === undefined) return setError(graceProblem(draft));
    setBusy(true);
    setFailure(undefined);
    const request = { graceSeconds: seconds };
    const result = await api.rotate(token.token_id, request, keys(request));
    setBusy(false);
    if (!result.ok) return setFailure(result.failure);
    const { token: text, tokenId, expiresAt } = result.value;
    if (text === undefined) setLost(tokenId);
    else onRotated({ token: text, tokenId, expiresAt, name: token.name });
  };

  if (lost !== undefined) return <LostAnswer id={lost} onClose={onClose} />;
  return (
    <Dialog
      title={
        <>
          Rotate “<Typed>{token.name}</Typed>”
        </>
      }
      onClose={onClose}
    >
      <form onSubmit={submit} noValidate>
        {failure && <FailureAlert failure={failure} />}
        <p>You get a new token with the same name, limits and lifetime, to put where the old one is.</p>
        <GraceField draft={draft} onChange={change} error={error ?? failure?.fields["graceSeconds"]} />
        <Note draft={draft} token={token} />
        <FormActions action={busy ? "Rotating…" : "Rotate token"} busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

const GRACES: readonly { value: GraceChoice; label: string }[] = [
  { value: "0", label: "At once" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "custom", label: "Custom" },
];

interface GraceFieldProps {
  draft: GraceDraft;
  onChange(part: Partial<GraceDraft>): void;
  error: string | undefined;
}

function GraceField({ draft, onChange, error }: GraceFieldProps) {
  return (
    <>
      <Segments
        legend="The old token ends"
        name="grace"
        choices={GRACES}
        value={draft.grace}
        onChange={(grace) => onChange({ grace })}
        describedBy="grace-note"
      />
      {draft.grace === "custom" && (
        <Field id="grace-hours" label="After how many hours" error={error}>
          <input
            {...describedBy("grace-hours", false, error)}
            class="input"
            name="grace-hours"
            inputMode="decimal"
            autocomplete="off"
            value={draft.hours}
            onInput={(event) => onChange({ hours: event.currentTarget.value })}
          />
        </Field>
      )}
    </>
  );
}

function Note({ draft, token }: { draft: GraceDraft; token: Token }) {
  const seconds = graceSeconds(draft);
  return (
    <div id="grace-note" class="note">
      {seconds === 0 && (
        <Alert tone="warning">
          <p>Whatever uses the old token is refused until you have given it the new one.</p>
        </Alert>
      )}
      {seconds !== undefined && seconds > 0 && <p class="hint">Until {exact(endOf(seconds, token))} both work.</p>}
    </div>
  );
}

/** The old token never works past its own expiry. */
function endOf(seconds: number, token: Token): number {
  return Math.min(Date.now() + seconds * 1000, parseTime(token.expires_at) ?? Infinity);
}
