import { describe, expect, it } from 'vitest';
import type { LogHead } from '../../src/client/state.ts';
import { LimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { formatEvidence, parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { HeadBook } from '../../src/monitor/heads.ts';
import { judgeHead, judgeWaiting, takeHead } from '../../src/monitor/judge.ts';
import { MAX_CONVICTIONS } from '../../src/monitor/known-evidence.ts';
import { seededRandom } from '../support/random.ts';
import { History, NOON, headOf, testKeys } from './evidence/support.ts';
import { ownTree } from './own-tree.ts';

const keys = testKeys();
const { log } = keys;
const honest = History.of(40);
const forked = History.of(40, 5);

const damaged = (): Promise<never> => Promise.reject(new LimmatError('bad-tile', 'the mirror is damaged'));

const bookOf = (): HeadBook => new HeadBook({ origin: log.origin, random: seededRandom(1) });

/** The evidence, after it was written down, read and verified again. */
async function reread(evidence: Evidence | undefined): Promise<Evidence> {
  return verifyEvidence(parseEvidence(formatEvidence(evidence!)), [log]);
}

describe('a head beside the own tree', () => {
  it('is consistent, unresolved, or evidence, for every two sizes and every fork between them', async () => {
    // One key, and times do not matter: Ed25519 signs none.
    const plain = testKeys('log.example/plain', [SIGNATURE_TYPE.ed25519]);
    const SIZES = 17;
    const heads = new Map<string, LogHead>();
    const headAt = async (forkAt: number, size: number): Promise<LogHead> => {
      // Before the fork both branches are one history.
      const name = size <= forkAt ? `${size}` : `${size} from ${forkAt}`;
      const known = heads.get(name) ?? (await headOf(plain, History.of(SIZES, forkAt), size));
      heads.set(name, known);
      return known;
    };
    const counts = { consistent: 0, unresolved: 0, evidence: 0 };
    for (let forkAt = 0; forkAt < SIZES; forkAt++) {
      const branch = History.of(SIZES, forkAt);
      for (let own = 1; own <= SIZES; own++) {
        const tree = ownTree(await headAt(forkAt, own), branch);
        for (let size = 1; size <= SIZES; size++) {
          const head = await headAt(SIZES, size);
          const verdict = await judgeHead({ log: plain.log, head, ...tree });
          const isFork = Math.min(own, size) > forkAt;
          const expected = size > own ? 'unresolved' : isFork ? 'evidence' : 'consistent';
          const got = typeof verdict === 'string' ? verdict : 'evidence';
          expect(got, `fork at ${forkAt}, own ${own}, head ${size}`).toBe(expected);
          counts[got]++;
        }
      }
    }
    expect(counts.evidence + counts.consistent + counts.unresolved).toBe(SIZES ** 3);
    expect(Math.min(counts.evidence, counts.consistent, counts.unresolved)).toBeGreaterThan(500);
  });

  it('is evidence by its time alone, on either side of the own size', async () => {
    const own = ownTree(await headOf(keys, honest, 20, NOON), honest);
    const later = await judgeHead({ log, head: await headOf(keys, honest, 15, NOON + 1), ...own });
    const earlier = await judgeHead({ log, head: await headOf(keys, honest, 25, NOON - 1), ...own });
    for (const verdict of [later, earlier]) {
      if (typeof verdict === 'string') throw new Error(`${verdict} is no evidence`);
      expect(verdict.kind).toBe('rollback');
      expect(await reread(verdict)).toEqual(verdict);
    }
    expect(await judgeHead({ log, head: await headOf(keys, honest, 15, NOON), ...own })).toBe('consistent');
    expect(await judgeHead({ log, head: await headOf(keys, honest, 25, NOON), ...own })).toBe('unresolved');
  });

  it('of size 0 has the root of the empty tree or is refused', async () => {
    const own = ownTree(await headOf(keys, honest, 20), honest);
    expect(await judgeHead({ log, head: await headOf(keys, honest, 0), ...own })).toBe('consistent');
    const wrong = await headOf(keys, { root: () => asHash(new Uint8Array(32)) }, 0);
    await expect(judgeHead({ log, head: wrong, ...own })).rejects.toMatchObject({ code: 'bad-note' });
    const book = bookOf();
    await expect(takeHead({ log, book }, wrong, 'peer', 0)).rejects.toMatchObject({ code: 'bad-note' });
    expect(book.size).toBe(0);
  });

  it('is of the same log', async () => {
    const own = ownTree(await headOf(keys, honest, 20), honest);
    const head = { ...(await headOf(keys, honest, 20)), origin: 'log.example/b' };
    await expect(judgeHead({ log, head, ...own })).rejects.toThrow(RangeError);
  });
});

describe('taking heads', () => {
  it('judges what it can at once, and the rest when the tree has grown', async () => {
    const book = bookOf();
    const small = ownTree(await headOf(keys, honest, 10), honest);
    const take = async (head: LogHead): Promise<Evidence | undefined> =>
      (await takeHead({ log, book, tree: small }, head, 'peer', 0)).evidence;
    expect(await take(small.own)).toBeUndefined();
    expect(book.newest()).toBe(small.own);
    expect(await take(await headOf(keys, honest, 8, NOON - 5))).toBeUndefined();
    // Ahead of the own tree, one on each branch.
    expect(await take(await headOf(keys, honest, 15, NOON + 5))).toBeUndefined();
    expect(await take(await headOf(keys, forked, 16, NOON + 6))).toBeUndefined();
    expect(book.unresolved().map(({ size }) => size)).toEqual([15, 16]);

    const grown = ownTree(await headOf(keys, honest, 20, NOON + 9), honest);
    const made = await judgeWaiting({ log, book, tree: grown });
    expect(made.map(({ kind }) => kind)).toEqual(['fork-prefix']);
    expect(await reread(made[0])).toEqual(made[0]);
    expect(book.unresolved()).toEqual([]);
    expect(book.record(15, honest.root(15))?.state).toBe('consistent');
    expect(book.record(16, forked.root(16))?.state).toBe('contradicted');
  });

  it('proves two roots of one size without any tree', async () => {
    const book = bookOf();
    await takeHead({ log, book }, await headOf(keys, honest, 12), 'log', 0);
    const { evidence } = await takeHead({ log, book }, await headOf(keys, forked, 12), 'client', 0);
    expect(evidence?.kind).toBe('fork-same-size');
  });

  it('keeps the own branch apart from the other one after evidence', async () => {
    const book = bookOf();
    // A client handed in the other side before the log showed its own here.
    await takeHead({ log, book }, await headOf(keys, forked, 12), 'client', 0);
    const own = ownTree(await headOf(keys, honest, 12), honest);
    const { evidence } = await takeHead({ log, book, tree: own }, own.own, 'log', 0);
    expect(evidence?.kind).toBe('fork-same-size');
    expect(book.newest()).toBe(own.own);
    // The other side is resolved with the next look at what waits, and needs no second file.
    expect(await judgeWaiting({ log, book, tree: own })).toEqual([]);
    expect(book.record(12, forked.root(12))?.state).toBe('contradicted');
    expect(book.evidence.convictions).toBe(1);
  });

  it('prefers what the own tree proves to what two times prove', async () => {
    const book = bookOf();
    const own = ownTree(await headOf(keys, honest, 20, NOON), honest);
    await takeHead({ log, book, tree: own }, own.own, 'log', 0);
    // Smaller, later, and of another branch.
    const { evidence } = await takeHead({ log, book, tree: own }, await headOf(keys, forked, 12, NOON + 60), 'peer', 0);
    expect(evidence?.kind).toBe('fork-prefix');
  });

  it('convicts by two heads alone where the own tree cannot be read, and otherwise says so', async () => {
    const book = bookOf();
    const broken = { own: await headOf(keys, honest, 30), ownProver: { rootHashAt: damaged, consistency: damaged } };
    const first = await headOf(keys, forked, 12);
    await expect(takeHead({ log, book, tree: broken }, first, 'peer', 0)).rejects.toMatchObject({ code: 'bad-tile' });
    const { evidence } = await takeHead({ log, book, tree: broken }, await headOf(keys, honest, 12), 'log', 0);
    expect(evidence?.kind).toBe('fork-same-size');
    // Both wait for a tree that can be read.
    expect(book.unresolved()).toHaveLength(2);
    const own = ownTree(broken.own, honest);
    await judgeWaiting({ log, book, tree: own });
    expect(book.record(12, honest.root(12))?.state).toBe('consistent');
    expect(book.record(12, forked.root(12))?.state).toBe('contradicted');
  });

  it('loses no evidence to a tree that cannot be read any more', async () => {
    const book = bookOf();
    for (const size of [12, 15]) await takeHead({ log, book }, await headOf(keys, forked, size), 'peer', 0);
    const own = ownTree(await headOf(keys, honest, 30), honest);
    let reads = 0;
    const failing = {
      own: own.own,
      ownProver: {
        ...own.ownProver,
        rootHashAt: (size: number) => (reads++ < 2 ? own.ownProver.rootHashAt(size) : damaged()),
      },
    };
    expect(await judgeWaiting({ log, book, tree: failing })).toHaveLength(1);
    await expect(judgeWaiting({ log, book, tree: failing })).rejects.toMatchObject({ code: 'bad-tile' });
    expect(await judgeWaiting({ log, book, tree: own })).toEqual([]);
    expect(book.record(15, forked.root(15))?.state).toBe('contradicted');
  });

  it('makes one file about a contradicted tree, however often it is signed again', async () => {
    const book = bookOf();
    const files: Evidence[] = [];
    for (let minute = 0; minute < 5; minute++) {
      const own = ownTree(await headOf(keys, honest, 20 + minute, NOON + 60 * minute), honest);
      for (const head of [own.own, await headOf(keys, forked, 12, NOON - 600 + minute)]) {
        const { evidence } = await takeHead({ log, book, tree: own }, head, 'log', 0);
        if (evidence !== undefined) files.push(evidence);
      }
    }
    expect(files).toHaveLength(1);
  });

  it('makes no file of what a fork that is known signs on, and one of an earlier fork', async () => {
    const book = bookOf();
    const own = ownTree(await headOf(keys, honest, 40, NOON + 90), honest);
    const kinds: string[] = [];
    const take = async (history: History, size: number, seconds: number): Promise<void> => {
      const { evidence } = await takeHead(
        { log, book, tree: own },
        await headOf(keys, history, size, seconds),
        'peer',
        0,
      );
      if (evidence !== undefined) kinds.push(`${evidence.kind} at ${size}`);
    };
    // Later than the own head, too, which alone would be a rollback each time.
    for (let size = 20; size < 30; size++) await take(forked, size, NOON + 100 + size);
    expect(kinds).toEqual(['fork-prefix at 20']);
    expect(book.record(29, forked.root(29))?.state).toBe('contradicted');
    await take(History.of(40, 2), 4, NOON);
    expect(kinds).toEqual(['fork-prefix at 20', 'fork-prefix at 4']);
  });

  it('makes no file of what a log signs on after it went back', async () => {
    const book = bookOf();
    const own = ownTree(await headOf(keys, honest, 40, NOON), honest);
    await takeHead({ log, book, tree: own }, own.own, 'log', 0);
    let files = 0;
    for (let size = 20; size < 30; size++) {
      const head = await headOf(keys, honest, size, NOON + size);
      if ((await takeHead({ log, book, tree: own }, head, 'log', 0)).evidence?.kind === 'rollback') files++;
    }
    expect(files).toBe(1);
    expect(book.record(29, honest.root(29))?.state).toBe('consistent');
  });

  it('stops making files when there are many', async () => {
    const plain = testKeys('log.example/plain', [SIGNATURE_TYPE.ed25519]);
    const book = new HeadBook({ origin: plain.log.origin, random: seededRandom(1) });
    const tree = ownTree(await headOf(plain, History.of(200), 200), History.of(200));
    const other = History.of(200, 0);
    let files = 0;
    for (let size = 100; size >= 1; size--) {
      const { evidence } = await takeHead({ log: plain.log, book, tree }, await headOf(plain, other, size), 'peer', 0);
      if (evidence !== undefined) files++;
    }
    expect(files).toBe(MAX_CONVICTIONS);
    expect(book.record(1, other.root(1))?.state).toBe('contradicted');
  });
});
