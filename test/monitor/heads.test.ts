import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogHead } from '../../src/client/state.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { HEAD_BOOK_LIMITS, HeadBook } from '../../src/monitor/heads.ts';
import { MAX_CONVICTIONS } from '../../src/monitor/known-evidence.ts';
import type { Admission, HeadBookLimits } from '../../src/monitor/heads.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';

const ORIGIN = 'log.example/a';

/** A head that nobody signed: the book looks at signatures no more. */
function head(size: number, root = 1, timestampSeconds = 0, noteBytes = 200): LogHead {
  const rootHash = asHash(new Uint8Array(32).fill(root));
  return { origin: ORIGIN, size, rootHash, timestampSeconds, note: new Uint8Array(noteBytes) };
}

function bookOf(limits: Partial<HeadBookLimits> = {}, seed = 1): HeadBook {
  return new HeadBook({ origin: ORIGIN, random: seededRandom(seed), limits: { ...HEAD_BOOK_LIMITS, ...limits } });
}

type EvidenceLike = Parameters<HeadBook['evidence']['convict']>[0];

/** Evidence as far as a book looks at it. */
function evidenceOf(id: string, kind: EvidenceLike['kind'], heads: readonly LogHead[]): EvidenceLike {
  return { id: id.padStart(64, '0'), kind, heads };
}

function conflictOf(admission: Admission): LogHead | undefined {
  return typeof admission === 'object' ? admission.conflict : undefined;
}

describe('a head that is brought to the book', () => {
  it('is new once and known afterwards, and its source is kept as a class', () => {
    const book = bookOf();
    expect(book.admit(head(7), 'log', 100)).toBe('new');
    expect(book.admit(head(7), 'client', 200)).toBe('known');
    expect(book.admit(head(7), 'client', 300)).toBe('known');
    expect(book.record(7, head(7).rootHash)).toMatchObject({
      state: 'unresolved',
      firstSeenSeconds: 100,
      sources: ['log', 'client'],
    });
    expect(book.size).toBe(1);
  });

  it('is of the log that the book is of', () => {
    expect(() => bookOf().admit({ ...head(1), origin: 'log.example/b' }, 'peer', 0)).toThrow(RangeError);
  });

  it('conflicts with another root of its size, and a third root of that size is dropped', () => {
    const book = bookOf();
    book.admit(head(7, 1), 'log', 0);
    expect(conflictOf(book.admit(head(7, 2), 'client', 0))).toEqual(head(7, 1));
    expect(book.admit(head(7, 3), 'client', 0)).toBe('dropped');
    expect(book.size).toBe(2);
    expect(book.admit(head(7, 2), 'peer', 0)).toBe('known');
  });

  it('is never kept out by others of its size when the log itself shows it here', () => {
    const book = bookOf();
    book.admit(head(7, 1), 'peer', 0);
    book.admit(head(7, 2), 'client', 0);
    expect(conflictOf(book.admit(head(7, 3), 'log', 0))?.size).toBe(7);
    book.resolve(head(7, 3), 'consistent');
    expect(book.newest()).toEqual(head(7, 3));
    expect(book.size).toBe(2);
    // What is consistent does not give way, not even to the log.
    book.admit(head(7, 4), 'log', 0);
    expect(book.record(7, head(7, 3).rootHash)?.state).toBe('consistent');
    expect(book.size).toBe(2);
  });

  it('conflicts with a larger tree of an earlier time, and with a smaller one of a later time', () => {
    const book = bookOf();
    book.admit(head(10, 1, 1000), 'log', 0);
    expect(conflictOf(book.admit(head(8, 2, 1001), 'peer', 0))).toEqual(head(10, 1, 1000));
    const other = bookOf();
    other.admit(head(8, 2, 1001), 'peer', 0);
    expect(conflictOf(other.admit(head(10, 1, 1000), 'log', 0))).toEqual(head(8, 2, 1001));
  });

  it('does not conflict by time where the times are equal, or one of them is none', () => {
    for (const [early, late] of [
      [1000, 1000],
      [0, 1000],
      [1000, 0],
    ] as const) {
      const book = bookOf();
      book.admit(head(10, 1, early), 'log', 0);
      expect(book.admit(head(8, 2, late), 'peer', 0)).toBe('new');
    }
  });

  it('keeps the earliest and the latest time of one tree, and finds a rollback by either', () => {
    const book = bookOf();
    for (const time of [500, 300, 400, 900, 700]) book.admit(head(8, 1, time), 'log', 0);
    const { earliest, latest } = book.record(8, head(8).rootHash)!;
    expect([earliest.timestampSeconds, latest.timestampSeconds]).toEqual([300, 900]);
    expect(book.knows(8, head(8).rootHash, 600)).toBe(true);
    expect(book.knows(8, head(8).rootHash, 901)).toBe(false);
    expect(book.knows(8, head(8, 2).rootHash, 600)).toBe(false);
    expect(conflictOf(book.admit(head(9, 1, 899), 'log', 0))?.timestampSeconds).toBe(900);
    expect(conflictOf(book.admit(head(7, 1, 301), 'log', 0))?.timestampSeconds).toBe(300);
  });

  it('with a time takes the place of one without', () => {
    const book = bookOf();
    book.admit(head(8), 'log', 0);
    expect(book.admit(head(8, 1, 100), 'log', 0)).toBe('new');
    const { earliest, latest } = book.record(8, head(8).rootHash)!;
    expect([earliest.timestampSeconds, latest.timestampSeconds]).toEqual([100, 100]);
  });
});

