import { beforeAll, describe, expect, test } from 'vitest';

import { utf8, utf8Text } from '../../../src/bytes.ts';
import type { Claim, Evidence, EvidenceKind } from '../../../src/monitor/evidence/evidence.ts';
import { KINDS } from '../../../src/monitor/evidence/kinds.ts';
import {
  contradiction,
  forkPrefix,
  forkSameSize,
  proofContradicted,
  rollback,
} from '../../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import type { LogIdentity } from '../../../src/monitor/watched-log.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { formatNote, parseNote } from '../../../src/note/note.ts';
import { formatTlogProof, parseTlogProof } from '../../../src/note/tlog-proof.ts';
import { greaseLines, seededNumbers, shuffled } from '../../support/notes.ts';
import { proofFileOf, samples } from './samples.ts';
import { History, NOON, headOf, promisingKeys, testKeys } from './support.ts';
import type { TestKeys } from './support.ts';

const keys = promisingKeys();
const [honest, forked] = [History.of(20), History.of(20, 5)];
let all: readonly Evidence[];
const sample = (kind: EvidenceKind): Evidence => all.find((one) => one.kind === kind)!;

beforeAll(async () => {
  all = await samples(keys);
});

/** The kinds that argue with checkpoints; channel.test.ts has the other one. */
const byCheckpoint = (): readonly Evidence[] => all.filter(({ kind }) => KINDS[kind].signed === 'checkpoint');

const refusal = (message: string): unknown =>
  expect.objectContaining({ code: 'bad-evidence', message: expect.stringContaining(message) });

/** Verifies the evidence with a part of its claim replaced. */
const verifyWith = (evidence: Evidence, claim: Partial<Claim>, log: LogIdentity = keys.log): Promise<Evidence> =>
  verifyEvidence({ ...evidence, claim: { ...evidence.claim, ...claim } }, [log]);

describe('whom evidence convicts', () => {
  test('nobody, where the log is not known', async () => {
    for (const logs of [[], [testKeys('log.example/b').log]]) {
      await expect(verifyEvidence(all[0]!, logs)).rejects.toMatchObject({ code: 'unknown-log' });
    }
  });

  test('is never another log, whatever is done to the origin', async () => {
    // B has keys of its own, B2 the very keys of A: a signature is over the origin.
    const b = testKeys('log.example/b', undefined, 5);
    const b2: LogIdentity = { ...keys.log, origin: 'log.example/b' };
    for (const evidence of all) {
      for (const log of [b.log, b2]) {
        const { claim } = evidence;
        const moved = claim.checkpoints.map((note) => note.replaceAll('log.example/a', 'log.example/b'));
        const vkeys = claim.keys.map((vkey) => vkey.replace('log.example/a', 'log.example/b'));
        for (const change of [{}, { checkpoints: moved }, { checkpoints: moved, keys: vkeys }]) {
          const file = { ...evidence, origin: log.origin, claim: { ...claim, ...change } };
          await expect(verifyEvidence(file, [log])).rejects.toMatchObject({ code: 'bad-evidence' });
          await expect(verifyEvidence(file, [keys.log, log])).rejects.toMatchObject({ code: 'bad-evidence' });
        }
      }
    }
  });

  test('is not a log whose checkpoint stands beside one of another log', async () => {
    const b = testKeys('log.example/b', undefined, 5);
    const [ours, theirs] = [await headOf(keys, honest, 9), await headOf(b, forked, 9)];
    for (const log of [keys.log, b.log]) await expect(forkSameSize(log, ours, theirs)).rejects.toThrow(RangeError);
    // Both known to be keys of one log by name, and still two origins.
    const both: LogIdentity = { origin: 'log.example/a', verifiers: [...keys.log.verifiers, ...b.log.verifiers] };
    await expect(forkSameSize(both, ours, theirs)).rejects.toThrow('is of log log.example/b');
  });

  test('is nobody without a signature of a known key on each checkpoint', async () => {
    const stranger = testKeys(keys.log.origin, undefined, 7);
    for (const evidence of all) {
      await expect(verifyEvidence(evidence, [stranger.log])).rejects.toMatchObject({ code: 'bad-evidence' });
    }
    // One checkpoint by the log, one by somebody who took its name.
    const [ours, theirs] = [await headOf(keys, honest, 9), await headOf(stranger, forked, 9)];
    const union: LogIdentity = { ...keys.log, verifiers: [...keys.log.verifiers, ...stranger.log.verifiers] };
    const evidence = await forkSameSize(union, ours, theirs);
    // Who knows both pairs is told which keys signed what, and which did not.
    expect(evidence.heads.map(({ missing }) => missing.length)).toEqual([2, 2]);
    for (const { log } of [keys, stranger])
      await expect(verifyEvidence(evidence, [log])).rejects.toThrow(refusal('signed by none'));
  });
});

