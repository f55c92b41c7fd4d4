import { describe, expect, test } from 'vitest';

import { createProgress, formatBytes, formatSeconds } from '../../tools/support/progress.ts';
import { tableLines } from '../../tools/support/table.ts';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  let millis = 0;
  return {
    written,
    advanceMillis: (by: number) => void (millis += by),
    options: {
      label: 'import',
      unit: 'records',
      total: 1000,
      stream: { isTTY, write: (text: string) => written.push(text) },
      nowMillis: () => millis,
    },
  };
}

describe('progress', () => {
  test('on a terminal it is one line with a bar, the rate and the time left', () => {
    const { written, advanceMillis, options } = recorder(true);
    const progress = createProgress(options);
    advanceMillis(1000);
    progress.update(250);
    advanceMillis(10);
    progress.update(251);
    expect(written).toEqual([
      `\rimport ${'█'.repeat(6)}${'░'.repeat(18)} 250 of 1,000 records, 250/s, 3.0 s left\x1b[K`,
    ]);
    advanceMillis(990);
    progress.update(1000);
    progress.finish();
    expect(written.at(-1)).toBe('\rimport: 1,000 records in 2.0 s, 500/s\x1b[K\n');
  });

  test('elsewhere it is a plain line now and then', () => {
    const { written, advanceMillis, options } = recorder(false);
    const progress = createProgress(options);
    for (let i = 0; i < 100; i++) {
      advanceMillis(100);
      progress.advance(10);
    }
    expect(written).toEqual([
      'import: 500 of 1,000 records, 100/s, 5.0 s left\n',
      'import: 1,000 of 1,000 records, 100/s\n',
    ]);
  });

  test('silent means silent', () => {
    const { written, options } = recorder(true);
    const progress = createProgress({ ...options, silent: true });
    progress.update(500);
    progress.clear();
    progress.finish();
    expect(written).toEqual([]);
  });
});

test('times and sizes read well', () => {
  expect([0.04, 9.96, 59.4, 61, 3599, 7800].map(formatSeconds)).toEqual([
    '0.0 s',
    '10.0 s',
    '59 s',
    '1 min 1 s',
    '59 min 59 s',
    '2 h 10 min',
  ]);
  expect([0, 1023, 1536, 3 * 1024 ** 3].map(formatBytes)).toEqual(['0 bytes', '1023 bytes', '1.5 KiB', '3.0 GiB']);
});

test('tables line up whatever their colours', () => {
  const columns = [{ title: 'name' }, { title: 'rate', align: 'right' as const }];
  expect(
    tableLines(columns, [
      ['\x1b[32mab\x1b[39m', '10'],
      ['abcdef', '5'],
    ]),
  ).toEqual(['name    rate', '\x1b[32mab\x1b[39m        10', 'abcdef     5']);
});
