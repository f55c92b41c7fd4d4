// One witness over HTTP (C2SP tlog-witness, "add-checkpoint" and "Monitor Retrieval Mechanism"). Nothing that it answers is
// believed but signatures of keys that are known from elsewhere. Out of scope: other witnesses, and how many are enough.

import { concat, parseDecimal, toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { MAX_NOTE_BYTES, parseNote } from '../note/note.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import { SIZE_MEDIA_TYPE, formatAddCheckpoint } from '../note/add-checkpoint.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { BoundedAnswer, Fetch } from './bounded-fetch.ts';

/** A witness's lines: two with ML-DSA-44 take 7 kB, and it may send some of keys that nobody asked for. */
const MAX_LINES_BYTES = 64 * 1024;
/** How often the size that it thinks is the last one may turn out another. Somebody else may be sending it checkpoints. */
const MAX_SIZE_CHANGES = 3;
/** How far a witness's clock may be from ours: as far as verifiers let it be, who do not count what is later. */
export const WITNESS_CLOCK_SKEW_SECONDS = 60;

/** A checkpoint to be cosigned. */
export interface Submission {
  readonly size: number;
  /** The checkpoint's text, with its final newline. */
  readonly text: string;
  /** The signed note, verbatim. */
  readonly note: Uint8Array;
  /** The consistency proof from that size, at most `size`, to the checkpoint's. */
  readonly prove: (oldSize: number) => Promise<readonly Hash[]>;
}

export interface WitnessClientOptions {
  /** The submission prefix, with or without a slash at its end. */
  readonly url: string;
  /** The witness's keys, at least one. */
  readonly verifiers: readonly CheckpointVerifier[];
  readonly fetch: Fetch;
  readonly nowMillis: () => number;
  readonly hasher?: Hasher;
  /** Told when it names a smaller size as its last than it has cosigned itself: it could cosign another history from there. */
  readonly onStepBack?: (fromSize: number, toSize: number) => void;
}

/** A line that holds, and the key that it is of. */
export interface Cosignature {
  readonly verifier: CheckpointVerifier;
  readonly timestampSeconds: number;
  /** With its newline. */
  readonly line: string;
}

/** Why a witness did not cosign, and what that means for it. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
  /**
   * True for what an honest witness of an honest log does not answer: it says it has seen a larger tree, or another one,
   * or it signs something else than it was asked for.
   */
  readonly isAlarm: boolean;
  /** True when what the witness shows of the log may explain it. */
  readonly isAboutTheLog: boolean;

  constructor(message: string, kind: 'trouble' | 'lie' | 'contradiction', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.isAlarm = kind !== 'trouble';
    this.isAboutTheLog = kind === 'contradiction';
  }
}

/** A witness, and the last size that it is known to have cosigned. The caller has one request under way at most. */
export class WitnessClient {
  readonly #options: WitnessClientOptions;
  readonly #prefix: string;
  #size: number | undefined;
  /** The largest that it was heard to cosign, until it has gone back behind that. */
  #cosignedSize = 0;

  constructor(options: WitnessClientOptions) {
    this.#options = options;
    this.#prefix = options.url.replace(/\/+$/, '');
  }

  /** What it cosigned last, as far as it said; undefined before its first answer. */
  get size(): number | undefined {
    return this.#size;
  }

