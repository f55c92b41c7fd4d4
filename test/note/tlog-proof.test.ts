import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes, utf8, utf8Text } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { MAX_TLOG_PROOF_BYTES, formatTlogProof, parseTlogProof } from '../../src/note/tlog-proof.ts';

const hashes = Array.from({ length: 64 }, (_, i) => portableHasher.sha256(Uint8Array.of(i)));
const checkpoint = utf8('origin\n9\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— origin AAAAAAE=\n');
const parts = { extra: Uint8Array.of(0, 1, 2), index: 7, proof: hashes.slice(0, 3), checkpoint };
const file = formatTlogProof(parts);
const fileText = utf8Text(file)!;

const tryOne = (bytes: Uint8Array): void => {
  let parsed;
  try {
    parsed = parseTlogProof(bytes);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    return;
  }
  expect(equalBytes(formatTlogProof(parsed), bytes)).toBe(true);
};

describe('a proof file', () => {
  test('has the lines of the specification, and is read back', () => {
    const lines = fileText.split('\n');
    expect(lines.slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', 'extra AAEC', 'index 7']);
    expect(lines[6]).toBe('');
    expect(lines.slice(7).join('\n')).toBe(utf8Text(checkpoint));
    expect(parseTlogProof(file)).toEqual(parts);
  });

  test('may have no extra data and no hashes', () => {
    const bytes = formatTlogProof({ index: 0, proof: [], checkpoint });
    expect(utf8Text(bytes)).toBe(`c2sp.org/tlog-proof@v1\nindex 0\n\n${utf8Text(checkpoint)}`);
    expect(parseTlogProof(bytes)).toEqual({ index: 0, proof: [], checkpoint });
    expect('extra' in parseTlogProof(bytes)).toBe(false);
  });

  test('keeps the checkpoint byte for byte, whatever it is, in memory of its own', () => {
    const bytes = formatTlogProof({ index: 1, proof: [], checkpoint: Uint8Array.of(0xff, 0x0a, 0x0a, 0) });
    const parsed = parseTlogProof(bytes);
    bytes.fill(0);
    expect(parsed.checkpoint).toEqual(Uint8Array.of(0xff, 0x0a, 0x0a, 0));
  });

  test('carries the largest entry, 63 hashes, and the largest index', () => {
    const large = { extra: new Uint8Array(65_535).fill(7), index: 2 ** 53 - 1, proof: hashes.slice(0, 63), checkpoint };
    expect(parseTlogProof(formatTlogProof(large))).toEqual(large);
  });

  test('is read back for any parts', () => {
    fc.assert(
      fc.property(
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined }),
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.nat(63),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        (extra, index, count, note) => {
          const given = { index, proof: hashes.slice(0, count), checkpoint: note };
          const parsed = parseTlogProof(formatTlogProof({ ...given, extra }));
          expect(parsed).toEqual(extra === undefined ? given : { ...given, extra });
        },
      ),
    );
  });

  test.each([
    ['nothing', ''],
    ['only its first line', 'c2sp.org/tlog-proof@v1\n'],
    ['another version', fileText.replace('@v1', '@v2')],
    ['a space before it', ` ${fileText}`],
    ['a carriage return', fileText.replace('@v1\n', '@v1\r\n')],
    ['no index', fileText.replace('index 7\n', '')],
    ['the index first', fileText.replace('extra AAEC\nindex 7', 'index 7\nextra AAEC')],
    ['extra twice', fileText.replace('extra AAEC', 'extra AAEC\nextra AAEC')],
    ['extra of nothing', fileText.replace('extra AAEC', 'extra ')],
    ['extra with stray bits', fileText.replace('extra AAEC', 'extra AB==')],
    ['extra without padding', fileText.replace('extra AAEC', 'extra AA')],
    ['a leading zero', fileText.replace('index 7', 'index 07')],
    ['a negative index', fileText.replace('index 7', 'index -7')],
    ['index 2^53', fileText.replace('index 7', 'index 9007199254740992')],
    ['no number', fileText.replace('index 7', 'index ')],
    ['a short hash', fileText.replace(/\n(.{40}).{4}\n/, '\n$1\n')],
    ['a word for a hash', fileText.replace('index 7\n', 'index 7\nhello\n')],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n\n'],
    ['no empty line', fileText.replaceAll('\n\n', '\n')],
    ['64 hashes', fileText.replace('index 7\n', `index 7\n${`${'A'.repeat(43)}=\n`.repeat(61)}`)],
    ['too much extra data', fileText.replace('AAEC', 'AAEC'.repeat(21_846))],
    ['a head without end', `c2sp.org/tlog-proof@v1\n${'a'.repeat(200_000)}\n\nx`],
  ])('is refused with %s', (_what, text) => {
    expect(() => parseTlogProof(utf8(text))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('is refused above its largest size', () => {
    const bytes = new Uint8Array(MAX_TLOG_PROOF_BYTES + 1);
    bytes.set(file);
    expect(() => parseTlogProof(bytes)).toThrow(`above the limit of ${MAX_TLOG_PROOF_BYTES}`);
    expect(() => parseTlogProof(bytes.subarray(1))).toThrow('does not start with');
  });

  test('with any byte cut off or changed is another proof file or a clear error', () => {
    for (let length = 0; length < file.length; length++) tryOne(file.subarray(0, length));
    for (let i = 0; i < file.length; i++) {
      for (const byte of [0, 0x0a, 0x20, 0x30, 0x3d, 0x41, 0xff]) tryOne(file.with(i, byte));
    }
  });

  test('is not made of parts that do not fit', () => {
    for (const wrong of [
      { extra: new Uint8Array(0) },
      { extra: new Uint8Array(65_536) },
      { index: -1 },
      { index: 1.5 },
      { index: 2 ** 53 },
      { proof: hashes },
      { proof: [new Uint8Array(31)] },
      { checkpoint: new Uint8Array(0) },
      { checkpoint: new Uint8Array(MAX_TLOG_PROOF_BYTES) },
    ]) {
      expect(() => formatTlogProof({ ...parts, ...wrong })).toThrow(RangeError);
    }
  });
});
