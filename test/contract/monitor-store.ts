// The contract of a monitor's store (src/monitor/ports.ts): one set of tests that every adapter passes, on a fresh store
// and again after reopening it.

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byteText, utf8 } from '../../src/bytes.ts';
import { tilesForSize } from '../../src/merkle/index.ts';
import type { HashTilePath } from '../../src/merkle/index.ts';
import { MAX_EVIDENCE_BYTES } from '../../src/monitor/ports.ts';
import type { LeafMirror, LineJournal, MonitorStore } from '../../src/monitor/ports.ts';
import type { StateKey } from '../../src/record/admission.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';

/** A place that keeps what a store holds while no store is open on it. */
export interface MonitorPlace {
  open(): Promise<MonitorStore>;
  remove(): Promise<void>;
}

const ORIGIN = 'log.example/one';

/** The tiles over some leaf hashes, computed the plain way: every level of the tree, pair by pair (RFC 6962 §2.1). */
export class TileOracle {
  /** By height: the roots of all perfect subtrees of that height, one after another. */
  readonly #heights: Buffer[];

  constructor(count: number) {
    const leaves = Array.from({ length: count }, (_, i) => createHash('sha256').update(`leaf ${i}`).digest());
    this.#heights = [Buffer.concat(leaves)];
    for (let below = this.#heights[0]!; below.length >= 64; below = this.#heights.at(-1)!) {
      const nodes: Buffer[] = [];
      for (let at = 0; at + 64 <= below.length; at += 64) {
        nodes.push(
          createHash('sha256')
            .update(Uint8Array.of(1))
            .update(below.subarray(at, at + 64))
            .digest(),
        );
      }
      this.#heights.push(Buffer.concat(nodes));
    }
  }

  /** The leaf hashes [from, to). */
  leaves(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#heights[0]!.subarray(32 * from, 32 * to));
  }

