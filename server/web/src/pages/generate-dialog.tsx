import { useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { type Draft, EMPTY_DRAFT, expiryFields, expiryProblem, nameProblem } from "../lib/expiry.js";
import type { Failure } from "../lib/problem.js";
import type { Memory } from "../memory.js";
import { FailureAlert } from "../ui/bits.js";
import { Dialog } from "../ui/dialog.js";
import { describedBy, Field } from "../ui/field.js";
import { ExpiryField } from "./expiry-field.js";
import type { Secret } from "./secret-card.js";

interface GenerateDialogProps {
  api: Api;
  /** Keeps what was typed when the session ends meanwhile. */
  memory: Memory;
  onClose(): void;
  onCreated(secret: Secret): void;
}

/** Asks what the new token shall be, and makes it. */
export function GenerateDialog({ api, memory, onClose, onCreated }: GenerateDialogProps) {
  const [draft, setDraft] = useState<Draft>(memory.draft ?? EMPTY_DRAFT);
  const [errors, setErrors] = useState<{ name?: string | undefined; expiry?: string | undefined }>({});
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    memory.draft = next;
    setDraft(next);
    // What was wrong may be right now; the next attempt tells.
    setErrors({ name: "name" in part ? undefined : errors.name, expiry: "name" in part ? errors.expiry : undefined });
  };

  const refuse = (name: string | undefined, expiry: string | undefined) => {
    setErrors({ name, expiry });
    const field = name !== undefined ? "#token-name" : draft.expiry === "custom" ? "#expiry-date" : "[name=expiry]:checked";
    form.current?.querySelector<HTMLElement>(field)?.focus();
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const [name, expiry] = [nameProblem(draft.name), expiryProblem(draft, Date.now())];
    if (name !== undefined || expiry !== undefined) return refuse(name, expiry);
    setBusy(true);
    setFailure(undefined);
    const result = await api.createToken({ name: draft.name.trim(), ...expiryFields(draft) });
    setBusy(false);
    // Only an answer to a repeated request is without the token, and this one is sent once.
    if (result.ok) return onCreated({ ...result.value, token: result.value.token ?? "", name: draft.name.trim() });
    const { fields } = result.failure;
    const atExpiry = fields["expiresAt"] ?? fields["ttlSeconds"];
    if (fields["name"] ?? atExpiry) refuse(fields["name"], atExpiry);
    else setFailure(result.failure);
  };

  return (
    <Dialog title="Generate token" onClose={onClose}>
      <form ref={form} onSubmit={submit} noValidate>
        {failure && <FailureAlert failure={failure} />}
        <Field id="token-name" label="Name" hint="What the token is for, such as “Nightly import”." error={errors.name}>
          <input
            {...describedBy("token-name", true, errors.name)}
            class="input"
            name="token-name"
            autocomplete="off"
            dir="auto"
            required
            autofocus
            value={draft.name}
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        </Field>
        <ExpiryField draft={draft} onChange={change} error={errors.expiry} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" aria-disabled={busy}>
            {busy ? "Generating…" : "Generate token"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
