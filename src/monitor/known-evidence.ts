// The evidence that is known of about one log, made here or brought by others: what was shown already, so that nothing is
// shown twice and nobody's disk fills with more of the same. What accuses who signed records is kept apart: it changes
// nothing in what is thought of the log.

import { toHex } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { conflictName } from './evidence/conflict-name.ts';
import type { Evidence, EvidenceKind } from './evidence/evidence.ts';
import { isEvidenceKind } from './evidence/kinds.ts';

/**
 * Evidence that is made of one log's heads, or taken from others. Each file convicts the log; a log that signs
 * contradictions without end (or whoever stole its keys) must not fill disks with more of the same.
 */
export const MAX_CONVICTIONS = 64;

/** Conflicts between records of one log of which evidence is kept: so many of each kind, and of each one file. */
export const MAX_CONFLICTS = 16;

/** What of evidence is looked at. */
export type EvidenceFacts = Pick<Evidence, 'id' | 'kind'> & {
  readonly heads: readonly TreeHead[];
  readonly claim?: Evidence['claim'];
};

const FORKS: readonly EvidenceKind[] = ['fork-same-size', 'fork-prefix'];

export class KnownEvidence {
  /** Ids of the evidence against this log, and the trees that it names. */
  readonly #evidence = new Set<string>();
  readonly #accused = new Set<string>();
  /** By conflictName: the evidence against who signed records. What vendors sign takes no room from what the log does. */
  readonly #conflicts = new Map<string, string>();
  /** The smallest sizes at which evidence shows a fork, and to which it shows that the log went back. */
  #forkedAt = Infinity;
  #wentBackTo = Infinity;

  /** How much evidence there is against this log, and not against who signed what is in it. */
  get convictions(): number {
    return this.#evidence.size;
  }

  /** True when evidence shows that the log signed two histories. */
  get isForked(): boolean {
    return this.#forkedAt !== Infinity;
  }

  /** The ids of the evidence against this log, in the order in which it came. */
  convictionIds(): readonly string[] {
    return [...this.#evidence];
  }

  /** The same, and before them those of the evidence against who signed what is in it. */
  ids(): readonly string[] {
    return [...this.#conflicts.values(), ...this.#evidence];
  }

  /** True when evidence with this id is known of. */
  has(id: string): boolean {
    return this.#evidence.has(id) || [...this.#conflicts.values()].includes(id);
  }

  /**
   * Takes note of evidence, whoever made it; again and again does no harm. What accuses who signed records changes
   * nothing in what is thought of the log.
   */
  convict({ id, kind, heads, claim }: EvidenceFacts): void {
    const conflict = conflictName(kind, claim);
    if (conflict !== undefined) {
      if (!this.#conflicts.has(conflict)) this.#conflicts.set(conflict, id);
      return;
    }
    this.#evidence.add(id);
    for (const { size, rootHash } of heads) this.#accused.add(treeKey(size, rootHash));
    const smallest = Math.min(...heads.map(({ size }) => size));
    if (FORKS.includes(kind)) this.#forkedAt = Math.min(this.#forkedAt, smallest);
    if (kind === 'rollback') this.#wentBackTo = Math.min(this.#wentBackTo, smallest);
  }

  /** True when evidence names this tree. */
  isAccused({ size, rootHash }: Pick<LogHead, 'size' | 'rootHash'>): boolean {
    return this.#accused.has(treeKey(size, rootHash));
  }

  /**
   * True when evidence of this kind with a head of this size as the smaller one would say nothing new, because there is
   * some of a fork or a way back at that size or before, or there is as much as anybody needs. Else every head that a
   * log signs after it forked would be another file.
   */
  isSettled({ size }: Pick<LogHead, 'size'>, kind: 'fork' | 'rollback' = 'fork'): boolean {
    if (this.convictions >= MAX_CONVICTIONS || size >= this.#forkedAt) return true;
    return kind === 'rollback' && size >= this.#wentBackTo;
  }

  /** True when this evidence says what none before said. */
  isNews({ id, kind, heads, claim }: EvidenceFacts): boolean {
    const conflict = conflictName(kind, claim);
    if (conflict !== undefined) return !this.#conflicts.has(conflict) && !this.isFullOf(kind);
    if (this.#evidence.has(id) || this.convictions >= MAX_CONVICTIONS) return false;
    const size = Math.min(...heads.map((head) => head.size));
    if (kind === 'rollback') return !this.isSettled({ size }, 'rollback');
    return !FORKS.includes(kind) || !this.isSettled({ size });
  }

  /**
   * The kind of the evidence that there is of a conflict between these two entries, by whomever and under whatever head;
   * undefined when there is none.
   */
  conflictOf(earlier: number, later: number): EvidenceKind | undefined {
    const [kind = ''] =
      [...this.#conflicts.keys()].find((name) => name.endsWith(` ${earlier} ${later}`))?.split(' ', 1) ?? [];
    return isEvidenceKind(kind) ? kind : undefined;
  }

  /** True when so many conflicts of this kind are known that no more evidence of one is kept. */
  isFullOf(kind: EvidenceKind): boolean {
    return [...this.#conflicts.keys()].filter((name) => name.startsWith(`${kind} `)).length >= MAX_CONFLICTS;
  }
}

function treeKey(size: number, rootHash: Uint8Array): string {
  return `${size} ${toHex(rootHash)}`;
}
