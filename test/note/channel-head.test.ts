import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, concat, equalBytes, toBase64, utf8, utf8Text } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import {
  MAX_CHANNEL_HEAD_BYTES,
  channelHeadSigner,
  channelHeadVerifier,
  channelKeyOrigin,
  formatChannelHead,
  openChannelHead,
  parseChannelHead,
  readChannelHeadNote,
  recalledDigest,
} from '../../src/note/channel-head.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE, parseVerifierKey, verifierKeyOf } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { greaseLines, seededNumbers, shuffled, testKey } from '../support/notes.ts';

const hash = (text: string): ChannelHead['rootHash'] => portableHasher.sha256(utf8(text));

const HEAD: ChannelHead = {
  origin: 'log.example/a',
  size: 20_852_163,
  rootHash: hash('root'),
  channel: 'acme/Acme Shield/avdb-release:main/stable',
  index: 20_851_007,
  leafHash: hash('leaf'),
  sequence: 417,
  minimumSequence: 12,
  recalledHash: recalledDigest([hash('old')]),
  issuedSeconds: 1_790_000_000,
  validUntilSeconds: 1_790_086_400,
};
const TEXT = `limmat/channel-head/v1
log.example/a
20852163
${toBase64(hash('root'))}
acme/Acme Shield/avdb-release:main/stable
20851007
${toBase64(hash('leaf'))}
417
12
${toBase64(HEAD.recalledHash)}
1790000000
1790086400
`;

const signer = channelHeadSigner(testKey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 5), portableCrypto);
const verifier = channelHeadVerifier(signer.vkey, portableCrypto);
const retired = channelHeadSigner(testKey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 6), portableCrypto);

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
  return 'none';
};

