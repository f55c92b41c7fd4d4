// The derived state made again is the one that the log wrote, whatever became of it in between, and however often the
// making was cut short.

import { beforeAll, describe, expect, test } from 'vitest';

import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { byteText, fromHex, toHex, utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { derive } from '../../src/log/derive.ts';
import type { Derived, DeriveOptions } from '../../src/log/derive.ts';
import { assertReindexed, finishReindex, isReindexUnfinished, reindex, storedDigest } from '../../src/log/reindex.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import { replay } from '../../src/record/admission/replay.ts';
import { AdmissionState, stateDigest } from '../../src/record/admission/state.ts';
import { KEY_SPACE } from '../../src/storage.ts';
import type { RewritableStorage, StateWrite } from '../../src/storage.ts';
import { Author } from '../support/admission-author.ts';
import { AdmissionModel } from '../support/admission-model.ts';
import { AdmissionWorld, genesis, rootKeys, sign } from '../support/admission-world.ts';
import { channelHistory } from '../support/channel-world.ts';
import { fill, rowsAfter, storedRows, writesOf } from '../support/derived-store.ts';
import type { Rows } from '../support/derived-store.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { openTestLog } from '../support/test-log.ts';

const hasher = portableHasher;
const seed = chooseSeed();

let small: readonly Uint8Array[];
let expected: Rows;

beforeAll(async () => {
  small = (await channelHistory()).leaves;
  expected = rowsAfter(writesOf(small).flat());
});

/** A store with the small history and the state that the log wrote. */
async function liveStore(): Promise<RewritableStorage> {
  const storage = memoryStorage();
  await fill(storage, small, writesOf(small).flat());
  return storage;
}

describe('a reindex', () => {
  test('of a sound store changes nothing', async () => {
    const storage = await liveStore();
    expect(await storedRows(storage)).toEqual(expected);
    const before = await storedDigest(storage, hasher);
    const result = await reindex(storage, { hasher });
    expect(await storedRows(storage)).toEqual(expected);
    expect(result).toMatchObject({ size: small.length, rows: Object.keys(expected).length, findingCount: 0 });
    expect(result.digest).toEqual(before.digest);
    expect(toHex(result.digest)).toBe(toHex((await replay(small)).digest));
    expect(await isReindexUnfinished(storage)).toBe(false);
  });

  test('mends every row that is missing, changed or too many, in each key space, and nothing else', async () => {
    const storage = await liveStore();
    const other = { key: `${KEY_SPACE.archive}1`, value: utf8('kept') };
    const damage: StateWrite[] = Object.keys(expected).map((key, i) => ({
      key: byteText(fromHex(key)!),
      value: i % 3 === 0 ? null : i % 3 === 1 ? Uint8Array.of(9) : new Uint8Array(Buffer.from(expected[key]!, 'hex')),
    }));
    const strangers = [KEY_SPACE.admission, KEY_SPACE.lookup, KEY_SPACE.statement].map((space) => {
      return { key: `${space}\u00ff\u00ff`, value: Uint8Array.of(1) };
    });
    await storage.rewriteState([...damage, ...strangers, other]);
    expect(await storedRows(storage)).not.toEqual(expected);
    await reindex(storage, { hasher });
    expect(await storedRows(storage)).toEqual(expected);
    expect(await storage.get([other.key])).toEqual([other.value]);
  });

  test('goes on over batches that refer to each other, with progress', { timeout: 30_000 }, async () => {
    const world = new AdmissionWorld();
    let link = await world.log('root', 'vendor', 'policy', genesis());
    let prev: Uint8Array | undefined;
    const sequenceOf = { links: 2, releases: 1 };
    while (world.size < 1100) {
      if (world.size % 100 === 0) {
        const heads = [{ namespace: 'vendor', sequence: sequenceOf.links - 1, leafHash: link }];
        const heartbeat = { size: world.size, rootHash: world.roots.at(world.size), heads };
        await world.log('log', 'vendor', 'log-event', { heartbeat });
        link = await world.log('root', 'vendor', 'policy', { sequence: sequenceOf.links++, prev: link });
      }
      prev = await world.log('root', 'vendor', 'avdb-release', {
        product: 'p',
        database: 'd',
        channel: 'c',
        sequence: sequenceOf.releases++,
        ...(prev && { prev }),
        contentDigest: { sha256: hasher.sha256(utf8(String(world.size))) },
        counts: { total: 1 },
      });
    }
    const storage = memoryStorage();
    await fill(storage, world.leaves, []);
    const seen: number[] = [];
    const result = await reindex(storage, { hasher, onProgress: (entries) => seen.push(entries) });
    expect(seen).toEqual([1024, world.size]);
    expect(result.findingCount).toBe(0);
    expect(toHex(result.digest)).toBe(toHex(stateDigest(world.state, hasher)));
    expect(await storedRows(storage)).toEqual(rowsAfter(writesOf(world.leaves).flat()));
  });

  test('of an empty store, and of one whose entries are no records, leaves no rows', async () => {
    const storage = memoryStorage();
    expect(await reindex(storage, { hasher })).toMatchObject({ size: 0, rows: 0, findingCount: 0 });
    await fill(storage, [utf8('a'), utf8('b')], []);
    const { findings, rows } = await reindex(storage, { hasher });
    expect([findings.map(({ kind }) => kind), rows]).toEqual([['invalid', 'invalid'], 0]);
  });

  test('that is cut short at any write leaves a mark, and the next one comes to the same', async () => {
    let moments = 0;
    for (let stop = 0; ; stop++) {
      const medium = memoryMedium();
      let left = Number.POSITIVE_INFINITY;
      const faults = (step: string): void => {
        if (step === 'rewrite' && left-- === 0) throw new Error('the process is gone');
      };
      const storage = memoryStorage({ medium, faults });
      await fill(storage, small, writesOf(small).flat());
      await storage.rewriteState([{ key: `${KEY_SPACE.lookup}\0`, value: utf8('damaged') }]);
      left = stop;
      const outcome = await reindex(storage, { hasher }).then(
        () => 'done',
        () => 'cut short',
      );
      left = Number.POSITIVE_INFINITY;
      await storage.close();
      if (outcome === 'done') break;
      moments++;
      const reopened = memoryStorage({ medium });
      const unfinished = await isReindexUnfinished(reopened);
      // Before the mark is set, and after it is taken away again, the state is whole: the old one or the new one.
      const rows = await storedRows(reopened);
      if (unfinished) await expect(assertReindexed(reopened)).rejects.toMatchObject({ code: 'store-corrupt' });
      else expect([rows['6c00'] !== undefined, rows]).toEqual([stop === 0, stop === 0 ? rows : expected]);
      await reindex(reopened, { hasher });
      expect(await storedRows(reopened)).toEqual(expected);
      await assertReindexed(reopened);
    }
    // Mark, three key spaces, one batch, mark: before and after each.
    expect(moments).toBe(12);
  });

  test('that is cut short is not gone by: no log opens on what it left', async () => {
    const { log, medium, guard } = await openTestLog();
    await log.append([utf8('entry')]);
    await log.close();
    const storage = memoryStorage({ medium });
    await storage.rewriteState([{ key: KEY_SPACE.reindex, value: new Uint8Array(0) }]);
    await storage.close();
    await expect(openTestLog({ medium, guard })).rejects.toMatchObject({ code: 'store-corrupt' });
    const again = memoryStorage({ medium });
    await finishReindex(again, { hasher });
    await again.close();
    await (await openTestLog({ medium, guard })).log.close();
  });

  test('of entries that do not lead to the root of the store ends with the mark still there', async () => {
    const medium = memoryMedium();
    const storage = memoryStorage({ medium });
    await fill(storage, small, []);
    const bundle = medium.bundles.get(0)!;
    bundle.bytes[bundle.ends[3]! - 1]! ^= 1;
    await expect(reindex(storage, { hasher })).rejects.toMatchObject({ code: 'store-corrupt' });
    expect(await isReindexUnfinished(storage)).toBe(true);
  });
});

/** All entries, in batches of so many, over a state in memory. */
async function deriveAll(
  leaves: readonly Uint8Array[],
  size: number,
  verifyMany?: DeriveOptions['verifyMany'],
): Promise<Derived & { readonly digest: string }> {
  const state = new AdmissionState();
  const rows = new AdmissionState();
  const roots = new TreeRoots(hasher);
  const all: { writes: StateWrite[]; findings: Derived['findings'][number][] } = { writes: [], findings: [] };
  const options: DeriveOptions = {
    get: async (keys) => keys.map((key) => rows.get(key)),
    rootHashAt: (at) => roots.at(at),
    hasher,
    verifyMany,
  };
  for (let start = 0; start < leaves.length; start += size) {
    const batch = leaves.slice(start, start + size).map((bytes) => ({ bytes, leafHash: hasher.leafHash(bytes) }));
    for (const { leafHash } of batch) roots.append(leafHash);
    const { writes, findings } = await derive(batch, start, options);
    const admission = writes.filter(({ key }) => key[0] === KEY_SPACE.admission);
    state.apply(admission);
    rows.apply(writes);
    all.writes.push(...writes);
    all.findings.push(...findings);
  }
  return { ...all, digest: toHex(stateDigest(state, hasher)) };
}

describe(`deriving in batches (seed ${seed})`, () => {
  test('comes to what a replay comes to, entry by entry, also where a log took what it should not have', async () => {
    const random = seededRandom(seed);
    for (let run = 0; run < 4; run++) {
      const world = new AdmissionWorld();
      const model = new AdmissionModel();
      const author = new Author(random, world, model);
      const first = await sign('root', 'log', 'policy', genesis({ roles: author.roles() }, rootKeys(1, 'root')));
      world.append(first);
      model.append(first);
      const leaves = [first];
      while (leaves.length < 60) {
        const bytes = await author.propose();
        if (bytes === undefined) continue;
        leaves.push(bytes);
        if (random() < 0.1) leaves.push(utf8(`no record ${leaves.length}`), author.pick(leaves));
        if (world.append(bytes).admitted) model.append(bytes);
      }
      const plain = await replay(leaves);
      for (const size of [1, 7, leaves.length]) {
        const derived = await deriveAll(leaves, size);
        expect(derived.findings).toEqual(plain.findings);
        expect(derived.digest).toBe(toHex(plain.digest));
      }
    }
  });

  test('finds every signature that does not hold, and judges what comes after it without its entry', async () => {
    const verifyMany = portableCrypto.verifyMany.bind(portableCrypto);
    const leaves = [await sign('root', 'log', 'policy', genesis(), {}, true)];
    let prev = hasher.leafHash(leaves[0]!);
    // Releases one after another, every third with a signature of zeros: what follows it names what does not count.
    for (let sequence = 1; sequence <= 9; sequence++) {
      const bytes = await sign(
        'root',
        'log',
        'avdb-release',
        {
          product: 'p',
          database: 'd',
          channel: 'c',
          sequence,
          ...(sequence > 1 && { prev }),
          contentDigest: { sha256: new Uint8Array(32).fill(sequence) },
          counts: { total: 1 },
        },
        {},
        sequence % 3 !== 0,
      );
      prev = hasher.leafHash(bytes);
      leaves.push(bytes);
    }
    const plain = await replay(leaves, { verifyMany });
    expect(plain.findings.map(({ index, kind }) => `${index} ${kind}`)).toEqual([
      '3 invalid',
      ...[4, 5, 6, 7, 8, 9].map((index) => `${index} inadmissible`),
    ]);
    for (const size of [1, 2, 5, 10]) {
      const derived = await deriveAll(leaves, size, verifyMany);
      expect(derived.findings).toEqual(plain.findings);
      expect(derived.digest).toBe(toHex(plain.digest));
    }
  });
});
