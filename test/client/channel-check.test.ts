import { describe, expect, test } from 'vitest';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { CHANNEL_REFUSALS, checkChannel, openChannel } from '../../src/client/channel-check.ts';
import type { LoggedRecord, OpenChannelOptions } from '../../src/client/channel-check.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { channelHeadSigner, recalledDigest } from '../../src/note/channel-head.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from '../../src/note/key.ts';
import { testKey } from '../support/notes.ts';
import { recordFromJson } from '../../src/record/types.ts';

const hash = (text: string): ChannelHead['rootHash'] => portableHasher.sha256(utf8(text));
const digest = { sha256: '00'.repeat(32) };

/** Release `sequence`, entry 10 × sequence, proven in a tree of 100 entries. */
function release(sequence: number, change: Partial<LoggedRecord> = {}, database = 'main'): LoggedRecord {
  const fields = {
    product: 'Shield',
    database,
    channel: 'stable',
    sequence,
    ...(sequence > 1 && { first: true }),
    contentDigest: digest,
    counts: { total: 1 },
  };
  const index = 10 * sequence;
  return {
    statement: { record: recordFromJson({ type: 'avdb-release', namespace: 'acme', fields }) },
    index,
    leafHash: hash(`leaf ${index}`),
    head: { origin: 'log.example/a', size: 100, rootHash: hash('root 100') },
    ...change,
  };
}

function build(index: number, change: Partial<LoggedRecord> = {}): LoggedRecord {
  const fields = { product: 'Shield', version: '1', channel: 'stable', platform: 'linux', artifacts: [{ digest }] };
  const record = recordFromJson({ type: 'build', namespace: 'acme', fields });
  return { ...release(1), statement: { record }, index, leafHash: hash(`leaf ${index}`), ...change };
}

/** Release 7 is the newest of 80 entries; 2 and 3 were recalled. */
const RECALLED = [hash('leaf 20'), hash('leaf 30')];
const HEAD: ChannelHead = {
  origin: 'log.example/a',
  size: 80,
  rootHash: hash('root 80'),
  channel: 'acme/Shield/avdb-release:main/stable',
  index: 70,
  leafHash: hash('leaf 70'),
  sequence: 7,
  minimumSequence: 4,
  recalledHash: recalledDigest(RECALLED),
  issuedSeconds: 1,
  validUntilSeconds: 2,
};
const BUILDS: ChannelHead = { ...HEAD, channel: 'acme/Shield/build:linux/stable', sequence: 70 };

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('opening the file of a channel head', () => {
  const signer = channelHeadSigner(testKey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 5), portableCrypto);
  const stranger = channelHeadSigner(testKey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 6), portableCrypto);
  const fresh: ChannelHead = { ...HEAD, issuedSeconds: 1000, validUntilSeconds: 2000 };
  const channelKeys = new Map([[HEAD.origin, [parseVerifierKey(signer.vkey)]]]);
  const options = {
    origin: HEAD.origin,
    trust: { channelKeys, clockSkewSeconds: 60 },
    nowSeconds: 1500,
    crypto: portableCrypto,
  };

  test('gives the head that is in force, and what to remember', async () => {
    const channelHeadFile = await signer.sign(fresh);
    const { current, remembered } = await openChannel({ ...options, channelHeadFile });
    expect(current).toEqual(fresh);
    expect([...remembered.values()]).toEqual([{ head: fresh, note: channelHeadFile }]);
    expect(checkChannel(release(7), current).standing).toBe('newest');
    const again = await openChannel({ ...options, channelHeadFile, remembered });
    expect(again.remembered).toBe(remembered);
  });

  test.each<[string, ChannelHead, Partial<OpenChannelOptions>, string]>([
    ['of another log', fresh, { origin: 'log.example/b' }, 'unknown-log'],
    [
      'of a log whose channel key is not known',
      fresh,
      { trust: { ...options.trust, channelKeys: new Map() } },
      'unknown-log',
    ],
    ['past its time', fresh, { nowSeconds: 2001 }, 'channel-expired'],
    ['from beyond the clock skew', fresh, { nowSeconds: 939 }, 'from-the-future'],
    ['that is none', fresh, { channelHeadFile: utf8('hello\n') }, 'bad-channel-head'],
    [
      'of another log than it says',
      fresh,
      {
        origin: 'log.example/b',
        trust: { ...options.trust, channelKeys: new Map([['log.example/b', [...channelKeys.values()][0]!]]) },
      },
      'bad-channel-head',
    ],
  ])('%s is refused', async (_what, head, change, code) => {
    const channelHeadFile = await signer.sign(head);
    await expect(openChannel({ ...options, channelHeadFile, ...change })).rejects.toMatchObject({ code });
    expect(CHANNEL_REFUSALS).toContain(code);
  });

  test('by another key, or changed, is refused', async () => {
    const channelHeadFile = await stranger.sign(fresh);
    await expect(openChannel({ ...options, channelHeadFile })).rejects.toMatchObject({ code: 'log-signature-missing' });
    const changed = utf8(utf8Text(await signer.sign(fresh))!.replace('\n7\n', '\n8\n'));
    await expect(openChannel({ ...options, channelHeadFile: changed })).rejects.toMatchObject({ code: 'bad-note' });
  });
});

