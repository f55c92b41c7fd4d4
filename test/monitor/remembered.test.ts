// What a monitor writes down, and reads again: every form exactly, and nothing else.

import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { memoryMonitorStore, monitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import { HeadKeeper } from '../../src/monitor/head-keeper.ts';
import { formatKeptHead, parseKeptHead } from '../../src/monitor/kept-head.ts';
import { formatLogState, parseLogState } from '../../src/monitor/log-state.ts';
import type { LogState } from '../../src/monitor/log-state.ts';
import { formatMeta, parseMeta } from '../../src/monitor/meta.ts';
import { troubleKey } from '../../src/monitor/checks.ts';
import type { JournalLine, LineJournal } from '../../src/monitor/ports.ts';
import { CheapLog, CheapTree, cheapKey } from './cheap-log.ts';

const ORIGIN = 'log.example/x';
const T = 1_790_000_000;
const log = new CheapLog(ORIGIN, new CheapTree(50), [cheapKey(ORIGIN, 'a', false), cheapKey(ORIGIN, 'b', true)]);

async function stateOf(headSize: number | undefined, settledSize: number | undefined): Promise<LogState> {
  const head = headSize === undefined ? undefined : await log.head(log.note(headSize, T));
  return {
    origin: ORIGIN,
    sinceSeconds: T - 5,
    head,
    settled: settledSize === headSize ? head : await log.head(log.note(settledSize!, T - 1)),
    cursor: settledSize ?? 0,
    counts: { statements: 1, unknown: 2, withheld: 3 },
    marks: head === undefined ? [] : [head],
    waiting: [0, 700],
    troubles: [{ key: 'unreachable x', rounds: 2, sinceSeconds: T }],
    behindSinceSeconds: headSize === 7 ? T : undefined,
  };
}

describe('the state of a log', () => {
  test.each([
    [undefined, undefined],
    [0, 0],
    [7, 7],
    [7, 3],
  ])('with head %s and settled %s is read as it was written', async (head, settled) => {
    const state = await stateOf(head, settled);
    expect(parseLogState(formatLogState(state))).toEqual(state);
  });

  test('that is damaged in any way is refused, or is another whole one', async () => {
    const text = formatLogState(await stateOf(7, 3));
    for (let length = 0; length < text.length - 1; length += 7) {
      expect(() => parseLogState(text.slice(0, length))).toThrow(expect.objectContaining({ code: 'store-corrupt' }));
    }
    const value: Readonly<Record<string, unknown>> = JSON.parse(text);
    for (const name of Object.keys(value)) {
      if (name === 'behindSinceSeconds') continue;
      for (const other of [undefined, -1, 'x', {}, [{}], 2 ** 53]) {
        expect(() => parseLogState(JSON.stringify({ ...value, [name]: other })), name).toThrow();
      }
    }
    expect(() => parseLogState(JSON.stringify({ ...value, cursor: 2 }))).toThrow('cursor 2');
    expect(() => parseLogState(JSON.stringify({ ...value, cursor: 8 }))).toThrow('cursor 8');
    expect(() => parseLogState(JSON.stringify({ ...value, origin: 'other' }))).toThrow('has a head of log.example/x');
  });
});

describe('the list of watched logs', () => {
  const meta = {
    sinceSeconds: T,
    logs: [{ origin: ORIGIN, sinceSeconds: T, keys: ['a', 'b'], url: 'http://log.example/', iatWindowSeconds: 0 }],
  };
  test('is read as it was written', () => {
    expect(parseMeta(formatMeta(meta))).toEqual(meta);
  });

  test('that is damaged is refused', () => {
    for (const text of ['', '{}', '[]', formatMeta(meta).replace('v1', 'v2'), formatMeta(meta).replace('["a"', '[1')]) {
      expect(() => parseMeta(text), text).toThrow(/list of its logs/);
    }
  });
});

describe('a kept head', () => {
  test('is read as it was written', () => {
    const kept = { note: log.note(3, T), timestampSeconds: T, source: 'client', atSeconds: T + 1 } as const;
    expect(parseKeptHead(formatKeptHead(kept))).toEqual(kept);
    expect(formatKeptHead(kept)).not.toContain('\n');
  });

  test('is nothing else', () => {
    expect(() =>
      formatKeptHead({ note: Uint8Array.of(0xff), timestampSeconds: 0, source: 'log', atSeconds: 0 }),
    ).toThrow(RangeError);
    for (const line of [
      '',
      'null',
      '{}',
      '{"at":1,"via":"me","time":0,"note":"x"}',
      '{"at":-1,"via":"log","time":0,"note":"x"}',
    ]) {
      expect(() => parseKeptHead(line), line).toThrow('a kept head');
    }
  });
});

/** A journal whose lines count as so many bytes each, whatever is in them. */
class LongLines implements LineJournal {
  readonly #lineBytes: number;
  #lines: readonly string[] = [];

  constructor(lineBytes: number) {
    this.#lineBytes = lineBytes;
  }

  get end(): number {
    return this.#lines.length * this.#lineBytes;
  }

  async read(from: number, limit: number): Promise<readonly JournalLine[]> {
    const first = Math.ceil(from / this.#lineBytes);
    const lines = this.#lines.slice(first, first + limit);
    return lines.map((text, i) => ({ position: (first + i) * this.#lineBytes, text }));
  }

  async append(lines: readonly string[]): Promise<void> {
    this.#lines = [...this.#lines, ...lines];
  }

  async rewrite(lines: readonly string[]): Promise<void> {
    this.#lines = [...lines];
  }
}

describe('the journal of heads', () => {
  test(
    'is thinned when it has grown too long, but what waits stays, where it can be found',
    { timeout: 60_000 },
    async () => {
      const tree = new CheapTree(300);
      const forked = new CheapTree(300, 10);
      const chatty = new CheapLog(ORIGIN, tree, [cheapKey(ORIGIN, 'a', false)]);
      const medium = monitorMedium();
      const store = await memoryMonitorStore({ medium }).log(ORIGIN);
      const options = { log: { origin: ORIGIN, verifiers: chatty.verifiers }, journal: store.heads, random: () => 0 };
      const { keeper } = await HeadKeeper.open({ ...options, evidence: [], waiting: [] });
      // Witness lines make each note long: a few dozen of them are a journal that is thinned.
      const stranger = `— stranger ${'A'.repeat(200_000)}\n`;
      const waitingNote = chatty.note(299, 0, forked);
      await keeper.take(await chatty.head(waitingNote), 'client', T, undefined);
      for (let size = 1; size < 290; size++) {
        const head = await chatty.head(chatty.note(size, 0));
        const long = utf8(`${new TextDecoder().decode(head.note)}${stranger}`);
        await keeper.take(head, 'log', T, undefined, long);
        keeper.book.resolve(head, 'consistent');
      }
      expect(store.heads.end).toBeLessThan(48 * 1024 * 1024);
      const { length } = medium.logs.get(ORIGIN)!.heads;
      expect(length).toBeLessThan(250);
      const waiting = keeper.waiting();
      expect(waiting.length).toBe(1);
      const again = await HeadKeeper.open({ ...options, evidence: [], waiting });
      expect(again.keeper.book.record(299, forked.rootHash(299))?.state).toBe('unresolved');
      expect(again.keeper.waiting()).toContain(waiting[0]);
    },
  );

  test('has a length that it never outgrows, however many heads the log signs', async () => {
    const chatty = new CheapLog(ORIGIN, new CheapTree(3000), [cheapKey(ORIGIN, 'a', false)]);
    const journal = new LongLines(200_000);
    const options = { log: { origin: ORIGIN, verifiers: chatty.verifiers }, journal, random: () => 0 };
    const { keeper } = await HeadKeeper.open({ ...options, evidence: [], waiting: [] });
    let longest = 0;
    // 600 MB in all.
    for (let size = 1; size < 3000; size++) {
      const head = await chatty.head(chatty.note(size, 0));
      await keeper.take(head, 'log', T, undefined);
      keeper.book.resolve(head, 'consistent');
      longest = Math.max(longest, journal.end);
    }
    expect(longest).toBeLessThan(66 * 1024 * 1024);
  });

  test('that has another log’s head in it is damaged', async () => {
    const store = await memoryMonitorStore().log(ORIGIN);
    const other = new CheapLog('other.example', new CheapTree(3), [cheapKey('other.example', 'a', false)]);
    await store.heads.append([
      formatKeptHead({ note: other.note(1, T), timestampSeconds: 0, source: 'log', atSeconds: T }),
    ]);
    const options = { log: { origin: ORIGIN, verifiers: log.verifiers }, journal: store.heads, random: () => 0 };
    await expect(HeadKeeper.open({ ...options, evidence: [], waiting: [] })).rejects.toMatchObject({
      code: 'store-corrupt',
    });
  });
});

test('a key names the trouble and the log, and is never longer than 256 characters', () => {
  expect(troubleKey('stale', ORIGIN)).toBe('stale log.example/x');
  expect(troubleKey('log-changed', ORIGIN, 'ab12')).toBe('log-changed log.example/x ab12');
  const long = troubleKey('log-changed', 'x'.repeat(1000), 'ab12');
  expect(long).toMatch(/^log-changed sha256:[0-9a-f]{64} ab12$/);
  expect(long.length).toBeLessThanOrEqual(256);
});
