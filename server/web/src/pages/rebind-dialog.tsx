import type { Token } from "@falkorpat/sdk";
import { useState } from "preact/hooks";
import type { Api } from "../api.js";
import { instanceName } from "../lib/instance.js";
import type { Failure } from "../lib/problem.js";
import { FailureAlert, Typed } from "../ui/bits.js";
import { Dialog, FormActions } from "../ui/dialog.js";
import { describedBy, Field } from "../ui/field.js";

interface RebindDialogProps {
  api: Api;
  token: Token;
  onClose(): void;
  onRebound(): void;
}

/** Asks for the password that is right now, and puts it behind the token. */
export function RebindDialog({ api, token, onClose, onRebound }: RebindDialogProps) {
  const [password, setPassword] = useState("");
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const error = failure?.fields["password"] ?? (failure?.code === "invalid_credentials" ? WRONG : undefined);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(undefined);
    const result = await api.rebind(token.token_id, password);
    setBusy(false);
    if (result.ok) onRebound();
    else setFailure(result.failure);
  };

  return (
    <Dialog
      title={
        <>
          Update the password of “<Typed>{token.name}</Typed>”
        </>
      }
      onClose={onClose}
    >
      <form onSubmit={submit} noValidate>
        {failure && error === undefined && <FailureAlert failure={failure} />}
        <p>
          The token logs in to <code>{instanceName(token)}</code> as <Typed>{token.username}</Typed>. Its secret, limits and
          expiry stay as they are.
        </p>
        <Field id="new-password" label="Current password of that user" error={error}>
          <input
            {...describedBy("new-password", false, error)}
            class="input"
            type="password"
            name="new-password"
            autocomplete="current-password"
            autofocus
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </Field>
        <FormActions action={busy ? "Checking…" : "Update password"} busy={busy} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

const WRONG = "The login failed. Type the password again; if it is right, the instance may be out of reach.";
