// The history in sentences.

import type { Event, EventAction } from "@falkorpat/sdk";

/** What happened. A newer server may tell of more. */
const DONE: Readonly<Partial<Record<EventAction, string>>> = {
  "token.created": "Generated",
  "token.create_failed": "Not generated",
  "token.rotated": "Rotated",
  "token.revoked": "Revoked",
  "token.rebound": "Password updated",
  "token.use_denied": "Use refused",
  "token.reported": "Reported as leaked",
  "token.reused": "Used after it was rotated out",
  "token.suspended": "Suspended",
  "token.resumed": "Resumed",
  "token.shortened": "Ends earlier, by the policy",
  "policy.changed": "Policy changed",
  "session.signed_in": "Signed in",
  "session.sign_in_failed": "Sign-in failed",
  "session.signed_out": "Signed out",
};

type Details = Readonly<Partial<Record<"graph" | "target" | "setting" | "before" | "after", string>>>;

/** What was done to graphs and settings, or tried. */
const CHANGED: Readonly<Partial<Record<EventAction, (details: Details, done: boolean) => string>>> = {
  "graph.deleted": ({ graph }, done) => `${done ? "Deleted" : "Tried to delete"} the graph “${graph}”`,
  "graph.copied": ({ graph, target }, done) => `${done ? "Copied" : "Tried to copy"} the graph “${graph}” to “${target}”`,
  "config.changed": ({ setting, before, after }, done) =>
    `${done ? "Changed" : "Tried to change"} the setting ${setting}${before === undefined ? "" : ` from ${before}`} to ${after}`,
};

/** Why it ended so, where a word of the API is not plain enough. */
const REASONS: Readonly<Record<string, string>> = {
  bulk: "together with others",
  report: "because somebody reported it as leaked",
  reuse: "because a secret that was rotated out was used",
  rotation: "with the token whose place it took, or that took its place",
  issuer: "with the token that it was made from",
  address_not_allowed: "its address was not allowed",
  denied_by_instance: "FalkorDB does not let the user do that",
  missing_permission: "it lacked the permission",
  graph_not_allowed: "it may not touch that graph",
  token_not_yet_valid: "it did not work yet",
  token_rotated: "it had been rotated",
  invalid_token: "it had ended",
  token_ended: "it had ended",
  token_expired: "it had expired",
  token_revoked: "it had been revoked",
  token_suspended: "it was suspended",
  credentials_no_longer_valid: "the login behind it failed",
  invalid_credentials: "the login failed",
};

/** A reason that only says that there is no other one. */
const PLAIN = "direct";

/** sentenceOf says what an event was. */
export function sentenceOf({ action, outcome, reason, details }: Event): string {
  const changed = CHANGED[action]?.(details, outcome === "success");
  const told = DONE[action] ?? action;
  const failed = action.endsWith("_failed") || action.endsWith("_denied");
  const what = changed ?? (outcome === "success" || failed ? told : `${told} in vain`);
  if (reason === null || reason === PLAIN) return `${what}.`;
  const why = REASONS[reason] ?? reason.replaceAll("_", " ");
  return outcome === "success" ? `${what} ${why}.` : `${what}: ${why}.`;
}

/** whoOf says who did it: a person, or a token that they had made. */
export function whoOf({ username, actor_token_id: actor, token_id: token }: Event): string {
  const name = username ?? "somebody unknown";
  if (actor === null) return name;
  return actor === token ? `${name}, with the token itself` : `${name}, with the token ${actor}`;
}
