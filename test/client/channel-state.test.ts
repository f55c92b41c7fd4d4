import { describe, expect, test } from 'vitest';
import { utf8, utf8Text } from '../../src/bytes.ts';
import {
  NO_CHANNELS,
  channelName,
  compareChannelHeads,
  formatChannelState,
  parseChannelState,
  takeChannelHead,
} from '../../src/client/channel-state.ts';
import type { RememberedChannels } from '../../src/client/channel-state.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { channelHeadSigner, recalledDigest } from '../../src/note/channel-head.ts';
import type { ChannelHead, OpenedChannelHead } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { testKey } from '../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';

const T = 1_790_000_000;
const DAY = 86_400;
const hash = (text: string): ChannelHead['rootHash'] => portableHasher.sha256(utf8(text));

/** Entry 30, release 7, is the newest of the first 40 entries. */
const HELD: ChannelHead = {
  origin: 'log.example/a',
  size: 40,
  rootHash: hash('root 40'),
  channel: 'acme/Shield/avdb-release:main/stable',
  index: 30,
  leafHash: hash('leaf 30'),
  sequence: 7,
  minimumSequence: 3,
  recalledHash: recalledDigest([hash('leaf 9')]),
  issuedSeconds: T,
  validUntilSeconds: T + DAY,
};
/** A day later, release 8 is entry 45 of 50. */
const NEXT: ChannelHead = {
  ...HELD,
  size: 50,
  rootHash: hash('root 50'),
  index: 45,
  leafHash: hash('leaf 45'),
  sequence: 8,
  issuedSeconds: T + DAY,
  validUntilSeconds: T + 2 * DAY,
};
/** Nothing new, signed again a minute later over a larger tree. */
const AGAIN: ChannelHead = { ...HELD, size: 44, rootHash: hash('root 44'), issuedSeconds: T + 60 };

const signer = channelHeadSigner(testKey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 5), portableCrypto);
const openedOf = async (head: ChannelHead): Promise<OpenedChannelHead> => ({ head, note: await signer.sign(head) });
const [held, next, again] = await Promise.all([HELD, NEXT, AGAIN].map(openedOf));

