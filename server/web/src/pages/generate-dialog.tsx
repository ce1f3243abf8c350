import type { Role } from "@falkorpat/sdk";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { newKeys } from "../lib/attempt.js";
import { type Draft, EMPTY_DRAFT, type FaultAt, type Faults, faultsFrom, faultsOf, requestOf } from "../lib/draft.js";
import type { ExpiryRule } from "../lib/expiry.js";
import type { Failure } from "../lib/problem.js";
import type { Memory } from "../memory.js";
import { FailureAlert } from "../ui/bits.js";
import { Dialog, FormActions } from "../ui/dialog.js";
import { describedBy, Field } from "../ui/field.js";
import { ExpiryField } from "./expiry-field.js";
import { LimitsField } from "./limits-field.js";
import { LostAnswer } from "./lost-answer.js";
import type { Secret } from "./secret-card.js";

interface GenerateDialogProps {
  api: Api;
  /** Keeps what was typed when the session ends meanwhile. */
  memory: Memory;
  role: Role | undefined;
  rule: ExpiryRule;
  onClose(): void;
  onCreated(secret: Secret): void;
}

/** Asks what the new token shall be, and makes it. */
export function GenerateDialog({ api, memory, role, rule, onClose, onCreated }: GenerateDialogProps) {
  const [draft, setDraft] = useState<Draft>(memory.draft ?? EMPTY_DRAFT);
  const [faults, setFaults] = useState<Faults>({});
  const [failure, setFailure] = useState<Failure>();
  const [lost, setLost] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [keys] = useState(newKeys);
  const [refusals, setRefusals] = useState(0);
  const form = useFocusAtFault(faults, refusals);

  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    memory.draft = next;
    setDraft(next);
    // What was wrong may be right now; the next attempt tells.
    setFaults(without(faults, part));
  };

  const refuse = (found: Faults) => {
    setFaults(found);
    setRefusals(refusals + 1);
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const found = faultsOf(draft, rule, Date.now());
    if (Object.keys(found).length > 0) return refuse(found);
    setBusy(true);
    setFailure(undefined);
    const request = requestOf(draft, rule);
    const result = await api.createToken(request, keys(request));
    setBusy(false);
    if (result.ok) {
      const { token, tokenId, expiresAt } = result.value;
      return token === undefined ? setLost(tokenId) : onCreated({ token, tokenId, expiresAt, name: request.name });
    }
    const refused = faultsFrom(result.failure, draft);
    if (Object.keys(refused).length > 0) refuse(refused);
    else setFailure(result.failure);
  };

  if (lost !== undefined) return <LostAnswer id={lost} onClose={onClose} />;
  return (
    <Dialog title="Generate token" onClose={onClose}>
      <form ref={form} onSubmit={submit} noValidate>
        {failure && <FailureAlert failure={failure} />}
        <NameField draft={draft} onChange={change} error={faults.name} />
        <ExpiryField draft={draft} rule={rule} onChange={change} error={faults.expiry} />
        <DescriptionField draft={draft} onChange={change} error={faults.description} />
        <LimitsField draft={draft} onChange={change} faults={faults} role={role} />
        <FormActions action={busy ? "Generating…" : "Generate token"} busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/** Which fault a part of the draft may have mended. */
const MENDS: Readonly<Partial<Record<keyof Draft, FaultAt>>> = {
  name: "name",
  description: "description",
  expiry: "expiry",
  date: "expiry",
  restricted: "permissions",
  permissions: "permissions",
  graphs: "graphs",
  addresses: "addresses",
  notBefore: "notBefore",
};

function without(faults: Faults, part: Partial<Draft>): Faults {
  const rest = { ...faults };
  for (const key of Object.keys(part) as (keyof Draft)[]) {
    const at = MENDS[key];
    if (at) delete rest[at];
  }
  return rest;
}

/** Where every fault is shown, in the order of the dialog. */
const CONTROLS: readonly [at: FaultAt, control: string][] = [
  ["name", "#token-name"],
  ["expiry", "#expiry-date, [name=expiry]:checked:not([value=custom])"],
  ["description", "#token-description"],
  ["permissions", "[name=restricted]:checked"],
  ["graphs", "#token-graphs"],
  ["addresses", "#token-addresses"],
  ["notBefore", "#token-start"],
];

/** useFocusAtFault moves the focus to the first fault at every refusal. */
function useFocusAtFault(faults: Faults, refusals: number) {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    const first = CONTROLS.find(([at]) => faults[at] !== undefined);
    if (first) form.current?.querySelector<HTMLElement>(first[1])?.focus();
  }, [refusals]);
  return form;
}

interface TextFieldProps {
  draft: Draft;
  onChange(part: Partial<Draft>): void;
  error: string | undefined;
}

function NameField({ draft, onChange, error }: TextFieldProps) {
  return (
    <Field id="token-name" label="Name" hint="What the token is for, such as “Nightly import”." error={error}>
      <input
        {...describedBy("token-name", true, error)}
        class="input"
        name="token-name"
        autocomplete="off"
        dir="auto"
        required
        autofocus
        value={draft.name}
        onInput={(event) => onChange({ name: event.currentTarget.value })}
      />
    </Field>
  );
}

function DescriptionField({ draft, onChange, error }: TextFieldProps) {
  return (
    <Field id="token-description" label="Description" optional error={error}>
      <textarea
        {...describedBy("token-description", false, error)}
        class="input"
        name="token-description"
        rows={1}
        dir="auto"
        value={draft.description}
        onInput={(event) => onChange({ description: event.currentTarget.value })}
      />
    </Field>
  );
}
