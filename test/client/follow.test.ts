import { describe, expect, test } from 'vitest';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { follow } from '../../src/client/follow.ts';
import type { FollowedEntries, FollowOptions } from '../../src/client/follow.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';

const T = 1_790_000_000;

function optionsFor(log: ServedLog): FollowOptions {
  return {
    reader: httpReader({ url: 'http://log.example/', fetch: log.fetch }),
    origin: log.origin,
    verifiers: log.verifiers,
  };
}

interface Outcome {
  readonly batches: readonly FollowedEntries[];
  readonly texts: readonly (string | undefined)[];
  readonly code: ErrorCode | 'none';
}

async function run(options: FollowOptions): Promise<Outcome> {
  const batches: FollowedEntries[] = [];
  let code: ErrorCode | 'none' = 'none';
  try {
    for await (const batch of follow(options)) batches.push(batch);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    code = error.code;
  }
  return { batches, texts: batches.flatMap(({ entries }) => entries.map(utf8Text)), code };
}

async function servedLog(size: number): Promise<ServedLog> {
  const log = new ServedLog(numberedEntries(size));
  await log.publish(T);
  return log;
}

describe('follow', () => {
  test.each([0, 1, 2, 255, 256, 257, 600, 1024])(
    'hands out every entry of a log of size %i, in order',
    async (size) => {
      const log = await servedLog(size);
      const { batches, texts, code } = await run(optionsFor(log));
      expect(code).toBe('none');
      expect(texts).toEqual(numberedEntries(size).map(utf8Text));
      expect(batches.length).toBe(Math.max(1, Math.ceil(size / 256)));
      for (const { head, start, entries, leafHashes } of batches) {
        expect(head).toMatchObject({ origin: log.origin, size, timestampSeconds: T });
        entries.forEach((entry, i) => {
          expect(leafHashes.slice(32 * i, 32 * i + 32)).toEqual(portableHasher.leafHash(entry));
          expect(utf8Text(entry)).toBe(`entry ${start + i}`);
        });
      }
    },
  );

  test('starts at any index, and at the end gives the head alone', async () => {
    const log = await servedLog(600);
    for (const start of [1, 255, 256, 300, 599]) {
      const { batches, texts } = await run({ ...optionsFor(log), start });
      expect(texts).toEqual(numberedEntries(600 - start, start).map(utf8Text));
      expect(batches[0]!.start).toBe(start);
      expect(batches[0]!.leafHashes.length).toBe(32 * batches[0]!.entries.length);
    }
    const { batches } = await run({ ...optionsFor(log), start: 600 });
    expect(batches).toMatchObject([{ start: 600, entries: [], head: { size: 600 } }]);
  });

  test('reads no level 0 tile for full bundles, and never more bundles ahead than asked', async () => {
    const log = await servedLog(256 * 20);
    let open = 0;
    let most = 0;
    const reader = httpReader({
      url: 'http://log.example/',
      fetch: async (url, init) => {
        if (!url.includes('entries')) return log.fetch(url, init);
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 1));
        open--;
        return log.fetch(url, init);
      },
    });
    const { code } = await run({ ...optionsFor(log), reader, parallel: 3 });
    expect(code).toBe('none');
    expect(most).toBe(3);
    expect(log.asked.filter((path) => path.startsWith('tile/0/'))).toEqual([]);
  });

  test('follows a growing log from checkpoint to checkpoint until it is told to stop', async () => {
    const log = await servedLog(10);
    const abort = new AbortController();
    const sizes = [10, 10, 300, 300, 700];
    let round = 0;
    const { batches, texts } = await run({
      ...optionsFor(log),
      pollMillis: 50,
      signal: abort.signal,
      sleep: async () => {
        const size = sizes[++round];
        if (size === undefined) return abort.abort();
        log.entries.push(...numberedEntries(size - log.entries.length, log.entries.length));
        await log.publish(T + round);
      },
    });
    expect(texts).toEqual(numberedEntries(700).map(utf8Text));
    expect(batches.map(({ head, entries }) => [head.size, head.timestampSeconds - T, entries.length])).toEqual([
      [10, 0, 10],
      [10, 1, 0],
      [300, 2, 246],
      [300, 2, 44],
      [300, 3, 0],
      [700, 4, 212],
      [700, 4, 188],
    ]);
  });

  test('waits by the clock between looks, and stops waiting when it is told to', async () => {
    const log = await servedLog(3);
    const abort = new AbortController();
    const started = performance.now();
    setTimeout(() => abort.abort(), 120);
    const { texts } = await run({ ...optionsFor(log), pollMillis: 50, signal: abort.signal });
    expect(texts.length).toBe(3);
    expect(log.asked.filter((path) => path === 'checkpoint').length).toBeGreaterThanOrEqual(2);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('goes on where it was, from the head it had', async () => {
    const log = await servedLog(500);
    const first = await run(optionsFor(log));
    const head = first.batches.at(-1)!.head;
    log.entries.push(...numberedEntries(100, 500));
    await log.publish(T + 10);
    const { texts, code } = await run({ ...optionsFor(log), start: 500, head });
    expect(code).toBe('none');
    expect(texts).toEqual(numberedEntries(100, 500).map(utf8Text));
  });

  test('keeps the head it knows when a cache serves an older checkpoint', async () => {
    const log = await servedLog(500);
    const head = (await run(optionsFor(log))).batches.at(-1)!.head;
    await log.publish(T - 100, { size: 200 });
    const { batches, code } = await run({ ...optionsFor(log), start: 450, head });
    expect(code).toBe('none');
    expect(batches).toMatchObject([{ start: 450, head: { size: 500 } }]);
  });

  test('refuses a signed older checkpoint whose tree is no part of the known one', async () => {
    const log = await servedLog(500);
    const head = (await run(optionsFor(log))).batches.at(-1)!.head;
    await log.publish(T - 100, { size: 200, rootHash: log.rootHash(201) });
    expect((await run({ ...optionsFor(log), start: 500, head })).code).toBe('not-consistent');
    await log.publish(T - 100, { size: 0 });
    expect((await run({ ...optionsFor(log), start: 500, head })).code).toBe('none');
  });

  test('refuses a checkpoint on which the log states no time', async () => {
    const log = await servedLog(5);
    await log.publish(0);
    expect((await run(optionsFor(log))).code).toBe('bad-note');
    // A log without an ML-DSA-44 key has no time to state.
    expect((await run({ ...optionsFor(log), verifiers: [log.verifiers[0]!] })).code).toBe('none');
  });

  test('does not begin to wait once it was told to stop', async () => {
    const log = await servedLog(3);
    const abort = new AbortController();
    const started = performance.now();
    for await (const _ of follow({ ...optionsFor(log), pollMillis: 60_000, signal: abort.signal })) abort.abort();
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('calls two roots of one size, and a smaller tree of a later time, a fork', async () => {
    const log = await servedLog(300);
    const head = (await run(optionsFor(log))).batches.at(-1)!.head;
    const other = new ServedLog([...numberedEntries(299), utf8('other')]);
    await other.publish(T + 1);
    expect((await run({ ...optionsFor(other), head })).code).toBe('fork');
    await log.publish(T + 1, { size: 299 });
    expect((await run({ ...optionsFor(log), head })).code).toBe('fork');
  });

  test('refuses a larger tree that changed the past', async () => {
    const log = await servedLog(300);
    const head = (await run(optionsFor(log))).batches.at(-1)!.head;
    for (const changed of [0, 256, 299]) {
      const entries = numberedEntries(700);
      entries[changed] = utf8('another');
      const other = new ServedLog(entries);
      await other.publish(T + 1);
      const { code, batches } = await run({ ...optionsFor(other), start: 300, head });
      expect(code).toBe('not-consistent');
      expect(batches).toEqual([]);
    }
  });

  test('hands out nothing of a bundle in which one byte was changed', async () => {
    const log = await servedLog(700);
    for (const [bundle, path] of [
      [0, 'tile/entries/000'],
      [1, 'tile/entries/001'],
      [2, 'tile/entries/002.p/188'],
    ] as const) {
      for (const at of [0, 1, 2, 700, -1]) {
        log.tamper = (asked, honest) => {
          if (asked !== path) return undefined;
          const bytes = honest!.slice();
          bytes[at < 0 ? bytes.length + at : at]! ^= 1;
          return bytes;
        };
        const { code, texts } = await run(optionsFor(log));
        expect(code).toBe('bad-tile');
        expect(texts.length).toBe(256 * bundle);
      }
    }
  });

  test('refuses a forged tile at every level', async () => {
    const log = await servedLog(1100);
    for (const path of ['tile/0/004.p/76', 'tile/1/000.p/4']) {
      log.tamper = (asked, honest) => {
        if (asked !== path) return undefined;
        const bytes = honest!.slice();
        bytes[5]! ^= 1;
        return bytes;
      };
      const { code, batches } = await run(optionsFor(log));
      expect(code).toBe('bad-tile');
      expect(batches).toEqual([]);
    }
  });

  test('passes on that a resource is not there', async () => {
    const log = await servedLog(700);
    log.tamper = (asked) => (asked === 'tile/entries/001' ? null : undefined);
    const { code, texts } = await run(optionsFor(log));
    expect(code).toBe('not-found');
    expect(texts.length).toBe(256);
    log.tamper = (asked) => (asked === 'checkpoint' ? null : undefined);
    expect((await run(optionsFor(log))).code).toBe('not-found');
  });

  test('wants every key of the log on the checkpoint, whatever else is on it', async () => {
    const log = await servedLog(5);
    const stranger = new ServedLog([], 'stranger.example').signers;
    await log.publish(T, { signers: [stranger[1]!, log.signers[1]!, stranger[0]!, log.signers[0]!] });
    const { code, batches } = await run(optionsFor(log));
    expect(code).toBe('none');
    expect(utf8Text(batches[0]!.head.note)).not.toContain('stranger');
    for (const signers of [[log.signers[0]!], [log.signers[1]!], stranger]) {
      await log.publish(T, { signers });
      expect((await run(optionsFor(log))).code).toBe('log-signature-missing');
    }
  });
});