/** The code of the refusal; 'none' when there is none. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('two heads of one channel', () => {
  test('are ordered by when they were issued, then by size', () => {
    expect(compareChannelHeads(HELD, NEXT)).toBe('newer');
    expect(compareChannelHeads(HELD, AGAIN)).toBe('newer');
    expect(compareChannelHeads(AGAIN, HELD)).toBe('older');
    expect(compareChannelHeads(HELD, { ...HELD })).toBe('same');
    expect(compareChannelHeads(HELD, { ...AGAIN, issuedSeconds: T })).toBe('newer');
  });

  test('of two channels or logs are none', () => {
    expect(() => compareChannelHeads(HELD, { ...NEXT, channel: 'acme/Shield/avdb-release:main/beta' })).toThrow(
      RangeError,
    );
    expect(() => compareChannelHeads(HELD, { ...NEXT, origin: 'log.example/b' })).toThrow(RangeError);
  });

  test.each<[string, ChannelHead, ChannelHead, string, RegExp]>([
    ['a lower sequence', NEXT, HELD, 'channel-rollback', /sequence 8 was seen before, and now the newest is 7/],
    [
      'a lower sequence, newly signed',
      NEXT,
      { ...HELD, size: 60, issuedSeconds: T + 2 * DAY, validUntilSeconds: T + 3 * DAY },
      'false-channel-head',
      /entry 45, which is one of them, has sequence 8/,
    ],
    [
      'a lower minimum',
      { ...AGAIN, minimumSequence: 5 },
      HELD,
      'channel-rollback',
      /nothing below 5 was to be used, and now the minimum is 3/,
    ],
    [
      'a smaller tree at a later time',
      AGAIN,
      { ...HELD, issuedSeconds: T + 120 },
      'channel-rollback',
      /44 entries was issued at 1790000060, and one of only 40 entries later, at 1790000120/,
    ],
    [
      'a larger tree at an earlier time',
      { ...HELD, issuedSeconds: T + 120 },
      AGAIN,
      'channel-rollback',
      /44 entries was issued at 1790000060, and one of only 40 entries later/,
    ],
    [
      'a higher sequence at an earlier time',
      { ...AGAIN, index: 30 },
      { ...HELD, issuedSeconds: T + 1, size: 44, rootHash: AGAIN.rootHash, minimumSequence: 4 },
      'channel-rollback',
      /was issued later, and is behind this one/,
    ],
    [
      'one sequence for two entries',
      HELD,
      { ...AGAIN, index: 42, leafHash: hash('leaf 42') },
      'channel-rollback',
      /sequence 7 was entry 30 before, and now is 42/,
    ],
    [
      'two words at one time',
      HELD,
      { ...HELD, validUntilSeconds: T + 2 * DAY },
      'channel-rollback',
      /two different heads were issued at 1790000000/,
    ],
    ['two roots of one size', HELD, { ...AGAIN, size: 40 }, 'fork', /two different trees of size 40/],
    ['two entries at one place', HELD, { ...AGAIN, leafHash: hash('x') }, 'fork', /two different entries at place 30/],
    [
      'a newest entry that was there before',
      HELD,
      { ...NEXT, index: 39 },
      'false-channel-head',
      /sequence 7 is the highest .* among 40 entries, and that entry 39, which is one of them, has sequence 8/,
    ],
  ])('with %s are refused', (_what, before, after, code, message) => {
    expect(refusal(() => compareChannelHeads(before, after))).toBe(code);
    expect(() => compareChannelHeads(before, after)).toThrow(message);
  });

  test('of an honest log are never refused in the order in which it signed them', () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    for (let round = 0; round < 200; round++) {
      let head = HELD;
      for (let step = 0; step < 10; step++) {
        const size = head.size + between(random, 0, 5);
        const isNew = size > head.size && random() < 0.5;
        const issuedSeconds = head.issuedSeconds + between(random, 1, 1000);
        const recalls = random() < 0.2;
        const sequence = isNew ? head.sequence + between(random, 1, 3) : head.sequence;
        const after: ChannelHead = {
          ...head,
          size,
          rootHash: hash(`root ${size}`),
          issuedSeconds,
          validUntilSeconds: issuedSeconds + DAY,
          ...(isNew && { index: size - 1, leafHash: hash(`leaf ${size - 1}`), sequence }),
          ...(recalls && {
            minimumSequence: between(random, head.minimumSequence, sequence + 2),
            recalledHash: hash('r'),
          }),
        };
        expect(compareChannelHeads(head, after), `LIMMAT_SEED=${seed}`).toBe('newer');
        // And what came before is never taken for something new.
        const back = refusal(() => expect(compareChannelHeads(after, head)).toBe('older'));
        expect(['none', 'channel-rollback']).toContain(back);
        head = after;
      }
    }
  });
});

const when = (nowSeconds: number): { nowSeconds: number } => ({ nowSeconds });

describe('taking a channel head', () => {
  test('remembers the newest, and judges by it', () => {
    const first = takeChannelHead(NO_CHANNELS, held!, when(T + 5));
    expect(first.current).toEqual(HELD);
    const second = takeChannelHead(first.remembered, again!, when(T + 70));
    expect(second.current).toEqual(AGAIN);
    // An older copy that says the same of the channel is no rollback, and brings nothing back.
    const third = takeChannelHead(second.remembered, held!, when(T + 80));
    expect(third).toEqual(second);
    expect(third.remembered).toBe(second.remembered);
    expect(NO_CHANNELS.size).toBe(0);
  });

  test('refuses one that is past its time, to the second, and remembers nothing of it', () => {
    expect(refusal(() => takeChannelHead(NO_CHANNELS, held!, when(T + DAY)))).toBe('none');
    expect(refusal(() => takeChannelHead(NO_CHANNELS, held!, when(T + DAY + 1)))).toBe('channel-expired');
    expect(() => takeChannelHead(NO_CHANNELS, held!, when(T + DAY + 9))).toThrow(
      /was valid until 2026-09-22T14:13:20Z, 9 seconds ago/,
    );
  });

  test('refuses to go on with a remembered one that is past its time, whatever older one is shown', async () => {
    const short = await openedOf({ ...AGAIN, validUntilSeconds: T + 100 });
    const { remembered } = takeChannelHead(NO_CHANNELS, short, when(T + 70));
    expect(refusal(() => takeChannelHead(remembered, held!, when(T + 200)))).toBe('channel-expired');
  });

  test('refuses one from the future beyond the clock skew', () => {
    expect(refusal(() => takeChannelHead(NO_CHANNELS, held!, when(T - 60)))).toBe('none');
    expect(refusal(() => takeChannelHead(NO_CHANNELS, held!, when(T - 61)))).toBe('from-the-future');
    expect(refusal(() => takeChannelHead(NO_CHANNELS, held!, { nowSeconds: T - 1, clockSkewSeconds: 0 }))).toBe(
      'from-the-future',
    );
  });

  test('refuses a rollback before anything else, and keeps what it has', () => {
    const { remembered } = takeChannelHead(NO_CHANNELS, next!, when(T + DAY));
    expect(refusal(() => takeChannelHead(remembered, held!, when(T + 9 * DAY)))).toBe('channel-rollback');
    expect(remembered.get(channelName(NEXT))).toEqual(next);
  });
});

describe('the state file', () => {
  const remembered: RememberedChannels = new Map([held!].map((one) => [channelName(one.head), one]));

  test('has the notes, sorted, and is read back', async () => {
    expect(formatChannelState(NO_CHANNELS)).toBe('{"format":"limmat/channel-state/v1","channels":[\n\n]}\n');
    expect(parseChannelState(formatChannelState(NO_CHANNELS))).toEqual(NO_CHANNELS);
    const beta = await openedOf({ ...HELD, channel: 'acme/Shield/avdb-release:main/beta' });
    const two = new Map([...remembered, [channelName(beta.head), beta]]);
    const text = formatChannelState(two);
    expect(text.split('\n').slice(1, 3)).toEqual(
      [beta, held!].map(({ note }, i) => `${JSON.stringify(utf8Text(note))}${i === 0 ? ',' : ''}`),
    );
    expect(parseChannelState(text)).toEqual(two);
  });

  test('cut short or changed anywhere is none, or the state that it then says', () => {
    const text = formatChannelState(remembered);
    for (let length = 0; length < text.length; length++) {
      expect(refusal(() => parseChannelState(text.slice(0, length)))).toBe('malformed');
    }
    const bytes = utf8(text);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      const read = utf8Text(changed);
      if (read === undefined) continue;
      const code = refusal(() => expect(formatChannelState(parseChannelState(read))).toBe(read));
      expect(['malformed', 'none']).toContain(code);
    }
  });

  test.each([
    ['no JSON', 'state'],
    ['another format', formatChannelState(NO_CHANNELS).replace('v1', 'v2')],
    ['no list', '{"format":"limmat/channel-state/v1","channels":7}\n'],
    ['a list', '[]'],
    ['a channel that is no text', '{"format":"limmat/channel-state/v1","channels":[\n7\n]}\n'],
    ['a channel twice', formatChannelState(remembered).replace(/\n("limmat.*)\n/, '\n$1,\n$1\n')],
    ['more characters than fit', ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('is not %s', (_what, text) => {
    expect(refusal(() => parseChannelState(text))).toBe('malformed');
  });
});
