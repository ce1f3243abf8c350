// Settings > Personal Access Tokens.

import type { Session, Token } from "@falkorpat/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, Successor } from "../api.js";
import { EMPTY_DRAFT } from "../lib/draft.js";
import { ruleOf } from "../lib/expiry.js";
import { paramsOf, type Query, queryOf } from "../lib/query.js";
import { titled } from "../lib/tokens.js";
import type { Memory } from "../memory.js";
import { HOME, useNavigation } from "../router.js";
import { useNow } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";
import { usePage } from "../ui/page.js";
import { Toast } from "../ui/toast.js";
import { BulkDialog } from "./bulk-dialog.js";
import { GenerateDialog } from "./generate-dialog.js";
import { RevokeDialog } from "./revoke-dialog.js";
import { type Secret, SecretCard } from "./secret-card.js";
import { StatusTabs } from "./status-tabs.js";
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
  const query = queryOf(router.place.query);
  const ask = (next: Query) => router.go(HOME + paramsOf(next), { replace: true });
  const policy = usePolicy(api, memory);
  const list = useTokens(api, memory, query);
  const [generating, setGenerating] = useState(memory.draft !== undefined);
  const [secret, setSecret] = useState<Secret>();
  const [revoking, setRevoking] = useState<Token>();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [bulk, setBulk] = useState(false);
  const tokens = useRef<HTMLElement>(null);
  const now = useNow();

  // The way back from a token leads to what was looked at.
  const view = paramsOf(query);
  useEffect(() => {
    memory.view = view;
    setSelected(new Set());
  }, [view]);

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
    list.created(next.tokenId);
    // Where it is seen: among the active ones, the newest first.
    if (view !== "") router.go(HOME);
  };
  const revoke = (token: Token, successor: Successor) => {
    setRevoking(undefined);
    setRevocations(revocations + 1);
    list.revoke(token, successor);
  };

  const revokedMany = (count: number) => {
    setBulk(false);
    setSelected(new Set());
    setRevocations(revocations + 1);
    list.revoked(count);
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

      {secret && <SecretCard key={secret.tokenId} api={api} secret={secret} onDone={() => setSecret(undefined)} />}

      <section ref={tokens} class="card tokens" aria-label={`${titled(query.status)} tokens`} tabIndex={-1}>
        <StatusTabs query={query} />
        <TokenList
          list={list}
          admin={session?.role === "Admin"}
          query={query}
          onQuery={ask}
          selected={selected}
          onSelect={setSelected}
          onRevokeMany={() => setBulk(true)}
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
      {bulk && session && (
        <BulkDialog
          api={api}
          session={session}
          ids={[...selected]}
          query={query}
          onClose={() => setBulk(false)}
          onRevoked={revokedMany}
        />
      )}
      <Toast notice={list.notice} onClose={list.clearNotice} />
    </>
  );
}
