import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLimmatError } from '../../src/errors.ts';
import { rangeNodes } from '../../src/merkle/range.ts';
import {
  bundlesForSize,
  formatEntryBundle,
  formatTilePath,
  nodeLocation,
  parseEntryBundle,
  parseTilePath,
  rightEdge,
  tileWidthAt,
  tilesForSize,
} from '../../src/merkle/tile.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import { testEntry } from '../support/rfc-tree.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const PATHS: readonly (readonly [string, TilePath])[] = [
  ['tile/0/000', { kind: 'tile', level: 0, index: 0, width: 256 }],
  ['tile/0/000.p/1', { kind: 'tile', level: 0, index: 0, width: 1 }],
  ['tile/1/999.p/255', { kind: 'tile', level: 1, index: 999, width: 255 }],
  ['tile/0/x001/000', { kind: 'tile', level: 0, index: 1000, width: 256 }],
  ['tile/0/x001/x234/067', { kind: 'tile', level: 0, index: 1_234_067, width: 256 }],
  ['tile/63/005', { kind: 'tile', level: 63, index: 5, width: 256 }],
  ['tile/entries/x001/x234/067.p/17', { kind: 'entries', index: 1_234_067, width: 17 }],
  ['tile/entries/000', { kind: 'entries', index: 0, width: 256 }],
  ['tile/0/x009/x007/x199/x254/x740/991', { kind: 'tile', level: 0, index: MAX, width: 256 }],
];

describe('a tile path', () => {
  it('is written and read as tlog-tiles says', () => {
    for (const [text, path] of PATHS) {
      expect(formatTilePath(path)).toBe(text);
      expect(parseTilePath(text)).toEqual(path);
    }
  });

  it('goes both ways for any level, index and width', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('tile' as const, 'entries' as const),
        fc.nat(63),
        fc.oneof(fc.nat(2000), fc.integer({ min: 0, max: MAX })),
        fc.integer({ min: 1, max: 256 }),
        (kind, level, index, width) => {
          const path: TilePath = kind === 'tile' ? { kind, level, index, width } : { kind, index, width };
          expect(parseTilePath(formatTilePath(path))).toEqual(path);
        },
      ),
    );
  });

  it('has one spelling', () => {
    const wrong = [
      '',
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      '/tile/0/000',
      'tile/0/000/',
      'tile/00/000',
      'tile/01/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000',
      'tile/0/x000/001',
      'tile/0/001/001',
      'tile/0/x001',
      'tile/0/x1/000',
      'tile/0/X001/000',
      'tile/0/x001/x000/',
      'tile/0/000.p',
      'tile/0/000.p/',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/257',
      'tile/0/000.p/01',
      'tile/0/000.p/+1',
      'tile/0/000.p/1/',
      'tile/0/000.p/1e1',
      'tile/0/000.P/1',
      'tile/Entries/000',
      'tile/entries',
      'tile/entries/0/000',
      'tile/data/000',
      ' tile/0/000',
      'tile/0/000 ',
      'tile/0/000\n',
      'tile/0/٠٠٠',
      'tile//000',
      'tile/0//000',
      'tile/0/../000',
      'tile/0/x009/x007/x199/x254/x740/992',
      'tile/0/x999/x999/x999/x999/x999/999',
      'tile/0/x001/x000/x000/x000/x000/x000/000',
    ];
    for (const text of wrong) expect([text, parseTilePath(text)]).toEqual([text, undefined]);
  });

  it('does not survive a changed character as the same path', () => {
    for (const [text, path] of PATHS) {
      for (let i = 0; i < text.length; i++) {
        expect(parseTilePath(text.slice(0, i) + text.slice(i + 1))).not.toEqual(path);
        for (const other of ['0', '9', 'x', '/', '.', ' ']) {
          if (text[i] === other) continue;
          const changed = text.slice(0, i) + other + text.slice(i + 1);
          const parsed = parseTilePath(changed);
          expect(parsed).not.toEqual(path);
          if (parsed !== undefined) expect(formatTilePath(parsed)).toBe(changed);
        }
      }
    }
  });

  it('is not written for what tlog-tiles has no name for', () => {
    const good = { kind: 'tile', level: 0, index: 0, width: 256 } as const;
    for (const bad of [
      { level: 64 },
      { level: -1 },
      { index: -1 },
      { index: 0.5 },
      { index: 2 ** 53 },
      { width: 0 },
      { width: 257 },
      { width: 1.5 },
    ]) {
      expect(() => formatTilePath({ ...good, ...bad })).toThrow(RangeError);
    }
  });
});