describe('the keys', () => {
  test('one of two is enough, and only what was checked is reported as signed', async () => {
    const [ed25519, mldsa44] = keys.log.verifiers.map((verifier) => ({ ...keys.log, verifiers: [verifier] }));
    for (const evidence of byCheckpoint()) {
      const isTimed = KINDS[evidence.kind].timed;
      const byMldsa = await verifyEvidence(evidence, [mldsa44!]);
      expect(byMldsa.id).toBe(evidence.id);
      expect([byMldsa.heads[0]!.missing, evidence.heads[0]!.missing]).toEqual([[], []]);
      expect(byMldsa.heads[0]!.signatures.map(({ vkey }) => vkey)).toEqual([mldsa44!.verifiers[0]!.vkey]);
      const byEd25519 = verifyEvidence(evidence, [ed25519!]);
      // A time that nobody can check must not be part of an argument, nor of an id.
      if (isTimed) await expect(byEd25519).rejects.toThrow(refusal('cannot be checked'));
      else expect((await byEd25519).id).toBe(evidence.id);
    }
  });

  test('a line of a known key has to hold, even beside one that does', async () => {
    const [ed25519] = keys.signers;
    for (const evidence of byCheckpoint()) {
      const checkpoints = evidence.claim.checkpoints.map((note) => {
        const { text, signatures } = parseNote(note);
        const [first, second] = signatures;
        // The Ed25519 line of another text.
        const wrong = [...utf8(first!.line)];
        wrong[wrong.length - 10]! ^= 1;
        return formatNote(text, [utf8Text(Uint8Array.from(wrong))!, second!]);
      });
      await expect(verifyWith(evidence, { checkpoints })).rejects.toThrow(refusal(`signature of ${ed25519!.name}`));
    }
  });

  test('in the file are a hint: exactly those of the lines, each once and sorted', async () => {
    const evidence = sample('fork-same-size');
    const [a, b] = evidence.claim.keys;
    const stranger = testKeys(keys.log.origin, undefined, 7).signers[0]!.vkey;
    for (const [vkeys, message] of [
      [[b!, a!], 'not sorted'],
      [[a!, a!, b!], 'not sorted'],
      [[a!], 'not listed'],
      [[b!], 'not listed'],
      [[], 'not listed'],
      [[a!, b!, stranger].toSorted(), 'has signed nothing'],
      [[a!, b!, 'log.example/a'].toSorted(), 'verifier key'],
    ] as const) {
      await expect(verifyWith(evidence, { keys: vkeys })).rejects.toThrow(refusal(message));
    }
  });

  test('of strangers cannot add lines to a checkpoint, nor the log’s a second one', async () => {
    const evidence = sample('fork-same-size');
    const [note, other] = evidence.claim.checkpoints;
    const { text, signatures } = parseNote(note!);
    const grease = greaseLines(1, seededNumbers(1));
    const again = await keys.signers[1]!.sign(text, NOON + 1);
    for (const [lines, message] of [
      [[...signatures, ...grease], 'not listed'],
      [[...signatures, again], 'two lines'],
      [[...signatures, signatures[0]!], 'two lines'],
    ] as const) {
      const checkpoints = [formatNote(text, lines), other!];
      await expect(verifyWith(evidence, { checkpoints })).rejects.toThrow(refusal(message));
    }
  });

  test('on a checkpoint with extension lines: one has to cover them', async () => {
    const extended = await headOf(keys, honest, 9, NOON, ['what=ever']);
    const evidence = await forkSameSize(keys.log, extended, await headOf(keys, forked, 9));
    expect(evidence.claim.checkpoints.join()).toContain('what=ever');
    // ML-DSA-44 does not: such a line is left out when evidence is made, and refused when somebody put it there.
    const mldsa44 = testKeys(keys.log.origin, [SIGNATURE_TYPE.mldsa44]);
    const bare = await headOf(mldsa44, honest, 9, NOON, ['what=ever']);
    const trimmed = await forkSameSize(mldsa44.log, bare, await headOf(mldsa44, forked, 9));
    expect(trimmed.claim.checkpoints.join()).not.toContain('what=ever');
    const checkpoints = trimmed.claim.checkpoints.map((note) => note.replace('\n\n', '\nwhat=ever\n\n'));
    await expect(verifyWith(trimmed, { checkpoints }, mldsa44.log)).rejects.toThrow(refusal('nobody signed'));
  });

  test('that changed: both old and new ones convict, and honest heads under both do not', async () => {
    const [old, young] = [testKeys(keys.log.origin, undefined, 1), testKeys(keys.log.origin, undefined, 11)];
    const log: LogIdentity = { ...old.log, verifiers: [...old.log.verifiers, ...young.log.verifiers] };
    const [before, after] = [await headOf(old, honest, 9), await headOf(young, honest, 12, NOON + 60)];
    const prove = (size: number, { size: toSize }: { size: number }): Promise<ReturnType<History['prefix']>> =>
      Promise.resolve(honest.prefix(size, toSize));
    expect(await contradiction(log, before, after, prove)).toBeUndefined();
    // Clocks of two keys are not compared: the old key's machine may be ahead.
    const ahead = await headOf(old, honest, 9, NOON + 3600);
    expect(await contradiction(log, ahead, after, prove)).toBeUndefined();
    await expect(rollback(log, ahead, after)).rejects.toThrow(RangeError);
    const fork = await forkSameSize(log, before, await headOf(young, forked, 9, NOON + 60));
    expect(fork.claim.keys).toHaveLength(4);
  });
});