  tile({ level, index, width }: HashTilePath): Uint8Array {
    const start = 32 * 256 * index;
    return new Uint8Array(this.#heights[8 * level]!.subarray(start, start + 32 * width));
  }
}

/** Compares every tile of the mirror, at its full width and some others, with what it must be. */
export async function expectMirror(mirror: LeafMirror, oracle: TileOracle, size: number): Promise<void> {
  expect(mirror.size).toBe(size);
  for (const path of tilesForSize(size)) {
    for (const width of new Set([1, Math.ceil(path.width / 2), path.width])) {
      const [bytes] = await mirror.read([{ ...path, width }]);
      expect(bytes, `${JSON.stringify(path)} at width ${width}`).toEqual(oracle.tile({ ...path, width }));
    }
    if (path.width === 256) continue;
    await expect(mirror.read([{ ...path, width: path.width + 1 }])).rejects.toMatchObject({ code: 'not-found' });
  }
}

async function texts(journal: LineJournal, from = 0, limit = 1000): Promise<readonly string[]> {
  return (await journal.read(from, limit)).map(({ text }) => text);
}

const key = (...bytes: number[]): StateKey => byteText(Uint8Array.from(bytes));

/** An evidence id of this digit. */
function id(digit: string): string {
  return digit.repeat(64);
}

export function monitorStoreContract(name: string, makePlace: () => Promise<MonitorPlace>): void {
  describe(`${name} as a monitor's store`, () => {
    let place: MonitorPlace;
    let open: MonitorStore[];

    async function openStore(): Promise<MonitorStore> {
      const store = await place.open();
      open.push(store);
      return store;
    }

    async function reopened(store: MonitorStore): Promise<MonitorStore> {
      await store.close();
      return openStore();
    }

    beforeEach(async () => {
      place = await makePlace();
      open = [];
    });
    afterEach(async () => {
      for (const store of open) await store.close();
      await place.remove();
    });

    test('a new store holds nothing', async () => {
      const store = await openStore();
      expect(await store.meta.load()).toBeUndefined();
      expect(await store.evidence.ids()).toEqual([]);
      expect(await store.evidence.get('0'.repeat(64))).toBeUndefined();
      expect(store.alerts.end).toBe(0);
      expect(await texts(store.alerts)).toEqual([]);
      const log = await store.log(ORIGIN);
      expect(await log.state.load()).toBeUndefined();
      expect(log.mirror.size).toBe(0);
      expect(log.heads.end).toBe(0);
    });

    test('a text is the one that was saved last', async () => {
      const store = await openStore();
      const { state } = await store.log(ORIGIN);
      for (const text of ['one', '', 'drei ✓\n']) {
        await state.save(text);
        expect(await state.load()).toBe(text);
      }
      await store.meta.save('{}');
      const again = await reopened(store);
      expect(await (await again.log(ORIGIN)).state.load()).toBe('drei ✓\n');
      expect(await again.meta.load()).toBe('{}');
    });

    test('logs are apart from each other, whatever their origins are', async () => {
      const store = await openStore();
      const origins = ['a', 'a/b', '../a', 'A', 'ü'.repeat(120), 'example.com/x'];
      for (const origin of origins) await (await store.log(origin)).state.save(origin);
      const again = await reopened(store);
      for (const origin of origins) expect(await (await again.log(origin)).state.load()).toBe(origin);
    });

    test('the mirror has every tile, however the hashes came in', async () => {
      const seed = chooseSeed();
      const random = seededRandom(seed);
      const total = 256 * 256 + 700;
      const oracle = new TileOracle(total);
      let store = await openStore();
      let { mirror } = await store.log(ORIGIN);
      let size = 0;
      for (const end of [0, 1, 2, 255, 256, 257, 600, 5000, 65_535, 65_536, total]) {
        while (size < end) {
          const count = Math.min(end - size, between(random, 1, 20_000));
          await mirror.append(oracle.leaves(size, size + count));
          size += count;
        }
        if (end <= 600 || end >= 65_535)
          await expectMirror(mirror, oracle, size).catch((error: unknown) => {
            throw new Error(`seed ${seed}, size ${size}`, { cause: error });
          });
        await mirror.flush();
        if (end % 2 === 1) {
          store = await reopened(store);
          ({ mirror } = await store.log(ORIGIN));
          expect(mirror.size).toBe(size);
        }
      }
      await expectMirror(mirror, oracle, total);
    });

    test('the mirror forgets from any size on, and grows from there as if nothing had been', async () => {
      const oracle = new TileOracle(1500);
      const store = await openStore();
      const { mirror } = await store.log(ORIGIN);
      for (const [size, rest] of [
        [700, 600],
        [1500, 512],
        [513, 511],
        [1025, 0],
        [300, 1],
      ] as const) {
        await mirror.append(oracle.leaves(mirror.size, size));
        await mirror.truncate(rest);
        await expectMirror(mirror, oracle, rest);
      }
      await expect(mirror.truncate(2)).rejects.toThrow(RangeError);
      await mirror.append(oracle.leaves(1, 1500));
      await expectMirror(mirror, oracle, 1500);
      const again = await reopened(store);
      await expectMirror((await again.log(ORIGIN)).mirror, oracle, 1500);
    });

    test('the mirror refuses what is no hash, and what it does not hold', async () => {
      const { mirror } = await (await openStore()).log(ORIGIN);
      await expect(mirror.append(new Uint8Array(33))).rejects.toThrow(RangeError);
      await expect(mirror.read([{ kind: 'tile', level: 0, index: 0, width: 1 }])).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(mirror.read([{ kind: 'entries', index: 0, width: 1 }])).rejects.toMatchObject({ code: 'not-found' });
    });

    test('a journal gives its lines back from any position, in order', async () => {
      const store = await openStore();
      const lines = ['one', '', 'x'.repeat(200_000), 'ü✓', 'last'];
      await store.alerts.append(lines.slice(0, 2));
      await store.alerts.append([]);
      await store.alerts.append(lines.slice(2));
      for (const isAgain of [false, true]) {
        const current = isAgain ? await reopened(store) : store;
        const all = await current.alerts.read(0, 100);
        expect(all.map(({ text }) => text)).toEqual(lines);
        for (const [i, { position }] of all.entries()) {
          expect(await texts(current.alerts, position)).toEqual(lines.slice(i));
          expect(await texts(current.alerts, position + 1)).toEqual(lines.slice(i + 1));
          expect(await texts(current.alerts, position, 1)).toEqual(lines.slice(i, i + 1));
        }
        expect(await texts(current.alerts, current.alerts.end)).toEqual([]);
        expect(await texts(current.alerts, 0, 0)).toEqual([]);
      }
    });

    test('a journal can be written anew', async () => {
      const store = await openStore();
      const { heads } = await store.log(ORIGIN);
      await heads.append(['one', 'two', 'three']);
      await heads.rewrite(['three']);
      await heads.append(['four']);
      expect(await texts(heads)).toEqual(['three', 'four']);
      const again = await reopened(store);
      expect(await texts((await again.log(ORIGIN)).heads)).toEqual(['three', 'four']);
      await expect((await again.log(ORIGIN)).heads.append(['a\nb'])).rejects.toThrow(RangeError);
    });

    test('evidence stays as it came first, until there is too much of it', async () => {
      const store = await openStore();
      expect(await store.evidence.put(id('b'), utf8('b'))).toBe(true);
      expect(await store.evidence.put(id('a'), utf8('a'))).toBe(true);
      expect(await store.evidence.put(id('a'), utf8('other'))).toBe(true);
      expect(await store.evidence.put(id('c'), new Uint8Array(MAX_EVIDENCE_BYTES - 2))).toBe(true);
      expect(await store.evidence.put(id('d'), utf8('d'))).toBe(false);
      for (const isAgain of [false, true]) {
        const current = isAgain ? await reopened(store) : store;
        expect(await current.evidence.ids()).toEqual([id('a'), id('b'), id('c')]);
        expect(await current.evidence.get(id('a'))).toEqual(utf8('a'));
        expect(await current.evidence.get(id('d'))).toBeUndefined();
        expect(await current.evidence.get('../monitor')).toBeUndefined();
        expect(await current.evidence.put(id('d'), utf8('d'))).toBe(false);
      }
    });

    test('keyed values are those that were written last, in order of their keys, log by log', async () => {
      const store = await openStore();
      const { records } = await store.log(ORIGIN);
      expect(await records.get([key(1)])).toEqual([undefined]);
      expect(await records.scan(key(0), key(255), 10)).toEqual([]);
      await records.clear();
      await records.write([]);
      await records.write([
        { key: key(2, 0xff), value: utf8('c') },
        { key: key(1), value: utf8('old') },
        { key: key(2), value: utf8('b') },
        { key: key(0xff, 0xff), value: new Uint8Array(0) },
        { key: key(1), value: utf8('a') },
        { key: key(3), value: utf8('gone') },
        { key: key(3), value: null },
      ]);
      await (await store.log('log.example/two')).records.write([{ key: key(2), value: utf8('other') }]);
      for (const isAgain of [false, true]) {
        const current = isAgain ? await reopened(store) : store;
        const log = (await current.log(ORIGIN)).records;
        expect(await log.get([key(2), key(9), key(1), key(3), key(0xff, 0xff)])).toEqual([
          utf8('b'),
          undefined,
          utf8('a'),
          undefined,
          new Uint8Array(0),
        ]);
        const rows = await log.scan(key(1), key(2, 0xff), 10);
        expect(rows).toEqual([
          { key: key(1), value: utf8('a') },
          { key: key(2), value: utf8('b') },
        ]);
        expect((await log.scan(key(0), key(0xff, 0xff, 0xff), 3)).map((row) => row.value)).toEqual(
          ['a', 'b', 'c'].map(utf8),
        );
        if (!isAgain) continue;
        await log.clear();
        expect(await log.scan(key(0), key(0xff, 0xff, 0xff), 3)).toEqual([]);
        expect(await (await current.log('log.example/two')).records.get([key(2)])).toEqual([utf8('other')]);
      }
    });

    test('suspect bytes are taken, whatever they are called', async () => {
      const log = await (await openStore()).log(ORIGIN);
      for (const suspect of ['checkpoint', 'tile/entries/x001/234.p/5', '../../x', '']) {
        await log.keepSuspect(suspect, utf8(suspect));
      }
    });

    test('has one owner, and says so', async () => {
      const store = await openStore();
      await expect(place.open()).rejects.toMatchObject({ code: 'store-locked' });
      const again = await reopened(store);
      await again.meta.save('mine');
    });

    test('refuses everything once it is closed', async () => {
      const store = await openStore();
      const log = await store.log(ORIGIN);
      await store.close();
      await store.close();
      const refused = { code: 'store-failed' };
      await expect(store.log(ORIGIN)).rejects.toMatchObject(refused);
      await expect(log.state.save('x')).rejects.toMatchObject(refused);
      await expect(log.state.load()).rejects.toMatchObject(refused);
      await expect(store.alerts.read(0, 1)).rejects.toMatchObject(refused);
      await expect(store.evidence.ids()).rejects.toMatchObject(refused);
      await expect(log.mirror.append(new Uint8Array(32))).rejects.toMatchObject(refused);
      await expect(log.records.get([key(1)])).rejects.toMatchObject(refused);
      await expect(log.records.write([{ key: key(1), value: null }])).rejects.toMatchObject(refused);
      await expect(store.alerts.append(['x'])).rejects.toMatchObject(refused);
      await expect(store.evidence.put('0'.repeat(64), utf8('x'))).rejects.toMatchObject(refused);
    });
  });
}
