import { describe, expect, test } from 'vitest';
import { MemoryWitnessPlace } from '../../src/adapters/memory/witness-store.ts';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { concat, equalBytes, toHex, utf8, utf8Text } from '../../src/bytes.ts';
import { emptyRootHash, portableHasher } from '../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier, noteSigner } from '../../src/note/signer.ts';
import type { Witness, WitnessAnswer } from '../../src/witness/index.ts';
import { greaseLines, seededNumbers, shuffled, testKey } from '../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { START_SECONDS, WITNESS_NAME, WitnessedTestLog, forkedTree, witnessWorld } from '../support/witness-world.ts';
import type { WitnessWorld } from '../support/witness-world.ts';

const TREE = rfcTestTree(200);
const BOTH = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44] as const;

/** What the lines of a 200 state, verified: one head and one time for each key. */
async function cosignedBy(witness: Witness, note: Uint8Array, answer: WitnessAnswer): Promise<readonly number[]> {
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.reason}`);
  const verifiers = witness.vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
  // As the specification lets a client do it: the lines behind the note that was sent.
  const { verified } = await openCheckpoint(concat(note, utf8(answer.lines)), verifiers);
  expect(verified).toHaveLength(verifiers.length);
  return verified.map(({ timestampSeconds }) => timestampSeconds);
}

const hashOf = (origin: string): string => toHex(portableHasher.sha256(utf8(origin)));

/** A log of that many keys, which all sign each head. */
function manyKeys(count: number): WitnessedTestLog {
  const log = new WitnessedTestLog('log.example/a', TREE, []);
  const fills = Array.from({ length: count }, (_, i) => 60 + i);
  const keys = fills.map((fill) => testKey(log.origin, SIGNATURE_TYPE.ed25519, fill, nodeCrypto));
  return Object.assign(log, { signers: keys.map((key) => noteSigner(key, nodeCrypto)) });
}

/** A world whose witness has cosigned size 10. */
async function atTen(log = new WitnessedTestLog('log.example/a', TREE)): Promise<WitnessWorld> {
  const world = await witnessWorld({ logs: [log] });
  expect(await world.witness.addCheckpoint(await log.request(0, 10))).toMatchObject({ status: 200 });
  return world;
}

describe('the statuses of add-checkpoint', () => {
  const log = new WitnessedTestLog('log.example/a', TREE);
  const stranger = new WitnessedTestLog('log.example/other', TREE, undefined, 80);
  const impostor = new WitnessedTestLog('log.example/a', TREE, undefined, 90);
  const fork = new WitnessedTestLog('log.example/a', forkedTree(5, 200));

  type Row = readonly [what: string, status: number, request: () => Promise<Uint8Array>, more?: object];
  const rows: readonly Row[] = [
    ['a proof from the last size', 200, () => log.request(10, 20)],
    ['the last head again', 200, () => log.request(10, 10)],
    ['no request', 400, () => Promise.resolve(utf8('hello'))],
    ['a body that ends early', 400, async () => (await log.request(10, 20)).subarray(0, 60)],
    ['no note', 400, () => Promise.resolve(utf8('old 10\n\nhello\n'))],
    [
      'a note that is no checkpoint',
      400,
      async () =>
        formatAddCheckpoint({
          oldSize: 10,
          proof: [],
          checkpoint: utf8(formatNote('hello\nworld\n', parseNote(await log.note(10)).signatures)),
        }),
    ],
    [
      'an old size above the checkpoint',
      400,
      async () => formatAddCheckpoint({ oldSize: 30, proof: [], checkpoint: await log.note(20) }),
    ],
    ['a checkpoint that is too large to keep', 400, () => log.request(10, 20, { extensions: ['x'.repeat(70_000)] })],
    [
      'a hundred lines of the log',
      400,
      async () => {
        const { text, signatures } = parseNote(await log.note(20));
        const checkpoint = utf8(
          formatNote(
            text,
            Array.from({ length: 100 }, () => signatures[0]!),
          ),
        );
        return formatAddCheckpoint({ oldSize: 10, proof: TREE.proof(10, 20), checkpoint });
      },
    ],
    ['no signature of a known key', 403, () => impostor.request(10, 20)],
    [
      'a signature that does not hold',
      403,
      async () => {
        const signatures = parseNote(await log.note(21)).signatures;
        const { text } = parseNote(await log.note(20));
        return formatAddCheckpoint({
          oldSize: 10,
          proof: TREE.proof(10, 20),
          checkpoint: utf8(formatNote(text, signatures)),
        });
      },
    ],
    [
      'one signature that holds and one of the same key that does not',
      403,
      async () => {
        const other = parseNote(await log.note(21)).signatures;
        return log.request(10, 20, { lines: other.map(({ line }) => line) });
      },
    ],
    ['an unknown origin', 404, () => stranger.request(0, 20)],
    ['an old size that is too small', 409, () => log.request(0, 20), { size: 10 }],
    ['an old size that is too large', 409, () => log.request(15, 20), { size: 10 }],
    ['a smaller checkpoint', 409, () => log.request(5, 5), { size: 10 }],
    ['the empty tree with an old size of 0', 409, () => log.request(0, 0), { size: 10 }],
    ['a proof of another history', 422, () => fork.request(10, 20)],
    ['no proof', 422, async () => formatAddCheckpoint({ oldSize: 10, proof: [], checkpoint: await log.note(20) })],
    [
      'a hash too much',
      422,
      async () =>
        formatAddCheckpoint({
          oldSize: 10,
          proof: [...TREE.proof(10, 20), TREE.root(0, 1)],
          checkpoint: await log.note(20),
        }),
    ],
    ['the same size and another root', 422, () => fork.request(10, 10)],
    [
      'the same head and a proof',
      422,
      async () => formatAddCheckpoint({ oldSize: 10, proof: [TREE.root(0, 1)], checkpoint: await log.note(10) }),
    ],
  ];
  test.each(rows.map(([what, status, request, more]) => ({ what, status, request, more })))(
    '$what: $status',
    async ({ status, request, more }) => {
      const { witness, place } = await atTen(log);
      const before = place.mark;
      const answer = await witness.addCheckpoint(await request());
      expect(answer).toMatchObject({ ...more, status });
      // Whatever is refused changes nothing.
      if (status !== 200) expect(place.mark).toBe(before);
    },
  );

  test.each<readonly [string, number, () => Promise<Uint8Array>]>([
    ['the first checkpoint', 200, () => log.request(0, 20)],
    ['the empty tree', 200, () => log.request(0, 0)],
    [
      'a proof beside the old size 0',
      422,
      async () => concat(utf8(`old 0\n${btoa('x'.repeat(32))}\n\n`), await log.note(20)),
    ],
    [
      'an empty tree with entries',
      422,
      async () =>
        formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: await log.note(0, { root: TREE.root(0, 3) }) }),
    ],
    ['an old size where there is none', 409, () => log.request(10, 20)],
  ])('of a log never seen, %s: %i', async (_what, status, makeRequest) => {
    const { witness } = await witnessWorld({ logs: [log] });
    expect(await witness.addCheckpoint(await makeRequest())).toMatchObject({ status });
  });

  test('the empty tree is a head like any other, and everything extends it', async () => {
    const { witness } = await witnessWorld({ logs: [log] });
    expect(emptyRootHash()).toEqual(log.root(0));
    for (const size of [0, 0, 7])
      expect(await witness.addCheckpoint(await log.request(0, size))).toMatchObject({ status: 200 });
    expect(await witness.addCheckpoint(await log.request(0, 9))).toMatchObject({ status: 409, size: 7 });
  });
});

describe('a witness', () => {
  test('cosigns with all its keys, one time for all, and never time 0', async () => {
    const log = new WitnessedTestLog('log.example/a', TREE, [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44]);
    const { witness, tick } = await witnessWorld({ logs: [log], types: BOTH });
    const first = await witness.addCheckpoint(await log.request(0, 10));
    expect(await cosignedBy(witness, await log.note(10), first)).toEqual([START_SECONDS, START_SECONDS]);
    tick(3);
    const second = await witness.addCheckpoint(await log.request(10, 11));
    expect(await cosignedBy(witness, await log.note(11), second)).toEqual([START_SECONDS + 3, START_SECONDS + 3]);
  });

  test('wants every key of a log with two, and a time in the second', async () => {
    const log = new WitnessedTestLog('log.example/a', TREE, [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44]);
    const { witness } = await witnessWorld({ logs: [log] });
    const { text, signatures } = parseNote(await log.note(10));
    for (const line of signatures) {
      const checkpoint = utf8(formatNote(text, [line]));
      expect(await witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }))).toMatchObject({
        status: 403,
      });
    }
    expect(await witness.addCheckpoint(await log.request(0, 10, { atSeconds: 0 }))).toMatchObject({ status: 403 });
    expect(await witness.addCheckpoint(await log.request(0, 10))).toMatchObject({ status: 200 });
  });

  test('covers extension lines, and gives them no meaning', async () => {
    const { witness, log } = await witnessWorld();
    const more = { extensions: ['a line of the log', 'size 3'] };
    const answer = await witness.addCheckpoint(await log.request(0, 10, more));
    expect(await cosignedBy(witness, await log.note(10, more), answer)).toEqual([START_SECONDS]);
  });

  test('takes no notice of lines by nobody', async () => {
    const seed = chooseSeed();
    const next = seededNumbers(seed + 1);
    const { witness, log } = await witnessWorld();
    let size = 0;
    for (let round = 1; round <= 20; round++) {
      const { text, signatures } = parseNote(await log.note(round));
      const lines = shuffled([...signatures.map(({ line }) => line), ...greaseLines(12, next)], next);
      const proof = size === 0 ? [] : log.tree.proof(size, round);
      const body = formatAddCheckpoint({ oldSize: size, proof, checkpoint: utf8(formatNote(text, lines)) });
      expect(await witness.addCheckpoint(body), `seed ${seed}`).toMatchObject({ status: 200 });
      // What monitors read has the log's line and the witness's, and no others.
      const kept = parseNote((await witness.checkpoint(hashOf(log.origin)))!);
      expect(kept.signatures.map(({ name }) => name)).toEqual([log.origin, WITNESS_NAME]);
      size = round;
    }
  });

  test('serves the last cosigned checkpoint, with the lines that it answered', async () => {
    const { witness, log } = await witnessWorld();
    const hash = hashOf(log.origin);
    expect(await witness.checkpoint(hash)).toBeUndefined();
    expect(await witness.checkpoint(hashOf('another'))).toBeUndefined();
    const answer = await witness.addCheckpoint(await log.request(0, 10));
    const served = utf8Text((await witness.checkpoint(hash))!)!;
    expect(served).toBe(utf8Text(await log.note(10))! + (answer.status === 200 ? answer.lines : ''));
    expect(witness.logs()).toMatchObject([{ origin: log.origin, originHash: hash, head: { size: 10 }, suspicions: 0 }]);
  });

  test('never signs an earlier time, whatever its clock says and whenever it is started', async () => {
    const place = new MemoryWitnessPlace();
    let world = await witnessWorld({ place });
    const { log } = world;
    await world.witness.addCheckpoint(await log.request(0, 10));
    world.jump(-30);
    const answer = await world.witness.addCheckpoint(await log.request(10, 11));
    expect(await cosignedBy(world.witness, await log.note(11), answer)).toEqual([START_SECONDS]);
    world.jump(30);
    world.tick(50);
    // The same head again: nothing but the time has changed, and it is as durable as the head.
    await world.witness.addCheckpoint(await log.request(11, 11));
    await world.witness.close();
    // The next process begins 50 s earlier.
    world = await witnessWorld({ place });
    const again = await world.witness.addCheckpoint(await log.request(11, 12));
    expect(await cosignedBy(world.witness, await log.note(12), again)).toEqual([START_SECONDS + 50]);
  });

  test.each([90, -90, 1e6])('signs nothing after its clock jumped by %i seconds, until it is back', async (seconds) => {
    const { witness, log, jump, place } = await witnessWorld();
    await witness.addCheckpoint(await log.request(0, 10));
    const before = place.mark;
    jump(seconds);
    await expect(witness.addCheckpoint(await log.request(10, 20))).rejects.toMatchObject({ code: 'clock-behind' });
    expect(place.mark).toBe(before);
    jump(-seconds);
    expect(await witness.addCheckpoint(await log.request(10, 20))).toMatchObject({ status: 200 });
  });

  test('answers what came before it was closed, and nothing after', async () => {
    const { witness, log } = await witnessWorld();
    const before = witness.addCheckpoint(await log.request(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await witness.close();
    expect(await before).toMatchObject({ status: 200 });
    await expect(witness.addCheckpoint(await log.request(10, 20))).rejects.toMatchObject({ code: 'shutting-down' });
  });

  test('refuses keys that are no cosigner’s, and keys of two names', async () => {
    const log = new WitnessedTestLog('log.example/a', TREE);
    await expect(witnessWorld({ more: { signers: log.signers } })).rejects.toMatchObject({ code: 'bad-key' });
    await expect(witnessWorld({ more: { signers: [] } })).rejects.toMatchObject({ code: 'bad-key' });
  });

  test('cosigns for a log of as many keys as leave room for its own lines, and refuses one of more', async () => {
    const place = new MemoryWitnessPlace();
    // 100 lines is the most that a note is read with.
    const log = manyKeys(98);
    const { witness } = await witnessWorld({ logs: [log], types: BOTH, place });
    expect(await witness.addCheckpoint(await log.request(0, 10))).toMatchObject({ status: 200 });
    await witness.close();
    const again = await witnessWorld({ logs: [log], types: BOTH, place });
    expect(parseNote((await again.witness.checkpoint(hashOf(log.origin)))!).signatures).toHaveLength(100);
    await expect(witnessWorld({ logs: [manyKeys(99)], types: BOTH })).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(/99 keys.*98/),
    });
    expect(() => again.witness.addLogs([log.listed, { ...manyKeys(99).listed, origin: 'log.example/b' }])).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
  });

  test('refuses a log that has its own name or key', async () => {
    const named = new WitnessedTestLog(WITNESS_NAME, TREE);
    await expect(witnessWorld({ logs: [named] })).rejects.toMatchObject({ code: 'bad-config' });
    const sharing = new WitnessedTestLog('log.example/a', TREE, [SIGNATURE_TYPE.mldsa44], 20);
    await expect(witnessWorld({ logs: [sharing], types: BOTH })).rejects.toMatchObject({ code: 'bad-config' });
    const long = new WitnessedTestLog(`log.example/${'a'.repeat(300)}`, TREE);
    await expect(witnessWorld({ logs: [long], types: BOTH })).rejects.toMatchObject({ code: 'bad-config' });
    await expect(witnessWorld({ logs: [long] })).resolves.toBeDefined();
  });
});

describe('many requests at once', () => {
  test('two hundred of three histories never have two inconsistent heads cosigned, nor one that goes back', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const trees = [TREE, forkedTree(30, 200), forkedTree(90, 200)];
    const sides = trees.map((tree) => new WitnessedTestLog('log.example/a', tree));
    // Ed25519 alone, as the log is one: the three sides have one key.
    const { witness, tick } = await witnessWorld({ logs: [sides[0]!] });
    let known = 0;
    const bodies = new Map<string, Uint8Array>();
    const pending: Promise<void>[] = [];
    const cosigned: {
      readonly size: number;
      readonly root: Uint8Array;
      readonly atSeconds: number;
      readonly n: number;
    }[] = [];
    for (let n = 0; n < 200; n++) {
      const side = sides[between(random, 0, 3)]!;
      const oldSize = random() < 0.8 ? known : between(random, 0, 200);
      const size = Math.min(199, oldSize + between(random, 0, 12));
      const body = await side.request(oldSize, size);
      bodies.set(`${n}`, body);
      pending.push(
        witness.addCheckpoint(body).then(async (answer) => {
          if (answer.status === 409) known = answer.size;
          if (answer.status !== 200) return;
          const times = await cosignedBy(witness, await side.note(size), answer);
          cosigned.push({ size, root: side.root(size), atSeconds: times[0]!, n });
          known = Math.max(known, size);
        }),
      );
      if (random() < 0.3) await pending.at(-1);
      if (random() < 0.2) tick(1);
    }
    await Promise.all(pending);
    const message = `seed ${seed}`;
    expect(cosigned.length, message).toBeGreaterThan(10);
    // One history holds all of them.
    const holds = sides.filter((side) => cosigned.every(({ size, root }) => equalBytes(side.root(size), root)));
    expect(holds.length, message).toBeGreaterThan(0);
    // In the order in which they were signed neither time nor size goes back.
    for (const [i, one] of cosigned.entries()) {
      const before = cosigned[i - 1];
      if (before === undefined) continue;
      expect(one.atSeconds, message).toBeGreaterThanOrEqual(before.atSeconds);
      expect(one.size, message).toBeGreaterThanOrEqual(before.size);
    }
    const last = parseCheckpoint(parseNote((await witness.checkpoint(hashOf('log.example/a')))!).text);
    expect(last.size, message).toBe(Math.max(...cosigned.map(({ size }) => size)));
  });

  test('of many logs share commits', async () => {
    const logs = Array.from({ length: 40 }, (_, i) => new WitnessedTestLog(`log.example/${i}`, TREE, undefined, 40));
    const { witness, place } = await witnessWorld({ logs });
    const bodies = await Promise.all(logs.map((log) => log.request(0, 10)));
    const answers = await Promise.all(bodies.map((body) => witness.addCheckpoint(body)));
    expect(answers.map(({ status }) => status)).toEqual(logs.map(() => 200));
    expect(place.mark!.sequence).toBeLessThan(10);
  });
});
