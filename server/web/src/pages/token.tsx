import type { Session, Token, TokenAnswer } from "@falkorpat/sdk";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.js";
import type { Failure, Result } from "../lib/problem.js";
import type { Memory } from "../memory.js";
import { HOME, Link, useNavigation } from "../router.js";
import { FailureAlert, Typed, useNow } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { usePage } from "../ui/page.js";
import { RebindDialog } from "./rebind-dialog.js";
import { RevokeDialog } from "./revoke-dialog.js";
import { RotateDialog } from "./rotate-dialog.js";
import { RotationCard } from "./rotation-card.js";
import { type Secret, SecretCard } from "./secret-card.js";
import { TokenDetails } from "./token-details.js";
import { TokenHistory } from "./token-history.js";
import { TokenNotices } from "./token-notices.js";
import { usePolicy } from "./use-policy.js";

interface TokenPageProps {
  api: Api;
  memory: Memory;
  id: string;
  session: Session | undefined;
}

type Question = "revoke" | "rotate" | "rebind";

/** Everything about one token, and what can be done with it. */
export function TokenPage({ api, memory, id, session }: TokenPageProps) {
  const [answer, setAnswer] = useState<TokenAnswer>();
  const [failure, setFailure] = useState<Failure>();
  const [asking, setAsking] = useState<Question>();
  const [secret, setSecret] = useState<Secret>();
  // Every change is told of in the history.
  const [changes, setChanges] = useState(0);
  const router = useNavigation();
  const now = useNow();
  const policy = usePolicy(api, memory);
  const history = router.place.query.get("tab") === "history";
  const token = answer?.token;
  const heading = usePage(token ? token.name : "Token");

  const load = async () => {
    const result = await api.token(id);
    setFailure(result.ok ? undefined : result.failure);
    if (result.ok) setAnswer(result.value);
    setChanges((count) => count + 1);
  };
  useEffect(() => {
    setAnswer(undefined);
    setSecret(undefined);
    void load();
  }, [id]);

  /** Shows what became of a change; the button that had the focus may have gone with it. */
  const after = async (change: Promise<Result<void>>) => {
    setAsking(undefined);
    const result = await change;
    if (result.ok) await load();
    else setFailure(result.failure);
    heading.current?.focus();
  };
  const rotated = (next: Secret) => {
    setAsking(undefined);
    setSecret(next);
    void load();
  };
  // The new token's own page is where one goes on with it; the secret was dealt with.
  const done = ({ tokenId }: Secret) => {
    router.setGuard("none");
    router.go(`${HOME}/${encodeURIComponent(tokenId)}`);
  };

  return (
    <>
      <p class="crumb">
        <Link to={HOME + memory.view}>
          <Icon name="left" />
          Personal access tokens
        </Link>
      </p>
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {token ? <Typed>{token.name}</Typed> : "Token"}
        </h1>
        {token && <Actions token={token} own={session?.user.user_id === token.user_id} onAsk={setAsking} />}
      </header>
      {secret && <SecretCard api={api} secret={secret} onDone={() => done(secret)} />}
      {failure && <FailureAlert failure={failure} onRetry={isPassing(failure) ? load : undefined} />}
      {token && (
        <TokenNotices
          token={token}
          policy={policy}
          now={now}
          onRebind={() => setAsking("rebind")}
          onResume={() => void after(api.resume(id))}
        />
      )}
      {!token && !failure && <div class="card skeleton tall" role="status" aria-label="Loading" />}
      {token && <Tabs id={id} history={history} />}
      {token && history && <TokenHistory key={changes} api={api} id={id} now={now} />}
      {answer && !history && (
        <>
          {answer.rotation && <RotationCard rotation={answer.rotation} token={answer.token} now={now} />}
          <TokenDetails token={answer.token} now={now} />
        </>
      )}
      {asking === "revoke" && token && (
        <RevokeDialog
          token={token}
          onConfirm={(_, successor) => void after(api.revoke(id, successor))}
          onCancel={() => setAsking(undefined)}
        />
      )}
      {asking === "rotate" && token && (
        <RotateDialog api={api} token={token} onClose={() => setAsking(undefined)} onRotated={rotated} />
      )}
      {asking === "rebind" && token && (
        <RebindDialog
          api={api}
          token={token}
          onClose={() => setAsking(undefined)}
          onRebound={() => void after(Promise.resolve({ ok: true, value: undefined }))}
        />
      )}
    </>
  );
}

/** isPassing tells whether trying again can help. */
function isPassing({ status }: Failure): boolean {
  return status === 0 || status >= 500;
}

/** What to see of a token; links, so that each has an address. */
function Tabs({ id, history }: { id: string; history: boolean }) {
  const here = `${HOME}/${encodeURIComponent(id)}`;
  return (
    <nav class="tabs page-tabs" aria-label="Views">
      <Link to={here} current={!history}>
        Details
      </Link>
      <Link to={`${here}?tab=history`} current={history}>
        History
      </Link>
    </nav>
  );
}

interface ActionsProps {
  token: Token;
  /** The new secret of a rotation is for the owner alone. */
  own: boolean;
  onAsk(what: Question): void;
}

function Actions({ token, own, onAsk }: ActionsProps) {
  if (token.status === "expired" || token.status === "revoked") return null;
  return (
    <div class="page-actions">
      {own && token.is_active && token.rotated_to === null && (
        <button type="button" class="button" onClick={() => onAsk("rotate")}>
          <Icon name="refresh" />
          Rotate token
        </button>
      )}
      {token.status !== "stale" && (
        <button type="button" class="button" onClick={() => onAsk("rebind")}>
          Update password
        </button>
      )}
      <button type="button" class="button danger-quiet" onClick={() => onAsk("revoke")}>
        Revoke token
      </button>
    </div>
  );
}
