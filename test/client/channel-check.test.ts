import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { checkChannel } from '../../src/client/channel-check.ts';
import type { LoggedRecord } from '../../src/client/channel-check.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { recalledDigest } from '../../src/note/channel-head.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
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
    record: recordFromJson({ type: 'avdb-release', namespace: 'acme', fields }),
    index,
    leafHash: hash(`leaf ${index}`),
    head: { origin: 'log.example/a', size: 100, rootHash: hash('root 100') },
    ...change,
  };
}

function build(index: number, change: Partial<LoggedRecord> = {}): LoggedRecord {
  const fields = { product: 'Shield', version: '1', channel: 'stable', platform: 'linux', artifacts: [{ digest }] };
  const record = recordFromJson({ type: 'build', namespace: 'acme', fields });
  return { ...release(1), record, index, leafHash: hash(`leaf ${index}`), ...change };
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
        record: recordFromJson({
          type: 'relocation',
          namespace: 'acme',
          fields: { relocationId: 'x', action: 'start', activity: 'store' },
        }),
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
