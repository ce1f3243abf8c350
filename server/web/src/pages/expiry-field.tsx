import {
  choicesOf,
  chosen,
  type ExpiryDraft,
  type ExpiryRule,
  expiryEnd,
  isoDay,
  lastDay,
  lengthWords,
  NO_RULE,
} from "../lib/expiry.js";
import { DAY, day, exact } from "../lib/time.js";
import { Alert } from "../ui/bits.js";
import { describedBy, Field } from "../ui/field.js";
import { Segments } from "../ui/segments.js";

interface ExpiryFieldProps {
  draft: ExpiryDraft;
  rule: ExpiryRule;
  onChange(part: Partial<ExpiryDraft>): void;
  error: string | undefined;
}

/** When the token shall end, and what that means as a date. */
export function ExpiryField({ draft, rule, onChange, error }: ExpiryFieldProps) {
  const expiry = chosen(draft, rule);
  return (
    <>
      <Segments
        legend="Expiration"
        name="expiry"
        choices={choicesOf(rule)}
        value={expiry}
        onChange={(next) => onChange({ expiry: next })}
        describedBy="expiry-note"
      />
      {expiry === "custom" && <CustomDay draft={draft} rule={rule} onChange={onChange} error={error} />}
      {expiry !== "custom" && error !== undefined && <p class="field-error">{error}</p>}
      <div id="expiry-note" class="expiry-note">
        <Note draft={draft} rule={rule} />
      </div>
    </>
  );
}

function CustomDay({ draft, rule, onChange, error }: ExpiryFieldProps) {
  const now = Date.now();
  return (
    <Field id="expiry-date" label="Last day" error={error}>
      <input
        {...describedBy("expiry-date", false, error)}
        class="input"
        type="date"
        name="expiry-date"
        min={isoDay(now)}
        max={lastDay(now, rule)}
        value={draft.date}
        onInput={(event) => onChange({ date: event.currentTarget.value })}
      />
    </Field>
  );
}

function Note({ draft, rule }: { draft: ExpiryDraft; rule: ExpiryRule }) {
  if (chosen(draft, rule) === "never") {
    return (
      <Alert tone="warning">
        <p>
          <strong>This token will work until somebody revokes it.</strong> If it leaks, it gives access for good. Choose a
          date if you can.
        </p>
      </Alert>
    );
  }
  const end = expiryEnd(draft, rule, Date.now());
  return (
    <p class="hint">
      {end !== undefined && end !== null && <>{endWords(chosen(draft, rule) === "custom", end)} </>}
      {rule.longest < NO_RULE.longest && <>At most {lengthWords(rule.longest)} are allowed here.</>}
    </p>
  );
}

function endWords(custom: boolean, end: number): string {
  if (custom) return `Expires at the end of ${day(end)}.`;
  // A day is too coarse for what ends within the next ones.
  return `Expires on ${end - Date.now() < 2 * DAY ? exact(end) : day(end)}.`;
}
