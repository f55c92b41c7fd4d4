// Heads that smell of misbehaviour: the log has signed them, and they cannot be, or were not shown to be, of the history
// that this witness vouched for, or of its times. The note is the log's own word, so it is kept and handed to monitors, who
// can find out what is behind it. Bounded, because anybody can send old heads with wrong proofs.

import { equalBytes, toHex } from '../bytes.ts';
import type { Hash } from '../merkle/hash.ts';
import type { Verdict } from './decide.ts';
import type { KnownHead, SignedHead } from './head.ts';

/**
 * - `same-size`: another root at the size that is remembered. With the remembered note it convicts the log.
 * - `rollback`: of the two the log says that the smaller tree was its largest later than the larger one was. So does this,
 *   whichever came first. A larger one that extends is cosigned all the same: what a log says of times is no status of the
 *   specification, and a cosignature speaks of the tree alone, at a time of the witness's own.
 * - `not-consistent`: larger, and the proof from the remembered head does not hold. The log may have forked, or the sender
 *   may have sent a wrong proof along with an honest head.
 */
export type SuspicionKind = 'same-size' | 'rollback' | 'not-consistent';

/** A head, and what it was kept for. */
export interface Suspicion {
  readonly kind: SuspicionKind;
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Hash;
  /** The head's note: its text and the lines of the log's keys, as they were received. */
  readonly note: Uint8Array;
  /** The note that was remembered then, in the same form. */
  readonly against: Uint8Array;
  /** When it came, Unix seconds. */
  readonly atSeconds: number;
}

/** What of a head smells under its verdict, if anything. */
export function suspicionOf(
  known: KnownHead | undefined,
  head: SignedHead,
  verdict: Verdict,
): SuspicionKind | undefined {
  if (known === undefined) return undefined;
  if (head.size === known.size) return equalBytes(head.rootHash, known.rootHash) ? undefined : 'same-size';
  const [smaller, larger] = head.size < known.size ? [head, known] : [known, head];
  // Both times are stated, N1 > N2 and T1 < T2: no proof and no verdict changes what that says.
  if (larger.logSeconds !== 0 && smaller.logSeconds > larger.logSeconds) return 'rollback';
  return verdict.status === 422 ? 'not-consistent' : undefined;
}

/** Names a suspicion of a log among its others: the same head for the same reason is one. */
export function suspicionId({ kind, size, rootHash }: Pick<Suspicion, 'kind' | 'size' | 'rootHash'>): string {
  return `${kind}-${size}-${toHex(rootHash.subarray(0, 16))}`;
}

/** Suspicions that are kept of one log and kind: two notes convict, and who floods gets no more room. */
export const MAX_PER_KIND = 8;
/** Of all logs together: 2 × 64 KiB each at most, so 256 MB, and some 10 MB as logs are. */
export const MAX_SUSPICIONS = 2048;

/** What is kept of all logs, in memory; the store has the same. */
export class SuspicionBook {
  readonly #byOrigin = new Map<string, Map<string, Suspicion>>();
  readonly #random: () => number;
  #count = 0;

  /** random() gives numbers in [0, 1): which one has to go where there is no more room. */
  constructor(kept: readonly Suspicion[], random: () => number) {
    this.#random = random;
    for (const one of kept) this.#put(one);
  }

  get size(): number {
    return this.#count;
  }

  of(origin: string): readonly Suspicion[] {
    return [...(this.#byOrigin.get(origin)?.values() ?? [])];
  }

  all(): readonly Suspicion[] {
    return [...this.#byOrigin.values()].flatMap((own) => [...own.values()]);
  }

  has(origin: string, id: string): boolean {
    return this.#byOrigin.get(origin)?.has(id) === true;
  }

  /** Keeps one that is new. The one that had to make room for it, if any; or undefined and false when it was not taken. */
  add(suspicion: Suspicion): { readonly taken: boolean; readonly dropped?: Suspicion } {
    const { origin, kind } = suspicion;
    if (this.has(origin, suspicionId(suspicion))) return { taken: false };
    const same = this.of(origin).filter((one) => one.kind === kind);
    if (same.length < MAX_PER_KIND) {
      if (this.#count >= MAX_SUSPICIONS) return { taken: false };
      this.#put(suspicion);
      return { taken: true };
    }
    // What convicts by itself stays: there is enough of it. Of the others any may be the one that matters.
    if (kind !== 'not-consistent') return { taken: false };
    const dropped = same[Math.floor(this.#random() * same.length)]!;
    this.#delete(dropped);
    this.#put(suspicion);
    return { taken: true, dropped };
  }

  /** A head has turned out to be consistent: who sent it before had only the wrong proof. What was let go of. */
  clear(head: { readonly origin: string; readonly size: number; readonly rootHash: Hash }): Suspicion | undefined {
    const id = suspicionId({ kind: 'not-consistent', size: head.size, rootHash: head.rootHash });
    const found = this.#byOrigin.get(head.origin)?.get(id);
    if (found !== undefined) this.#delete(found);
    return found;
  }

  #put(one: Suspicion): void {
    const own = this.#byOrigin.get(one.origin) ?? new Map<string, Suspicion>();
    this.#byOrigin.set(one.origin, own);
    own.set(suspicionId(one), one);
    this.#count++;
  }

  #delete(one: Suspicion): void {
    if (this.#byOrigin.get(one.origin)?.delete(suspicionId(one)) === true) this.#count--;
  }
}