describe('the tiles of a tree', () => {
  it('are those of the example in tlog-tiles: 70,000 entries', () => {
    const tiles = [...tilesForSize(70_000)];
    const level = (n: number): string[] => tiles.filter((path) => path.level === n).map(formatTilePath);
    expect(level(0).length).toBe(274);
    expect(level(0).at(-1)).toBe('tile/0/273.p/112');
    expect(level(1)).toEqual(['tile/1/000', 'tile/1/001.p/17']);
    expect(level(2)).toEqual(['tile/2/000.p/1']);
    expect(tiles.length).toBe(277);
    expect([...tilesForSize(256)].map(formatTilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect([...tilesForSize(0)]).toEqual([]);
  });

  it('have the widths that the sizes give them, with nothing missing between two sizes', () => {
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [0, 300],
      [255, 257],
      [256, 256],
      [300, 255],
      [256, 512],
      [65_535, 65_537],
      [1000, 70_000],
    ]) {
      const paths = [...tilesForSize(to!, from)];
      for (const { level, index, width } of paths) {
        expect(width).toBe(tileWidthAt(level, index, to!));
        expect(tileWidthAt(level, index, from!)).toBeLessThan(width);
      }
      const all = [...tilesForSize(to!)].filter((p) => tileWidthAt(p.level, p.index, from!) < p.width);
      expect(paths).toEqual(all);
      const bundles = [...bundlesForSize(to!, from)];
      expect(bundles.map(({ index, width }) => ({ index, width }))).toEqual(
        all.filter((p) => p.level === 0).map(({ index, width }) => ({ index, width })),
      );
    }
  });

  it('include a right edge that holds exactly the perfect subtrees', () => {
    expect(rightEdge(0)).toEqual([]);
    expect(rightEdge(70_000).map(formatTilePath)).toEqual(['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(rightEdge(256).map(formatTilePath)).toEqual(['tile/1/000.p/1']);
    expect(rightEdge(MAX).length).toBe(7);
    fc.assert(
      fc.property(fc.oneof(fc.nat(70_000), fc.integer({ min: 0, max: MAX })), (size) => {
        const edge = new Map(rightEdge(size).map((path) => [path.level, path]));
        const used = new Map<number, number>();
        for (const node of rangeNodes(0, size)) {
          const at = nodeLocation(node);
          const path = edge.get(at.level);
          expect(path?.index).toBe(at.tileIndex);
          expect(path?.width).toBe(tileWidthAt(at.level, at.tileIndex, size));
          used.set(at.level, (used.get(at.level) ?? 0) + 2 ** at.height);
        }
        expect([...edge].every(([level, path]) => used.get(level) === path.width)).toBe(true);
        expect(used.size).toBe(edge.size);
      }),
    );
  });

  it('end where the tree ends, also around 2^53', () => {
    expect(tileWidthAt(0, 0, 0)).toBe(0);
    expect(tileWidthAt(0, 0, 300)).toBe(256);
    expect(tileWidthAt(0, 1, 300)).toBe(44);
    expect(tileWidthAt(0, 2, 300)).toBe(0);
    expect(tileWidthAt(1, 0, 255)).toBe(0);
    expect(tileWidthAt(0, 2 ** 45 - 1, MAX)).toBe(255);
    expect(tileWidthAt(6, 0, MAX)).toBe(31);
    expect(tileWidthAt(7, 0, MAX)).toBe(0);
    expect(tileWidthAt(63, MAX, MAX)).toBe(0);
  });
});

function malformed(content: Uint8Array, width: number): boolean {
  try {
    parseEntryBundle(content, width);
    return false;
  } catch (error) {
    return isLimmatError(error, 'malformed');
  }
}

describe('an entry bundle', () => {
  const entries = [new Uint8Array(0), testEntry(1), new Uint8Array(65_535).fill(7), testEntry(3)];

  it('holds entries of any size up to 65,535 bytes, and gives them back', () => {
    const bytes = formatEntryBundle(entries);
    expect(bytes.subarray(0, 11)).toEqual(Uint8Array.of(0, 0, 0, 7, ...testEntry(1)));
    expect(parseEntryBundle(bytes, 4)).toEqual(entries);
    expect(parseEntryBundle(new Uint8Array(0), 0)).toEqual([]);
    expect(() => formatEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
  });

  it('is refused when it is cut anywhere or has anything after its entries', () => {
    const bytes = formatEntryBundle([testEntry(0), new Uint8Array(0), testEntry(2)]);
    expect(parseEntryBundle(bytes, 3).length).toBe(3);
    for (let length = 0; length < bytes.length; length++) expect(malformed(bytes.subarray(0, length), 3)).toBe(true);
    expect(malformed(Uint8Array.of(...bytes, 0), 3)).toBe(true);
    expect(malformed(bytes, 2)).toBe(true);
    expect(malformed(bytes, 4)).toBe(true);
  });

  it('with a changed byte gives other entries or none', () => {
    const good = [testEntry(0), testEntry(1), testEntry(2)];
    const bytes = formatEntryBundle(good);
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes);
      changed[i] = changed[i]! ^ 0x15;
      try {
        expect(formatEntryBundle(parseEntryBundle(changed, 3))).toEqual(changed);
      } catch (error) {
        expect(isLimmatError(error, 'malformed')).toBe(true);
      }
    }
  });
});
