// A client of a mirror's writes (C2SP tlog-mirror): hands a log's checkpoint in, and then the entries that the mirror does
// not have yet, with the proof that each 256 of them are in the tree. What comes back is the mirror's cosignature.

import { concat, fromBase64, parseDecimal, uintBytes, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { Prover } from '../merkle/prover.ts';
import type { Hasher } from '../merkle/hash.ts';
import { subtreeProof } from '../merkle/subtree.ts';
import { TILE_WIDTH, parseEntryBundle } from '../merkle/tile.ts';
import { MAX_ADD_CHECKPOINT_BYTES, formatAddCheckpoint } from '../note/add-checkpoint.ts';
import { MAX_NOTE_BYTES, formatNote, parseNote } from '../note/note.ts';
import { openCheckpoint } from '../note/open.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { BoundedAnswer, Fetch } from './bounded-fetch.ts';
import type { LogReader } from './http-reader.ts';
import type { LogHead } from './state.ts';

export interface PushOptions {
  /** The mirror's submission prefix, ending in a slash. */
  readonly url: string;
  /** The mirror's keys, all of which have to sign. */
  readonly verifiers: readonly CheckpointVerifier[];
  /** The log's newest head, verified. */
  readonly head: LogHead;
  /** Where the log's bundles and tiles come from. */
  readonly reader: Pick<LogReader, 'read'>;
  readonly fetch: Fetch;
  readonly hasher?: Hasher;
  /** Milliseconds for one request. */
  readonly timeoutMillis?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (nextEntry: number, size: number) => void;
}

/** What tlog-mirror asks clients to stay within, for the sake of platforms that bound a request. */
const MAX_PACKAGES = 32;
/** Bytes of packages after which a request is sent, too: a log of large entries makes 16 MiB a package. */
const MAX_UPLOAD_BYTES = 16 * 1024 * 1024;
/** Requests in a row that the mirror answers without having come further. */
const MAX_STANDSTILL = 4;
const DEFAULT_TIMEOUT_MILLIS = 60_000;
const MAX_INFO_BYTES = 128 * 1024;

/**
 * Brings the mirror up to the head, and resolves to its signature lines. Errors: `bad-response` for an answer that is none
 * of the protocol or a mirror that does not come further, `bad-note` and `quorum-not-met` for signatures that do not hold or are
 * missing, `not-consistent` for a mirror that has a larger tree than the head's, `network`, and the reader's.
 */
export async function pushToMirror(options: PushOptions): Promise<string> {
  const { head } = options;
  const prover = new Prover({
    read: (paths) => options.reader.read(paths),
    ...(options.hasher !== undefined && { hasher: options.hasher }),
  });
  await pushCheckpoint(options, prover);
  // An empty upload asks where the mirror is, and is all that it takes where nothing is new.
  let start = head.size;
  let ticket: Uint8Array = new Uint8Array(0);
  let standstill = 0;
  for (;;) {
    const { status, body } = await post(
      options,
      'add-entries',
      await uploadBody(options, prover, start, ticket),
      [200, 202, 409],
    );
    if (status === 200) return verifiedLines(options, body);
    const { size, nextEntry, ticket: theirs } = parseInfo(body);
    ticket = theirs;
    if (size !== head.size) {
      throw new LimmatError('bad-response', `the mirror takes entries up to ${size}, and no more up to ${head.size}`);
    }
    standstill = nextEntry > start && start !== head.size ? 0 : standstill + 1;
    if (standstill > MAX_STANDSTILL) {
      throw new LimmatError('bad-response', `the mirror stays at entry ${nextEntry}, however often entries are sent`);
    }
    start = Math.min(nextEntry, head.size);
    options.onProgress?.(start, head.size);
  }
}

/** Makes the head the mirror's pending checkpoint. */
async function pushCheckpoint(options: PushOptions, prover: Prover): Promise<void> {
  const { head } = options;
  let oldSize = 0;
  for (let attempt = 0; attempt <= MAX_STANDSTILL; attempt++) {
    const proof = oldSize === 0 ? [] : await prover.consistencyProof(head, oldSize);
    const request = formatAddCheckpoint({ oldSize, proof, checkpoint: head.note });
    const { status, body } = await post(options, 'add-checkpoint', request, [200, 409]);
    if (status === 200) return;
    const size = parseDecimal((utf8Text(body) ?? '').trim());
    if (size === undefined) throw new LimmatError('bad-response', 'the mirror names no size that it knows');
    if (size > head.size) {
      throw new LimmatError('not-consistent', `the mirror knows a tree of size ${size}, above the head's ${head.size}`);
    }
    oldSize = size;
  }
  throw new LimmatError('bad-response', 'the mirror names another size each time');
}

/** The request for the packages from `start` on, as many as one request should have. */
async function uploadBody(
  options: PushOptions,
  prover: Prover,
  start: number,
  ticket: Uint8Array,
): Promise<Uint8Array> {
  const { head } = options;
  const origin = utf8(head.origin);
  const parts = [
    uintBytes(origin.length, 2),
    origin,
    uintBytes(start, 8),
    uintBytes(head.size, 8),
    uintBytes(ticket.length, 2),
    ticket,
  ];
  let bytes = 0;
  let next = start;
  for (let i = 0; i < MAX_PACKAGES && next < head.size && bytes < MAX_UPLOAD_BYTES; i++) {
    const index = Math.floor(next / TILE_WIDTH);
    const end = Math.min(head.size, (index + 1) * TILE_WIDTH);
    const width = end - index * TILE_WIDTH;
    const [bundle] = await options.reader.read([{ kind: 'entries', index, width }]);
    const entries = parseEntryBundle(bundle!, width).slice(0, next - index * TILE_WIDTH);
    const skipped = entries.reduce((sum, entry) => sum + 2 + entry.length, 0);
    const proof = await subtreeProof(prover, head, index * TILE_WIDTH, end);
    parts.push(bundle!.subarray(skipped), uintBytes(proof.length, 1), ...proof);
    bytes += bundle!.length;
    next = end;
  }
  return concat(...parts);
}

function post(
  options: PushOptions,
  path: string,
  body: Uint8Array,
  statuses: readonly number[],
): Promise<BoundedAnswer> {
  const isCheckpoint = path === 'add-checkpoint';
  const init: RequestInit = {
    method: 'POST',
    headers: { 'Content-Type': isCheckpoint ? 'text/plain' : 'application/octet-stream' },
    body: new Uint8Array(body),
  };
  return boundedFetch(options.fetch, options.url + path, init, {
    maxBytes: isCheckpoint ? MAX_ADD_CHECKPOINT_BYTES : Math.max(MAX_NOTE_BYTES, MAX_INFO_BYTES),
    timeoutMillis: options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS,
    signal: options.signal,
    statuses,
  });
}

/** A size, the next entry, and a ticket, each on a line. */
function parseInfo(body: Uint8Array): {
  readonly size: number;
  readonly nextEntry: number;
  readonly ticket: Uint8Array;
} {
  const [sizeText = '', nextText = '', ticketText = '', ...rest] = (utf8Text(body) ?? '').split('\n');
  const size = parseDecimal(sizeText);
  const nextEntry = parseDecimal(nextText);
  const ticket = fromBase64(ticketText);
  const isWhole = rest.length === 1 && rest[0] === '' && ticket !== undefined && ticket.length < 2 ** 16;
  if (size === undefined || nextEntry === undefined || !isWhole) {
    throw new LimmatError('bad-response', 'the mirror does not say where to go on');
  }
  return { size, nextEntry, ticket };
}

/** The answer's lines of the mirror's keys, after they were found to hold over the head. */
async function verifiedLines({ head, verifiers }: PushOptions, body: Uint8Array): Promise<string> {
  const note = parseNote(`${parseNote(head.note).text}\n${utf8Text(body) ?? ''}`);
  const own = note.signatures.filter((line) =>
    verifiers.some(({ name, keyId }) => name === line.name && keyId === line.keyId),
  );
  if (own.length === 0) throw new LimmatError('quorum-not-met', 'the mirror answered without a signature of its keys');
  const { verified } = await openCheckpoint(formatNote(note.text, own), verifiers);
  if (verified.length < verifiers.length) {
    throw new LimmatError('quorum-not-met', `${verified.length} of the mirror's ${verifiers.length} keys have signed`);
  }
  return own.map(({ line }) => line).join('');
}