  /**
   * Its cosignatures of this checkpoint, verified, one for each key that it signed with. WitnessError when it does not
   * cosign; what the signal aborts with, and what `prove` rejects with.
   */
  async cosign(submission: Submission, deadline: { millis: number; signal: AbortSignal }): Promise<Cosignature[]> {
    // A witness that nothing is known of has most probably seen the last head, which takes no proof to ask about.
    let oldSize = Math.min(this.#size ?? submission.size, submission.size);
    for (let changes = 0; ; changes++) {
      const proof = oldSize === 0 ? [] : await submission.prove(oldSize);
      const body = formatAddCheckpoint({ oldSize, proof, checkpoint: submission.note });
      const answer = await this.#post(body, deadline);
      if (answer.status === 200) {
        const cosignatures = await this.#opened(submission.text, answer.body);
        this.#size = submission.size;
        this.#cosignedSize = submission.size;
        return cosignatures;
      }
      if (answer.status !== 409) throw refusal(answer);
      const size = sizeIn(answer);
      this.#lookBack(size);
      if (size > submission.size) {
        throw new WitnessError(`it has cosigned size ${size}, above our ${submission.size}`, 'contradiction');
      }
      if (size === oldSize || changes === MAX_SIZE_CHANGES) {
        throw new WitnessError(`it answers 409 with size ${size} whatever it is sent`, 'lie');
      }
      this.#size = size;
      oldSize = size;
    }
  }

  /** It has cosigned that size: a line of its says so. */
  remember(size: number): void {
    this.#cosignedSize = Math.max(this.#cosignedSize, size);
  }

  /** Once for each step: what it says next is measured by what it said now. */
  #lookBack(size: number): void {
    if (size >= this.#cosignedSize) return;
    this.#options.onStepBack?.(this.#cosignedSize, size);
    this.#cosignedSize = size;
  }

  /** The checkpoint that it shows as the latest of this log: any bytes. Undefined when it shows none. */
  async shown(origin: string, deadline: { millis: number; signal: AbortSignal }): Promise<Uint8Array | undefined> {
    const hasher = this.#options.hasher ?? portableHasher;
    const url = `${this.#prefix}/${toHex(hasher.sha256(utf8(origin)))}/checkpoint`;
    const bounds = { maxBytes: MAX_NOTE_BYTES, timeoutMillis: deadline.millis, signal: deadline.signal };
    try {
      return (await boundedFetch(this.#options.fetch, url, { method: 'GET' }, bounds)).body;
    } catch (error) {
      if (isLimmatError(error)) return undefined;
      throw error;
    }
  }

  async #post(body: Uint8Array, { millis, signal }: { millis: number; signal: AbortSignal }): Promise<BoundedAnswer> {
    const url = `${this.#prefix}/add-checkpoint`;
    const init = { method: 'POST', headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: copyOf(body) };
    const bounds = { maxBytes: MAX_LINES_BYTES, timeoutMillis: millis, signal, statuses: [200, 403, 404, 409, 422] };
    const send = (): Promise<BoundedAnswer> => boundedFetch(this.#options.fetch, url, init, bounds);
    try {
      return await send().catch((error: unknown) => {
        // A connection that was kept may have been closed meanwhile. The request may be repeated; an answer that took
        // its whole time may not.
        if (!isLimmatError(error, 'network') || signal.aborted) throw error;
        return send();
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isLimmatError(error)) throw new WitnessError(error.message, 'trouble', error);
      throw error;
    }
  }

  /** The lines of known keys, all of which have to hold, and at least one. */
  async #opened(text: string, lines: Uint8Array): Promise<Cosignature[]> {
    const { verifiers, nowMillis } = this.#options;
    let note;
    try {
      note = parseNote(concat(utf8(`${text}\n`), lines));
    } catch (error) {
      throw new WitnessError(`its answer is no list of signatures: ${messageOf(error)}`, 'lie', error);
    }
    // The answer must not have moved the border between the text and the signatures.
    if (note.text !== text) throw new WitnessError('its answer is no list of signatures', 'lie');
    const found: Cosignature[] = [];
    for (const verifier of verifiers) {
      const signature = note.signatures.find(({ name, keyId }) => name === verifier.name && keyId === verifier.keyId);
      if (signature === undefined) continue;
      const timestampSeconds = await verifier.verify(note, signature);
      if (timestampSeconds === false) throw new WitnessError('its signature does not hold', 'lie');
      const aheadSeconds = timestampSeconds - nowMillis() / 1000;
      if (Math.abs(aheadSeconds) > WITNESS_CLOCK_SKEW_SECONDS) {
        const how = aheadSeconds > 0 ? 'ahead of' : 'behind';
        throw new WitnessError(
          `its cosignature's time is ${Math.round(Math.abs(aheadSeconds))} s ${how} our clock`,
          'trouble',
        );
      }
      found.push({ verifier, timestampSeconds, line: signature.line });
    }
    if (found.length === 0) throw new WitnessError('its answer has no signature of its known keys', 'lie');
    return found;
  }
}

/** What a status other than 200 and 409 means. */
function refusal({ status, body }: BoundedAnswer): WitnessError {
  const said = utf8Text(body.subarray(0, 200))
    ?.replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
  const words = said === undefined || said === '' ? '' : ` ("${said}")`;
  if (status === 422)
    return new WitnessError(`it finds our tree inconsistent with what it has seen${words}`, 'contradiction');
  if (status === 404) return new WitnessError(`it does not know this log, or is no witness (404)${words}`, 'trouble');
  return new WitnessError(`it does not know this log's keys (${status})${words}`, 'trouble');
}

/** The size in a 409. */
function sizeIn({ headers, body }: BoundedAnswer): number {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const text = utf8Text(body);
  const size = text?.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : undefined;
  if (type !== SIZE_MEDIA_TYPE || size === undefined) {
    throw new WitnessError('its 409 does not say a size in the form of tlog-witness', 'trouble');
  }
  return size;
}

/** The Fetch API wants memory that is not shared. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function messageOf(error: unknown): string {
  return error instanceof LimmatError || error instanceof Error ? error.message : String(error);
}
