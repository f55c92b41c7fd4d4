// Quotas: how many entries a minute a key, and all keys of a namespace together, may submit. A gate beside the rules, so
// that a stolen key or a pipeline that runs wild does not fill the log; nobody replays it. Only new entries count: what is
// logged is public, and whoever sends it again must not use up the quota of its signer.

import { toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { CHAIN_TYPES } from '../record/chain.ts';
import type { Statement } from '../record/statement.ts';
import type { RecordType } from '../record/types.ts';

/** Entries a minute, 1 or more; absent: as many as come. A minute's worth may come at once. */
export interface QuotaLimits {
  readonly key?: number;
  readonly namespace?: number;
}

interface Bucket {
  /** Entries that it has room for. */
  room: number;
  atMillis: number;
}

/**
 * What a namespace's quota does not count, so that a key that has used it all up can still be revoked, and the log still
 * says what it has to say. The quota of whoever signs them counts them.
 */
const UNCOUNTED: readonly RecordType[] = [...CHAIN_TYPES, 'log-event'];

const MINUTE_MILLIS = 60_000;
/** Buckets that are kept; full ones go first. There is one a key of the log's own policies, which strangers cannot add to. */
const MAX_BUCKETS = 10_000;

export class Quotas {
  readonly #limits: QuotaLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  /**
   * Counts one entry that is about to get a place; `quota-exceeded` when the key, or its namespace, has no room left, and then
   * nothing is counted. The time is monotonic.
   */
  take({ namespace, kid, record }: Statement, nowMillis: number): LimmatError | undefined {
    const { key, namespace: shared } = this.#limits;
    const own = key === undefined ? undefined : this.#bucket(`key ${toHex(kid)} of ${namespace}`, key, nowMillis);
    const isCounted = shared !== undefined && !UNCOUNTED.includes(record.type);
    const all = !isCounted ? undefined : this.#bucket(`namespace ${namespace}`, shared, nowMillis);
    if (own !== undefined && own.room < 1) return exceeded(`key ${toHex(kid)}`, 'quota-key', key!, own);
    if (all !== undefined && all.room < 1) return exceeded(`namespace ${namespace}`, 'quota-namespace', shared!, all);
    if (own !== undefined) own.room -= 1;
    if (all !== undefined) all.room -= 1;
    return undefined;
  }

  #bucket(name: string, limit: number, nowMillis: number): Bucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#dropFull(nowMillis);
      bucket = { room: limit, atMillis: nowMillis };
      this.#buckets.set(name, bucket);
    }
    const gained = ((nowMillis - bucket.atMillis) * limit) / MINUTE_MILLIS;
    bucket.room = Math.min(limit, bucket.room + gained);
    bucket.atMillis = nowMillis;
    return bucket;
  }

  /** A bucket that nothing was taken from for a minute is full, whatever its limit. */
  #dropFull(nowMillis: number): void {
    for (const [name, { atMillis }] of this.#buckets) {
      if (nowMillis - atMillis >= MINUTE_MILLIS) this.#buckets.delete(name);
    }
  }
}

function exceeded(who: string, setting: string, limit: number, { room }: Bucket): LimmatError {
  const seconds = Math.max(1, Math.ceil(((1 - room) * MINUTE_MILLIS) / limit / 1000));
  return new LimmatError(
    'quota-exceeded',
    `${who} has used its quota of ${limit} entries a minute (${setting}); nothing was taken, send it again in ${seconds} s`,
    { details: { quota: setting, limit }, retryAfterSeconds: seconds },
  );
}
