// Hands the signed head of a proof file to a monitor, and nothing else (docs/gossip.md): who was shown a fork does not
// know it, and a monitor that gets to see the head does.

import { utf8Text } from '../bytes.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { parseNote } from '../note/note.ts';
import { openLogCheckpoint } from '../note/open.ts';
import { checkpointVerifier } from '../note/signer.ts';
import { parseTlogProof } from '../note/tlog-proof.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { Fetch } from './bounded-fetch.ts';
import { logPrefix } from './http-reader.ts';
import { trimNote } from './state.ts';
import type { Trust } from './trust.ts';

export interface HandInOptions {
  /** The monitor's URL: http or https, without credentials, query or fragment. */
  readonly url: string;
  readonly fetch?: Fetch;
  /** Milliseconds for the request. */
  readonly timeoutMillis?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MILLIS = 10_000;
/** A few ids of 64 digits. */
const MAX_ANSWER_BYTES = 4096;

/**
 * The head of a proof file as it is handed in: the note with the lines of the log's own keys alone, so that neither
 * witnesses nor anything of the entry can be told from it. LimmatError `bad-proof-file`, `unknown-log` (none of the trust
 * file's), `bad-note`, `log-signature-missing`.
 */
export async function headToHandIn(proofFile: Uint8Array, trust: Trust, crypto: CryptoSuite): Promise<Uint8Array> {
  try {
    const { checkpoint } = parseTlogProof(proofFile);
    const { text } = parseNote(checkpoint);
    const origin = text.slice(0, text.indexOf('\n'));
    const log = trust.logs.get(origin);
    if (log === undefined)
      throw new LimmatError('unknown-log', `the trust file does not name log ${JSON.stringify(origin)}`);
    const verifiers = [log.ed25519, log.mldsa44].map((key) => checkpointVerifier(key, crypto));
    const { note } = await openLogCheckpoint(checkpoint, { origin, verifiers });
    return trimNote(note, verifiers);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    throw new LimmatError('bad-proof-file', `this is not a proof file: ${error.message}`, { cause: error });
  }
}

/**
 * Hands a head in. The ids of evidence that the monitor says it holds against the head's log, of which nothing is
 * verified here; none when it says nothing. LimmatError `not-found` when it does not watch that log, `bad-response`,
 * `network`; RangeError for a URL that is none.
 */
export async function handIn(note: Uint8Array, options: HandInOptions): Promise<readonly string[]> {
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const url = `${logPrefix(options.url)}gossip/v1/checkpoint`;
  const init = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: new Uint8Array(note) };
  const { timeoutMillis = DEFAULT_TIMEOUT_MILLIS, signal } = options;
  const bounds = { maxBytes: MAX_ANSWER_BYTES, timeoutMillis, signal, statuses: [200, 204] };
  const { status, body } = await boundedFetch(send, url, init, bounds);
  if (status === 204) return [];
  const ids = (utf8Text(body) ?? '').split('\n').filter((line) => line !== '');
  if (ids.every((id) => /^[0-9a-f]{64}$/.test(id))) return ids;
  throw new LimmatError('bad-response', `${url} answered with something else than ids of evidence`);
}

/** The evidence file with that id, of at most maxBytes, unverified. Errors: as handIn. */
export async function fetchEvidence(id: string, maxBytes: number, options: HandInOptions): Promise<Uint8Array> {
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const url = `${logPrefix(options.url)}gossip/v1/evidence/${id}`;
  const { timeoutMillis = DEFAULT_TIMEOUT_MILLIS, signal } = options;
  return (await boundedFetch(send, url, {}, { maxBytes, timeoutMillis, signal })).body;
}
