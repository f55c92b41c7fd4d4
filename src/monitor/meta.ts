// Which logs a monitor watches, as it remembers it between runs, and what changed in its configuration since (M11).

import { toHex, utf8 } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import { plainFinding } from './checks.ts';
import type { PlainFinding } from './finding.ts';
import type { WatchedLog } from './watched-log.ts';

/** A watched log, as far as a change of it is news. */
export interface MetaLog {
  readonly origin: string;
  readonly sinceSeconds: number;
  /** The vkeys that have to sign, sorted. */
  readonly keys: readonly string[];
  readonly url: string;
  /** 0 where nothing is promised. */
  readonly iatWindowSeconds: number;
}

export interface MonitorMeta {
  /** Since when this monitor watches anything. */
  readonly sinceSeconds: number;
  readonly logs: readonly MetaLog[];
}

const FORMAT = 'limmat/monitor/v1';

/** The text of it, the inverse of parseMeta. */
export function formatMeta({ sinceSeconds, logs }: MonitorMeta): string {
  return `${JSON.stringify({ format: FORMAT, sinceSeconds, logs })}\n`;
}

/** Reads what formatMeta writes; anything else is `store-corrupt`. */
export function parseMeta(text: string): MonitorMeta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt('is not JSON', cause);
  }
  const { format, sinceSeconds, logs } = objectOf(value);
  if (format !== FORMAT) throw corrupt(`is not in the form ${FORMAT}`);
  if (!isCount(sinceSeconds) || !Array.isArray(logs)) throw corrupt('has no time or no logs');
  return { sinceSeconds, logs: logs.map(metaLog) };
}

function metaLog(value: unknown): MetaLog {
  const { origin, sinceSeconds, keys, url, iatWindowSeconds } = objectOf(value);
  if (typeof origin !== 'string' || typeof url !== 'string' || !isCount(sinceSeconds) || !isCount(iatWindowSeconds)) {
    throw corrupt('has a log without an origin, a time or an address');
  }
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw corrupt('has a log without keys');
  return { origin, sinceSeconds, keys, url, iatWindowSeconds };
}

/** The news that a configuration with these logs brings, and what is to be remembered once it was told. */
export function changesOf(
  meta: MonitorMeta,
  logs: readonly WatchedLog[],
  nowSeconds: number,
): { readonly news: readonly PlainFinding[]; readonly meta: MonitorMeta } {
  const news: PlainFinding[] = [];
  const next = logs.map((log) => {
    const old = meta.logs.find(({ origin }) => origin === log.origin);
    const now = metaLogOf(log, old?.sinceSeconds ?? nowSeconds);
    const { origin, url } = now;
    if (old === undefined) {
      news.push(plainFinding('log-added', origin, `${origin} is watched from now on, at ${url}`, { url }));
    } else if (JSON.stringify(old) !== JSON.stringify(now)) {
      news.push(changeOf(old, now));
    }
    return now;
  });
  for (const { origin } of meta.logs) {
    if (next.some((log) => log.origin === origin)) continue;
    news.push(plainFinding('log-removed', origin, `${origin} is not watched any more`));
  }
  return { news, meta: { sinceSeconds: meta.sinceSeconds, logs: next } };
}

/** Each change is news of its own: the key carries a digest of what is in force now. */
function changeOf(old: MetaLog, now: MetaLog): PlainFinding {
  const changes: string[] = [];
  if (old.url !== now.url) changes.push(`the address from ${old.url} to ${now.url}`);
  const gone = old.keys.filter((key) => !now.keys.includes(key));
  const added = now.keys.filter((key) => !old.keys.includes(key));
  if (gone.length + added.length > 0) {
    changes.push(`the keys: ${gone.join(' ') || 'none'} went, ${added.join(' ') || 'none'} came`);
  }
  if (old.iatWindowSeconds !== now.iatWindowSeconds) {
    changes.push(`the promised window from ${old.iatWindowSeconds} s to ${now.iatWindowSeconds} s`);
  }
  const digest = toHex(portableHasher.sha256(utf8(JSON.stringify(now)))).slice(0, 8);
  const summary = `of ${now.origin} was changed ${changes.join(', and ')}`;
  return plainFinding('log-changed', now.origin, summary, { url: now.url }, digest);
}

function metaLogOf({ origin, verifiers, url, reader, iatWindowSeconds }: WatchedLog, sinceSeconds: number): MetaLog {
  return {
    origin,
    sinceSeconds,
    keys: verifiers.map(({ vkey }) => vkey).toSorted(),
    url: url ?? reader.url,
    iatWindowSeconds: iatWindowSeconds ?? 0,
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw corrupt('has something else where an object belongs');
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function corrupt(what: string, cause?: unknown): LimmatError {
  return new LimmatError('store-corrupt', `the monitor's list of its logs ${what}`, {
    ...(cause !== undefined && { cause }),
  });
}
