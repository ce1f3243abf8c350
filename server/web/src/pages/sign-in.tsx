import type { Credentials, Instance, Session } from "@falkorpat/sdk";
import { type RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import type { Notice } from "../app.js";
import { instanceName } from "../lib/instance.js";
import type { Failure } from "../lib/problem.js";
import type { Memory } from "../memory.js";
import { Alert, FailureAlert } from "../ui/bits.js";
import { describedBy, Field } from "../ui/field.js";
import { usePage } from "../ui/page.js";
import { Brand } from "../ui/shell.js";
import { type Tls, TlsOptions } from "./tls-options.js";

interface SignInProps {
  api: Api;
  notice: Notice;
  memory: Memory["signIn"];
  onSignedIn(session: Session): void;
}

export function SignInPage({ api, notice, memory, onSignedIn }: SignInProps) {
  usePage("Sign in");
  const { instances, failure: noInstances, load } = useInstances(api);
  const [username, setUsername] = useState(memory.username);
  const [password, setPassword] = useState("");
  const [chosen, setChosen] = useState(memory.instance);
  const [tls, setTls] = useState<Tls>({ on: memory.tls });
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const usernameInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);

  useEffect(() => (username === "" ? usernameInput : passwordInput).current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || (tls.on && tls.problem !== undefined)) return;
    setBusy(true);
    setFailure(undefined);
    const known = instances ?? (await load()) ?? [];
    const instance = known.find((each) => instanceName(each) === chosen) ?? known[0];
    const result = instance && (await api.signIn(credentialsOf(username, password, instance, tls)));
    setBusy(false);
    if (result?.ok) {
      Object.assign(memory, { instance: chosen, tls: tls.on });
      onSignedIn(result.value);
    } else {
      setFailure(result?.failure);
      // Most often it is the password; have it ready to be typed over.
      passwordInput.current?.select();
    }
  };

  const fields = failure?.fields ?? {};
  return (
    <main class="sign-in">
      <form class="card sign-in-card" onSubmit={submit} noValidate>
        <Brand />
        <h1>Sign in</h1>
        <Explanation instances={instances} notice={notice} />
        {noInstances && <FailureAlert failure={noInstances} onRetry={() => void load()} />}
        {failure && Object.keys(fields).length === 0 && <FailureAlert failure={failure} />}
        <Username value={username} onInput={setUsername} error={fields["username"]} input={usernameInput} />
        <Password value={password} onInput={setPassword} error={fields["password"]} input={passwordInput} />
        <InstanceChoice
          instances={instances ?? []}
          chosen={chosen}
          onChoose={setChosen}
          error={fields["host"] ?? fields["port"]}
        />
        <TlsOptions value={tls} onChange={setTls} error={fields["ca"] ?? fields["tls"]} />
        <button type="submit" class="button primary wide" aria-disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p class="sign-in-foot">
        Scripts and CI use tokens instead: see the <a href="docs">API documentation</a>.
      </p>
    </main>
  );
}

function credentialsOf(username: string, password: string, instance: Instance, tls: Tls): Credentials {
  const credentials: Credentials = { password, host: instance.host, port: instance.port, tls: tls.on };
  if (username !== "") credentials.username = username;
  if (tls.on && tls.ca !== undefined) credentials.ca = tls.ca;
  return credentials;
}

/** useInstances asks once which servers may be signed in to. */
function useInstances(api: Api) {
  const [instances, setInstances] = useState<readonly Instance[]>();
  const [failure, setFailure] = useState<Failure>();
  const load = async (): Promise<readonly Instance[] | undefined> => {
    setFailure(undefined);
    const result = await api.instances();
    if (result.ok) setInstances(result.value);
    else setFailure(result.failure);
    return result.ok ? result.value : undefined;
  };
  useEffect(() => void load(), []);
  return { instances, failure, load };
}

function Explanation({ instances, notice }: { instances: readonly Instance[] | undefined; notice: Notice }) {
  const only = instances?.length === 1 ? instances[0] : undefined;
  return (
    <>
      <p class="muted">
        With your FalkorDB user{only && [" at ", <code>{instanceName(only)}</code>]}, to manage your personal access tokens.
      </p>
      {notice && (
        <Alert tone="info">
          <p>
            {notice === "expired"
              ? "Your session has ended. Sign in to go on where you were."
              : "You have signed out."}
          </p>
        </Alert>
      )}
    </>
  );
}

interface TextProps {
  value: string;
  onInput(value: string): void;
  error: string | undefined;
  input: RefObject<HTMLInputElement | null>;
}

function Username({ value, onInput, error, input }: TextProps) {
  const hint = (
    <>
      Leave it empty to be <code>default</code>.
    </>
  );
  return (
    <Field id="username" label="Username" hint={hint} error={error}>
      <input
        {...describedBy("username", true, error)}
        ref={input}
        class="input"
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        maxLength={128}
        dir="auto"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}

function Password({ value, onInput, error, input }: TextProps) {
  return (
    <Field id="password" label="Password" error={error}>
      <input
        {...describedBy("password", false, error)}
        ref={input}
        class="input"
        type="password"
        name="password"
        autocomplete="current-password"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}

interface InstanceChoiceProps {
  instances: readonly Instance[];
  chosen: string;
  onChoose(name: string): void;
  error: string | undefined;
}

function InstanceChoice({ instances, chosen, onChoose, error }: InstanceChoiceProps) {
  // With one instance there is nothing to choose, but a fault must still show.
  if (instances.length < 2) return error === undefined ? null : <Alert tone="error">{error}</Alert>;
  const names = instances.map(instanceName);
  return (
    <Field id="instance" label="Instance" error={error}>
      <select
        {...describedBy("instance", false, error)}
        class="input"
        name="instance"
        value={names.includes(chosen) ? chosen : names[0]}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  );
}
