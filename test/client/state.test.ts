import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../src/bytes.ts';
import { readHead } from '../../src/client/follow.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import {
  advance,
  checkRemembered,
  compareHeads,
  formatState,
  NOTHING_REMEMBERED,
  parseState,
} from '../../src/client/state.ts';
import type { LogHead } from '../../src/client/state.ts';
import { isLimmatError } from '../../src/errors.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';

const T = 1_790_000_000;

async function headOf(size: number, time: number, options: { origin?: string; last?: string } = {}): Promise<LogHead> {
  const entries = numberedEntries(size);
  if (options.last !== undefined) entries[size - 1] = utf8(options.last);
  const log = new ServedLog(entries, options.origin);
  await log.publish(time);
  return readHead({
    reader: httpReader({ url: 'http://log.example/', fetch: log.fetch }),
    origin: log.origin,
    verifiers: log.verifiers,
  });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('compareHeads', () => {
  test('orders heads by size', async () => {
    const [small, large] = [await headOf(5, T), await headOf(7, T + 1)];
    expect(compareHeads(small, large)).toBe('newer');
    expect(compareHeads(large, small)).toBe('older');
    expect(compareHeads(large, await headOf(7, T + 9))).toBe('same');
    expect(compareHeads(small, await headOf(7, T))).toBe('newer');
  });

  test('names both roots of a fork', async () => {
    const [one, other] = [await headOf(5, T), await headOf(5, T + 1, { last: 'x' })];
    expect(() => compareHeads(one, other)).toThrow(toHex(other.rootHash));
    expect(codeOf(() => compareHeads(one, other))).toBe('fork');
    expect(codeOf(() => checkRemembered(new Map([[one.origin, one]]), other))).toBe('fork');
    expect(codeOf(() => checkRemembered(NOTHING_REMEMBERED, other))).toBe('none');
  });

  test('sees a log that went back, whichever head was seen first, and only between signed times', async () => {
    const [large, small] = [await headOf(9, T), await headOf(5, T + 1)];
    expect(codeOf(() => compareHeads(large, small))).toBe('fork');
    expect(codeOf(() => compareHeads(small, large))).toBe('fork');
    expect(compareHeads({ ...large, timestampSeconds: 0 }, small)).toBe('older');
    expect(compareHeads(large, { ...small, timestampSeconds: 0 })).toBe('older');
  });
});

describe('advance', () => {
  test('keeps the largest head of each log, and of one size the newest time', async () => {
    const [a5, a7, a7later] = [await headOf(5, T), await headOf(7, T + 1), await headOf(7, T + 9)];
    const b1 = await headOf(1, T, { origin: 'b.example' });
    let heads = advance(NOTHING_REMEMBERED, a5);
    heads = advance(advance(heads, b1), a7);
    expect(heads.get(a7.origin)).toBe(a7);
    expect(advance(heads, a5)).toBe(heads);
    expect(advance(heads, a7)).toBe(heads);
    const later = advance(heads, a7later);
    expect(later.get(a7.origin)).toBe(a7later);
    expect(heads.get(a7.origin)).toBe(a7);
    expect(later.get('b.example')).toBe(b1);
    expect(NOTHING_REMEMBERED.size).toBe(0);
  });
});

describe('the state file', () => {
  test('comes back byte for byte', async () => {
    const b = await headOf(1, T, { origin: 'b.example' });
    const a = await headOf(7, T + 1, { origin: 'a.example' });
    const heads = advance(advance(NOTHING_REMEMBERED, b), a);
    const text = formatState(heads);
    expect(formatState(parseState(text))).toBe(text);
    expect([...parseState(text).values()]).toEqual([a, b]);
    expect(parseState(formatState(NOTHING_REMEMBERED)).size).toBe(0);
  });

  test('is refused in any other form', async () => {
    const text = formatState(advance(NOTHING_REMEMBERED, await headOf(3, T)));
    for (let end = 0; end < text.length; end += end < 200 ? 1 : 37) {
      expect(
        codeOf(() => parseState(text.slice(0, end))),
        String(end),
      ).toBe('malformed');
    }
    for (const bad of [
      'null',
      '[]',
      '{"format":"limmat/state/v1"}',
      text.replace('v1', 'v2'),
      text.replace(`${T}`, `-${T}`),
      text.replace(`${T}`, `${T}.5`),
      text.replace(`${T}`, `"${T}"`),
      text.replace('"note"', '"nota"'),
      text.replace('{"timestamp', '{"extra":1,"timestamp'),
      text.replace('log.example/test\\n3', 'log.example/test\\n03'),
      text.replace('[\n', '[\nnull,'),
      ` ${text}`,
      'x'.repeat(4 * 1024 * 1024 + 1),
    ]) {
      expect(
        codeOf(() => parseState(bad)),
        bad.slice(0, 80),
      ).toBe('malformed');
    }
  });
});
