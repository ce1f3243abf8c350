// Settings > Personal Access Tokens.

import type { Session, Token, TokenStatus } from "@falkorpat/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, Successor } from "../api.js";
import { EMPTY_DRAFT } from "../lib/draft.js";
import { ruleOf } from "../lib/expiry.js";
import { titled } from "../lib/tokens.js";
import type { Memory, View } from "../memory.js";
import { HOME, useNavigation } from "../router.js";
import { useNow } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { usePage } from "../ui/page.js";
import { Toast } from "../ui/toast.js";
import { GenerateDialog } from "./generate-dialog.js";
import { RevokeDialog } from "./revoke-dialog.js";
import { type Secret, SecretCard } from "./secret-card.js";
import { statusOf, StatusTabs } from "./status-tabs.js";
import { TokenList } from "./token-list.js";
import { usePolicy } from "./use-policy.js";
import { useTokens } from "./use-tokens.js";

interface TokensPageProps {
  api: Api;
  memory: Memory;
  session: Session | undefined;
}

export function TokensPage({ api, memory, session }: TokensPageProps) {
  const heading = usePage("Personal access tokens");
  const router = useNavigation();
  const status = statusOf(router.place.query);
  const policy = usePolicy(api, memory);
  const list = useTokens(api, memory, status);
  const [view, setView] = useView(memory, status);
  const [generating, setGenerating] = useState(memory.draft !== undefined);
  const [secret, setSecret] = useState<Secret>();
  const [revoking, setRevoking] = useState<Token>();
  const tokens = useRef<HTMLElement>(null);
  const now = useNow();

  const [revocations, setRevocations] = useState(0);

  // The button that had the focus has gone with its row; stay near it.
  useEffect(() => {
    if (revocations > 0) tokens.current?.focus({ preventScroll: true });
  }, [revocations]);

  const generate = (open: boolean) => {
    memory.draft = open ? EMPTY_DRAFT : undefined;
    setGenerating(open);
  };
  const generateAnother = () =>
    router.leave(() => {
      setSecret(undefined);
      generate(true);
    });
  const created = (next: Secret) => {
    generate(false);
    setSecret(next);
    setView({ ...view, query: "", page: 1 });
    list.created(next.tokenId);
    if (status !== "active") router.go(HOME);
  };
  const revoke = (token: Token, successor: Successor) => {
    setRevoking(undefined);
    setRevocations(revocations + 1);
    list.revoke(token, successor);
  };

  return (
    <>
      <header class="page-head">
        <div>
          <p class="crumb">Settings</p>
          <h1 ref={heading} tabIndex={-1}>
            Personal access tokens
          </h1>
          <p class="muted">They stand in for your FalkorDB password in scripts, CI and other programs.</p>
        </div>
        <button type="button" class="button primary" onClick={generateAnother}>
          <Icon name="plus" />
          Generate token
        </button>
      </header>

      {secret && <SecretCard key={secret.tokenId} secret={secret} onDone={() => setSecret(undefined)} />}

      <section ref={tokens} class="card tokens" aria-label={`${titled(status)} tokens`} tabIndex={-1}>
        <StatusTabs current={status} />
        <TokenList
          list={list}
          status={status}
          admin={session?.role === "Admin"}
          view={view}
          onView={setView}
          now={now}
          onRevoke={setRevoking}
          onGenerate={() => generate(true)}
        />
      </section>

      {generating && (
        <GenerateDialog
          api={api}
          memory={memory}
          role={session?.role}
          rule={ruleOf(policy)}
          onClose={() => generate(false)}
          onCreated={created}
        />
      )}
      {revoking && <RevokeDialog token={revoking} onConfirm={revoke} onCancel={() => setRevoking(undefined)} />}
      <Toast notice={list.notice} onClose={list.clearNotice} />
    </>
  );
}

/** useView is how the table is looked at; it is remembered, and every tab begins at its first page. */
function useView(memory: Memory, status: TokenStatus): [View, (view: View) => void] {
  const [view, setState] = useState(memory.view);
  const setView = (next: View) => {
    memory.view = next;
    setState(next);
  };
  const shown = useRef(status);
  useEffect(() => {
    if (shown.current !== status) setView({ ...view, page: 1 });
    shown.current = status;
  }, [status]);
  return [view, setView];
}