describe('the text of a channel head', () => {
  test('has these twelve lines, both ways', () => {
    expect(formatChannelHead(HEAD)).toBe(TEXT);
    expect(parseChannelHead(TEXT)).toEqual(HEAD);
    expect(Object.isFrozen(parseChannelHead(TEXT))).toBe(true);
  });

  test('is read back for any fields that fit', () => {
    const number = fc.nat(Number.MAX_SAFE_INTEGER);
    const time = fc.nat(253_402_300_799);
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const step = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
    fc.assert(
      fc.property(
        fc.tuple(number, number, number, number, time, time),
        fc.tuple(bytes, bytes, bytes),
        fc.tuple(step, step, step, step),
        ([a, b, c, d, e, f], [root, leaf, recalled], steps) => {
          fc.pre(a !== b && e !== f && steps.every((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text)));
          const head: ChannelHead = {
            origin: 'log.example/a',
            size: Math.max(a, b),
            rootHash: hash(toBase64(root)),
            channel: steps.map((text) => text.replaceAll('%', '%25').replaceAll('/', '%2F')).join('/'),
            index: Math.min(a, b),
            leafHash: hash(toBase64(leaf)),
            sequence: Math.max(c, d),
            minimumSequence: Math.min(c, d),
            recalledHash: hash(toBase64(recalled)),
            issuedSeconds: Math.min(e, f),
            validUntilSeconds: Math.max(e, f),
          };
          expect(parseChannelHead(formatChannelHead(head))).toEqual(head);
        },
      ),
    );
  });

  test.each<[string, Partial<ChannelHead>]>([
    ['no origin', { origin: '' }],
    ['an origin of two lines', { origin: 'log.example/a\n5' }],
    ['an index at the size', { index: HEAD.size }],
    ['an empty tree', { size: 0, index: 0 }],
    ['a minimum more than one past the newest', { minimumSequence: 419 }],
    ['an end of validity that is the time of issue', { validUntilSeconds: HEAD.issuedSeconds }],
    ['an end of validity before the time of issue', { validUntilSeconds: 0 }],
    ['a time after the year 9999', { validUntilSeconds: 253_402_300_800 }],
    ['a size above 2^53', { size: 2 ** 53 }],
    ['a fraction', { sequence: 417.5 }],
    ['a number below 0', { minimumSequence: -1 }],
    ['three steps', { channel: 'acme/shield/stable' }],
    ['five steps', { channel: 'acme/a/b/c/stable' }],
    ['an empty step', { channel: 'acme//build:x/stable' }],
    ['a bare percent sign', { channel: 'acme/100%/build:x/stable' }],
    ['an escape that nothing needs', { channel: 'acme/%41/build:x/stable' }],
    ['an escape in lower case', { channel: 'acme/a%2fb/build:x/stable' }],
    ['a control character', { channel: 'acme/a\u0007/build:x/stable' }],
    ['a channel that is too long', { channel: `acme/${'x'.repeat(3100)}/build:x/stable` }],
  ])('has not %s', (_what, change) => {
    expect(() => formatChannelHead({ ...HEAD, ...change })).toThrow(RangeError);
  });

  test('may have a minimum one past the newest: then nothing of the channel may be used', () => {
    const head = { ...HEAD, minimumSequence: 418 };
    expect(parseChannelHead(formatChannelHead(head))).toEqual(head);
    const last = { ...HEAD, sequence: 2 ** 53 - 1, minimumSequence: 2 ** 53 - 1 };
    expect(parseChannelHead(formatChannelHead(last))).toEqual(last);
  });

  test.each([
    ['another version', TEXT.replace('/v1', '/v2')],
    ['a checkpoint', TEXT.split('\n').slice(1, 4).join('\n').concat('\n')],
    ['a line more', `${TEXT}more\n`],
    ['an empty line more', `${TEXT}\n`],
    ['a carriage return', TEXT.replace('\n', '\r\n')],
    ['a leading zero', TEXT.replace('\n417\n', '\n0417\n')],
    ['a sign', TEXT.replace('\n417\n', '\n+417\n')],
    ['a hash of 31 bytes', TEXT.replace(toBase64(HEAD.leafHash), toBase64(HEAD.leafHash.subarray(1)))],
    ['a hash without padding', TEXT.replace(toBase64(HEAD.leafHash), toBase64(HEAD.leafHash).slice(0, -1))],
  ])('is not %s', (_what, text) => {
    expect(() => parseChannelHead(text)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('cut short anywhere is none, and changed anywhere is none or another', () => {
    for (let length = 0; length < TEXT.length; length++) {
      expect(() => parseChannelHead(TEXT.slice(0, length))).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
    const bytes = utf8(TEXT);
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const changed = bytes.slice();
        changed[at]! ^= bit;
        const text = utf8Text(changed)!;
        try {
          expect(formatChannelHead(parseChannelHead(text))).toBe(text);
        } catch (error) {
          if (!isLimmatError(error, 'malformed')) throw error;
        }
      }
    }
  });
});

describe('the digest of what was recalled', () => {
  test('is SHA-256 over the sorted leaf hashes, each once', () => {
    const [first = hash(''), second = hash('')] = [hash('a'), hash('b')].toSorted(compareBytes);
    const both = concat(first, second);
    expect(recalledDigest([second, first])).toEqual(portableHasher.sha256(both));
    expect(recalledDigest([first, second, first])).toEqual(recalledDigest([second, first]));
    expect(toBase64(recalledDigest([]))).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
    expect(() => recalledDigest([Uint8Array.of(1)])).toThrow('a hash has 32 bytes');
  });
});

describe('a channel key', () => {
  test('is Ed25519 and named after its log', () => {
    expect(channelKeyOrigin(parseVerifierKey(signer.vkey))).toBe('log.example/a');
    expect(signer).toMatchObject({ origin: 'log.example/a', name: 'log.example/a/channel' });
    for (const key of [
      testKey('log.example/a', SIGNATURE_TYPE.ed25519, 1),
      testKey('/channel', SIGNATURE_TYPE.ed25519, 1),
      testKey('log.example/a/channel', SIGNATURE_TYPE.mldsa44, 1),
      testKey('log.example/a/channel', SIGNATURE_TYPE.cosignatureEd25519, 1),
    ]) {
      const vkey = verifierKeyOf(key);
      expect(() => channelHeadSigner(key, portableCrypto)).toThrow(expect.objectContaining({ code: 'bad-key' }));
      expect(() => channelHeadVerifier(vkey, portableCrypto)).toThrow(expect.objectContaining({ code: 'bad-key' }));
    }
  });

  test('signs for its own log only', async () => {
    await expect(signer.sign({ ...HEAD, origin: 'log.example/b' })).rejects.toThrow(RangeError);
  });
});

describe('a signed channel head', () => {
  test('is opened with a key that is known, whatever other lines there are', async () => {
    const note = await signer.sign(HEAD);
    expect(utf8Text(note)!.startsWith(`${TEXT}\n— log.example/a/channel `)).toBe(true);
    expect(await openChannelHead(note, [verifier])).toEqual({ head: HEAD, note });
    const next = seededNumbers(3);
    const { text, signatures } = parseNote(note);
    const lines = shuffled([...signatures.map(({ line }) => line), ...greaseLines(9, next)], next);
    const greased = utf8(formatNote(text, lines));
    expect(await openChannelHead(greased, [verifier])).toEqual({ head: HEAD, note });
    const twice = utf8(formatNote(text, [signatures[0]!, signatures[0]!]));
    expect(await openChannelHead(twice, [verifier])).toEqual({ head: HEAD, note });
  });

  test('needs one of the keys of its log, and every line of a known key has to hold', async () => {
    const [note, old] = [await signer.sign(HEAD), await retired.sign(HEAD)];
    const other = channelHeadVerifier(retired.vkey, portableCrypto);
    const elsewhere = channelHeadVerifier(
      verifierKeyOf(testKey('log.example/b/channel', SIGNATURE_TYPE.ed25519, 5)),
      portableCrypto,
    );
    expect(await codeOf(() => openChannelHead(note, []))).toBe('unknown-log');
    expect(await codeOf(() => openChannelHead(note, [elsewhere]))).toBe('unknown-log');
    expect(await codeOf(() => openChannelHead(note, [other, elsewhere]))).toBe('log-signature-missing');
    expect((await openChannelHead(old, [verifier, other])).head).toEqual(HEAD);
    const { text, signatures } = parseNote(note);
    const foreign = parseNote(await signer.sign({ ...HEAD, sequence: 418 })).signatures;
    for (const lines of [foreign, [...signatures, ...foreign], [...parseNote(old).signatures, ...foreign]]) {
      expect(await codeOf(() => openChannelHead(utf8(formatNote(text, lines)), [verifier, other]))).toBe('bad-note');
    }
  });

  test('with any byte changed, or cut short anywhere, says nothing', async () => {
    const note = await signer.sign(HEAD);
    for (let at = 0; at < note.length; at++) {
      expect(await codeOf(() => openChannelHead(note.subarray(0, at), [verifier]))).toBe('malformed');
      const changed = note.slice();
      changed[at]! ^= 1;
      const code = await codeOf(() => openChannelHead(changed, [verifier]));
      expect(['malformed', 'bad-note', 'unknown-log', 'log-signature-missing']).toContain(code);
    }
  });

  test('is refused by its length and its first line before anything else is looked at', () => {
    const long = new Uint8Array(MAX_CHANNEL_HEAD_BYTES + 1);
    expect(() => readChannelHeadNote(long)).toThrow('65537 bytes');
    expect(() => readChannelHeadNote(utf8('log.example/a\n5\n'))).toThrow('does not start with');
    expect(equalBytes(readChannelHeadNote(utf8(`${TEXT}\n— a AAAAAAE=\n`)).head.leafHash, HEAD.leafHash)).toBe(true);
  });
});
