// The branch of a log's history that a monitor is on: which head is its own, how every other head stands to it, and
// when it grows (M02, M03). After a proven fork it stays what it was, whatever the log shows from then on.

import { equalBytes } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import { plainFinding, proofFinding } from './checks.ts';
import { marksFrom } from './entries.ts';
import type { Evidence } from './evidence/evidence.ts';
import { forkPrefix } from './evidence/make.ts';
import type { HeadKeeper } from './head-keeper.ts';
import type { HeadBook } from './heads.ts';
import type { OwnTree } from './judge.ts';
import type { LogState } from './log-state.ts';
import type { SeenHead } from './look.ts';
import type { MirroredTree } from './mirrored-tree.ts';
import type { ReadTroubles } from './read-troubles.ts';
import { isReadError, troubleOf } from './source.ts';
import type { LogSource } from './source.ts';
import type { Troubles } from './troubles.ts';
import type { HeadSource, LogIdentity } from './watched-log.ts';

/**
 * How a head that the log showed stands to the own branch: it is its head now; an older one of it; on another branch; or
 * the log did not give what is needed to tell.
 */
export type Place = 'own' | 'older' | 'other' | 'unproven';

export interface BranchOptions {
  /** For evidence. */
  readonly identity: LogIdentity;
  readonly source: LogSource;
  readonly keeper: HeadKeeper;
  readonly mirrored: MirroredTree;
  readonly troubles: Troubles;
  readonly reading: ReadTroubles;
  readonly state: { current: LogState };
}

export class Branch {
  readonly #options: BranchOptions;
  readonly #source: LogSource;
  readonly #keeper: HeadKeeper;
  readonly #troubles: Troubles;

  constructor(options: BranchOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#keeper = options.keeper;
    this.#troubles = options.troubles;
  }

  get book(): HeadBook {
    return this.#keeper.book;
  }

  get state(): LogState {
    return this.#options.state.current;
  }

  /** The own tree as far as it is mirrored and checked; undefined before the first one. */
  tree(): OwnTree | undefined {
    const { settled } = this.state;
    return settled === undefined ? undefined : this.#options.mirrored.under(settled);
  }

  /** Where a shown head belongs; it is the own one from now on when it extends the one that was. */
  async place({ head, note }: SeenHead, nowSeconds: number): Promise<Place> {
    if (await this.#isImpossible(head)) return 'other';
    await this.take(head, 'log', nowSeconds, note);
    const own = this.state.head;
    if (own === undefined) {
      this.#adopt(head);
      return 'own';
    }
    if (head.size > own.size) {
      this.#set({ behindSinceSeconds: undefined });
      return this.#extend(head, nowSeconds);
    }
    if (head.size === own.size) {
      this.#set({ behindSinceSeconds: undefined });
      if (!equalBytes(head.rootHash, own.rootHash)) return 'other';
      if (head.timestampSeconds > own.timestampSeconds) this.#adopt(head);
      return 'own';
    }
    this.#set({ behindSinceSeconds: this.state.behindSinceSeconds ?? nowSeconds });
    const record = this.book.record(head.size, head.rootHash);
    if (record?.state === 'consistent') return 'older';
    return record?.state === 'contradicted' ? 'other' : 'unproven';
  }

  /**
   * Adopts a head that is larger than the own one, if the log's tiles under it begin with the own tree; if they do not,
   * they are the evidence.
   */
  async #extend(head: LogHead, nowSeconds: number): Promise<Place> {
    const own = this.state.head!;
    if (this.book.record(head.size, head.rootHash)?.state === 'contradicted') return 'other';
    try {
      const prefixRoot = await this.#source.attempt(({ prover }) => prover.rootHashAt(head, own.size));
      if (equalBytes(prefixRoot, own.rootHash)) {
        this.#adopt(head);
        return 'own';
      }
      await this.#accuse(own, head, prefixRoot);
      return 'other';
    } catch (error) {
      if (!isReadError(error)) throw error;
      await this.#options.reading.tell(troubleOf(error, 'tiles'), error, nowSeconds);
      return 'unproven';
    }
  }

