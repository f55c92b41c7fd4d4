// Evidence that is about the same trouble: a log that forked once leaves a file for every pair of checkpoints, and all of
// them are one story.

import { toBase64 } from '../../bytes.ts';
import type { Evidence, EvidenceKind } from './evidence.ts';
import type { KindRow } from './kind-row.ts';
import { KINDS } from './kinds.ts';

/** Files about one fork, or about one head with wrong times. */
export interface EvidenceGroup {
  readonly origin: string;
  /** The kinds that are in it, in the order of the table. */
  readonly kinds: readonly EvidenceKind[];
  /** In the order of the table, then by id; each id once. */
  readonly evidence: readonly Evidence[];
}

/**
 * The groups, by origin and then by the smallest tree in them. Two files are in one group when they are about the same
 * log and name the same tree: the same size with the same root, be it signed or implied by a larger one. Kinds that
 * argue with entries' times, or with channel heads, are apart from those that argue with histories; each record has a
 * group of its own.
 */
export function groupEvidence(evidence: readonly Evidence[]): readonly EvidenceGroup[] {
  const distinct = [...new Map(evidence.map((one) => [one.id, one])).values()];
  const trees = new Joined();
  for (const one of distinct) {
    const [first, ...others] = treesOf(one);
    for (const other of others) trees.join(first!, other);
  }
  const groups = new Map<string, Evidence[]>();
  for (const one of distinct) {
    const name = trees.find(treesOf(one)[0]!);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return Object.freeze(
    [...groups.values()]
      .map(toGroup)
      .toSorted((a, b) => compareTexts(a.origin, b.origin) || smallestSize(a) - smallestSize(b) || compareIds(a, b)),
  );
}

/** Names that belong together (a disjoint-set forest). */
class Joined {
  readonly #parents = new Map<string, string>();

  /** The one name that stands for all that belong to this one. */
  find(name: string): string {
    let top = name;
    for (let parent = this.#parents.get(top); parent !== undefined; parent = this.#parents.get(top)) top = parent;
    // Whoever asks next has a short way.
    for (let at = name; at !== top;) {
      const parent = this.#parents.get(at)!;
      this.#parents.set(at, top);
      at = parent;
    }
    return top;
  }

  join(a: string, b: string): void {
    const [topA, topB] = [this.find(a), this.find(b)];
    if (topA !== topB) this.#parents.set(topB, topA);
  }
}

function toGroup(members: readonly Evidence[]): EvidenceGroup {
  const order = Object.keys(KINDS);
  const sorted = members.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || compareTexts(a.id, b.id));
  return Object.freeze({
    origin: sorted[0]!.origin,
    kinds: Object.freeze([...new Set(sorted.map(({ kind }) => kind))]),
    evidence: Object.freeze(sorted),
  });
}

/** What a kind argues with: trees that two kinds name join their files only when both argue with the same. */
function aboutOf({ signed, members }: KindRow): 'history' | 'times' | 'channels' {
  if (signed === 'channel-head') return 'channels';
  return members.includes('windowSeconds') ? 'times' : 'history';
}

/** The trees that a file names, as texts that are equal for equal trees of one log. */
function treesOf({ kind, origin, heads, claim }: Evidence): readonly string[] {
  if (KINDS[kind].judgesRecords === true) {
    const { index, leaf } = claim.entries!.at(-1)!;
    return [`record ${index} ${leaf} ${origin}`];
  }
  const about = aboutOf(KINDS[kind]);
  const trees = heads.map(({ size, rootHash }) => `${about} ${size} ${toBase64(rootHash)} ${origin}`);
  return claim.prefixRoot === undefined
    ? trees
    : [...trees, `${about} ${heads[0]!.size} ${claim.prefixRoot} ${origin}`];
}

function smallestSize({ evidence }: EvidenceGroup): number {
  return Math.min(...evidence.flatMap(({ heads }) => heads.map(({ size }) => size)));
}

function compareIds(a: EvidenceGroup, b: EvidenceGroup): number {
  return compareTexts(a.evidence[0]!.id, b.evidence[0]!.id);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