describe('the same trouble has the same id', () => {
  test('whoever finds it, in whatever order, with whatever else is on the notes', async () => {
    const next = seededNumbers(7);
    const withGrease = (note: Uint8Array): Uint8Array => {
      const { text, signatures } = parseNote(note);
      return utf8(formatNote(text, shuffled([...signatures.map(({ line }) => line), ...greaseLines(5, next)], next)));
    };
    const [a, b] = [await headOf(keys, honest, 9), await headOf(keys, forked, 9, NOON + 60)];
    const found = await forkSameSize(keys.log, { ...b, note: withGrease(b.note) }, { ...a, note: withGrease(a.note) });
    expect(found.id).toBe(sample('fork-same-size').id);
    expect(found.claim.checkpoints.join()).not.toContain('grease');
    const files = [await proofFileOf(keys, forked, 7, 17), await proofFileOf(keys, honest, 7, 9)].map((file) => {
      const { checkpoint, ...parts } = parseTlogProof(file);
      return formatTlogProof({ ...parts, checkpoint: withGrease(checkpoint) });
    });
    expect((await proofContradicted(keys.log, files[0]!, files[1]!)).id).toBe(sample('proof-contradicted').id);
  });

  test('when a head was only signed again: times are no part of a fork', async () => {
    const again = await forkSameSize(
      keys.log,
      await headOf(keys, honest, 9, NOON + 300),
      await headOf(keys, forked, 9, NOON + 360),
    );
    expect(again.id).toBe(sample('fork-same-size').id);
    expect(
      (await rollback(keys.log, await headOf(keys, honest, 12), await headOf(keys, honest, 9, NOON + 61))).id,
    ).not.toBe(sample('rollback').id);
  });

  test('and other trees, logs or kinds have another', async () => {
    const others = [
      await forkSameSize(keys.log, await headOf(keys, honest, 10), await headOf(keys, forked, 10)),
      await forkSameSize(keys.log, await headOf(keys, honest, 9), await headOf(keys, History.of(20, 5, 'third'), 9)),
    ];
    const b = testKeys('log.example/b');
    others.push(await forkSameSize(b.log, await headOf(b, honest, 9), await headOf(b, forked, 9)));
    expect(new Set([...all, ...others].map(({ id }) => id)).size).toBe(all.length + others.length);
    for (const { id } of all) expect(id).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what each kind takes', () => {
  test('is what the table says, no more and no less', async () => {
    const filler: Partial<Claim> = { prefixRoot: 'A'.repeat(43) + '=', consistency: [], entries: [], windowSeconds: 1 };
    for (const evidence of all) {
      for (const [member, value] of Object.entries(filler)) {
        const { members, mayHave = [] } = KINDS[evidence.kind];
        const has = [...members, ...mayHave].some((name) => name === member);
        const changed = { ...evidence.claim, [member]: has ? undefined : value };
        await expect(verifyEvidence({ ...evidence, claim: changed }, [keys.log])).rejects.toThrow(refusal('take'));
      }
      for (const checkpoints of [[], [...evidence.claim.checkpoints, evidence.claim.checkpoints[0]!]]) {
        await expect(verifyWith(evidence, { checkpoints })).rejects.toThrow(refusal('checkpoints, not'));
      }
    }
  });

  test('is not what another kind takes: no claim passes under another name', async () => {
    for (const evidence of all) {
      for (const { kind } of Object.values(KINDS).filter((row) => row.kind !== evidence.kind)) {
        await expect(verifyEvidence({ ...evidence, kind }, [keys.log])).rejects.toMatchObject({ code: 'bad-evidence' });
      }
    }
  });

  test('stands in one order only', async () => {
    for (const evidence of all.filter(({ claim }) => claim.checkpoints.length === 2)) {
      const { checkpoints, entries } = evidence.claim;
      const swapped: Partial<Claim> = {
        checkpoints: checkpoints.toReversed(),
        ...(entries !== undefined && {
          entries: entries.map((entry) => ({ ...entry, checkpoint: 1 - entry.checkpoint })).toReversed(),
        }),
      };
      await expect(verifyWith(evidence, swapped)).rejects.toMatchObject({ code: 'bad-evidence' });
    }
  });
});

async function never(run: Promise<Evidence>): Promise<void> {
  await expect(run).rejects.toThrow(RangeError);
}

function head(size: number, time = NOON, by: TestKeys = keys): ReturnType<typeof headOf> {
  return headOf(by, honest, size, time);
}

describe('honest pairs that look odd convict nobody', () => {
  test('the same head, also when it was signed again later or earlier', async () => {
    await never(forkSameSize(keys.log, await head(9), await head(9)));
    await never(forkSameSize(keys.log, await head(9), await head(9, NOON + 300)));
    await never(rollback(keys.log, await head(9), await head(9, NOON + 300)));
    await never(rollback(keys.log, await head(9, NOON + 300), await head(9)));
  });

  test('two sizes in one second, and an older cached head', async () => {
    await never(rollback(keys.log, await head(9), await head(12)));
    await never(rollback(keys.log, await head(12, NOON + 60), await head(9)));
  });

  test('times of 0, which state none, on either side', async () => {
    const old = testKeys(keys.log.origin);
    await never(rollback(keys.log, await head(12, 0, old), await head(9)));
    await never(rollback(keys.log, await head(12), await head(9, 0, old)));
    await never(rollback(keys.log, await head(12, 0, old), await head(9, 0, old)));
  });

  test('heads without times: an Ed25519 key alone never shows a rollback', async () => {
    const plain = testKeys(keys.log.origin, [SIGNATURE_TYPE.ed25519]);
    await never(rollback(plain.log, await head(12, NOON, plain), await head(9, NOON + 60, plain)));
  });

  test('several times on one note: only a pair that contradicts counts', async () => {
    // The log signed 9 entries twice, then 12. Whoever merges the two notes of 9 changes nothing.
    const [first, again, later] = [await head(9), await head(9, NOON + 300), await head(12, NOON + 600)];
    const { text, signatures } = parseNote(first.note);
    const merged = { ...first, note: utf8(formatNote(text, [...signatures, ...parseNote(again.note).signatures])) };
    await never(rollback(keys.log, merged, later));
    expect(await contradiction(keys.log, merged, later)).toBeUndefined();
    // And a log that did go back is caught whichever line comes first.
    const back = await head(7, NOON + 100);
    const { claim } = await rollback(keys.log, merged, back);
    expect(parseNote(claim.checkpoints[0]!).signatures).toHaveLength(2);
  });

  test('empty trees, whatever their root is said to be', async () => {
    const odd = { root: (size: number) => (size === 0 ? honest.root(1) : honest.root(size)) };
    const [empty, other] = [await head(0), await headOf(keys, odd, 0, NOON + 60)];
    await never(forkSameSize(keys.log, empty, other));
    expect(await contradiction(keys.log, empty, other)).toBeUndefined();
    const larger = await head(9, NOON + 60);
    await never(forkPrefix(keys.log, empty, larger, honest.root(1), []));
    await never(forkPrefix(keys.log, other, larger, honest.root(0), []));
    expect(await contradiction(keys.log, empty, larger, () => Promise.reject(new Error('asked')))).toBeUndefined();
    // A log that says it is empty again did go back.
    await expect(rollback(keys.log, larger, await head(0, NOON + 120))).resolves.toMatchObject({ kind: 'rollback' });
  });

  test('proofs of one entry under two heads, and of two entries at two places', async () => {
    const file = (index: number, size: number): Promise<Uint8Array> => proofFileOf(keys, honest, index, size);
    await never(proofContradicted(keys.log, await file(7, 9), await file(7, 9)));
    await never(proofContradicted(keys.log, await file(7, 9), await file(7, 17)));
    await never(proofContradicted(keys.log, await file(7, 9), await file(8, 17)));
  });

  test('a proof that is not one: of another place, another entry, or an inner node taken for an entry', async () => {
    const good = await proofFileOf(keys, honest, 7, 9);
    const { checkpoint, proof } = parseTlogProof(await proofFileOf(keys, forked, 7, 17));
    const leaf = forked.entries[7]!;
    for (const parts of [
      { index: 7, extra: utf8('another'), proof },
      { index: 6, extra: leaf, proof },
      { index: 7, extra: leaf, proof: proof.slice(1) },
      { index: 7, proof },
      {
        index: 3,
        extra: Uint8Array.of(1, ...forked.tree.root(6, 7), ...forked.tree.root(7, 8)),
        proof: proof.slice(1),
      },
    ]) {
      await never(proofContradicted(keys.log, good, formatTlogProof({ ...parts, checkpoint })));
    }
    await never(proofContradicted(keys.log, good, utf8('no proof file')));
  });
});