describe('a record that may be used', () => {
  test('is the newest, or one that a newer one followed, or one that came after the head', () => {
    expect(checkChannel(release(7), HEAD)).toEqual({ standing: 'newest', sequence: 7 });
    expect(checkChannel(release(4), HEAD, RECALLED)).toEqual({ standing: 'older', sequence: 4 });
    expect(checkChannel(release(8), HEAD)).toEqual({ standing: 'ahead', sequence: 8 });
    expect(checkChannel(build(70), BUILDS)).toEqual({ standing: 'newest', sequence: 70 });
    expect(checkChannel(build(12), BUILDS)).toEqual({ standing: 'older', sequence: 12 });
    expect(checkChannel(build(80), BUILDS)).toEqual({ standing: 'ahead', sequence: 80 });
  });

  test('may have been proven in a smaller tree, or in the very one', () => {
    const { head } = release(5);
    expect(checkChannel(release(5, { head: { ...head, size: 60, rootHash: hash('root 60') } }), HEAD).standing).toBe(
      'older',
    );
    expect(checkChannel(release(7, { head: { ...head, size: 80, rootHash: HEAD.rootHash } }), HEAD).standing).toBe(
      'newest',
    );
  });
});

describe('a record that must not be used', () => {
  test('is below the minimum, to the number', () => {
    expect(refusal(() => checkChannel(release(3), HEAD))).toBe('below-minimum');
    expect(refusal(() => checkChannel(release(1), HEAD))).toBe('below-minimum');
    expect(() => checkChannel(release(1), HEAD)).toThrow('sequence 1 in channel');
    expect(refusal(() => checkChannel(release(7), { ...HEAD, minimumSequence: 8 }))).toBe('below-minimum');
  });

  test('is said to be recalled where the hashes of what was recalled are at hand', () => {
    expect(refusal(() => checkChannel(release(3), HEAD, RECALLED))).toBe('recalled');
    expect(refusal(() => checkChannel(release(3), HEAD, RECALLED.toReversed()))).toBe('recalled');
    expect(refusal(() => checkChannel(release(1), HEAD, RECALLED))).toBe('below-minimum');
  });
});

describe('a head that is not for this record', () => {
  test.each<[string, LoggedRecord, ChannelHead, string]>([
    ['of another log', release(7), { ...HEAD, origin: 'log.example/b' }, 'bad-channel-head'],
    ['of a stream that nobody knows', release(7), { ...HEAD, channel: 'acme/Shield/main/stable' }, 'bad-channel-head'],
    ['of builds, with a sequence of its own', build(70), { ...BUILDS, sequence: 7 }, 'bad-channel-head'],
    ['of another database', release(7, {}, 'beta'), HEAD, 'wrong-channel'],
    ['of another kind of stream', build(70), HEAD, 'wrong-channel'],
    [
      'for a record that is in no channel',
      release(7, {
        statement: {
          record: recordFromJson({
            type: 'relocation',
            namespace: 'acme',
            fields: { relocationId: 'x', action: 'start', activity: 'store' },
          }),
        },
      }),
      HEAD,
      'wrong-channel',
    ],
  ])('%s is refused', (_what, logged, head, code) => {
    expect(refusal(() => checkChannel(logged, head))).toBe(code);
  });

  test('is one whose recalled hashes are others', () => {
    for (const hashes of [[], RECALLED.slice(1), [...RECALLED, hash('leaf 10')], [Uint8Array.of(1)]]) {
      expect(refusal(() => checkChannel(release(7), HEAD, hashes))).toBe('bad-channel-head');
    }
  });
});

describe('a head that the record’s own proof contradicts', () => {
  test('has another root at one size', () => {
    const { head } = release(7);
    expect(refusal(() => checkChannel(release(7, { head: { ...head, size: 80 } }), HEAD))).toBe('fork');
  });

  test.each<[string, LoggedRecord, ChannelHead]>([
    ['leaves out a newer entry of its tree', release(7, { index: 79 }), { ...HEAD, sequence: 6, index: 60 }],
    ['leaves out a newer build', build(71), BUILDS],
    ['names another entry at the place', release(7, { leafHash: hash('other') }), HEAD],
    ['gives the entry a higher sequence', release(7), { ...HEAD, sequence: 9 }],
  ])('%s', (_what, logged, head) => {
    expect(refusal(() => checkChannel(logged, head))).toBe('false-channel-head');
    expect(() => checkChannel(logged, head)).toThrow(/^log\.example\/a signed that sequence /);
  });

  test('is no lie about what came after its tree', () => {
    expect(refusal(() => checkChannel(release(8, { index: 80 }), HEAD))).toBe('none');
  });
});

describe('an honest log', () => {
  test('is never accused: every record of a channel, by every true head, in proofs of every size', () => {
    // Release s is entry 10 × s, for s from 1 to 9; a build is at every index that does not end in 0.
    for (let size = 11; size <= 100; size++) {
      const sequence = Math.floor((size - 1) / 10);
      const index = 10 * sequence;
      const tree = { size, rootHash: hash(`root ${size}`), minimumSequence: 0, recalledHash: recalledDigest([]) };
      const head = { ...HEAD, ...tree, index, leafHash: hash(`leaf ${index}`), sequence };
      const last = size % 10 === 1 ? size - 2 : size - 1;
      const builds = { ...BUILDS, ...tree, index: last, leafHash: hash(`leaf ${last}`), sequence: last };
      for (let proofSize = size - 1; proofSize <= size + 1; proofSize++) {
        const proof = { head: { origin: HEAD.origin, size: proofSize, rootHash: hash(`root ${proofSize}`) } };
        for (let s = 1; 10 * s < proofSize && s <= 9; s++) {
          const standing = 10 * s >= size ? 'ahead' : s === sequence ? 'newest' : 'older';
          expect(checkChannel(release(s, proof), head), `${size} ${proofSize}`).toEqual({ standing, sequence: s });
        }
        for (let i = 1; i < proofSize; i++) {
          if (i % 10 === 0) continue;
          const standing = i >= size ? 'ahead' : i === last ? 'newest' : 'older';
          expect(checkChannel(build(i, proof), builds), `${size} ${proofSize}`).toEqual({ standing, sequence: i });
        }
      }
    }
  });
});
