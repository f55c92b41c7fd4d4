import { describe, expect, it } from 'vitest';
import { memoryMedium } from '../../src/adapters/memory.ts';
import { equalBytes, toHex, utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { asHash, portableHasher } from '../../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/proof.ts';
import { openLogCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { checkLog } from '../support/check-log.ts';
import { TEST_ORIGIN, opaqueEntries, openTestLog, settle, testSigners } from '../support/test-log.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';

describe('an open log', () => {
  it('publishes the empty tree before anything is appended', async () => {
    const { log } = await openTestLog();
    expect(log.status()).toMatchObject({ state: 'ready', head: { size: 0 } });
    await checkLog(log, []);
  });

  it('is whole after each of many appends of uneven size', async () => {
    const { log, clock } = await openTestLog({ checkpointIntervalMillis: 0 });
    let size = 0;
    for (const count of [1, 1, 2, 250, 1, 1, 1, 255, 256, 257, 3, 512, 700]) {
      const results = await log.append(opaqueEntries(size, size + count));
      expect(results.map((result) => result.ok && result.index)).toEqual(
        Array.from({ length: count }, (_, i) => size + i),
      );
      size += count;
      await clock.advance(1);
      await checkLog(log, opaqueEntries(0, size));
    }
  });

  it('gives the same bytes however the entries were grouped', async () => {
    const one = await openTestLog();
    const many = await openTestLog();
    await one.log.append(opaqueEntries(0, 1000));
    for (let i = 0; i < 1000; i += 7) await many.log.append(opaqueEntries(i, Math.min(1000, i + 7)));
    for (const { clock } of [one, many]) await clock.advance(5000);
    expect(one.log.status().head).toEqual(many.log.status().head);
    for (const [path, bytes] of one.medium.tiles) expect(toHex(many.medium.tiles.get(path)!), path).toBe(toHex(bytes));
    expect(many.medium.tiles.size).toBe(one.medium.tiles.size);
    expect(one.medium.leaves).toEqual(many.medium.leaves);
  });

  it('answers the first index for a leaf it has, alone, in one batch and while it is still waiting', async () => {
    const { log } = await openTestLog();
    const [a, b] = [utf8('a'), utf8('b')];
    expect(await log.append([a, b, a])).toMatchObject([
      { index: 0, duplicate: false },
      { index: 1, duplicate: false },
      { index: 0, duplicate: true },
    ]);
    const both = await Promise.all([log.append([utf8('c')]), log.append([utf8('c')])]);
    expect(both.map(([result]) => result)).toMatchObject([
      { index: 2, duplicate: false },
      { index: 2, duplicate: true },
    ]);
    expect(await log.append([b])).toMatchObject([{ index: 1, duplicate: true }]);
    expect(log.status().head.size).toBe(3);
  });

  it('judges each entry alone: one that is too large leaves the others in', async () => {
    const { log } = await openTestLog();
    const results = await log.append([utf8('a'), new Uint8Array(65_536), new Uint8Array(65_535), utf8('')]);
    expect(results.map((result) => (result.ok ? result.index : result.error.code))).toEqual([
      0,
      'entry-too-large',
      1,
      2,
    ]);
    expect(results[1]).toMatchObject({ error: { details: { size: 65_536, limit: 65_535 } } });
  });

  it('refuses whole what does not fit in the queue, and takes it later', async () => {
    const { log } = await openTestLog({ limits: { queueEntries: 10 } });
    const first = log.append(opaqueEntries(0, 8));
    await expect(log.append(opaqueEntries(8, 11))).rejects.toMatchObject({ code: 'queue-full', retryAfterSeconds: 1 });
    const second = log.append(opaqueEntries(8, 10));
    await Promise.all([first, second]);
    expect(await log.append(opaqueEntries(10, 20))).toHaveLength(10);
    expect(log.status()).toMatchObject({ head: { size: 20 }, waitingEntries: 0, waitingBytes: 0 });
  });

  it('splits what waits into commits of bounded size', async () => {
    const { log, events } = await openTestLog({ limits: { commitEntries: 100 } });
    await log.append(opaqueEntries(0, 250));
    const commits = events.flatMap((event) => (event.kind === 'committed' ? [event.entries] : []));
    expect(commits).toEqual([100, 100, 50]);
  });

  it('takes nothing after close, which publishes what was taken', async () => {
    const { log, guard, medium } = await openTestLog();
    const pending = log.append(opaqueEntries(0, 3));
    await log.close();
    expect(await pending).toMatchObject([{ index: 0 }, { index: 1 }, { index: 2 }]);
    await expect(log.append([utf8('late')])).rejects.toMatchObject({ code: 'shutting-down' });
    const again = await openTestLog({ guard, medium });
    await checkLog(again.log, opaqueEntries(0, 3));
    expect(guard.state?.size).toBe(3);
  });
});

describe('what readers get', () => {
  it('is the published tree, never more', async () => {
    const { log, clock } = await openTestLog();
    await log.append(opaqueEntries(0, 300));
    expect(log.status()).toMatchObject({ head: { size: 300 }, published: { size: 0 } });
    expect(await log.read([{ kind: 'tile', level: 0, index: 0, width: 256 }])).toEqual([undefined]);
    await expect(log.entry(5)).rejects.toMatchObject({ code: 'not-published', retryAfterSeconds: 1 });
    await expect(log.entry(300)).rejects.toMatchObject({ code: 'not-found' });
    await expect(log.proofFile(5)).rejects.toMatchObject({ code: 'not-published' });
    await clock.advance(1000);
    await checkLog(log, opaqueEntries(0, 300));
    expect(await log.entry(299)).toEqual(opaqueEntries(299, 300)[0]);
    expect(await log.entries(250, 1000)).toEqual(opaqueEntries(250, 300));
    expect(await log.entries(300, 310)).toEqual([]);
  });

  it('has inclusion and consistency proofs at every published size', async () => {
    const { log, clock } = await openTestLog();
    const entries = opaqueEntries(0, 600);
    await log.append(entries);
    await clock.advance(1000);
    const tree = rfcTestTree(600);
    const sizes = [1, 2, 3, 255, 256, 257, 511, 512, 600];
    const roots = new Map(sizes.map((size) => [size, asHash(tree.root(0, size))]));
    for (const [size, rootHash] of roots) {
      for (const index of [0, 1, 254, 255, 256, 300, size - 1].filter((i) => i < size)) {
        const proof = await log.inclusionProof(index, size);
        const leafHash = portableHasher.leafHash(entries[index]!);
        verifyInclusion({ leafHash, index, size, rootHash, proof });
      }
      for (const [fromSize, fromRoot] of roots) {
        if (fromSize > size) continue;
        const proof = await log.consistencyProof(fromSize, size);
        verifyConsistency({ fromSize, fromRoot, toSize: size, toRoot: rootHash, proof });
      }
    }
    await expect(log.inclusionProof(600, 600)).rejects.toMatchObject({ code: 'bad-parameter' });
    await expect(log.inclusionProof(0, 601)).rejects.toMatchObject({ code: 'not-published' });
    await expect(log.consistencyProof(0, 600)).rejects.toMatchObject({ code: 'bad-parameter' });
    await expect(log.consistencyProof(5, 601)).rejects.toMatchObject({ code: 'not-published' });
    expect(await log.findLeaf(portableHasher.leafHash(entries[77]!))).toBe(77);
    expect(await log.findLeaf(portableHasher.leafHash(utf8('nowhere')))).toBeUndefined();
  });

  it('includes proof files that carry the statement and verify by themselves', async () => {
    const { log, clock } = await openTestLog();
    const waiting = log.append(opaqueEntries(0, 40)).then(() => log.waitPublished(31, 5000));
    await settle();
    await clock.advance(1000);
    const file = await waiting;
    expect(file).toEqual(await log.proofFile(31));
    const { extra, index, proof, checkpoint: note } = parseTlogProof(file!);
    const verifiers = testSigners().map(({ vkey }) => checkpointVerifier(vkey, portableCrypto));
    const { checkpoint } = await openLogCheckpoint(note, { origin: TEST_ORIGIN, verifiers });
    expect(equalBytes(extra!, utf8('entry 31'))).toBe(true);
    const { size, rootHash } = checkpoint;
    verifyInclusion({ leafHash: portableHasher.leafHash(extra!), index, size, rootHash, proof });
  });

  it('is undefined at the deadline of a wait, and the entry is in all the same', async () => {
    const { log, clock } = await openTestLog({ checkpointIntervalMillis: 10_000 });
    await log.append(opaqueEntries(0, 1));
    const waiting = log.waitPublished(0, 500);
    await clock.advance(600);
    expect(await waiting).toBeUndefined();
    await clock.advance(10_000);
    expect(await log.proofFile(0)).toBeDefined();
    expect(() => log.assertWaitLevel('witnessed')).toThrow(expect.objectContaining({ code: 'no-witnesses' }));
  });
});

describe('a restart', () => {
  it('goes on where the log was', async () => {
    const medium = memoryMedium();
    const first = await openTestLog({ medium });
    await first.log.append(opaqueEntries(0, 700));
    await first.log.close();
    const second = await openTestLog({ medium, guard: first.guard, clock: first.clock });
    await second.log.append(opaqueEntries(700, 900));
    await second.clock.advance(1000);
    await checkLog(second.log, opaqueEntries(0, 900));
    expect(await second.log.append(opaqueEntries(3, 4))).toMatchObject([{ index: 3, duplicate: true }]);
  });
});
