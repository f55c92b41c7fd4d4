// What a command remembers of logs and their channels between runs, in files: --state FILE and FILE.channels. They are
// replaced as wholes and under a lock, and what another run wrote meanwhile is never taken back.

import { existsSync, readFileSync } from 'node:fs';

import {
  NO_CHANNELS,
  channelName,
  compareChannelHeads,
  formatChannelState,
  parseChannelState,
} from '../../src/client/channel-state.ts';
import type { RememberedChannels } from '../../src/client/channel-state.ts';
import { NOTHING_REMEMBERED, advance, formatState, parseState } from '../../src/client/state.ts';
import type { RememberedHeads } from '../../src/client/state.ts';
import { LimmatError } from '../../src/errors.ts';
import { withFileLock } from './file-lock.ts';
import { replaceFile } from '../../src/node/replace-file.ts';

/** What is remembered; nothing when the file is not there yet. One that cannot be read is never taken for that. */
export function readState(path: string): RememberedHeads {
  return readOr(path, NOTHING_REMEMBERED, parseState);
}

/** As readState, of channels. */
export function readChannels(path: string | undefined): RememberedChannels {
  return path === undefined ? NO_CHANNELS : readOr(path, NO_CHANNELS, parseChannelState);
}

function readOr<T>(path: string, nothing: T, parse: (text: string) => T): T {
  if (!existsSync(path)) return nothing;
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    throw new LimmatError('bad-config', `${path}: ${error.message}`, { cause: error });
  }
}

/** Remembers these verified heads beside what is in the file by now. `fork` when they contradict it. */
export function rememberHeads(path: string, heads: RememberedHeads): void {
  withFileLock(path, () => {
    const before = readState(path);
    let after = before;
    for (const head of heads.values()) after = advance(after, head);
    if (after !== before) replaceFile(path, formatState(after));
  });
}

/** Remembers these verified channel heads likewise; errors as compareChannelHeads. */
export function rememberChannels(path: string, channels: RememberedChannels): void {
  withFileLock(path, () => {
    const before = readChannels(path);
    const after = new Map(before);
    for (const [name, opened] of channels) {
      const held = after.get(channelName(opened.head));
      if (held === undefined || compareChannelHeads(held.head, opened.head) === 'newer') after.set(name, opened);
    }
    if ([...after].some(([name, opened]) => before.get(name) !== opened)) replaceFile(path, formatChannelState(after));
  });
}
