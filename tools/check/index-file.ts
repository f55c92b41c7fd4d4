// The file of an index of one's own (src/client/check/own-index.ts): brought up to date by following the log, and read.

import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { createInterface } from 'node:readline';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8Text } from '../../src/bytes.ts';
import {
  checkpointOf,
  formatIndexHead,
  formatIndexRow,
  formatIndexStart,
  IndexReading,
  parseIndexLine,
} from '../../src/client/check/own-index.ts';
import { follow } from '../../src/client/follow.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { checkRemembered, compareHeads } from '../../src/client/state.ts';
import type { LogHead, RememberedHeads } from '../../src/client/state.ts';
import type { Trust } from '../../src/client/trust.ts';
import { openTrustedCheckpoint } from '../../src/client/verify.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { parseNote } from '../../src/note/note.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';

/** How far an index has come. */
export interface IndexState {
  readonly origin: string;
  readonly size: number;
  /** The checkpoint note under which its entries were verified. */
  readonly checkpoint: Uint8Array;
  /** Bytes of the file that count: what follows was not finished. */
  readonly endOffset: number;
}

const HEAD_LINE = Buffer.from('\n{"size":');
const CHUNK_BYTES = 1024 * 1024;
/** A checkpoint note of 256 KiB as a JSON string. */
const MAX_HEAD_LINE_BYTES = 1024 * 1024;

/** Where the index in this file stands; undefined when there is none yet. `store-corrupt` for another file. */
export function indexState(path: string): IndexState | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = firstLine(file, path);
    const at = lastHeadLine(file, size);
    if (at === undefined) return undefined;
    const line = lineAt(file, at, size);
    // A head line without its end is one that was not finished, and the one before it counts. Commits end in a newline.
    if (line === undefined) throw notAnIndex(path);
    const parsed = parseIndexLine(line);
    if (!('checkpoint' in parsed)) throw notAnIndex(path);
    const endOffset = at + Buffer.byteLength(line) + 1;
    return { origin: start, size: parsed.size, checkpoint: checkpointOf(parsed), endOffset };
  } finally {
    closeSync(file);
  }
}

function firstLine(file: number, path: string): string {
  const bytes = Buffer.alloc(4096);
  const text = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)).toString('utf8');
  try {
    const parsed = parseIndexLine(text.slice(0, text.indexOf('\n')));
    if ('origin' in parsed) return parsed.origin;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
  }
  throw notAnIndex(path);
}

/** The offset of the last whole line that is a head. */
function lastHeadLine(file: number, size: number): number | undefined {
  let end = size;
  for (let start = Math.max(0, size - CHUNK_BYTES); ; start = Math.max(0, start - CHUNK_BYTES)) {
    const bytes = Buffer.alloc(Math.min(end, size) - start);
    readSync(file, bytes, 0, bytes.length, start);
    for (let at = bytes.lastIndexOf(HEAD_LINE); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(HEAD_LINE, at - 1)) {
      if (lineAt(file, start + at + 1, size) !== undefined) return start + at + 1;
    }
    if (start === 0) return undefined;
    // Enough of this chunk again that a head line across the border is seen.
    end = start + HEAD_LINE.length;
  }
}

/** The line at this offset; undefined when it has no end. */
function lineAt(file: number, offset: number, size: number): string | undefined {
  const bytes = Buffer.alloc(Math.min(MAX_HEAD_LINE_BYTES, size - offset));
  readSync(file, bytes, 0, bytes.length, offset);
  const end = bytes.indexOf(0x0a);
  return end < 0 ? undefined : bytes.subarray(0, end).toString('utf8');
}

/** The head that the index stands at, as far as the trust file goes today: signed, cosigned, not too old. */
export async function indexHead(state: IndexState, trust: Trust): Promise<LogHead> {
  const { head } = await openTrustedCheckpoint(state.checkpoint, { trust, crypto: nodeCrypto });
  if (head.origin === state.origin && head.size === state.size) return head;
  throw new LimmatError('store-corrupt', `the checkpoint in the index is not the one of its rows`);
}

