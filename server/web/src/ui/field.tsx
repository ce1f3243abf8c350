import type { ComponentChildren } from "preact";

interface FieldProps {
  id: string;
  label: string;
  /** Says so beside the label. */
  optional?: boolean;
  hint?: ComponentChildren;
  error: string | undefined;
  children: ComponentChildren;
}

/** A label, the control given as children, a hint and an error; see describedBy. */
export function Field({ id, label, optional = false, hint, error, children }: FieldProps) {
  return (
    <div class={error === undefined ? "field" : "field invalid"}>
      <label for={id}>
        {label}
        {optional && <span class="muted"> (optional)</span>}
      </label>
      {children}
      <Notes id={id} hint={hint} error={error} />
    </div>
  );
}

/** The hint and the error of the control with this id. */
export function Notes({ id, hint, error }: { id: string; hint?: ComponentChildren; error: string | undefined }) {
  return (
    <>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </>
  );
}

/** describedBy ties a control to what its Field says about it. */
export function describedBy(id: string, hint: boolean, error: string | undefined) {
  const ids = [hint && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(" ");
  return {
    id,
    "aria-invalid": error === undefined ? undefined : true,
    "aria-describedby": ids === "" ? undefined : ids,
  } as const;
}
