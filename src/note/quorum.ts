// What a policy's quorum comes to, in numbers: for whoever chooses one, and for pages that say how much may go wrong.

import { NO_QUORUM } from './policy.ts';
import type { Policy } from './policy.ts';

export interface QuorumNumbers {
  /** The fewest witnesses that make the quorum. */
  readonly needed: number;
  /** The fewest witnesses without which nothing makes it: as many have to be down for the log to stand still. */
  readonly missing: number;
  /**
   * The fewest witnesses that any two quorums share: with fewer dishonest ones than this nobody can be shown another log
   * than anybody else. 0: two halves of honest witnesses may each have seen a log of their own.
   */
  readonly shared: number;
  /** Names of the witnesses that count towards it. */
  readonly counted: readonly string[];
}

/**
 * The numbers of a policy; undefined where it asks for no cosignature. A group `any` of witnesses whose keys have one name
 * is one witness with several keys.
 */
export function quorumNumbers({ witnesses, groups, quorum }: Policy): QuorumNumbers | undefined {
  if (quorum === NO_QUORUM) return undefined;
  const numbers = new Map<string, QuorumNumbers>(
    witnesses.map(({ name }) => [name, { needed: 1, missing: 1, shared: 1, counted: [name] }]),
  );
  const keyNameOf = new Map(witnesses.map(({ name, key }) => [name, key.name]));
  // A name is a member once at most, so that the members of a group share no witness and their numbers add up.
  for (const { name, threshold, members } of groups) {
    const parts = members.map((member) => numbers.get(member)!);
    const keyNames = new Set(members.map((member) => keyNameOf.get(member)));
    if (threshold === 1 && keyNames.size === 1 && !keyNames.has(undefined)) {
      numbers.set(name, { needed: 1, missing: 1, shared: 1, counted: members });
      continue;
    }
    numbers.set(name, {
      needed: sumOfSmallest(
        parts.map(({ needed }) => needed),
        threshold,
      ),
      missing: sumOfSmallest(
        parts.map(({ missing }) => missing),
        members.length - threshold + 1,
      ),
      // Two choices of k among n members have 2k - n of them in common at least.
      shared: sumOfSmallest(
        parts.map(({ shared }) => shared),
        Math.max(0, 2 * threshold - members.length),
      ),
      counted: parts.flatMap(({ counted }) => counted),
    });
  }
  return numbers.get(quorum);
}

function sumOfSmallest(values: readonly number[], count: number): number {
  return values
    .toSorted((a, b) => a - b)
    .slice(0, count)
    .reduce((sum, value) => sum + value, 0);
}
