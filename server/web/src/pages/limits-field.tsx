import type { Permission, Role } from "@falkorpat/sdk";
import { useLayoutEffect, useState } from "preact/hooks";
import { type Faults, LIMIT_FAULTS } from "../lib/draft.js";
import { type LimitsDraft, limitsOf, limitWords, PERMISSIONS, permissionsOf } from "../lib/limits.js";
import { describedBy, Field, Notes } from "../ui/field.js";
import { Icon } from "../ui/icons.js";

interface LimitsFieldProps {
  draft: LimitsDraft;
  onChange(part: Partial<LimitsDraft>): void;
  faults: Faults;
  role: Role | undefined;
}

/** What the token may do at most. Most tokens need no limit, so it is closed until somebody wants one. */
export function LimitsField(props: LimitsFieldProps) {
  const { draft, faults } = props;
  const words = wordsOf(draft);
  const [open, setOpen] = useState(words.length > 0);
  const refused = LIMIT_FAULTS.some((at) => faults[at] !== undefined);
  useLayoutEffect(() => {
    if (refused) setOpen(true);
  }, [refused]);

  return (
    <details class="limits" open={open || refused} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="right" />
        <span>Limits</span>
        <span class="muted small">{words.length === 0 ? "None: all that your role allows" : words.join(" · ")}</span>
      </summary>
      <div class="limits-fields">
        <PermissionsField {...props} />
        <ListField
          {...props}
          at="graphs"
          label="Graphs"
          hint="One name or pattern per line; * stands for any text, ? for any character. Empty: every graph."
          placeholder={"social\ntenant-*"}
        />
        <ListField
          {...props}
          at="addresses"
          label="Addresses"
          hint="Where it may be used from: one address or network per line. Empty: from everywhere."
          placeholder={"192.0.2.0/24\n2001:db8::/32"}
        />
        <StartField {...props} />
      </div>
    </details>
  );
}

function wordsOf(draft: LimitsDraft): string[] {
  const words = limitWords(limitsOf(draft));
  return draft.notBefore === "" ? words : [...words, "starts later"];
}

function PermissionsField({ draft, onChange, faults, role }: LimitsFieldProps) {
  const error = faults.permissions;
  return (
    <fieldset class={error === undefined ? "field" : "field invalid"} aria-describedby={error && "permissions-error"}>
      <legend>Permissions</legend>
      {[false, true].map((restricted) => (
        <label key={restricted} class="check">
          <input
            type="radio"
            name="restricted"
            value={String(restricted)}
            checked={draft.restricted === restricted}
            onChange={() => onChange({ restricted })}
          />
          {restricted ? "Only these:" : "Everything that your role allows, now and later"}
        </label>
      ))}
      {draft.restricted && <PermissionChoice chosen={draft.permissions} role={role} onChange={onChange} />}
      <Notes id="permissions" error={error} />
    </fieldset>
  );
}

interface PermissionChoiceProps {
  chosen: readonly Permission[];
  role: Role | undefined;
  onChange(part: Partial<LimitsDraft>): void;
}

function PermissionChoice({ chosen, role, onChange }: PermissionChoiceProps) {
  const toggle = (permission: Permission, on: boolean) =>
    onChange({ permissions: on ? [...chosen, permission] : chosen.filter((each) => each !== permission) });
  return (
    <div class="permission-choice">
      {permissionsOf(role ?? "Read-Only").map((permission) => (
        <label key={permission} class="check">
          <input
            type="checkbox"
            name="permission"
            value={permission}
            checked={chosen.includes(permission)}
            onChange={(event) => toggle(permission, event.currentTarget.checked)}
          />
          <span>
            <code>{permission}</code> <span class="muted small">{PERMISSIONS[permission]}</span>
          </span>
        </label>
      ))}
    </div>
  );
}

interface ListFieldProps extends LimitsFieldProps {
  at: "graphs" | "addresses";
  label: string;
  hint: string;
  placeholder: string;
}

function ListField({ draft, onChange, faults, at, label, hint, placeholder }: ListFieldProps) {
  const id = `token-${at}`;
  return (
    <Field id={id} label={label} hint={hint} error={faults[at]}>
      <textarea
        {...describedBy(id, true, faults[at])}
        class="input lines"
        name={id}
        rows={2}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        dir="auto"
        placeholder={placeholder}
        value={draft[at]}
        onInput={(event) => onChange({ [at]: event.currentTarget.value })}
      />
    </Field>
  );
}

function StartField({ draft, onChange, faults }: LimitsFieldProps) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Field id="token-start" label="Works from" hint={`In your time (${zone}). Empty: at once.`} error={faults.notBefore}>
      <input
        {...describedBy("token-start", true, faults.notBefore)}
        class="input"
        type="datetime-local"
        name="token-start"
        value={draft.notBefore}
        onInput={(event) => onChange({ notBefore: event.currentTarget.value })}
      />
    </Field>
  );
}
