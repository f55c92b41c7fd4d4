// Sends what waits in a spool, in order, and fetches the proofs. An entry is sent again as it is until its outcome is
// known, and the next one only then: the log gives the same bytes the same index, so nothing is lost, doubled or swapped.

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { ERROR_STATUS, LimmatError, isLimmatError } from '../../src/errors.ts';
import { verifyInclusion } from '../../src/merkle/index.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import { parseNote } from '../../src/note/note.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { fromHex } from '../../src/bytes.ts';
import type { Added, WaitLevel } from './log-api.ts';
import type { Spool, SpoolEntry } from './spool.ts';

/** The first pause before a second try; each one is twice as long as the one before, up to the longest. */
const FIRST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 30_000;

export interface SendOptions {
  readonly wait: WaitLevel;
  /** How long the log may be away before sending ends, since it last did what was asked. */
  readonly retryMillis: number;
  /** addToLog of the log. */
  readonly add: (entry: Uint8Array, wait: WaitLevel) => Promise<Added>;
  /** The log's origin. */
  readonly origin: () => Promise<string>;
  readonly nowMillis: () => number;
  readonly sleep: (millis: number) => Promise<unknown>;
  /** In [0, 1): pauses differ, so that a hundred pipelines do not come back in one moment. */
  readonly random: () => number;
  /** Before every pause. */
  readonly onPause: (error: LimmatError, pauseMillis: number) => void;
}

/** Why sending ended before everything was done. What was not sent is still in the spool. */
export interface Stopped {
  readonly error: LimmatError;
  /** The entry that the log does not want; absent when the log is away. */
  readonly refused: SpoolEntry | undefined;
}

/** Undefined when everything is sent, and unless `sequenced` is waited for, proven. Throws what is wrong with the spool or the proofs. */
export async function sendSpool(spool: Spool, options: SendOptions): Promise<Stopped | undefined> {
  const todo = spool.entries.filter(
    ({ state }) => state === 'waiting' || (state === 'sequenced' && options.wait !== 'sequenced'),
  );
  if (todo.length === 0) return undefined;
  let current: SpoolEntry | undefined;
  try {
    await spool.bind(await withRetries(options.origin, options));
    const sent: SpoolEntry[] = [];
    for (current of todo) {
      const { bytes, state } = current;
      const isNew = state === 'waiting';
      sent.push(
        isNew
          ? await spool.sequenced(current, (await withRetries(() => options.add(bytes, 'sequenced'), options)).index)
          : current,
      );
    }
    if (options.wait === 'sequenced') return undefined;
    for (current of sent) {
      const entry = current;
      await spool.proven(entry, await withRetries(() => fetchProof(spool, entry, options), options));
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof LimmatError) || !isFromLog(error)) throw error;
    return { error, refused: isPassing(error) || current?.state !== 'waiting' ? undefined : current };
  }
}

/** Errors of the log's side are marked, so that a full disk here is not taken for a log that is away. */
const FROM_LOG = new WeakSet<LimmatError>();

function isFromLog(error: LimmatError): boolean {
  return FROM_LOG.has(error);
}

async function withRetries<T>(ask: () => Promise<T>, options: SendOptions): Promise<T> {
  const deadline = options.nowMillis() + options.retryMillis;
  for (let longest = FIRST_PAUSE_MILLIS; ; longest = Math.min(2 * longest, LONGEST_PAUSE_MILLIS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LimmatError)) throw error;
      FROM_LOG.add(error);
      const asked = Math.min((error.retryAfterSeconds ?? 0) * 1000, LONGEST_PAUSE_MILLIS);
      const pause = Math.max(asked, Math.ceil(longest * (0.5 + options.random() / 2)));
      if (!isPassing(error) || options.nowMillis() + pause > deadline) throw error;
      options.onPause(error, pause);
      await options.sleep(pause);
    }
  }
}

/** True when sending the same again later can help: the log is away, busy or full, or somebody in between says so. */
function isPassing(error: LimmatError): boolean {
  const { status } = error.details;
  // A refusal in words that this version does not know yet is one all the same.
  if (typeof status === 'number' && status < 500 && status !== 429) return false;
  return status === 429 || ERROR_STATUS[error.code] >= 500 || isLimmatError(error, 'not-published');
}

/** The entry's proof file, checked to be about this entry of this log. Signatures are for whoever verifies it. */
async function fetchProof(spool: Spool, entry: SpoolEntry, options: SendOptions): Promise<Uint8Array> {
  const { index, proof } = await options.add(entry.bytes, options.wait);
  if (index !== entry.index) {
    throw unfit(entry, `entry ${entry.number} had index ${entry.index} when it was sent, and has ${index} now`);
  }
  if (proof === undefined) {
    throw new LimmatError('not-published', `entry ${index} is durable but not published yet`);
  }
  const { checkpoint, proof: hashes } = parseTlogProof(proof);
  const { origin, size, rootHash } = parseCheckpoint(parseNote(checkpoint).text);
  if (origin !== spool.origin) throw unfit(entry, `the proof of entry ${entry.number} is of the log ${origin}`);
  try {
    verifyInclusion({ leafHash: fromHex(entry.leafHash)!, index, size, rootHash, proof: hashes }, nodeHasher);
  } catch (cause) {
    throw unfit(entry, `the proof that the log gave does not fit entry ${entry.number}`, cause);
  }
  return proof;
}

function unfit({ number, index = 0 }: SpoolEntry, message: string, cause?: unknown): LimmatError {
  return new LimmatError('bad-proof', message, { details: { number, index }, cause });
}
