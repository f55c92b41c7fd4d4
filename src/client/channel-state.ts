// What a client remembers of channels between runs: the newest verified head of each, with the note that proves it, so
// that nobody can take it back to an older one. Pure: who calls reads and writes the text (atomically).

import { equalBytes, toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { readChannelHeadNote } from '../note/channel-head.ts';
import type { ChannelHead, OpenedChannelHead } from '../note/channel-head.ts';
import { formatTime } from '../record/time.ts';
import { DEFAULT_CLOCK_SKEW_SECONDS } from './trust.ts';

/** The newest verified head by channelName. */
export type RememberedChannels = ReadonlyMap<string, OpenedChannelHead>;

/** What is remembered before any channel head was verified. */
export const NO_CHANNELS: RememberedChannels = new Map();

/** Thousands of channels with notes of 600 bytes. */
const MAX_STATE_CHARACTERS = 4 * 1024 * 1024;
const FORMAT = 'limmat/channel-state/v1';

/** A channel of a log. No origin has a newline in it. */
export function channelName({ origin, channel }: Pick<ChannelHead, 'origin' | 'channel'>): string {
  return `${origin}\n${channel}`;
}

/**
 * Compares two verified heads of one channel, remembered and new: 'newer' when the new one was issued later, or at the
 * same time over more entries; 'same' when they say the same; 'older' otherwise. Throws
 *
 * - `fork`: one size with two roots, or another entry at one index: no honest log signs both;
 * - `false-channel-head`: the later one's newest entry was in the earlier one's tree already, which named a lower one;
 * - `channel-rollback`: a lower sequence or minimum, a smaller tree at a later time, or one sequence for two entries.
 *
 * RangeError when they are of two channels.
 */
export function compareChannelHeads(held: ChannelHead, head: ChannelHead): 'newer' | 'same' | 'older' {
  if (channelName(held) !== channelName(head)) throw new RangeError('these are heads of two channels');
  checkContradiction(held, head);
  checkRollback(held, head);
  const byTime = head.issuedSeconds - held.issuedSeconds || head.size - held.size;
  if (byTime !== 0) return byTime > 0 ? 'newer' : 'older';
  if (isEqual(held, head)) return 'same';
  throw rollback(held, head, `two different heads were issued at ${head.issuedSeconds}`);
}

/** What is known of a channel after a head was taken. */
export interface CurrentChannel {
  /** The newest head: the one that was taken, or a newer one that was remembered. It is what records are judged by. */
  readonly current: ChannelHead;
  readonly remembered: RememberedChannels;
}

/**
 * Takes a verified channel head: the newest one of the channel is in force, and remembered. Throws what
 * compareChannelHeads throws; `from-the-future` when the head was issued more than the clock skew after now;
 * `channel-expired` when the one in force is past its time, so that whoever withholds newer ones is noticed. Then
 * nothing is remembered. The argument is never changed.
 */
export function takeChannelHead(
  remembered: RememberedChannels,
  opened: OpenedChannelHead,
  clock: { readonly nowSeconds: number; readonly clockSkewSeconds?: number },
): CurrentChannel {
  const { nowSeconds, clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS } = clock;
  const name = channelName(opened.head);
  const held = remembered.get(name);
  const order = held === undefined ? 'newer' : compareChannelHeads(held.head, opened.head);
  const { issuedSeconds } = opened.head;
  if (issuedSeconds - nowSeconds > clockSkewSeconds) {
    throw new LimmatError(
      'from-the-future',
      `the channel head was issued ${issuedSeconds - nowSeconds} seconds ahead of the clock here, more than the ${clockSkewSeconds} that are allowed`,
      { details: { issuedSeconds, nowSeconds } },
    );
  }
  const newest = order === 'newer' ? opened : held!;
  const { validUntilSeconds } = newest.head;
  if (nowSeconds > validUntilSeconds) {
    throw new LimmatError(
      'channel-expired',
      `the head of channel ${shown(newest.head)} was valid until ${formatTime(validUntilSeconds)}, ${nowSeconds - validUntilSeconds} seconds ago: get a newer one`,
      { details: { validUntilSeconds, nowSeconds } },
    );
  }
  const next = order === 'newer' ? new Map(remembered).set(name, opened) : remembered;
  return Object.freeze({ current: newest.head, remembered: next });
}

/**
 * The state as text, the inverse of parseChannelState:
 *
 *     {"format":"limmat/channel-state/v1","channels":[
 *     "limmat/channel-head/v1\nlog.example/a\n…"
 *     ]}
 */
export function formatChannelState(channels: RememberedChannels): string {
  const sorted = [...channels].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(([name, { note }]) => {
    const text = utf8Text(note);
    if (text === undefined) throw new TypeError(`the note of ${name} is not UTF-8`);
    return JSON.stringify(text);
  });
  return `{"format":"${FORMAT}","channels":[\n${lines.join(',\n')}\n]}\n`;
}

/** Reads exactly what formatChannelState writes; anything else is `malformed`. Notes are not verified again. */
export function parseChannelState(text: string): RememberedChannels {
  if (text.length > MAX_STATE_CHARACTERS) {
    throw new LimmatError('malformed', `the state has ${text.length} characters, above ${MAX_STATE_CHARACTERS}`);
  }
  const channels = new Map<string, OpenedChannelHead>();
  for (const item of stateItems(text)) {
    if (typeof item !== 'string') throw new LimmatError('malformed', 'a channel of the state is not a note');
    const note = utf8(item);
    const { head } = readChannelHeadNote(note);
    channels.set(channelName(head), Object.freeze({ head, note }));
  }
  if (formatChannelState(channels) !== text) {
    throw new LimmatError('malformed', `the state is not in the form ${FORMAT}`);
  }
  return channels;
}

function stateItems(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LimmatError('malformed', 'the state is not JSON', { cause: error });
  }
  const items: unknown = typeof value === 'object' && value !== null && 'channels' in value && value.channels;
  if (Array.isArray(items)) return items;
  throw new LimmatError('malformed', 'the state has no list of channels');
}

