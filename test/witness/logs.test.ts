// The log list of a running witness, and heads that smell of misbehaviour.

import { describe, expect, test } from 'vitest';
import { MemoryWitnessPlace, memoryWitnessStore } from '../../src/adapters/memory/witness-store.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { parseNote } from '../../src/note/note.ts';
import { openLogCheckpoint } from '../../src/note/open.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { START_SECONDS, WITNESS_NAME, WitnessedTestLog, forkedTree, witnessWorld } from '../support/witness-world.ts';

const TREE = rfcTestTree(100);
const KEYS = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44];
const log = new WitnessedTestLog('log.example/a', TREE, KEYS);
const fork = new WitnessedTestLog('log.example/a', forkedTree(5, 100), KEYS);
const hash = toHex(portableHasher.sha256(utf8(log.origin)));

describe('a log list that is read again', () => {
  test('adds logs, and never takes one away or changes its keys', async () => {
    const other = new WitnessedTestLog('log.example/b', TREE, undefined, 60);
    const rekeyed = new WitnessedTestLog('log.example/a', TREE, KEYS, 90);
    const { witness } = await witnessWorld({ logs: [log] });
    expect(await witness.addCheckpoint(await other.request(0, 3))).toMatchObject({ status: 404 });
    expect(witness.addLogs([log.listed, other.listed])).toEqual({ added: 1, refused: [] });
    expect(await witness.addCheckpoint(await other.request(0, 3))).toMatchObject({ status: 200 });
    expect(witness.addLogs([rekeyed.listed])).toEqual({
      added: 0,
      refused: [
        { origin: log.origin, why: 'its keys are others' },
        { origin: other.origin, why: 'it is not in the list any more' },
      ],
    });
    expect(await witness.addCheckpoint(await rekeyed.request(0, 3))).toMatchObject({ status: 403 });
    expect(await witness.addCheckpoint(await log.request(0, 3))).toMatchObject({ status: 200 });
    expect(await witness.addCheckpoint(await other.request(3, 4))).toMatchObject({ status: 200 });
  });

  test('with a log that cannot be witnessed adds none of it', async () => {
    const other = new WitnessedTestLog('log.example/b', TREE, undefined, 60);
    const named = new WitnessedTestLog(WITNESS_NAME, TREE, undefined, 70);
    const { witness } = await witnessWorld({ logs: [log] });
    expect(() => witness.addLogs([log.listed, other.listed, named.listed])).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
    expect(witness.logs()).toHaveLength(1);
  });
});

