// When a token ends: the choices of the generate dialog, and the marks in tables.

import { DAY } from "./time.js";

/** The server's limit: 31,622,400 seconds. */
export const LONGEST_DAYS = 366;
/** Tokens that end within this many days are marked. */
export const SOON_DAYS = 7;

export type ExpiryChoice = "30" | "60" | "90" | "custom" | "never";

/** When the token shall end, as it is chosen. */
export interface ExpiryDraft {
  expiry: ExpiryChoice;
  /** The custom day as YYYY-MM-DD, or empty. */
  date: string;
}

export const NO_EXPIRY: ExpiryDraft = { expiry: "30", date: "" };

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
export function lastDay(now: number): string {
  return isoDay(now + (LONGEST_DAYS - 1) * DAY);
}

/** expiryEnd is when a token made now would end; null means never, undefined not yet decided. */
export function expiryEnd(draft: ExpiryDraft, now: number): number | null | undefined {
  if (draft.expiry === "never") return null;
  if (draft.expiry === "custom") return endOfDay(draft.date) ?? undefined;
  return now + Number(draft.expiry) * DAY;
}

/** expiryProblem says what is wrong with the chosen expiry, or nothing. */
export function expiryProblem(draft: ExpiryDraft, now: number): string | undefined {
  if (draft.expiry !== "custom") return undefined;
  const end = endOfDay(draft.date);
  if (end === null) return "Choose the last day on which the token works.";
  if (end <= now) return "Choose today or a later day.";
  if (end > now + LONGEST_DAYS * DAY) return `Choose a day at most ${LONGEST_DAYS - 1} days ahead.`;
  return undefined;
}

/** expiryFields turns a draft without problems into the request's field. */
export function expiryFields(draft: ExpiryDraft): ExpiryFields {
  if (draft.expiry === "never") return { expiresAt: null };
  if (draft.expiry === "custom") {
    const end = endOfDay(draft.date);
    if (end === null) throw new RangeError("expiryFields: the draft has no valid day");
    return { expiresAt: new Date(end).toISOString() };
  }
  return { ttlSeconds: (Number(draft.expiry) * DAY) / 1000 };
}

/** expiresSoon tells whether a time lies in the days that are marked. */
export function expiresSoon(expiresAt: number | null, now: number): boolean {
  return expiresAt !== null && expiresAt > now && expiresAt - now <= SOON_DAYS * DAY;
}
