// What a channel head says about a record: that it is the newest of its channel, or that there is a newer one, or that
// it must not be used. Which of two heads to judge by is for channel-state.ts.

import { equalBytes, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { channelHeadVerifier, openChannelHead, readChannelHeadNote, recalledDigest } from '../note/channel-head.ts';
import type { ChannelHead, OpenedChannelHead } from '../note/channel-head.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import { channelPlace, channelType } from '../record/channel.ts';
import type { LimmatRecord } from '../record/types.ts';
import { NO_CHANNELS, takeChannelHead } from './channel-state.ts';
import type { CurrentChannel, RememberedChannels } from './channel-state.ts';
import type { Trust } from './trust.ts';

/** A record whose place in the log was proven: what verifyProofFile resolves to. */
export interface LoggedRecord {
  readonly statement: { readonly record: LimmatRecord };
  readonly index: number;
  readonly leafHash: Uint8Array;
  /** The log's origin, and the tree in which it was proven. */
  readonly head: TreeHead & { readonly origin: string };
}

/**
 * How a record that may be used stands to its channel: 'newest' is the one that the head names, 'older' one that a newer
 * one has followed, 'ahead' one that was logged after the head's tree.
 */
export type Standing = 'newest' | 'older' | 'ahead';

export interface ChannelVerdict {
  readonly standing: Standing;
  /** The record's own. */
  readonly sequence: number;
}

/**
 * Judges a build or an avdb-release by a verified channel head of its log that is in force. `recalled`, where the caller
 * has them, are the leaf hashes of all recalled records of the channel; without them a recalled record is refused all
 * the same, as one below the minimum. Throws a LimmatError:
 *
 * - `bad-channel-head`: the head is another log's, or not one of a stream that this version knows, or the recalled
 *   hashes are not those that the head names;
 * - `wrong-channel`: the record is in no channel, or in another;
 * - `fork`, `false-channel-head`: the head and the tree in which the record was proven contradict each other;
 * - `recalled`, `below-minimum`: the record must not be used.
 */
export function checkChannel(
  logged: LoggedRecord,
  channelHead: ChannelHead,
  recalled?: readonly Uint8Array[],
): ChannelVerdict {
  checkHead(logged, channelHead);
  checkRecalledHashes(channelHead, recalled);
  const { statement, index, leafHash, head } = logged;
  const { record } = statement;
  const place = channelPlace(record, index);
  if (place?.channel !== channelHead.channel) {
    const found = place === undefined ? `is a ${record.type}, which is in no channel` : `is in ${shown(place.channel)}`;
    throw new LimmatError('wrong-channel', `the record ${found}, and the head is of ${shown(channelHead.channel)}`, {
      details: { expected: channelHead.channel, ...(place !== undefined && { actual: place.channel }) },
    });
  }
  const { sequence } = place;
  if (head.size === channelHead.size && !equalBytes(head.rootHash, channelHead.rootHash)) {
    throw new LimmatError(
      'fork',
      `${head.origin} signed two different trees of size ${head.size}: root ${toHex(head.rootHash)} in the proof file, ${toHex(channelHead.rootHash)} in the channel head`,
    );
  }
  checkFalse(logged, sequence, channelHead);
  checkUsable(leafHash, sequence, channelHead, recalled);
  if (sequence === channelHead.sequence && index === channelHead.index) return { standing: 'newest', sequence };
  return { standing: index >= channelHead.size ? 'ahead' : 'older', sequence };
}

/** The refusals of openChannel and checkChannel together; `from-the-future` is about the head too. */
export const CHANNEL_REFUSALS = Object.freeze([
  'bad-channel-head',
  'unknown-log',
  'log-signature-missing',
  'bad-note',
  'fork',
  'false-channel-head',
  'channel-rollback',
  'from-the-future',
  'channel-expired',
  'wrong-channel',
  'recalled',
  'below-minimum',
] as const satisfies readonly ErrorCode[]);

/** The refusals of checkChannel that are about the record. The head stands, and is to be remembered all the same. */
export const RECORD_REFUSALS = Object.freeze([
  'wrong-channel',
  'recalled',
  'below-minimum',
] as const satisfies readonly ErrorCode[]);

export interface OpenChannelOptions {
  /** The bytes of the channel head's note. */
  readonly channelHeadFile: Uint8Array;
  /** The log that it has to be of: that in which the record was proven. */
  readonly origin: string;
  readonly trust: Pick<Trust, 'channelKeys' | 'clockSkewSeconds'>;
  /** What earlier verifications left behind. */
  readonly remembered?: RememberedChannels;
  /** The time to measure validity against; default is the clock's. */
  readonly nowSeconds?: number;
  readonly crypto?: CryptoSuite;
}

/**
 * The channel head that is in force, from a file, offline: a channel key of the trust file signed it, it is not behind
 * what is remembered, and it is not past its time. Throws a LimmatError with one of CHANNEL_REFUSALS as its code; then
 * nothing is to be remembered. Records are judged by `current`, with checkChannel.
 */
export async function openChannel(options: OpenChannelOptions): Promise<CurrentChannel> {
  const { channelHeadFile, origin, trust, remembered = NO_CHANNELS, crypto = portableCrypto } = options;
  const nowSeconds = options.nowSeconds ?? Math.floor(Date.now() / 1000);
  const keys = trust.channelKeys.get(origin);
  if (keys === undefined) {
    throw new LimmatError('unknown-log', `the trust file names no "channel-key" of log ${shown(origin)}`);
  }
  const verifiers = keys.map((key) => channelHeadVerifier(key, crypto));
  const opened = await openFile(channelHeadFile, origin, verifiers);
  return takeChannelHead(remembered, opened, { nowSeconds, clockSkewSeconds: trust.clockSkewSeconds });
}

async function openFile(
  bytes: Uint8Array,
  origin: string,
  verifiers: readonly CheckpointVerifier[],
): Promise<OpenedChannelHead> {
  try {
    const { head } = readChannelHeadNote(bytes);
    if (head.origin !== origin) {
      throw new LimmatError(
        'bad-channel-head',
        `the channel head is of log ${shown(head.origin)}, not ${shown(origin)}`,
      );
    }
    return await openChannelHead(bytes, verifiers);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    throw new LimmatError('bad-channel-head', `this is not a channel head: ${error.message}`, { cause: error });
  }
}

function checkHead({ head }: LoggedRecord, { origin, channel, sequence, index }: ChannelHead): void {
  if (origin !== head.origin) {
    throw new LimmatError('bad-channel-head', `the channel head is of log ${shown(origin)}, not ${shown(head.origin)}`);
  }
  const type = channelType(channel);
  if (type === undefined) {
    throw new LimmatError(
      'bad-channel-head',
      `the stream of channel ${shown(channel)} is none that this version knows`,
    );
  }
  if (type === 'build' && sequence !== index) {
    throw new LimmatError(
      'bad-channel-head',
      `a build's sequence is its index ${index}, and the head says ${sequence}`,
    );
  }
}

function checkRecalledHashes({ recalledHash }: ChannelHead, recalled: readonly Uint8Array[] | undefined): void {
  if (recalled === undefined) return;
  if (recalled.every(({ length }) => length === HASH_SIZE) && equalBytes(recalledDigest(recalled), recalledHash))
    return;
  throw new LimmatError('bad-channel-head', 'the list of recalled records is not the one that the channel head names');
}

/** The record's tree has it at its index, and so has every larger or smaller one that is long enough. */
function checkFalse({ index, leafHash }: LoggedRecord, sequence: number, head: ChannelHead): void {
  const isOther = index === head.index && !equalBytes(leafHash, head.leafHash);
  const isHigher = index < head.size && sequence > head.sequence;
  const isMisnamed = index === head.index && sequence !== head.sequence;
  if (!isOther && !isHigher && !isMisnamed) return;
  const said = `${head.origin} signed that sequence ${head.sequence}, entry ${head.index}, is the newest of channel ${shown(head.channel)} among ${head.size} entries`;
  const is = isOther
    ? `another entry is at place ${index}`
    : `entry ${index}, which is one of them, has sequence ${sequence}`;
  throw new LimmatError('false-channel-head', `${said}, and ${is}`, { details: { index, sequence } });
}

function checkUsable(
  leafHash: Uint8Array,
  sequence: number,
  { channel, minimumSequence }: ChannelHead,
  recalled: readonly Uint8Array[] | undefined,
): void {
  if (recalled?.some((hash) => equalBytes(hash, leafHash)) === true) {
    throw new LimmatError('recalled', `the record was recalled: sequence ${sequence} of channel ${shown(channel)}`, {
      details: { sequence, minimumSequence },
    });
  }
  if (sequence >= minimumSequence) return;
  throw new LimmatError(
    'below-minimum',
    `the record has sequence ${sequence} in channel ${shown(channel)}, and nothing below ${minimumSequence} may be used any more`,
    { details: { sequence, minimumSequence } },
  );
}

function shown(text: string): string {
  return JSON.stringify(text);
}
