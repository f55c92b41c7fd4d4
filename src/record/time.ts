// Times are whole Unix seconds in payloads, RFC 3339 text in UTC in JSON: "2026-07-11T10:16:37Z".

/** 9999-12-31T23:59:59Z, the last second that has such a text. */
export const MAX_TIME = 253_402_300_799;

const FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** The text of a time in [0, MAX_TIME]; RangeError beyond. */
export function formatTime(seconds: number): string {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > MAX_TIME) {
    throw new RangeError(`time ${seconds} is not in [0, ${MAX_TIME}]`);
  }
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The time that this text says, or undefined when it is another form, no day of the calendar or before 1970. */
export function parseTime(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  const seconds = Date.parse(text) / 1000;
  // Date.parse takes 31 February for 3 March; only what is written back unchanged is meant.
  return seconds >= 0 && formatTime(seconds) === text ? seconds : undefined;
}
