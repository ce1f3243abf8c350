import { useState } from "preact/hooks";
import { base64, CA_LIMIT, caProblem } from "../lib/ca.js";
import { describedBy, Field } from "../ui/field.js";

/** How to connect to the instance. */
export interface Tls {
  on: boolean;
  /** Base64 of the CA file, when one was chosen and is fit. */
  ca?: string;
  /** Why the chosen CA file is not fit. */
  problem?: string;
}

interface TlsOptionsProps {
  value: Tls;
  onChange(value: Tls): void;
  error: string | undefined;
}

/** TLS and its CA file: rarely needed, so the file's field appears only with the check mark. */
export function TlsOptions({ value, onChange, error }: TlsOptionsProps) {
  const problem = value.problem ?? error;
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          name="tls"
          checked={value.on}
          onChange={(event) => onChange({ ...value, on: event.currentTarget.checked })}
        />
        Connect to the instance with TLS
      </label>
      {value.on && (
        <Field id="ca" label="CA file" hint="PEM; only when the server's certificate is not publicly trusted." error={problem}>
          <CaInput id="ca" error={problem} onRead={(read) => onChange({ on: true, ...read })} />
        </Field>
      )}
    </>
  );
}

interface CaInputProps {
  id: string;
  error: string | undefined;
  onRead(read: { ca?: string; problem?: string }): void;
}

function CaInput({ id, error, onRead }: CaInputProps) {
  // Counts the choices, so that a slow file cannot overwrite a later one.
  const [turn] = useState({ latest: 0 });
  const choose = async (file: File | undefined) => {
    const mine = ++turn.latest;
    if (!file) return onRead({});
    const read = await readCa(file);
    if (mine === turn.latest) onRead(read);
  };
  return (
    <input
      {...describedBy(id, true, error)}
      class="input file"
      type="file"
      name={id}
      accept=".pem,.crt,.cer,application/x-pem-file,application/x-x509-ca-cert"
      onChange={(event) => void choose(event.currentTarget.files?.[0])}
    />
  );
}

async function readCa(file: File): Promise<{ ca?: string; problem?: string }> {
  // A file that is far too large is not even read.
  const bytes = new Uint8Array(await file.slice(0, CA_LIMIT + 1).arrayBuffer());
  const problem = caProblem(bytes);
  return problem === undefined ? { ca: base64(bytes) } : { problem };
}
