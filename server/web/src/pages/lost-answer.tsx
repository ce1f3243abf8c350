import { HOME, Link } from "../router.js";
import { Dialog } from "../ui/dialog.js";

/** Tells that an earlier attempt, whose answer never came, has made the token: its text is gone. */
export function LostAnswer({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <Dialog title="The token was made before" onClose={onClose}>
      <p>
        An earlier attempt has made it, and the answer with its text was lost on the way. Nobody can show it again: rotate
        the token to get a new secret, or revoke it.
      </p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
        <Link to={`${HOME}/${encodeURIComponent(id)}`} class="button primary">
          Open the token
        </Link>
      </div>
    </Dialog>
  );
}