  #adopt(head: LogHead): void {
    const { cursor, marks, settled } = this.state;
    const isResigned = settled !== undefined && settled.size === head.size;
    this.#set({
      head,
      marks: marksFrom(cursor, [...marks, head]),
      behindSinceSeconds: undefined,
      ...(isResigned && { settled: head }),
    });
    this.book.resolve(head, 'consistent');
  }

  /** A head from wherever: kept, and judged against the own tree as far as that one goes. */
  async take(head: LogHead, source: HeadSource, nowSeconds: number, note?: Uint8Array): Promise<Evidence | undefined> {
    if (await this.#isImpossible(head)) return undefined;
    const { settled, head: own } = this.state;
    // The mirror answers for what it holds; for more the log is asked.
    const judge = settled !== undefined && head.size <= settled.size ? settled : own;
    const tree = judge === undefined ? undefined : this.#options.mirrored.under(judge);
    let evidence: Evidence | undefined;
    try {
      evidence = await this.#keeper.take(head, source, nowSeconds, tree, note);
    } catch (error) {
      await this.#couldNotJudge(head, error, judge === settled, nowSeconds);
    }
    if (evidence !== undefined) await this.#troubles.tell(proofFinding(evidence));
    return evidence;
  }

  /** Judges the heads that the own tree has grown to. */
  async judgeWaiting(nowSeconds: number): Promise<void> {
    const tree = this.tree();
    if (tree === undefined) return;
    for (const head of this.book.unresolved(tree.own.size)) {
      let evidence: Evidence | undefined;
      try {
        evidence = await this.#keeper.judge(head, tree);
      } catch (error) {
        await this.#couldNotJudge(head, error, true, nowSeconds);
      }
      if (evidence !== undefined) await this.#troubles.tell(proofFinding(evidence));
    }
  }

  /** Tries to grow by the largest and the smallest head that others hold and the log did not show. */
  async growByOthers(): Promise<void> {
    for (const pick of ['largest', 'smallest'] as const) {
      const own = this.state.head;
      if (own === undefined) return;
      const larger = this.book.unresolved().filter(({ size }) => size > own.size);
      const head = pick === 'largest' ? larger.at(-1) : larger[0];
      if (head === undefined) return;
      await this.#extendQuietly(own, head);
    }
  }

  /** Like extend, without a word about what cannot be read: the log has not shown this head here. */
  async #extendQuietly(own: LogHead, head: LogHead): Promise<void> {
    try {
      const prefixRoot = await this.#source.attempt(({ prover }) => prover.rootHashAt(head, own.size));
      if (equalBytes(prefixRoot, own.rootHash)) this.#adopt(head);
      else await this.#accuse(own, head, prefixRoot);
    } catch (error) {
      if (!isReadError(error)) throw error;
    }
  }

  /** Two heads, the larger of which does not begin with the own tree: evidence, unless there is enough. */
  async #accuse(own: LogHead, head: LogHead, prefixRoot: Hash): Promise<void> {
    if (!this.book.evidence.isSettled(own)) {
      const consistency = await this.#source.attempt(({ prover }) => prover.consistencyProof(head, own.size));
      let evidence: Evidence | undefined;
      try {
        evidence = await forkPrefix(this.#options.identity, own, head, prefixRoot, consistency);
        this.book.evidence.convict(evidence);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        await this.#tellUnprovable(head, error);
      }
      if (evidence !== undefined) await this.#troubles.tell(proofFinding(evidence));
    }
    this.book.resolve(head, 'contradicted');
  }

  async #couldNotJudge(head: LogHead, error: unknown, byMirror: boolean, nowSeconds: number): Promise<void> {
    if (error instanceof RangeError) {
      await this.#tellUnprovable(head, error);
    } else if (!isReadError(error)) {
      throw error;
    } else if (byMirror) {
      const summary = `the mirror of ${this.#options.identity.origin} is damaged, so a head of size ${head.size} cannot be judged: ${error.message}`;
      await this.#troubles.hold('own-trouble', summary, { size: head.size }, nowSeconds);
    }
    // Else the log's tiles could not be read: the head waits, and the round says what is the matter with the log.
  }

  async #tellUnprovable(head: LogHead, error: RangeError): Promise<void> {
    const { origin } = this.#options.identity;
    const summary = `a head of ${origin} of size ${head.size} contradicts another one, which could not be proven: ${error.message}`;
    await this.#troubles.tell(plainFinding('unprovable', origin, summary, { size: head.size }));
    await this.#options.reading.keep('head', head.note);
  }

  async #isImpossible(head: LogHead): Promise<boolean> {
    if (head.size !== 0 || equalBytes(head.rootHash, emptyRootHash())) return false;
    const summary = `${head.origin} signed for the empty tree a root that the empty tree does not have`;
    await this.#troubles.tell(plainFinding('impossible-head', head.origin, summary));
    await this.#options.reading.keep('head', head.note);
    return true;
  }

  #set(change: Partial<LogState>): void {
    const { state } = this.#options;
    state.current = { ...state.current, ...change };
  }
}
