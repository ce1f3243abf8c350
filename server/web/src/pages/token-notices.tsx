import type { Policy, Token } from "@falkorpat/sdk";
import { lengthWords, ruleOf } from "../lib/expiry.js";
import { parseTime, relative } from "../lib/time.js";
import { Alert } from "../ui/bits.js";

interface TokenNoticesProps {
  token: Token;
  policy: Policy | undefined;
  now: number;
  onRebind(): void;
  onResume(): void;
}

/** What is the matter with a token, and what to do about it. */
export function TokenNotices({ token, policy, now, onRebind, onResume }: TokenNoticesProps) {
  const since = (at: string | null) => {
    const ms = parseTime(at);
    return ms === null ? "" : ` ${relative(Math.min(ms, now), now)}`;
  };
  return (
    <>
      {token.status === "stale" && (
        <Alert tone="warning">
          <p>
            <strong>The login behind this token fails; that was noticed{since(token.stale_since)}.</strong> Most often the
            password was changed: give the token the new one. It keeps its secret, and works again at once.
          </p>
          <button type="button" class="button small" onClick={onRebind}>
            Update password
          </button>
        </Alert>
      )}
      {token.status === "suspended" && (
        <Alert tone="warning">
          <p>
            <strong>This token was suspended{since(token.suspended_at)}</strong>, because it was not used for long. Resume it
            if it is still needed, or revoke it.
          </p>
          <button type="button" class="button small" onClick={onResume}>
            Resume token
          </button>
        </Alert>
      )}
      {!ended(token) && token.policy_violations.length > 0 && <Violations token={token} policy={policy} />}
    </>
  );
}

function ended({ status }: Token): boolean {
  return status === "expired" || status === "revoked";
}

function Violations({ token, policy }: { token: Token; policy: Policy | undefined }) {
  const endless = token.policy_violations.includes("never_expires");
  const longest = policy && ` of ${lengthWords(ruleOf(policy).longest)}`;
  return (
    <Alert tone="warning">
      <p>
        <strong>
          {endless ? "This token never expires, which is not allowed any more." : `This token lives longer than the longest lifetime${longest ?? ""}.`}
        </strong>{" "}
        {policy?.existing_tokens === "block" && "It is refused because of that. "}
        Rotate it: the new token keeps to what is allowed.
      </p>
    </Alert>
  );
}
