// The channel head of limmat verify: its files, and what it says about an artifact's record.

import { readFileSync, statSync } from 'node:fs';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { RECORD_REFUSALS, checkChannel, openChannel } from '../../src/client/channel-check.ts';
import type { ChannelVerdict, Standing } from '../../src/client/channel-check.ts';
import type { RememberedChannels } from '../../src/client/channel-state.ts';
import type { Trust } from '../../src/client/trust.ts';
import type { VerifiedProof } from '../../src/client/verify.ts';
import { LimmatError } from '../../src/errors.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
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

/** What a record is by the head that it was judged by. */
export interface JudgedByChannel extends ChannelVerdict {
  readonly head: ChannelHead;
}

/**
 * Judges a proven record by a channel head's file. `remember` gets what is new where there is something: also when it is the
 * record that is refused, so that whoever tried it once cannot be shown an older head the next time.
 */
export async function judgeByChannel(
  given: {
    readonly channelHeadFile: Uint8Array;
    readonly proven: VerifiedProof;
    readonly trust: Trust;
    readonly remembered: RememberedChannels;
  },
  remember: (channels: RememberedChannels) => void,
): Promise<JudgedByChannel> {
  const { channelHeadFile, proven, trust, remembered } = given;
  const { origin } = proven.head;
  const channel = await openChannel({ channelHeadFile, origin, trust, remembered, crypto: nodeCrypto });
  const keep = (): void => {
    if (channel.remembered !== remembered) remember(channel.remembered);
  };
  try {
    const verdict = checkChannel(proven, channel.current);
    keep();
    return { ...verdict, head: channel.current };
  } catch (error) {
    if (error instanceof LimmatError && RECORD_REFUSALS.some((code) => code === error.code)) keep();
    throw error;
  }
}

export function channelJson({ head, standing, sequence }: JudgedByChannel): object {
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

const STANDING: Readonly<Record<Standing, (channel: JudgedByChannel) => string>> = {
  newest: () => 'the newest',
  older: ({ head }) => `allowed, and there is a newer one: entry ${head.index}, number ${head.sequence}`,
  ahead: ({ head }) => `newer than the channel head, which is of ${head.size} entries`,
};

export function channelLine(channel: JudgedByChannel): string {
  const { head, standing, sequence } = channel;
  return `  channel    ${head.channel}, number ${sequence}: ${STANDING[standing](channel)} (valid until ${formatTime(head.validUntilSeconds)})`;
}