/** What the log cannot have signed honestly, whenever it issued the two. */
function checkContradiction(held: ChannelHead, head: ChannelHead): void {
  if (held.size === head.size && !equalBytes(held.rootHash, head.rootHash)) {
    throw new LimmatError(
      'fork',
      `${head.origin} signed two different trees of size ${head.size}: root ${toHex(held.rootHash)} was seen before, now it is ${toHex(head.rootHash)}`,
      { details: detailsOf(held, head) },
    );
  }
  if (held.index === head.index && !equalBytes(held.leafHash, head.leafHash)) {
    throw new LimmatError(
      'fork',
      `${head.origin} signed two different entries at place ${head.index}: ${toHex(held.leafHash)} was seen before, now it is ${toHex(head.leafHash)}`,
      { details: detailsOf(held, head) },
    );
  }
  const [lower, higher] = held.sequence < head.sequence ? [held, head] : [head, held];
  if (lower.sequence === higher.sequence || higher.index >= lower.size) return;
  throw new LimmatError(
    'false-channel-head',
    `${head.origin} signed that sequence ${lower.sequence} is the highest of channel ${shown(head)} among ${lower.size} entries, and that entry ${higher.index}, which is one of them, has sequence ${higher.sequence}`,
    { details: detailsOf(held, head) },
  );
}

function checkRollback(held: ChannelHead, head: ChannelHead): void {
  const isLater = head.issuedSeconds > held.issuedSeconds;
  const isEarlier = head.issuedSeconds < held.issuedSeconds;
  if (head.sequence < held.sequence) {
    throw rollback(held, head, `sequence ${held.sequence} was seen before, and now the newest is ${head.sequence}`);
  }
  if (head.minimumSequence < held.minimumSequence) {
    const words = `nothing below ${held.minimumSequence} was to be used, and now the minimum is ${head.minimumSequence}`;
    throw rollback(held, head, words);
  }
  if ((isLater && head.size < held.size) || (isEarlier && head.size > held.size)) {
    const [before, after] = isLater ? [held, head] : [head, held];
    const words = `the head of ${before.size} entries was issued at ${before.issuedSeconds}, and one of only ${after.size} entries later, at ${after.issuedSeconds}`;
    throw rollback(held, head, words);
  }
  if (isEarlier && (head.sequence > held.sequence || head.minimumSequence > held.minimumSequence)) {
    throw rollback(held, head, 'what was seen before was issued later, and is behind this one');
  }
  if (head.sequence === held.sequence && head.index !== held.index) {
    throw rollback(held, head, `sequence ${head.sequence} was entry ${held.index} before, and now is ${head.index}`);
  }
}

function rollback(held: ChannelHead, head: ChannelHead, words: string): LimmatError {
  return new LimmatError('channel-rollback', `the head of channel ${shown(head)} goes back: ${words}`, {
    details: detailsOf(held, head),
  });
}

function isEqual(held: ChannelHead, head: ChannelHead): boolean {
  return (
    held.minimumSequence === head.minimumSequence &&
    held.validUntilSeconds === head.validUntilSeconds &&
    equalBytes(held.recalledHash, head.recalledHash) &&
    held.index === head.index
  );
}

function detailsOf(held: ChannelHead, head: ChannelHead): Readonly<Record<string, string | number>> {
  return {
    origin: head.origin,
    channel: head.channel,
    rememberedSequence: held.sequence,
    sequence: head.sequence,
    rememberedMinimum: held.minimumSequence,
    minimum: head.minimumSequence,
    rememberedSize: held.size,
    size: head.size,
    rememberedIssued: held.issuedSeconds,
    issued: head.issuedSeconds,
  };
}

function shown({ channel }: ChannelHead): string {
  return JSON.stringify(channel);
}
