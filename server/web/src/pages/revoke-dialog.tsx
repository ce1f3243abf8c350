import type { Token } from "@falkorpat/sdk";
import { useState } from "preact/hooks";
import type { Successor } from "../api.js";
import { Typed } from "../ui/bits.js";
import { Confirm } from "../ui/dialog.js";

interface RevokeDialogProps {
  token: Token;
  onConfirm(token: Token, successor: Successor): void;
  onCancel(): void;
}

/** Asks before a token is ended, and names it. */
export function RevokeDialog({ token, onConfirm, onCancel }: RevokeDialogProps) {
  const rotated = token.rotated_to !== null;
  // Who ends an old token early has brought the new one to where it is needed.
  const [successor, setSuccessor] = useState<Successor>(rotated ? "keep" : "revoke");
  return (
    <Confirm
      title={
        <>
          Revoke “<Typed>{token.name}</Typed>”?
        </>
      }
      action="Revoke token"
      onConfirm={() => onConfirm(token, successor)}
      onCancel={onCancel}
    >
      <p>
        Whatever uses this token is refused from now on, and so are the tokens made from it. This cannot be undone.
      </p>
      {!rotated && token.rotated_from !== null && <p>The token whose place it took ends with it.</p>}
      {rotated && <SuccessorChoice value={successor} onChange={setSuccessor} />}
      <p class="muted small">
        Token of <Typed>{token.username}</Typed>, ID <code>{token.token_id}</code>
      </p>
    </Confirm>
  );
}

const SUCCESSORS: readonly { value: Successor; label: string }[] = [
  { value: "keep", label: "Keep it working" },
  { value: "revoke", label: "Revoke it too" },
];

function SuccessorChoice({ value, onChange }: { value: Successor; onChange(value: Successor): void }) {
  return (
    <fieldset class="field">
      <legend>The new token that took its place</legend>
      {SUCCESSORS.map((each) => (
        <label key={each.value} class="check">
          <input
            type="radio"
            name="successor"
            value={each.value}
            checked={each.value === value}
            onChange={() => onChange(each.value)}
          />
          {each.label}
        </label>
      ))}
    </fieldset>
  );
}