describe('what is judged', () => {
  it('waits smallest first, until it is resolved', () => {
    const book = bookOf();
    for (const size of [30, 10, 20]) book.admit(head(size), 'peer', 0);
    expect(book.unresolved().map(({ size }) => size)).toEqual([10, 20, 30]);
    expect(book.unresolved(20).map(({ size }) => size)).toEqual([10, 20]);
    book.resolve(head(20), 'consistent');
    expect(book.unresolved().map(({ size }) => size)).toEqual([10, 30]);
  });

  it('gives the newest consistent head, with its latest time', () => {
    const book = bookOf();
    expect(book.newest()).toBeUndefined();
    for (const size of [10, 20, 30]) book.admit(head(size, 1, 100 + size), 'log', 0);
    book.resolve(head(10), 'consistent');
    book.resolve(head(20), 'consistent');
    book.resolve(head(30), 'contradicted');
    expect(book.newest()?.size).toBe(20);
    book.admit(head(20, 1, 125), 'log', 0);
    expect(book.newest()?.timestampSeconds).toBe(125);
    book.resolve(head(30), 'consistent');
    expect(book.newest()?.size).toBe(30);
    // What is consistent stays so, and what is not in the book is no matter.
    book.resolve(head(30), 'contradicted');
    book.resolve(head(99), 'contradicted');
    expect(book.record(30, head(30).rootHash)?.state).toBe('consistent');
  });

  it('gives random resolved heads that are all different', () => {
    const book = bookOf();
    for (let size = 1; size <= 50; size++) {
      book.admit(head(size), 'log', 0);
      book.resolve(head(size), 'consistent');
    }
    const sample = book.sample(8).map(({ size }) => size);
    expect(new Set(sample).size).toBe(8);
    expect(book.sample(100)).toHaveLength(50);
    expect(new Set(Array.from({ length: 20 }, () => String(book.sample(8).map(({ size }) => size)))).size).toBe(20);
  });

  it('is listed from a cursor on, and again after a change', () => {
    const book = bookOf();
    for (const size of [10, 20, 30]) book.admit(head(size, 1, 100), 'log', 0);
    const first = book.since(0, 2);
    expect(first.map(({ head: { size } }) => size)).toEqual([10, 20]);
    const rest = book.since(first[1]!.cursor, 2);
    expect(rest.map(({ head: { size } }) => size)).toEqual([30]);
    expect(book.since(rest[0]!.cursor, 2)).toEqual([]);
    book.admit(head(10, 1, 105), 'log', 0);
    expect(book.since(rest[0]!.cursor, 2).map(({ head: { timestampSeconds } }) => timestampSeconds)).toEqual([105]);
  });

  it('is named in evidence or is not', () => {
    const book = bookOf();
    const evidence = evidenceOf('a', 'fork-prefix', [head(7, 1), head(9, 2)]);
    book.evidence.convict(evidence);
    book.evidence.convict(evidence);
    expect(book.evidence.convictions).toBe(1);
    expect(book.evidence.ids()).toEqual([evidence.id]);
    expect([head(7, 1), head(9, 2), head(7, 2)].map((one) => book.evidence.isAccused(one))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('makes news only where a fork begins earlier, or the log went further back', () => {
    const book = bookOf();
    const fork = (id: string, ...sizes: number[]): EvidenceLike =>
      evidenceOf(
        id,
        'fork-prefix',
        sizes.map((size) => head(size)),
      );
    const back = (id: string, ...sizes: number[]): EvidenceLike =>
      evidenceOf(
        id,
        'rollback',
        sizes.map((size) => head(size)),
      );
    expect(book.evidence.isNews(back('a', 50, 90))).toBe(true);
    book.evidence.convict(back('a', 50, 90));
    expect([back('a', 50, 90), back('b', 51, 91), back('c', 49, 90)].map((one) => book.evidence.isNews(one))).toEqual([
      false,
      false,
      true,
    ]);
    // A fork says more than a way back.
    expect(book.evidence.isNews(fork('d', 60, 90))).toBe(true);
    book.evidence.convict(fork('d', 60, 90));
    expect([fork('e', 60, 91), fork('f', 59, 90)].map((one) => book.evidence.isNews(one))).toEqual([false, true]);
    expect([59, 60, 61].map((size) => book.evidence.isSettled(head(size)))).toEqual([false, true, true]);
    book.evidence.convict(fork('g', 20, 90));
    expect([back('h', 20, 90), back('i', 19, 90)].map((one) => book.evidence.isNews(one))).toEqual([false, true]);
    // Other kinds are about entries, each for itself.
    expect(book.evidence.isNews(evidenceOf('j', 'future', [head(70)]))).toBe(true);
    for (let i = 0; i < MAX_CONVICTIONS; i++) book.evidence.convict(evidenceOf(`k${i}`, 'future', [head(70)]));
    expect(book.evidence.isNews(fork('l', 1, 2))).toBe(false);
    expect(book.evidence.isSettled(head(1))).toBe(true);
  });
});

describe('a full book', () => {
  it('lets random resolved heads go, and never the newest one', () => {
    const seed = chooseSeed();
    const book = bookOf({ resolved: 100 }, seed);
    for (let size = 1; size <= 1000; size++) {
      book.admit(head(size), 'log', 0);
      book.resolve(head(size), 'consistent');
    }
    expect(book.size, `seed ${seed}`).toBe(100);
    expect(book.newest()?.size).toBe(1000);
    const old = Array.from({ length: 1000 }, (_, i) => book.record(i + 1, head(1).rootHash)).filter(
      (record) => record !== undefined && record.latest.size <= 500,
    );
    // Each time one of 101 goes: what is old thins out and is not gone at once.
    expect(old.length).toBeLessThan(20);
  });

  it('keeps the smallest and the largest unresolved head, others at random, and raises the alarm', () => {
    const book = bookOf({ unresolved: 64 });
    book.admit(head(5), 'client', 0);
    for (let i = 0; i < 5000; i++) book.admit(head(1000 + ((i * 7919) % 5000)), 'peer', 1);
    book.admit(head(900_000), 'peer', 2);
    for (let i = 0; i < 5000; i++) book.admit(head(10_000 + i), 'peer', 3);
    const sizes = book.unresolved().map(({ size }) => size);
    expect(sizes).toHaveLength(64);
    expect([sizes[0], sizes.at(-1)]).toEqual([5, 900_000]);
    expect(book.flood()).toMatchObject({ class: 'suspicion', origin: ORIGIN, key: `checkpoint-flood ${ORIGIN}` });
    // The alarm ends when most of them are judged.
    for (const one of book.unresolved()) book.resolve(one, 'contradicted');
    expect(book.flood()).toBeUndefined();
  });

  it('keeps what the log itself showed here', () => {
    const book = bookOf({ unresolved: 32 });
    for (let i = 0; i < 100; i++) book.admit(head(1000 + i), 'peer', 0);
    book.admit(head(500), 'log', 0);
    for (let i = 0; i < 1000; i++) book.admit(head(2000 + i), 'peer', 0);
    book.resolve(head(500), 'consistent');
    expect(book.newest()?.size).toBe(500);
    // A log that shows heads without end fills no more than its room either.
    for (let i = 0; i < 1000; i++) book.admit(head(5000 + i), 'log', 0);
    expect(book.unresolved()).toHaveLength(32);
  });

  it('raises no alarm while there is room', () => {
    const book = bookOf({ unresolved: 64 });
    for (let size = 1; size <= 64; size++) book.admit(head(size), 'peer', 0);
    expect(book.flood()).toBeUndefined();
  });

  it('gives an early head as good a chance in a flood as a late one', () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    let early = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const book = bookOf({ unresolved: 20 }, Math.floor(random() * 2 ** 31));
      book.admit(head(50), 'client', 0);
      book.admit(head(1), 'peer', 0);
      book.admit(head(900), 'peer', 0);
      for (let size = 51; size < 51 + 97; size++) book.admit(head(size), 'peer', 0);
      if (book.unresolved().some(({ size }) => size === 50)) early++;
    }
    // 18 places for 98 heads beside the edges: 18 %; three deviations of the binomial are under 6 %.
    expect(early / runs, `seed ${seed}`).toBeGreaterThan(0.12);
    expect(early / runs, `seed ${seed}`).toBeLessThan(0.25);
  });

  it('never holds more than its limits, whatever comes', () => {
    const limits = { resolved: 8, resolvedBytes: 3000, unresolved: 6, unresolvedBytes: 2000 };
    const step = fc.record({
      size: fc.integer({ min: 1, max: 30 }),
      root: fc.integer({ min: 1, max: 3 }),
      time: fc.integer({ min: 0, max: 50 }),
      bytes: fc.integer({ min: 1, max: 900 }),
      state: fc.constantFrom(undefined, 'consistent' as const, 'contradicted' as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer(), (steps, seed) => {
        const book = bookOf(limits, seed);
        let newest = 0;
        for (const { size, root, time, bytes, state } of steps) {
          book.admit(head(size, root, time, bytes), 'peer', 0);
          const state0 = book.record(size, head(size, root).rootHash)?.state;
          if (state !== undefined) book.resolve(head(size, root), state);
          if (state === 'consistent' && state0 !== undefined) newest = Math.max(newest, size);
          expect(book.unresolved().length).toBeLessThanOrEqual(limits.unresolved);
          expect(book.size).toBeLessThanOrEqual(limits.resolved + limits.unresolved);
          // The two edges, and the newest one, may be longer than what there is room for; each has at most two notes.
          expect(book.bytes).toBeLessThanOrEqual(limits.resolvedBytes + limits.unresolvedBytes + 6 * 900);
          expect(book.newest()?.size ?? 0).toBe(newest);
        }
      }),
    );
  });
});

describe('an honest log', () => {
  it('never gives a conflict, in whatever order its heads come in', () => {
    const histories = fc.array(
      fc.record({ growth: fc.integer({ min: 0, max: 5 }), seconds: fc.integer({ min: 0, max: 100 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(histories, fc.integer(), (steps, seed) => {
        const random = seededRandom(seed);
        let size = 1;
        let time = 1000;
        const heads = steps.map(({ growth, seconds }) => {
          size += growth;
          // The clock never goes back; more entries in the same second are possible.
          time += seconds;
          return head(size, (size % 250) + 1, time);
        });
        const book = bookOf();
        for (const one of heads.toSorted(() => random() - 0.5)) {
          expect(conflictOf(book.admit(one, 'peer', 0))).toBeUndefined();
        }
      }),
    );
  });
});
