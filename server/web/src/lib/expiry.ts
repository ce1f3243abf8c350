// When a token ends: the choices of the generate dialog, and the marks in tables.

import type { Policy } from "@falkorpat/sdk";
import { DAY } from "./time.js";

/** Tokens that end within this many days are marked. */
export const SOON_DAYS = 7;

/** What may be chosen, in days; the operator's policy can be narrower than the API. */
export interface ExpiryRule {
  longest: number;
  /** Whether a token may have no end. */
  never: boolean;
  /** What is preselected; undefined when the operator does not say. */
  preset: number | undefined;
}

/** The API's own limit, 31,622,400 seconds, and nothing narrower. */
export const NO_RULE: ExpiryRule = { longest: 366, never: true, preset: undefined };

/** ruleOf is the policy as far as it is about expiry. */
export function ruleOf(policy: Policy | undefined): ExpiryRule {
  if (!policy) return NO_RULE;
  const days = (seconds: number) => (seconds * 1000) / DAY;
  const preset = policy.default_lifetime_seconds;
  return {
    longest: days(policy.max_lifetime_seconds),
    never: policy.never_expiring_allowed,
    preset: preset === null ? undefined : days(preset),
  };
}

/** A number of days, "custom" or "never". */
export type ExpiryChoice = string;

/** When the token shall end, as it is chosen. */
export interface ExpiryDraft {
  /** Empty for what is preselected. */
  expiry: ExpiryChoice;
  /** The custom day as YYYY-MM-DD, or empty. */
  date: string;
}

export const NO_EXPIRY: ExpiryDraft = { expiry: "", date: "" };

/** lengthWords says how long a number of days is: "30 days", "12 hours". */
export function lengthWords(days: number): string {
  const [count, unit] = days >= 2 ? [days, "day"] : [days * 24, "hour"];
  const rounded = Math.round(count * 10) / 10;
  return `${rounded} ${unit}${rounded === 1 ? "" : "s"}`;
}

/** choicesOf are the expiries to choose from, the shortest first. */
export function choicesOf({ longest, never, preset }: ExpiryRule): { value: ExpiryChoice; label: string }[] {
  const lengths = [30, 60, 90].filter((days) => days <= longest);
  for (const days of [preset, lengths.length === 0 ? longest : undefined]) {
    if (days !== undefined && days <= longest && !lengths.includes(days)) lengths.push(days);
  }
  const choices = lengths.sort((a, b) => a - b).map((days) => ({ value: String(days), label: lengthWords(days) }));
  // Only whole days can be chosen; with less to choose from, there is none.
  if (longest >= 2) choices.push({ value: "custom", label: "Custom" });
  if (never) choices.push({ value: "never", label: "Never" });
  return choices;
}

/** chosen is a draft's expiry under a rule: what was chosen, or else what is preselected. */
export function chosen({ expiry }: ExpiryDraft, rule: ExpiryRule): ExpiryChoice {
  const values = choicesOf(rule).map(({ value }) => value);
  const wanted = [expiry, String(rule.preset), "30"].find((value) => values.includes(value));
  return wanted ?? values[0] ?? "custom";
}

/** What createToken wants: one of the two fields; expiresAt null means never. */
export type ExpiryFields = { ttlSeconds: number } | { expiresAt: string | null };

/** isoDay is a local day as an input of type date wants it. */
export function isoDay(ms: number): string {
  const date = new Date(ms);
  const month = String(date.getMonth() + 1).padStart(2, "0");
  return `${date.getFullYear()}-${month}-${String(date.getDate()).padStart(2, "0")}`;
}

/** endOfDay is the last second of a local day, or null when the text is no day. */
export function endOfDay(value: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (!match) return null;
  const [year, month, date] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const end = new Date(year, month - 1, date, 23, 59, 59);
  // Date rolls 31 February over into March; that is not what was typed.
  return end.getMonth() === month - 1 && end.getDate() === date ? end.getTime() : null;
}

/** lastDay is the latest day whose end the server still accepts. */
export function lastDay(now: number, rule: ExpiryRule): string {
  return isoDay(now + (rule.longest - 1) * DAY);
}

/** expiryEnd is when a token made now would end; null means never, undefined not yet decided. */
export function expiryEnd(draft: ExpiryDraft, rule: ExpiryRule, now: number): number | null | undefined {
  const expiry = chosen(draft, rule);
  if (expiry === "never") return null;
  if (expiry === "custom") return endOfDay(draft.date) ?? undefined;
  return now + Number(expiry) * DAY;
}

/** expiryProblem says what is wrong with the chosen expiry, or nothing. */
export function expiryProblem(draft: ExpiryDraft, rule: ExpiryRule, now: number): string | undefined {
  if (chosen(draft, rule) !== "custom") return undefined;
  const end = endOfDay(draft.date);
  if (end === null) return "Choose the last day on which the token works.";
  if (end <= now) return "Choose today or a later day.";
  if (end > now + rule.longest * DAY) return `Choose a day at most ${Math.floor(rule.longest - 1)} days ahead.`;
  return undefined;
}

/** expiryFields turns a draft without problems into the request's field. */
export function expiryFields(draft: ExpiryDraft, rule: ExpiryRule): ExpiryFields {
  const expiry = chosen(draft, rule);
  if (expiry === "never") return { expiresAt: null };
  if (expiry === "custom") {
    const end = endOfDay(draft.date);
    if (end === null) throw new RangeError("expiryFields: the draft has no valid day");
    return { expiresAt: new Date(end).toISOString() };
  }
  return { ttlSeconds: Math.round((Number(expiry) * DAY) / 1000) };
}

/** expiresSoon tells whether a time lies in the days that are marked. */
export function expiresSoon(expiresAt: number | null, now: number): boolean {
  return expiresAt !== null && expiresAt > now && expiresAt - now <= SOON_DAYS * DAY;
}
