import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface DialogProps {
  title: ComponentChildren;
  /** Asked when the person wants out: Escape, Cancel. The caller stops rendering the dialog. */
  onClose(): void;
  /** alertdialog for a question that interrupts. */
  role?: "dialog" | "alertdialog";
  children: ComponentChildren;
}

/**
 * A modal dialog: the browser's own, which traps the focus, makes the rest of the page inert, and gives the focus back to
 * where it was. A click beside it does nothing, so that nothing typed is lost by a slip.
 */
export function Dialog({ title, onClose, role = "dialog", children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();

  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // Removing an open dialog would leave the focus nowhere.
    return () => dialog?.close();
  }, []);

  return (
    <dialog
      ref={ref}
      role={role}
      aria-labelledby={heading}
      class="dialog"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: ComponentChildren;
  action: string;
  cancel?: string;
  onConfirm(): void;
  onCancel(): void;
  children: ComponentChildren;
}

/** A question with a way back, which has the focus: Enter alone never destroys anything. */
export function Confirm({ title, action, cancel = "Cancel", onConfirm, onCancel, children }: ConfirmProps) {
  return (
    <Dialog title={title} role="alertdialog" onClose={onCancel}>
      {children}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onCancel} autofocus>
          {cancel}
        </button>
        <button type="button" class="button danger" onClick={onConfirm}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}

interface FormActionsProps {
  action: string;
  busy: boolean;
  danger?: boolean;
  onCancel(): void;
}

/** The end of a form in a dialog: the way back, and the button that sends it off. */
export function FormActions({ action, busy, danger = false, onCancel }: FormActionsProps) {
  return (
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onCancel}>
        Cancel
      </button>
      <button type="submit" class={danger ? "button danger" : "button primary"} aria-disabled={busy}>
        {action}
      </button>
    </div>
  );
}
