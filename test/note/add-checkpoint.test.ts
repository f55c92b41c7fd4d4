import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, equalBytes, toBase64, utf8, utf8Text } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { MAX_ADD_CHECKPOINT_BYTES, formatAddCheckpoint, parseAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { MAX_NOTE_BYTES, parseNote } from '../../src/note/note.ts';

const hashes = Array.from({ length: 64 }, (_, i) => portableHasher.sha256(Uint8Array.of(i)));
const checkpoint = utf8('origin\n9\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— origin AAAAAAE=\n');
const parts = { oldSize: 7, proof: hashes.slice(0, 3), checkpoint };
const body = formatAddCheckpoint(parts);

/** Refused as malformed, or exactly what its parts are written as. */
const tryOne = (bytes: Uint8Array): void => {
  let parsed;
  try {
    parsed = parseAddCheckpoint(bytes);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    return;
  }
  const { oldSize, proof } = parsed;
  const again = concat(utf8([`old ${oldSize}`, ...proof.map(toBase64), '', ''].join('\n')), parsed.checkpoint);
  expect(equalBytes(again, bytes)).toBe(true);
};

describe('an add-checkpoint request', () => {
  test("is read as the specification's own example has it", () => {
    const example = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
    const request = parseAddCheckpoint(utf8(example));
    expect(request.oldSize).toBe(20852014);
    expect(request.proof.map(toBase64)).toEqual(example.split('\n').slice(1, 5));
    expect(parseNote(request.checkpoint).text.split('\n')[1]).toBe('20852163');
    expect(utf8Text(formatAddCheckpoint(request))).toBe(example);
  });

  test('has an old line, the hashes, an empty line and the checkpoint, and is read back', () => {
    expect(utf8Text(body)!.split('\n').slice(0, 5)).toEqual(['old 7', ...parts.proof.map(toBase64), '']);
    expect(parseAddCheckpoint(body)).toEqual(parts);
  });

  test('keeps the checkpoint byte for byte, whatever it is, in memory of its own', () => {
    const bytes = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: Uint8Array.of(0x0a, 0xff, 0x0a, 0x0a) });
    const parsed = parseAddCheckpoint(bytes);
    bytes.fill(0);
    expect(parsed.checkpoint).toEqual(Uint8Array.of(0x0a, 0xff, 0x0a, 0x0a));
  });

  test('may have 63 hashes, the largest size and the largest note, and that is the limit', () => {
    const note = new Uint8Array(MAX_NOTE_BYTES).fill(0x61);
    const largest = formatAddCheckpoint({ oldSize: 2 ** 53 - 1, proof: hashes.slice(0, 63), checkpoint: note });
    expect(largest.length).toBe(MAX_ADD_CHECKPOINT_BYTES);
    expect(parseAddCheckpoint(largest).proof).toHaveLength(63);
    expect(() => parseAddCheckpoint(concat(largest, Uint8Array.of(0x61)))).toThrow(/above the limit/u);
  });

  test('with a proof beside the old size 0 is read, since that is for a 422, but never written', () => {
    const bytes = utf8(`old 0\n${toBase64(hashes[0]!)}\n\nx`);
    expect(parseAddCheckpoint(bytes)).toMatchObject({ oldSize: 0, proof: [hashes[0]] });
    expect(() => formatAddCheckpoint(parseAddCheckpoint(bytes))).toThrow(RangeError);
  });

  test.each([
    ['nothing', ''],
    ['no old line', '\nx'],
    ['no number', 'old \n\nx'],
    ['a leading zero', 'old 07\n\nx'],
    ['a sign', 'old +7\n\nx'],
    ['two spaces', 'old  7\n\nx'],
    ['a carriage return', 'old 7\r\n\nx'],
    ['another word', 'size 7\n\nx'],
    ['a size of 2^53', 'old 9007199254740992\n\nx'],
    ['a size without an end', `old ${'1'.repeat(1000)}`],
    ['no empty line', 'old 7\nx'],
    ['only its old line', 'old 7\n'],
    ['no checkpoint', 'old 7\n\n'],
    ['a hash of 31 bytes', `old 7\n${toBase64(new Uint8Array(31))}\n\nx`],
    ['a hash of 33 bytes', `old 7\n${toBase64(new Uint8Array(33))}\n\nx`],
    ['a hash that is not canonical base64', `old 7\n${'A'.repeat(42)}B=\n\nx`],
    ['a hash in base64url', `old 7\n${'_'.repeat(43)}=\n\nx`],
    ['a hash without its newline', `old 7\n${toBase64(new Uint8Array(32))}`],
    ['64 hashes', `old 7\n${hashes.map((hash) => `${toBase64(hash)}\n`).join('')}\nx`],
  ])('is refused with %s', (_what, text) => {
    expect(() => parseAddCheckpoint(utf8(text))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test.each([
    ['a fraction', { oldSize: 0.5 }],
    ['a negative size', { oldSize: -1 }],
    ['64 hashes', { proof: hashes }],
    ['a short hash', { proof: [new Uint8Array(31)] }],
    ['no checkpoint', { checkpoint: new Uint8Array() }],
  ])('is not written with %s', (_what, change) => {
    expect(() => formatAddCheckpoint({ ...parts, ...change })).toThrow(RangeError);
  });

  test('is refused or read as what it says at every cut and every changed byte', () => {
    for (let length = 0; length < body.length; length++) tryOne(body.subarray(0, length));
    for (let i = 0; i < body.length; i++) {
      for (const value of [0, 0x0a, 0x20, 0x30, 0x3d, 0xff, body[i]! ^ 1]) {
        const changed = body.slice();
        changed[i] = value;
        tryOne(changed);
      }
    }
  });

  test('is read back for any parts, and any bytes are refused or read as what they say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        fc.nat(63),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        (oldSize, count, note) => {
          const request = { oldSize, proof: hashes.slice(0, count), checkpoint: note };
          expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => tryOne(concat(utf8('old 1\n'), bytes))));
  });
});
