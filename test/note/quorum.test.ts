import { describe, expect, test } from 'vitest';

import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import { NO_QUORUM, parsePolicy, quorumMet } from '../../src/note/policy.ts';
import type { Policy, PolicyGroup } from '../../src/note/policy.ts';
import { quorumNumbers } from '../../src/note/quorum.ts';
import { testKey } from '../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';

const vkeys = Array.from({ length: 40 }, (_, i) =>
  verifierKeyOf(testKey(`w${i}`, SIGNATURE_TYPE.cosignatureEd25519, i + 1)),
);

/** A policy of so many witnesses whose groups take random members that no other has; some names are left out. */
function randomPolicy(random: Random, witnessCount: number): Policy {
  const witnesses = Array.from({ length: witnessCount }, (_, i) => ({ name: `w${i}`, key: vkeys[i]! }));
  const free = witnesses.map(({ name }) => name);
  const groups: PolicyGroup[] = [];
  while (free.length > 0 && random() < 0.85) {
    const members: string[] = [];
    for (let left = between(random, 1, 5); left > 0 && free.length > 0; left--) {
      members.push(...free.splice(between(random, 0, free.length), 1));
    }
    const name = `g${groups.length}`;
    groups.push({ name, members, threshold: between(random, 1, members.length + 1) });
    free.push(name);
  }
  const names = [...witnesses, ...groups].map(({ name }) => name);
  const quorum = random() < 0.05 ? NO_QUORUM : names[between(random, 0, names.length)]!;
  return { logs: [], witnesses, groups, quorum };
}

/** The policy's text as tlog-policy has it, with what it leaves open chosen at random: blanks, comments, shorthands. */
function textOf(random: Random, { witnesses, groups, quorum }: Policy): string {
  const blank = (): string => [' ', '\t', ' \t ', '   '][between(random, 0, 4)]!;
  const line = (...items: readonly string[]): string => {
    const before = random() < 0.2 ? blank() : '';
    const comment = random() < 0.2 ? '\n # quorum none\n\t\n' : '\n';
    return before + items.join(blank()) + (random() < 0.2 ? blank() : '') + comment;
  };
  const rule = ({ threshold, members }: PolicyGroup): string => {
    if (threshold === members.length && random() < 0.5) return 'all';
    return threshold === 1 && random() < 0.5 ? 'any' : String(threshold);
  };
  return [
    ...witnesses.map(({ name }, i) => line('witness', name, vkeys[i]!.vkey)),
    ...groups.map((group) => line('group', group.name, rule(group), ...group.members)),
    line('quorum', quorum),
  ].join('');
}

/** What tlog-policy says, sentence by sentence, from the top down. */
function holds(policy: Policy, name: string, cosigned: ReadonlySet<string>): boolean {
  if (name === 'none') return true;
  const group = policy.groups.find((one) => one.name === name);
  if (group === undefined) return cosigned.has(name);
  return group.members.filter((member) => holds(policy, member, cosigned)).length >= group.threshold;
}

const subsets = (names: readonly string[]): ReadonlySet<string>[] =>
  Array.from(
    { length: 2 ** names.length },
    (_, bits) => new Set(names.filter((_name, i) => Math.floor(bits / 2 ** i) % 2 === 1)),
  );

const common = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => [...a].filter((name) => b.has(name)).length;

describe('random policies', () => {
  const seed = chooseSeed();
  const random = seededRandom(seed);

  test(`hold for exactly the witnesses that the specification says (seed ${seed})`, () => {
    let met = 0;
    let unmet = 0;
    for (let round = 0; round < 400; round++) {
      const policy = randomPolicy(random, between(random, 1, 9));
      for (const cosigned of subsets(policy.witnesses.map(({ name }) => name))) {
        const expected = holds(policy, policy.quorum, cosigned);
        expect(quorumMet(policy, cosigned)).toBe(expected);
        if (expected) met++;
        else unmet++;
      }
    }
    expect(Math.min(met, unmet)).toBeGreaterThan(1000);
  });

  test(`never lose by one cosignature more (seed ${seed})`, () => {
    for (let round = 0; round < 200; round++) {
      const policy = randomPolicy(random, between(random, 1, 33));
      const cosigned = new Set<string>();
      let before = quorumMet(policy, cosigned);
      for (const { name } of policy.witnesses) {
        cosigned.add(name);
        const after = quorumMet(policy, cosigned);
        expect(before && !after).toBe(false);
        before = after;
      }
    }
  });

  test(`are read from their text as they were meant (seed ${seed})`, () => {
    for (let round = 0; round < 60; round++) {
      const policy = randomPolicy(random, between(random, 1, 9));
      const read = parsePolicy(textOf(random, policy));
      expect(read.groups).toEqual(policy.groups);
      expect(read.quorum).toBe(policy.quorum);
      expect(read.witnesses.map(({ name, key: { vkey } }) => [name, vkey])).toEqual(
        policy.witnesses.map(({ name }, i) => [name, vkeys[i]!.vkey]),
      );
    }
  });

  test(`come to the numbers that trying out every set of witnesses gives (seed ${seed})`, () => {
    for (let round = 0; round < 150; round++) {
      const policy = randomPolicy(random, between(random, 1, 7));
      const numbers = quorumNumbers(policy);
      if (policy.quorum === NO_QUORUM) {
        expect(numbers).toBeUndefined();
        continue;
      }
      const names = policy.witnesses.map(({ name }) => name);
      const all = subsets(names);
      const quorums = all.filter((cosigned) => holds(policy, policy.quorum, cosigned));
      const blocking = all.filter(
        (down) => !holds(policy, policy.quorum, new Set(names.filter((name) => !down.has(name)))),
      );
      let shared = names.length;
      for (const a of quorums) for (const b of quorums) shared = Math.min(shared, common(a, b));
      expect(numbers).toMatchObject({
        needed: Math.min(...quorums.map(({ size }) => size)),
        missing: Math.min(...blocking.map(({ size }) => size)),
        shared,
      });
      const counts = (name: string): boolean =>
        quorums.some(
          (cosigned) =>
            cosigned.has(name) && !holds(policy, policy.quorum, new Set([...cosigned].filter((one) => one !== name))),
        );
      expect(new Set(numbers!.counted)).toEqual(new Set(names.filter(counts)));
    }
  });
});

test('a witness with two keys in a group "any" is one witness', () => {
  const two = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44].map(
    (type, i) => verifierKeyOf(testKey('two.example', type, 60 + i)).vkey,
  );
  const lines = [
    `witness A ${vkeys[0]!.vkey}`,
    `witness B ${vkeys[1]!.vkey}`,
    `witness C1 ${two[0]}`,
    `witness C2 ${two[1]}`,
  ];
  const policy = parsePolicy([...lines, 'group C any C1 C2', 'group q 2 A B C', 'quorum q'].join('\n'));
  expect(quorumNumbers(policy)).toEqual({ needed: 2, missing: 2, shared: 1, counted: ['A', 'B', 'C1', 'C2'] });
});
