// What went wrong with a call, in a form that pages can show.

import type { Problem } from "@falkorpat/sdk";

export interface Failure {
  /** The answer's status; 0 when there was no answer. */
  status: number;
  /** The problem's code; "unreachable" when there was no answer. */
  code: string;
  /** A sentence for people. */
  message: string;
  /** Messages at fields, by the field's name in the API. */
  fields: Readonly<Record<string, string>>;
  /** Finds the request in the server's log; empty when there was no answer. */
  requestId: string;
}

export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure };

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && typeof (body as Problem).message === "string";
}

function waitOf(retryAfter: string | null): string {
  const seconds = Number(retryAfter ?? "");
  if (!Number.isFinite(seconds) || seconds <= 0) return "";
  return seconds < 90 ? ` Try again in ${Math.ceil(seconds)} s.` : ` Try again in ${Math.ceil(seconds / 60)} minutes.`;
}

/** failureOf reads an answer that is no success; body is whatever came, a problem or a proxy's page. */
export function failureOf(status: number, body: unknown, retryAfter: string | null): Failure {
  if (!isProblem(body)) {
    return {
      status,
      code: "unexpected",
      message: `The server answered with status ${status}.${waitOf(retryAfter)}`,
      fields: {},
      requestId: "",
    };
  }
  const fields: Record<string, string> = {};
  for (const { field, message } of body.errors ?? []) fields[field] ??= sentence(message);
  return {
    status,
    code: body.code,
    message: status === 429 ? `Too many failed attempts.${waitOf(retryAfter)}` : body.message,
    fields,
    requestId: body.requestId,
  };
}

/** unreachable is the failure of a call that got no answer. */
export function unreachable(): Failure {
  return {
    status: 0,
    code: "unreachable",
    message: "The server cannot be reached. Check your connection and try again.",
    fields: {},
    requestId: "",
  };
}

/** sentence makes a message like "must be at least 1" fit to stand alone under a field. */
function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : text + ".";
}