/** Reads the rows of the index once. */
export async function readRows(path: string, state: IndexState, reading: IndexReading): Promise<void> {
  const input = createReadStream(path, { start: 0, end: state.endOffset - 1, highWaterMark: CHUNK_BYTES });
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const parsed = parseIndexLine(line);
    if ('leaf' in parsed) await reading.take(parsed);
  }
}

/**
 * Follows the log from where the index stands, or from its first entry, to its newest checkpoint. What was written before
 * an error counts up to its last head. `fork` and `not-consistent` when the log contradicts what the index has.
 */
export async function updateIndex(
  path: string,
  options: {
    readonly reader: LogReader;
    readonly trust: Trust;
    readonly remembered: RememberedHeads;
    readonly onProgress?: (entries: number, size: number) => void;
  },
): Promise<IndexState> {
  const { reader, trust, remembered } = options;
  const state = indexState(path);
  const held = state === undefined ? undefined : await heldHead(state, trust);
  let checkpoint = new Uint8Array(0) as Uint8Array;
  const checked: LogReader = {
    ...reader,
    async checkpoint() {
      checkpoint = await reader.checkpoint();
      const { head } = await openTrustedCheckpoint(checkpoint, { trust, crypto: nodeCrypto });
      checkRemembered(remembered, head);
      return checkpoint;
    },
  };
  const origin = state?.origin ?? originOf(await checked.checkpoint());
  const log = trust.logs.get(origin);
  if (log === undefined) throw new LimmatError('unknown-log', `the trust file names no log ${JSON.stringify(origin)}`);
  const file = openSync(path, existsSync(path) ? 'r+' : 'wx+');
  try {
    const append = appender(file, path, state?.endOffset);
    if (state === undefined) append(formatIndexStart(origin));
    let end = state?.size ?? 0;
    let isNew = state === undefined;
    for await (const batch of follow({
      reader: checked,
      origin,
      verifiers: [log.ed25519, log.mldsa44].map((key) => checkpointVerifier(key, nodeCrypto)),
      hasher: nodeHasher,
      start: end,
      ...(held !== undefined && { head: held }),
    })) {
      const rows = batch.entries.flatMap((leaf, i) => formatIndexRow(leaf, batch.start + i) ?? []);
      if (rows.length > 0) append(rows.join('\n'));
      end = batch.start + batch.entries.length;
      isNew ||=
        held === undefined ||
        compareHeads(held, batch.head) === 'newer' ||
        batch.head.timestampSeconds > held.timestampSeconds;
      options.onProgress?.(end, batch.head.size);
    }
    if (isNew) {
      // Rows before the line that makes them count.
      fsyncSync(file);
      append(formatIndexHead(end, utf8Text(checkpoint)!));
      fsyncSync(file);
    }
  } finally {
    closeSync(file);
  }
  return indexState(path)!;
}

/** As indexHead, and too old is no matter: a newer one is about to come. */
async function heldHead(state: IndexState, trust: Trust): Promise<LogHead> {
  return indexHead(state, { ...trust, maxAgeSeconds: undefined });
}

function originOf(checkpoint: Uint8Array): string {
  return parseNote(checkpoint).text.split('\n', 1)[0]!;
}

/** Writes lines behind what counts. `store-locked` when somebody else wrote there meanwhile. */
function appender(file: number, path: string, from = 0): (lines: string) => void {
  ftruncateSync(file, from);
  let offset = from;
  return (lines) => {
    if (fstatSync(file).size !== offset) {
      throw new LimmatError('store-locked', `another process writes to ${path}`);
    }
    const bytes = Buffer.from(`${lines}\n`);
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, offset + done);
    offset += bytes.length;
  };
}

function notAnIndex(path: string): LimmatError {
  return new LimmatError('store-corrupt', `${path} is no index of "limmat check --update"`);
}
