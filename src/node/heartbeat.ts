// Heartbeats (DESIGN §3): from time to time the log says, signed by its key for log events, which entry is the last of each
// namespace's admission chain. From then on nobody can leave an entry out of a chain, nor the log one of its own.

import { toHex } from '../bytes.ts';
import type { Clock, Log } from '../log/index.ts';
import { finalSize, linkOf, logNamespace, namespacesOf } from '../record/admission/in-force.ts';
import { createStatement, parseStatement } from '../record/index.ts';
import type { ChainHead, FieldsOf, StatementSigner } from '../record/index.ts';

/** A log says its chain heads at least so often, unless told otherwise. */
export const DEFAULT_HEARTBEAT_INTERVAL_MILLIS = 3_600_000;

/** How often it is looked whether a chain has grown: what grows in one go is said in one heartbeat. */
const LOOK_MILLIS = 60_000;
/** Heads in one log event: what its record type takes (record/log-event.ts). */
const HEADS_PER_EVENT = 256;
/** Entries before the end in which the last heartbeat is looked for at start; not finding it costs one heartbeat. */
const LOOK_BACK_ENTRIES = 4096;

/** A log, as heartbeats need it. */
export type BeatingLog = Pick<Log, 'origin' | 'status' | 'append' | 'admissionState' | 'entries'>;

/** The chain heads in a tree of the log. */
export interface ChainHeads {
  readonly size: number;
  readonly rootHash: Uint8Array;
  /** By namespace, ascending. */
  readonly heads: readonly ChainHead[];
}

/** The chain heads in the published tree; undefined while nothing is published, or before the genesis. */
export async function publishedHeads(log: BeatingLog): Promise<ChainHeads | undefined> {
  const { published } = log.status();
  if (published === undefined) return undefined;
  const { size, rootHash } = published.head;
  const scan = log.admissionState.bind(log);
  const heads: ChainHead[] = [];
  for (const { namespace, state } of await namespacesOf(scan)) {
    // Committed links that are not published yet are of a later tree.
    for (let { sequence } = state; sequence > 0; sequence--) {
      const link = await linkOf(scan, namespace, sequence);
      if (link === undefined || link.index >= size) continue;
      heads.push({ namespace, sequence, leafHash: link.leafHash });
      break;
    }
  }
  return heads.length === 0 ? undefined : { size, rootHash, heads };
}

/** Appends the heads, signed as of `nowMillis`; throws what the log refuses. */
export async function appendHeartbeat(
  log: BeatingLog,
  { size, rootHash, heads }: ChainHeads,
  signer: StatementSigner,
  nowMillis: number,
): Promise<void> {
  const namespace = await logNamespace(log.admissionState.bind(log));
  if (namespace === undefined) return;
  const statements: Uint8Array[] = [];
  for (let start = 0; start < heads.length; start += HEADS_PER_EVENT) {
    const fields: FieldsOf<'log-event'> = {
      heartbeat: { size, rootHash, heads: heads.slice(start, start + HEADS_PER_EVENT) },
    };
    const iatSeconds = Math.floor(nowMillis / 1000);
    statements.push(
      await createStatement({ type: 'log-event', namespace, fields, issuer: log.origin, iatSeconds }, signer),
    );
  }
  for (const result of await log.append(statements)) if (!result.ok) throw result.error;
}

/**
 * The newest heartbeat near the end of the published log: its heads, and when it was signed. A log of many namespaces says
 * the heads of one tree in several entries, which are one heartbeat.
 */
async function lastHeartbeat(
  log: BeatingLog,
): Promise<{ readonly heads: readonly ChainHead[]; readonly atMillis: number } | undefined> {
  const size = log.status().published?.size ?? 0;
  const leaves = size === 0 ? [] : await log.entries(Math.max(0, size - LOOK_BACK_ENTRIES), size);
  const heads = new Map<string, ChainHead>();
  let last: { readonly size: number; readonly iat: number } | undefined;
  for (const leaf of leaves.toReversed()) {
    const { record, iat } = parseStatement(leaf);
    const beat = record.type === 'log-event' ? record.fields.heartbeat : undefined;
    if (beat === undefined) continue;
    last ??= { size: beat.size, iat };
    if (beat.size !== last.size) break;
    for (const head of beat.heads) heads.set(head.namespace, head);
  }
  if (last === undefined) return undefined;
  const sorted = [...heads.values()].toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  return { heads: sorted, atMillis: last.iat * 1000 };
}

export interface HeartbeatOptions {
  readonly log: BeatingLog;
  /** The key for log events, which the genesis names. */
  readonly signer: StatementSigner;
  /** At least so often, in milliseconds; above 0. */
  readonly intervalMillis: number;
  readonly clock: Clock;
  readonly onBeat: (heads: ChainHeads) => void;
  /** What was refused or failed; the next look tries again, unless it was stopped meanwhile. */
  readonly onError: (error: unknown) => void;
}

/** Runs heartbeats until stopped: within a minute when a chain has grown, and at least once an interval. */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  #last: { readonly heads: readonly ChainHead[]; readonly atMillis: number } | undefined;
  #looked = false;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#wait();
  }

  /** Looks once; appends a heartbeat if one is due. The last look is one that finds the log at its final size. */
  async look(): Promise<void> {
    const { log, signer, intervalMillis, clock, onBeat } = this.#options;
    const end = await finalSize(log.admissionState.bind(log));
    if (end !== undefined && log.status().head.size >= end) {
      // Its shutdown has said that it takes nothing more, and that is so for ever.
      this.#stopped = true;
      return;
    }
    if (!this.#looked) this.#last = await lastHeartbeat(log);
    this.#looked = true;
    const now = await publishedHeads(log);
    // A process that is going down appends nothing more.
    if (now === undefined || this.#stopped) return;
    const nowMillis = clock.nowMillis();
    const last = this.#last;
    if (last !== undefined && nowMillis - last.atMillis < intervalMillis && sameHeads(last.heads, now.heads)) return;
    await appendHeartbeat(log, now, signer, nowMillis);
    this.#last = { heads: now.heads, atMillis: nowMillis };
    onBeat(now);
  }

  /** Stops, once a look that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #wait(): void {
    const { clock, intervalMillis, onError } = this.#options;
    this.#cancel = clock.after(Math.min(LOOK_MILLIS, intervalMillis), () => {
      if (this.#stopped) return;
      this.#running = this.look()
        .catch(onError)
        .then(() => {
          if (!this.#stopped) this.#wait();
        });
    });
  }
}

function sameHeads(a: readonly ChainHead[], b: readonly ChainHead[]): boolean {
  return textOf(a) === textOf(b);
}

function textOf(heads: readonly ChainHead[]): string {
  return heads.map(({ namespace, leafHash }) => `${namespace} ${toHex(leafHash)}`).join();
}
