// Times as people read them. Everything takes "now" as an argument, so that
// what is shown can be tested and ticks for the whole page at once.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

type Unit = "minute" | "hour" | "day" | "month" | "year";

// The first unit whose rounded count stays below the limit is used. Days go far,
// because the presets of 30, 60 and 90 days should read back as such.
const UNITS: readonly { unit: Unit; size: number; below: number }[] = [
  { unit: "minute", size: MINUTE, below: 60 },
  { unit: "hour", size: HOUR, below: 24 },
  { unit: "day", size: DAY, below: 100 },
  { unit: "month", size: 30.4375 * DAY, below: 24 },
  { unit: "year", size: 365.25 * DAY, below: Infinity },
];

const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** parseTime reads an RFC 3339 time as milliseconds; null stays null and means never. */
export function parseTime(value: string | null): number | null {
  if (value === null) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

/** relative says how far a time is from now: "3 hours ago", "in 30 days". */
export function relative(then: number, now: number): string {
  const distance = Math.abs(then - now);
  if (distance < MINUTE) return then > now ? "in under a minute" : "just now";
  for (const { unit, size, below } of UNITS) {
    const count = Math.round(distance / size);
    if (count < below) return words.format(then > now ? count : -count, unit);
  }
  return "";
}

/** exact is the whole truth about a time, in the reader's own zone and notation. */
export function exact(then: number, locale?: string, timeZone?: string): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: "long", timeStyle: "long" };
  if (timeZone !== undefined) options.timeZone = timeZone;
  return new Intl.DateTimeFormat(locale, options).format(then);
}

/** day is a time's date in the reader's notation, short enough for a sentence. */
export function day(then: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(then);
}
