// The channel head of limmat verify: its files, and what it says about an artifact's record.

import { existsSync, readFileSync, statSync } from 'node:fs';

import type { Standing, VerifiedChannel } from '../../src/client/channel-check.ts';
import { NO_CHANNELS, parseChannelState } from '../../src/client/channel-state.ts';
import type { RememberedChannels } from '../../src/client/channel-state.ts';
import { LimmatError } from '../../src/errors.ts';
import { MAX_CHANNEL_HEAD_BYTES } from '../../src/note/channel-head.ts';
import { formatTime } from '../../src/record/time.ts';

/** The bytes of a channel head's file; `bad-channel-head` when it is too large to be one. */
export function readChannelHead(path: string): Uint8Array {
  // The size first: a path may name anything, and a channel head is small.
  const { size } = statSync(path);
  if (size <= MAX_CHANNEL_HEAD_BYTES) return readFileSync(path);
  throw new LimmatError(
    'bad-channel-head',
    `${path} has ${size} bytes, and a channel head at most ${MAX_CHANNEL_HEAD_BYTES}`,
  );
}

/** What is remembered of channels; nothing when the file is not there yet. One that cannot be read is never taken for that. */
export function readChannels(path: string | undefined): RememberedChannels {
  if (path === undefined || !existsSync(path)) return NO_CHANNELS;
  try {
    return parseChannelState(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    throw new LimmatError('bad-config', `${path}: ${error.message}`, { cause: error });
  }
}

export function channelJson({ head, standing, sequence }: VerifiedChannel): object {
  return {
    channel: head.channel,
    standing,
    sequence,
    newest: { index: head.index, sequence: head.sequence },
    minimumSequence: head.minimumSequence,
    size: head.size,
    issued: formatTime(head.issuedSeconds),
    validUntil: formatTime(head.validUntilSeconds),
  };
}

const STANDING: Readonly<Record<Standing, (channel: VerifiedChannel) => string>> = {
  newest: () => 'the newest',
  older: ({ head }) => `allowed, and there is a newer one: entry ${head.index}, number ${head.sequence}`,
  ahead: ({ head }) => `newer than the channel head, which is of ${head.size} entries`,
};

export function channelLine(channel: VerifiedChannel): string {
  const { head, standing, sequence } = channel;
  return `  channel    ${head.channel}, number ${sequence}: ${STANDING[standing](channel)} (valid until ${formatTime(head.validUntilSeconds)})`;
}
