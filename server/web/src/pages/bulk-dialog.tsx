import type { Session } from "@falkorpat/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { type Bulk, bulkRequest, forecast, type Scope, tokensOf } from "../lib/bulk.js";
import { instanceName } from "../lib/instance.js";
import type { Failure } from "../lib/problem.js";
import { filters, type Query } from "../lib/query.js";
import { FailureAlert } from "../ui/bits.js";
import { Dialog, FormActions } from "../ui/dialog.js";
import { describedBy, Field } from "../ui/field.js";

/** After the last key press, so long passes before it is counted anew. */
const PAUSE_MS = 250;

interface BulkDialogProps {
  api: Api;
  session: Session;
  ids: readonly string[];
  query: Query;
  onClose(): void;
  onRevoked(count: number): void;
}

/** Asks which tokens to end, says how many that are, and ends them. */
export function BulkDialog({ api, session, ids, query, onClose, onRevoked }: BulkDialogProps) {
  const [bulk, setBulk] = useState<Bulk>({ scope: ids.length > 0 ? "selected" : "mine", ids, query, username: "" });
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<string>();
  const { request, words, count, failure: uncounted } = useForecast(api, bulk);
  const { failure, done, busy, revoke } = useRevocation(api, onRevoked);
  const wanted = confirmationOf(bulk, session);

  const submit = (event: Event) => {
    event.preventDefault();
    if (wanted !== undefined && typed.trim() !== wanted) return setError(`Type ${wanted} to go on.`);
    if (!busy && request !== undefined && count !== undefined && count > 0) void revoke(request);
  };
  const choose = (part: Partial<Bulk>) => {
    setBulk({ ...bulk, ...part });
    setTyped("");
    setError(undefined);
  };

  const problem = failure ?? uncounted;
  return (
    <Dialog title="Revoke many tokens" onClose={onClose}>
      <form onSubmit={submit} noValidate>
        {problem && <FailureAlert failure={problem} />}
        <ScopeField bulk={bulk} admin={session.role === "Admin"} onChange={choose} />
        <p role="status" class="forecast">
          {busy ? `Revoked ${tokensOf(done)} so far…` : words}
        </p>
        {wanted !== undefined && (
          <Field id="bulk-confirm" label={`Type ${wanted} to confirm`} error={error}>
            <input
              {...describedBy("bulk-confirm", false, error)}
              class="input"
              name="bulk-confirm"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </Field>
        )}
        <p class="muted small">Whatever uses these tokens is refused from then on. This cannot be undone.</p>
        <FormActions
          danger
          action={count === undefined ? "Revoke" : `Revoke ${tokensOf(count)}`}
          busy={busy || !count}
          onCancel={onClose}
        />
      </form>
    </Dialog>
  );
}

/** What has to be typed before somebody else's tokens are ended at once. */
function confirmationOf({ scope, username }: Bulk, session: Session): string | undefined {
  if (scope === "user") return username.trim() === "" ? undefined : username.trim();
  return scope === "everyone" ? instanceName(session.instance) : undefined;
}

interface ScopeFieldProps {
  bulk: Bulk;
  admin: boolean;
  onChange(part: Partial<Bulk>): void;
}

function ScopeField({ bulk, admin, onChange }: ScopeFieldProps) {
  const { ids, query } = bulk;
  const whose = admin && query.username.trim() !== "" ? `All of ${query.username.trim()}` : "All of mine";
  const choices: [scope: Scope, label: string, shown: boolean][] = [
    ["selected", `The selected ones (${ids.length})`, ids.length > 0],
    ["found", `${whose} that the filters find`, query.status !== "revoked" && (query.name.trim() !== "" || filters(query) > 0)],
    ["mine", "All of mine", true],
    ["user", "All of one user", admin],
    ["everyone", "All of everyone on this instance", admin],
  ];
  return (
    <fieldset class="field">
      <legend>Which tokens</legend>
      {choices
        .filter(([, , shown]) => shown)
        .map(([scope, label]) => (
          <label key={scope} class="check">
            <input
              type="radio"
              name="scope"
              value={scope}
              checked={bulk.scope === scope}
              onChange={() => onChange({ scope })}
            />
            {label}
          </label>
        ))}
      {bulk.scope === "user" && (
        <Field id="bulk-user" label="User" error={undefined}>
          <input
            {...describedBy("bulk-user", false, undefined)}
            class="input"
            name="bulk-user"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxLength={128}
            value={bulk.username}
            onInput={(event) => onChange({ username: event.currentTarget.value })}
          />
        </Field>
      )}
    </fieldset>
  );
}

/** useForecast counts, without revoking anything, what is meant. */
function useForecast(api: Api, bulk: Bulk) {
  const [found, setFound] = useState<{ words: string; count?: number; failure?: Failure }>({ words: "" });
  const request = useRef<ReturnType<typeof bulkRequest>>(undefined);
  useEffect(() => {
    let current = true;
    request.current = bulkRequest(bulk, Date.now());
    const asked = request.current;
    setFound({ words: asked === undefined ? "" : "Counting…" });
    if (asked === undefined) return;
    const timer = setTimeout(async () => {
      const result = await api.revokeMany({ ...asked, dryRun: true });
      if (!current) return;
      if (result.ok) setFound({ words: forecast(result.value), count: result.value.revoked });
      else setFound({ words: "", failure: result.failure });
    }, bulk.scope === "user" ? PAUSE_MS : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [bulk]);
  return { ...found, request: request.current };
}

/** useRevocation asks until nothing is left: one call ends as many as it can in its time. */
function useRevocation(api: Api, onRevoked: (count: number) => void) {
  const [state, setState] = useState<{ busy: boolean; done: number; failure?: Failure }>({ busy: false, done: 0 });
  const revoke = async (request: NonNullable<ReturnType<typeof bulkRequest>>) => {
    let done = 0;
    for (;;) {
      setState({ busy: true, done });
      const result = await api.revokeMany(request);
      if (!result.ok) return setState({ busy: false, done, failure: result.failure });
      done += result.value.revoked;
      // Where nothing goes on, asking again would be for ever.
      if (result.value.complete || result.value.revoked === 0) return onRevoked(done);
    }
  };
  return { ...state, revoke };
}
