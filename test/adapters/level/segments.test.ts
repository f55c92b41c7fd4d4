import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_FLUSH, SEGMENT_BUNDLES, Segments, segmentPath } from '../../../src/adapters/level/segments.ts';
import { utf8 } from '../../../src/bytes.ts';

const EMPTY = { index: 0, start: 0, end: 0 };

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'limmat-segments-'));
});
afterEach(async () => rm(dir, { recursive: true }));

const bundle = (index: number, text: string, oldWidth = 0) => ({
  index,
  oldWidth,
  width: oldWidth + 1,
  appended: utf8(text),
});

test('bundles lie one after another, and a bundle goes on where it ended', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  expect(segments.count).toBe(0);
  const first = await segments.append([bundle(0, 'abc'), bundle(1, 'de')]);
  expect(first).toEqual([
    { index: 0, start: 0, end: 3 },
    { index: 1, start: 3, end: 5 },
  ]);
  segments.committed(first[1]!);
  const second = await segments.append([bundle(1, 'fg', 1), bundle(2, 'h')]);
  expect(second).toEqual([
    { index: 1, start: 3, end: 7 },
    { index: 2, start: 7, end: 8 },
  ]);
  segments.committed(second[1]!);
  expect(await segments.read(1, second[0]!)).toEqual(utf8('defg'));
  expect(await readFile(segmentPath(dir, 0), 'utf8')).toBe('abcdefgh');
  expect(segments.count).toBe(1);
  await segments.close();
});

test('what was appended but not committed is written over', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  await segments.append([bundle(0, 'abc')]);
  await segments.append([bundle(0, 'xyz')]);
  expect(await readFile(segmentPath(dir, 0), 'utf8')).toBe('xyz');
  await segments.close();
});

test('a growth across segment files fills both', async () => {
  const last = SEGMENT_BUNDLES - 1;
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  const grown = await segments.append([bundle(last, 'end'), bundle(last + 1, 'start'), bundle(last + 2, 'more')]);
  expect(grown).toEqual([
    { index: last, start: 0, end: 3 },
    { index: last + 1, start: 0, end: 5 },
    { index: last + 2, start: 5, end: 9 },
  ]);
  segments.committed(grown[2]!);
  expect(segments.count).toBe(2);
  expect(await segments.read(last + 2, grown[2]!)).toEqual(utf8('more'));
  await segments.close();
});

test('more segment files than are kept open are all readable, at the same time too', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  const bundles = Array.from({ length: 80 }, (_, i) => bundle(i * SEGMENT_BUNDLES, `segment ${i}`));
  const grown = await segments.append(bundles);
  for (let round = 0; round < 3; round++) {
    const read = await Promise.all(grown.map((location) => segments.read(location.index, location)));
    expect(read).toEqual(bundles.map(({ appended }) => appended));
  }
  await segments.close();
});

test('bytes that are not there are damage', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  await segments.append([bundle(0, 'abc')]);
  await expect(segments.read(0, { start: 0, end: 4 })).rejects.toMatchObject({ code: 'store-corrupt' });
  const missing = segments.read(SEGMENT_BUNDLES, { start: 0, end: 1 });
  await expect(missing).rejects.toMatchObject({ code: 'store-corrupt' });
  await segments.close();
});

test('only a file that is not there is damage: one that cannot be opened now is a failure', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  // As with too many open files, the name is there and opening it fails.
  await symlink(segmentPath(dir, 1), segmentPath(dir, 1));
  const read = segments.read(SEGMENT_BUNDLES, { start: 0, end: 1 });
  await expect(read).rejects.toMatchObject({ code: 'store-failed' });
  await segments.close();
  const tail = { index: SEGMENT_BUNDLES, start: 0, end: 1 };
  await expect(Segments.open(dir, tail, DEFAULT_FLUSH)).rejects.toMatchObject({ code: 'store-failed' });
});

test('files that cannot be opened fail their readers alone, however many there are', async () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', keep);
  try {
    const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
    const reads = Array.from({ length: 80 }, (_, i) => segments.read(i * SEGMENT_BUNDLES, { start: 0, end: 1 }));
    const results = await Promise.allSettled(reads);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    await segments.close();
    // Node looks for rejections that nobody handled after the microtasks of a turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', keep);
  }
});

test('a bundle that does not follow the last one is bad math', async () => {
  const segments = await Segments.open(dir, EMPTY, DEFAULT_FLUSH);
  await expect(segments.append([bundle(1, 'abc', 3)])).rejects.toThrow('bad math');
  await segments.close();
});
