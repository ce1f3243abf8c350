import type { Token } from "@falkorpat/sdk";
import { Typed } from "../ui/bits.js";
import { Confirm } from "../ui/dialog.js";

interface RevokeDialogProps {
  token: Token;
  onConfirm(token: Token): void;
  onCancel(): void;
}

/** Asks before a token is ended, and names it. */
export function RevokeDialog({ token, onConfirm, onCancel }: RevokeDialogProps) {
  return (
    <Confirm
      title={
        <>
          Revoke “<Typed>{token.name}</Typed>”?
        </>
      }
      action="Revoke token"
      onConfirm={() => onConfirm(token)}
      onCancel={onCancel}
    >
      <p>
        Whatever uses this token is refused from now on, and so are the tokens made from it. This cannot be undone.
      </p>
      <p class="muted small">
        Token of <Typed>{token.username}</Typed>, ID <code>{token.token_id}</code>
      </p>
    </Confirm>
  );
}