describe('a head that smells', () => {
  test.each([
    ['the same size and another root', 'same-size', 422, () => fork.request(10, 10)],
    ['the same under another old size', 'same-size', 409, () => fork.request(3, 10)],
    ['a smaller tree, signed later', 'rollback', 409, () => log.request(0, 4, { atSeconds: START_SECONDS + 1 })],
    ['another history', 'not-consistent', 422, () => fork.request(10, 20)],
    ['a larger tree, signed earlier', 'rollback', 409, () => log.request(5, 20, { atSeconds: START_SECONDS - 1 })],
    ['another history, signed earlier', 'rollback', 422, () => fork.request(10, 20, { atSeconds: START_SECONDS - 1 })],
  ] as const)('with %s is kept, and told once', async (_what, kind, status, makeRequest) => {
    const place = new MemoryWitnessPlace();
    const { witness, suspicions } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    for (let i = 0; i < 3; i++) expect(await witness.addCheckpoint(await makeRequest())).toMatchObject({ status });
    expect(suspicions).toMatchObject([{ kind, origin: log.origin, atSeconds: START_SECONDS }]);
    expect(witness.suspicionsOf(hash)).toEqual(suspicions);
    // Both notes are the log's own words, and hold by themselves.
    for (const note of [suspicions[0]!.note, suspicions[0]!.against]) {
      await expect(openLogCheckpoint(note, log.listed)).resolves.toBeDefined();
      expect(parseNote(note).signatures).toHaveLength(2);
    }
    await witness.close();
    const again = await witnessWorld({ logs: [log], place });
    expect(again.witness.suspicionsOf(hash)).toEqual(suspicions);
    expect(again.witness.logs()).toMatchObject([{ suspicions: 1 }]);
  });

  test.each([
    ['an old size that is behind', () => log.request(5, 20)],
    ['an older head', () => log.request(0, 4, { atSeconds: START_SECONDS })],
    ['no signature of the log', () => new WitnessedTestLog(log.origin, forkedTree(5, 100), KEYS, 90).request(10, 10)],
  ])('with %s is not', async (_what, makeRequest) => {
    const { witness, suspicions } = await witnessWorld({ logs: [log] });
    await witness.addCheckpoint(await log.request(0, 10));
    expect((await witness.addCheckpoint(await makeRequest())).status).not.toBe(200);
    expect(suspicions).toEqual([]);
  });

  test('of a larger tree, signed earlier, is cosigned where it extends, and kept before that', async () => {
    const place = new MemoryWitnessPlace();
    const order: string[] = [];
    const { witness, suspicions } = await witnessWorld({
      logs: [log],
      place,
      storeFaults: (moment) => void order.push(`commit ${moment}, ${place.suspicions.size} kept`),
    });
    await witness.addCheckpoint(await log.request(0, 10));
    order.length = 0;
    // The log says that 20 was its largest tree before it says that 10 was.
    const earlier = await log.request(10, 20, { atSeconds: START_SECONDS - 1 });
    expect(await witness.addCheckpoint(earlier)).toMatchObject({ status: 200 });
    expect(suspicions).toMatchObject([{ kind: 'rollback', size: 20 }]);
    expect([parseCheckpoint(parseNote(suspicions[0]!.against).text).size, witness.logs()[0]]).toMatchObject([
      10,
      { head: { size: 20 }, suspicions: 1 },
    ]);
    // Afterwards nobody has the smaller head any more: it is kept before the larger one takes its place.
    expect(order[0]).toBe('commit before, 1 kept');
    expect(await witness.addCheckpoint(await log.request(20, 20, { atSeconds: START_SECONDS }))).toMatchObject({
      status: 200,
    });
    expect(await witness.addCheckpoint(await log.request(20, 30))).toMatchObject({ status: 200 });
    expect(suspicions).toHaveLength(1);
  });

  test.each([
    ['in the same second', () => log.request(10, 20)],
    ['later', () => log.request(10, 20, { atSeconds: START_SECONDS + 1 })],
  ])('is none of a tree that grew %s', async (_what, makeRequest) => {
    const { witness, suspicions } = await witnessWorld({ logs: [log] });
    await witness.addCheckpoint(await log.request(0, 10));
    expect(await witness.addCheckpoint(await makeRequest())).toMatchObject({ status: 200 });
    expect(suspicions).toEqual([]);
  });

  test('that the store did not take is written later, and once it was let go of no more', async () => {
    const place = new MemoryWitnessPlace();
    let isFull = false;
    const store = memoryWitnessStore(place);
    const keep: typeof store.keep = (keepsakes) =>
      isFull ? Promise.reject(new Error('no space left')) : store.keep(keepsakes);
    const troubles: unknown[] = [];
    const onTrouble = (error: unknown): number => troubles.push(error);
    const world = await witnessWorld({ logs: [log], place, more: { store: { ...store, keep }, onTrouble } });
    const { witness, suspicions, tick } = world;
    await witness.addCheckpoint(await log.request(0, 10));
    isFull = true;
    expect(await witness.addCheckpoint(await fork.request(10, 10))).toMatchObject({ status: 422 });
    const wrong = formatAddCheckpoint({ oldSize: 10, proof: [], checkpoint: await log.note(20) });
    expect(await witness.addCheckpoint(wrong)).toMatchObject({ status: 422 });
    expect([suspicions.length, troubles.length, place.suspicions.size]).toEqual([2, 2, 0]);
    isFull = false;
    // The second one turns out to be honest.
    tick(20);
    expect(await witness.addCheckpoint(await log.request(10, 20))).toMatchObject({ status: 200 });
    await witness.close();
    const again = await witnessWorld({ logs: [log], place });
    expect(again.witness.suspicionsOf(hash)).toMatchObject([{ kind: 'same-size' }]);
  });

  test('that was only sent with a wrong proof is let go of when it is cosigned', async () => {
    const place = new MemoryWitnessPlace();
    const { witness, suspicions } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    const wrong = formatAddCheckpoint({ oldSize: 10, proof: [], checkpoint: await log.note(20) });
    expect(await witness.addCheckpoint(wrong)).toMatchObject({ status: 422 });
    expect(suspicions).toHaveLength(1);
    expect(witness.suspicionsOf(hash)).toHaveLength(1);
    expect(await witness.addCheckpoint(await log.request(10, 20))).toMatchObject({ status: 200 });
    expect(witness.suspicionsOf(hash)).toEqual([]);
    expect(place.suspicions.size).toBe(0);
  });

  test('of which there are many takes no more room, and what convicts stays', async () => {
    const place = new MemoryWitnessPlace();
    const { witness } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    expect(await witness.addCheckpoint(await fork.request(10, 10))).toMatchObject({ status: 422 });
    for (let size = 11; size < 60; size++)
      expect(await witness.addCheckpoint(await fork.request(10, size))).toMatchObject({ status: 422 });
    const kept = witness.suspicionsOf(hash)!;
    expect(kept.filter(({ kind }) => kind === 'not-consistent')).toHaveLength(8);
    expect(kept.filter(({ kind }) => kind === 'same-size')).toHaveLength(1);
    expect(place.suspicions.size).toBe(9);
  });
});
