// Rotation: how long the old secret works on, and whether it is still needed.

import type { Rotation } from "@falkorpat/sdk";
import { DAY, parseTime, relative } from "./time.js";

export type GraceChoice = "0" | "3600" | "86400" | "604800" | "custom";

/** How long the old token shall work on, as it is chosen. */
export interface GraceDraft {
  grace: GraceChoice;
  /** The custom grace in hours, as it is typed. */
  hours: string;
}

/** Long enough to bring the new secret everywhere, and over soon. */
export const A_DAY: GraceDraft = { grace: "86400", hours: "" };

/** The server's limit: 7 days. */
const MOST_HOURS = (7 * DAY) / (60 * 60 * 1000);

/** graceSeconds is the chosen grace; undefined when the typed one is none. */
export function graceSeconds({ grace, hours }: GraceDraft): number | undefined {
  if (grace !== "custom") return Number(grace);
  const count = Number(hours.trim().replace(",", "."));
  if (hours.trim() === "" || !(count > 0 && count <= MOST_HOURS)) return undefined;
  return Math.round(count * 3600);
}

/** graceProblem says what is wrong with the chosen grace, or nothing. */
export function graceProblem(draft: GraceDraft): string | undefined {
  return graceSeconds(draft) === undefined ? `Give a number of hours, at most ${MOST_HOURS}.` : undefined;
}

/** Whether the old one of two tokens can be let go. */
export interface Advice {
  /** over: it has ended; no: it is in use; look: it was in use; yes: nothing uses it. */
  safe: "over" | "no" | "look" | "yes";
  text: string;
}

/** Uses are written down this often at most, so closer ones have no order. */
const PRECISION = 5 * 60_000;

/** adviceOn tells from the last uses of both tokens whether the old one is still needed; over is whether it has ended. */
export function adviceOn(rotation: Rotation, over: boolean, now: number): Advice {
  const [oldUse, newUse] = [parseTime(rotation.old_last_used), parseTime(rotation.new_last_used)];
  const rotated = parseTime(rotation.rotated_at) ?? now;
  const ago = (at: number) => relative(Math.min(at, now), now);
  if (over) return { safe: "over", text: "The old token has ended. Only the new one works." };
  if (newUse === null) {
    const text = "Do not end the old token yet: the new one has not been used. Bring it to where the old one is.";
    return { safe: "no", text };
  }
  if (oldUse === null || oldUse < rotated) {
    return { safe: "yes", text: "It is safe to end the old token: since the rotation, only the new one was used." };
  }
  if (oldUse > newUse - PRECISION) {
    return { safe: "no", text: `Do not end the old token yet: something used it ${ago(oldUse)}.` };
  }
  const text = `Look before you end the old token: something used it ${ago(oldUse)}, after the rotation. The new one was used since.`;
  return { safe: "look", text };
}
