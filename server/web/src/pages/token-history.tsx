import type { Event } from "@falkorpat/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api.js";
import { sentenceOf, whoOf } from "../lib/events.js";
import type { Failure } from "../lib/problem.js";
import { FailureAlert, Moment, Typed } from "../ui/bits.js";

interface TokenHistoryProps {
  api: Api;
  id: string;
  now: number;
}

/** What has happened to a token, the latest first. */
export function TokenHistory({ api, id, now }: TokenHistoryProps) {
  const { events, more, busy, failure, load } = useEvents(api, id);
  return (
    <section class="card history" aria-labelledby="history-title">
      <h2 id="history-title" class="card-title">
        History
      </h2>
      {events?.length === 0 && <p class="muted history-note">Nothing has been written down about this token.</p>}
      {events && (
        <ol class="events">
          {events.map((event) => (
            <Entry key={event.id} event={event} now={now} />
          ))}
        </ol>
      )}
      {!events && !failure && <div class="skeleton tall" role="status" aria-label="Loading" />}
      {failure && <FailureAlert failure={failure} onRetry={() => void load()} />}
      {more && !failure && (
        <p class="history-note">
          <button type="button" class="button small" aria-disabled={busy} onClick={() => void load()}>
            {busy ? "Loading…" : "Show earlier"}
          </button>
        </p>
      )}
    </section>
  );
}

/** useEvents is what was fetched so far; load fetches the next page. */
function useEvents(api: Api, id: string) {
  const [events, setEvents] = useState<readonly Event[]>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const [cursor, setCursor] = useState<string | null>("");
  // The page of another token may have been opened since.
  const shown = useRef(id);

  const load = async (from: { events: readonly Event[]; cursor: string }) => {
    setBusy(true);
    setFailure(undefined);
    const result = await api.events(id, from.cursor);
    if (shown.current !== id) return;
    setBusy(false);
    if (!result.ok) return setFailure(result.failure);
    setEvents([...from.events, ...result.value.events]);
    setCursor(result.value.next_cursor);
  };
  useEffect(() => {
    shown.current = id;
    setEvents(undefined);
    void load({ events: [], cursor: "" });
    return () => {
      shown.current = "";
    };
  }, [id]);

  const next = async () => {
    if (!busy && cursor !== null) await load({ events: events ?? [], cursor });
  };
  return { events, more: events !== undefined && cursor !== null, busy, failure, load: next };
}

const BADGES = { success: undefined, denied: "Refused", failed: "Failed" } as const;

function Entry({ event, now }: { event: Event; now: number }) {
  const badge = BADGES[event.outcome];
  return (
    <li>
      <p>
        {sentenceOf(event)} {badge && <span class={`badge ${event.outcome}`}>{badge}</span>}
      </p>
      <p class="muted small">
        <Moment at={event.at} now={now} past />
      </p>
      <p class="muted small">
        By <Typed>{whoOf(event)}</Typed>
        {event.ip !== null && [", from ", <code>{event.ip}</code>]}
        {event.agent !== null && [" with ", <Typed>{event.agent}</Typed>]}
      </p>
    </li>
  );
}
