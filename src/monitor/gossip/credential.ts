// Who sent a request, and who answered it: signed notes that name the method, the path, the body's hash, the time and
// the receiver, and in the answer the request (docs/gossip.md). They travel in a header, so that a body stays what it is.

import { fromBase64, parseDecimal, toBase64, utf8, utf8Text } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { formatKeyId } from '../../note/key.ts';
import { parseNote } from '../../note/note.ts';
import type { MonitorIdentity, MonitorSigner, MonitorVerifier } from '../monitor-key.ts';
import { MAX_CREDENTIAL_CHARACTERS, MAX_REMEMBERED_REQUESTS, REQUEST_WINDOW_SECONDS } from './limits.ts';

/** The header of a request that carries its credential, and the word before it. */
export const REQUEST_HEADER = 'Authorization';
export const REQUEST_SCHEME = 'Limmat-Gossip';
/** The header of an answer that carries its credential. */
export const ANSWER_HEADER = 'Limmat-Gossip-Answer';

/** What a credential is about. */
export interface SignedRequest {
  readonly method: string;
  /** From `/gossip/v1/` on, without the prefix that it is mounted under and without a query. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** Bytes of chance in a request, so that no two are the same. */
const NONCE_BYTES = 16;
const REQUEST_LINE = 'limmat/gossip-request/v1';
const ANSWER_LINE = 'limmat/gossip-answer/v1';

/** A monitor's key in one word. */
export function monitorId({ name, keyId }: Pick<MonitorIdentity, 'name' | 'keyId'>): string {
  return `${name}+${formatKeyId(keyId)}`;
}

/**
 * The credential of a request: the base64 of a note over
 *
 *     limmat/gossip-request/v1
 *     to monitor.example/b+3a1f9c07
 *     POST /gossip/v1/exchange
 *     body 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
 *     time 1790000000
 *     nonce AAAAAAAAAAAAAAAAAAAAAA==
 */
export async function signRequest(
  signer: MonitorSigner,
  to: MonitorIdentity,
  request: SignedRequest,
  crypto: CryptoSuite,
  moment: { readonly nowSeconds: number; readonly randomBytes: (length: number) => Uint8Array },
): Promise<string> {
  const nonce = toBase64(moment.randomBytes(NONCE_BYTES));
  const hash = toBase64(crypto.sha256(request.body));
  const note = await signer.sign(requestText(to, request, hash, String(moment.nowSeconds), nonce));
  return toBase64(utf8(note));
}

function requestText(
  to: MonitorIdentity,
  { method, path }: Pick<SignedRequest, 'method' | 'path'>,
  hash: string,
  time: string,
  nonce: string,
): string {
  return `${REQUEST_LINE}\nto ${monitorId(to)}\n${method} ${path}\nbody ${hash}\ntime ${time}\nnonce ${nonce}\n`;
}

/** A request whose sender is known. */
export interface OpenedRequest<P> {
  readonly peer: P;
  readonly timeSeconds: number;
  readonly nonce: string;
}

/** Who gets a request, and what it needs to know its sender. */
export interface Receiver<P> {
  readonly self: MonitorIdentity;
  readonly peers: readonly P[];
  readonly crypto: CryptoSuite;
  readonly nowSeconds: number;
}

/**
 * Who signed a request. Nothing is computed before the sender, the receiver, the time and the body's hash are right.
 * LimmatError `malformed` (no credential), `unknown-key` (of none of the peers), `not-permitted` (made for another
 * receiver, path or body, or for another time than the receiver's clock within 300 s), `bad-signature`. Whether the
 * request came before is the RequestWindow's to say.
 */
export function openRequest<P extends { readonly verifier: MonitorVerifier }>(
  credential: string,
  request: SignedRequest,
  receiver: Receiver<P>,
): Promise<OpenedRequest<P>> {
  return open(credential, request, toBase64(receiver.crypto.sha256(request.body)), receiver);
}

/**
 * As openRequest, for a request whose body has not been read: what can be known by then. It says who is there, and not
 * that the body is theirs.
 */
export function openSender<P extends { readonly verifier: MonitorVerifier }>(
  credential: string,
  request: Pick<SignedRequest, 'method' | 'path'>,
  receiver: Receiver<P>,
): Promise<OpenedRequest<P>> {
  return open(credential, request, undefined, receiver);
}

async function open<P extends { readonly verifier: MonitorVerifier }>(
  credential: string,
  request: Pick<SignedRequest, 'method' | 'path'>,
  bodyHash: string | undefined,
  receiver: Receiver<P>,
): Promise<OpenedRequest<P>> {
  const { note, text, signatures } = readCredential(credential);
  const line = signatures[0];
  const peer = receiver.peers.find(({ verifier }) => verifier.name === line?.name && verifier.keyId === line.keyId);
  if (peer === undefined || signatures.length > 1) {
    throw new LimmatError('unknown-key', 'the request is signed by no peer of this monitor');
  }
  const [, hash = '', time = '', nonce = ''] = /\nbody (.+)\ntime ([0-9]+)\nnonce (.+)\n$/.exec(text) ?? [];
  if (text !== requestText(receiver.self, request, bodyHash ?? hash, time, nonce)) {
    throw new LimmatError(
      'not-permitted',
      `the signature is for another request than ${request.method} ${request.path} to ${monitorId(receiver.self)}`,
    );
  }
  const timeSeconds = parseDecimal(time);
  if (timeSeconds === undefined || fromBase64(nonce)?.length !== NONCE_BYTES) {
    throw new LimmatError('malformed', 'the credential has no time or no nonce of 16 bytes');
  }
  checkTime(timeSeconds, receiver.nowSeconds);
  await peer.verifier.open(note);
  return { peer, timeSeconds, nonce };
}

function checkTime(timeSeconds: number, nowSeconds: number): void {
  if (Math.abs(nowSeconds - timeSeconds) <= REQUEST_WINDOW_SECONDS) return;
  throw new LimmatError(
    'not-permitted',
    `the request is of ${timeSeconds} and the clock here says ${nowSeconds}: more than ${REQUEST_WINDOW_SECONDS} s apart`,
    { details: { timeSeconds, nowSeconds } },
  );
}

/** The credential of an answer, over its status, its body's hash, and the hash of the request's credential. */
export async function signAnswer(
  signer: MonitorSigner,
  to: MonitorIdentity,
  answer: { readonly request: string; readonly status: number; readonly body: Uint8Array },
  crypto: CryptoSuite,
): Promise<string> {
  return toBase64(utf8(await signer.sign(answerText(to, answer, crypto))));
}

function answerText(
  to: MonitorIdentity,
  { request, status, body }: { readonly request: string; readonly status: number; readonly body: Uint8Array },
  crypto: CryptoSuite,
): string {
  const asked = toBase64(crypto.sha256(utf8(request)));
  const hash = toBase64(crypto.sha256(body));
  return `${ANSWER_LINE}\nto ${monitorId(to)}\nrequest ${asked}\nstatus ${status}\nbody ${hash}\n`;
}

/** Returns when the peer signed this answer to this request. LimmatError `malformed`, `not-permitted`, `unknown-key`, `bad-signature`. */
export async function checkAnswer(
  credential: string,
  answer: { readonly request: string; readonly status: number; readonly body: Uint8Array },
  parties: { readonly self: MonitorIdentity; readonly peer: MonitorVerifier; readonly crypto: CryptoSuite },
): Promise<void> {
  const { note, text } = readCredential(credential);
  if (text !== answerText(parties.self, answer, parties.crypto)) {
    throw new LimmatError('not-permitted', `the answer of ${monitorId(parties.peer)} is signed for another request`);
  }
  await parties.peer.open(note);
}

function readCredential(credential: string): ReturnType<typeof parseNote> & { readonly note: string } {
  const bytes = credential.length > MAX_CREDENTIAL_CHARACTERS ? undefined : fromBase64(credential);
  const note = bytes && utf8Text(bytes);
  try {
    if (note !== undefined) return { ...parseNote(note), note };
  } catch (error) {
    if (!isLimmatError(error)) throw error;
  }
  throw new LimmatError('malformed', 'the credential is not the base64 of a short signed note');
}

/** The requests of one peer that were taken within the last minutes: none is taken a second time. */
export class RequestWindow {
  /** The time of a request by its nonce, in the order of arrival. */
  readonly #taken = new Map<string, number>();

  /**
   * Takes a request whose signature was verified. LimmatError `not-permitted` when it was taken before, `queue-full` when
   * so many came that they cannot all be remembered.
   */
  take({ nonce, timeSeconds }: OpenedRequest<unknown>, nowSeconds: number): void {
    if (this.#taken.has(nonce)) {
      throw new LimmatError('not-permitted', 'this request was taken before: sign every request anew');
    }
    if (this.#taken.size >= MAX_REMEMBERED_REQUESTS) this.#forget(nowSeconds);
    if (this.#taken.size >= MAX_REMEMBERED_REQUESTS) {
      throw new LimmatError('queue-full', `more than ${MAX_REMEMBERED_REQUESTS} requests came in a few minutes`, {
        retryAfterSeconds: REQUEST_WINDOW_SECONDS,
      });
    }
    this.#taken.set(nonce, timeSeconds);
  }

  /** Lets go of what the time alone refuses by now. */
  #forget(nowSeconds: number): void {
    for (const [nonce, timeSeconds] of this.#taken) {
      if (nowSeconds - timeSeconds > REQUEST_WINDOW_SECONDS) this.#taken.delete(nonce);
    }
  }
}
