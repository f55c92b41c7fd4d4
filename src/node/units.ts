// Text forms of settings: spans of time, and addresses to listen on.

const UNIT_MILLIS: ReadonlyMap<string | undefined, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Node's timers hold 31 bits of milliseconds; a setting beyond that would fire at once. */
const MAX_DURATION_MILLIS = 24 * 86_400_000;

/** Milliseconds of "250ms", "1s", "10min", "2h", "1d" or "0". RangeError for anything else, and above 24 days. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const [, digits, unit] = /^([0-9]{1,9})([a-z]+)$/.exec(text) ?? [];
  const millis = Number(digits) * (UNIT_MILLIS.get(unit) ?? Number.NaN);
  if (millis <= MAX_DURATION_MILLIS) return millis;
  throw new RangeError(`must be a time like 500ms, 1s, 10min, 2h, 1d or 0, and is "${text}"`);
}

/** Milliseconds in their largest whole unit, as parseDuration reads them. */
export function formatDuration(millis: number): string {
  const [unit, length] = [...UNIT_MILLIS].findLast(([, size]) => millis % size === 0) ?? ['ms', 1];
  return millis === 0 ? '0' : `${millis / length}${unit}`;
}

/** An address to listen on. Port 0 asks the system for a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** "127.0.0.1:6962", "[::1]:6962", "localhost:6962", or a port alone (then on 127.0.0.1). RangeError otherwise. */
export function parseListen(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):)?([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new RangeError(`must be HOST:PORT like 127.0.0.1:6962, and is "${text}"`);
  }
  // ":6962" means every interface in other programs; here that has to be said: 0.0.0.0:6962.
  return { host: bracketed ?? (plain === undefined || plain === '' ? '127.0.0.1' : plain), port };
}

/** As parseListen reads it. */
export function formatListen({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
