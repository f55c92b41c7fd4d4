import { describe, expect, it } from 'vitest';

import { plainVerdict } from '../../src/client/check/judge.ts';
import { checkJson } from '../../tools/check/report.ts';
import type { CheckedFile } from '../../tools/check/report.ts';
import { formatCount } from '../../tools/support/progress.ts';

/** Files of two kinds; what is said of each kind is one list, and neither it nor the names are ASCII. */
function files(count: number): CheckedFile[] {
  const kinds = ['not-checked', 'not-logged'] as const;
  const verdicts = kinds.map((kind) => plainVerdict('', kind, `„${kind}“ …`));
  return Array.from({ length: count }, (_, i) => ({
    name: `Dateien/größe "${i}" 🗂`,
    verdict: { ...verdicts[i % 2]!, sha256: i.toString(16).padStart(64, '0') },
  }));
}

function expected(checked: readonly CheckedFile[], more: object): object {
  const verdicts: Record<string, number> = {};
  for (const { verdict } of checked) verdicts[verdict.verdict] = (verdicts[verdict.verdict] ?? 0) + 1;
  const told = checked.map(({ name, verdict: { sha256, ...said } }) => ({ file: name, sha256, ...said }));
  return { ...more, verdicts, files: told };
}

describe('the JSON of limmat check', () => {
  it.each([1, 7, 64, 1000, 1 << 20])('is the same text in pieces of %i bytes', (pieceBytes) => {
    for (const count of [0, 1, 2, 101]) {
      const checked = files(count);
      const pieces = [...checkJson(checked, { asOf: 'größe' }, pieceBytes)];
      const text = Buffer.concat(pieces).toString();
      expect(text).toBe(`${JSON.stringify(expected(checked, { asOf: 'größe' }))}\n`);
      expect(pieces.slice(0, -1).every(({ length }) => length === pieceBytes)).toBe(true);
      expect(pieces.at(-1)!.length).toBeLessThanOrEqual(pieceBytes);
    }
  });

  it('encodes what many files have in common once', () => {
    const checked = files(2);
    let asked = 0;
    const says = Object.assign([...checked[0]!.verdict.says], { toJSON: () => (asked++, []) });
    const many = Array.from({ length: 50 }, () => ({ name: 'x', verdict: { ...checked[0]!.verdict, says } }));
    expect([...checkJson(many, {})]).toHaveLength(1);
    expect(asked).toBe(1);
  });
});

describe('a count for people', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [-1234, '-1,234'],
    [12_345.6, '12,346'],
    [999_999, '999,999'],
    [1_234_567, '1,234,567'],
    [Number.MAX_SAFE_INTEGER, '9,007,199,254,740,991'],
  ])('of %d is %s', (value, text) => {
    expect(formatCount(value)).toBe(text);
  });
});
