import { type ExpiryChoice, type ExpiryDraft, expiryEnd, isoDay, lastDay } from "../lib/expiry.js";
import { day } from "../lib/time.js";
import { Alert } from "../ui/bits.js";
import { describedBy, Field } from "../ui/field.js";
import { Segments } from "../ui/segments.js";

const CHOICES: readonly { value: ExpiryChoice; label: string }[] = [
  { value: "30", label: "30 days" },
  { value: "60", label: "60 days" },
  { value: "90", label: "90 days" },
  { value: "custom", label: "Custom" },
  { value: "never", label: "Never" },
];

interface ExpiryFieldProps {
  draft: ExpiryDraft;
  onChange(part: Partial<ExpiryDraft>): void;
  error: string | undefined;
}

/** When the token shall end, and what that means as a date. */
export function ExpiryField({ draft, onChange, error }: ExpiryFieldProps) {
  return (
    <>
      <Segments
        legend="Expiration"
        name="expiry"
        choices={CHOICES}
        value={draft.expiry}
        onChange={(expiry) => onChange({ expiry })}
        describedBy="expiry-note"
      />
      {draft.expiry === "custom" && <CustomDay draft={draft} onChange={onChange} error={error} />}
      {draft.expiry !== "custom" && error !== undefined && <p class="field-error">{error}</p>}
      <div id="expiry-note" class="expiry-note">
        <Note draft={draft} />
      </div>
    </>
  );
}

function CustomDay({ draft, onChange, error }: ExpiryFieldProps) {
  const now = Date.now();
  return (
    <Field id="expiry-date" label="Last day" error={error}>
      <input
        {...describedBy("expiry-date", false, error)}
        class="input"
        type="date"
        name="expiry-date"
        min={isoDay(now)}
        max={lastDay(now)}
        value={draft.date}
        onInput={(event) => onChange({ date: event.currentTarget.value })}
      />
    </Field>
  );
}

function Note({ draft }: { draft: ExpiryDraft }) {
  if (draft.expiry === "never") {
    return (
      <Alert tone="warning">
        <p>
          <strong>This token will work until somebody revokes it.</strong> If it leaks, it gives access for good. Choose a
          date if you can.
        </p>
      </Alert>
    );
  }
  const end = expiryEnd(draft, Date.now());
  if (end === undefined || end === null) return null;
  return (
    <p class="hint">
      {draft.expiry === "custom" ? "Expires at the end of " : "Expires on "}
      {day(end)}.
    </p>
  );
}
