// limmat channel-head: fetches the signed head of a channel and checks it, so that it can be carried to where files are
// verified offline.

import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { nodeCrypto } from '../src/adapters/node-crypto.ts';
import { utf8Text } from '../src/bytes.ts';
import { openChannel } from '../src/client/channel-check.ts';
import { parseTrust } from '../src/client/trust.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { MAX_CHANNEL_HEAD_BYTES, readChannelHeadNote } from '../src/note/channel-head.ts';
import type { ChannelHead } from '../src/note/channel-head.ts';
import { channelHeadPath, channelNames } from '../src/record/channel.ts';
import { formatTime } from '../src/record/time.ts';
import { DEFAULT_URL, jsonOption } from './support/config.ts';
import { urlSource } from './support/log-source.ts';
import { readChannels, rememberChannels } from './support/remembered.ts';
import { replaceFile } from '../src/node/replace-file.ts';
import { createOutput, style } from './support/output.ts';

interface ChannelHeadFlags {
  readonly trust: string;
  readonly url: string;
  readonly out?: string;
  readonly state?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('channel-head')
    .summary('fetch the signed head of a channel')
    .description(
      'Fetches what a log signs about a channel: its newest record, what must not be used any more, until when that is to ' +
        'be believed. Checks it and writes it, on standard output or with --out into a file: "limmat verify --channel-head" ' +
        'judges files by it, offline. GET /api/v1/channels of the log lists its channels.',
    )
    .argument('<channel>', 'NAMESPACE/PRODUCT/STREAM/CHANNEL, such as "acme/Shield/avdb-release:main/stable"')
    .requiredOption('--trust <file>', 'whom to believe: its "channel-key" lines')
    .option('--url <url>', 'address of the running log', DEFAULT_URL)
    .option('--out <file>', 'where to write it; what was there stays when the new one is refused')
    .option(
      '--state <file>',
      'refuse one that goes back behind what is remembered in FILE.channels, and remember this one',
    )
    .addOption(jsonOption())
    .action(channelHead);
}

async function channelHead(channel: string, flags: ChannelHeadFlags): Promise<void> {
  const output = createOutput(flags);
  if (channelNames(channel) === undefined) {
    throw new LimmatError(
      'usage',
      `"${channel}" is no channel: it is NAMESPACE/PRODUCT/STREAM/CHANNEL, where a name has %2F for "/" and %25 for "%"`,
    );
  }
  const trust = parseTrust(readFileSync(flags.trust));
  const statePath = flags.state === undefined ? undefined : `${flags.state}.channels`;
  const remembered = readChannels(statePath);
  const bytes = await fetchHead(channel, flags.url);
  const origin = originOf(bytes);
  const opened = await openChannel({ channelHeadFile: bytes, origin, trust, remembered, crypto: nodeCrypto });
  const { head } = readChannelHeadNote(bytes);
  if (head.channel !== channel) {
    throw new LimmatError('wrong-channel', `the log gave the head of channel "${head.channel}", not of "${channel}"`);
  }
  if (statePath !== undefined && opened.remembered !== remembered) {
    rememberChannels(statePath, opened.remembered);
  }
  if (flags.out !== undefined) replaceFile(flags.out, bytes);
  output.value({ ...headJson(head), ...(flags.out !== undefined && { file: flags.out }) });
  if (flags.out !== undefined) {
    output.line(`wrote      ${flags.out}`);
    for (const line of lines(head)) output.line(line);
    return;
  }
  for (const line of lines(head)) output.note(line);
  // The note itself ends in a newline, which line() adds.
  output.line(utf8Text(bytes)!.slice(0, -1));
}

async function fetchHead(channel: string, url: string): Promise<Uint8Array> {
  let source: ReturnType<typeof urlSource>;
  try {
    source = urlSource(url);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('usage', error.message, { cause: error });
  }
  try {
    return await source.resource(channelHeadPath(channel), MAX_CHANNEL_HEAD_BYTES);
  } catch (cause) {
    if (!isLimmatError(cause, 'not-found')) throw cause;
    const message = `${source.name} has no head of channel "${channel}": ${source.name}api/v1/channels lists those it has`;
    throw new LimmatError('not-found', message, { cause });
  } finally {
    await source.close();
  }
}

/** The log that a note says it is of; whether that log signed it is asked next. */
function originOf(bytes: Uint8Array): string {
  try {
    return readChannelHeadNote(bytes).head.origin;
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    throw new LimmatError('bad-channel-head', `the log gave no channel head: ${error.message}`, { cause: error });
  }
}

function headJson(head: ChannelHead): object {
  return {
    origin: head.origin,
    channel: head.channel,
    newest: { index: head.index, sequence: head.sequence },
    minimumSequence: head.minimumSequence,
    size: head.size,
    issued: formatTime(head.issuedSeconds),
    validUntil: formatTime(head.validUntilSeconds),
  };
}

function lines(head: ChannelHead): string[] {
  const { minimumSequence, sequence } = head;
  const usable =
    minimumSequence === 0
      ? 'nothing was recalled'
      : minimumSequence > sequence
        ? style('red', 'nothing of it may be used: its newest record was recalled')
        : `nothing below number ${minimumSequence} may be used`;
  return [
    `channel    ${head.channel}`,
    `newest     entry ${head.index}, number ${sequence}; ${usable}`,
    `log        ${head.origin}, ${head.size} entries`,
    `valid      from ${formatTime(head.issuedSeconds)} to ${formatTime(head.validUntilSeconds)}`,
  ];
}
