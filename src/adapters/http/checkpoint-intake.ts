// What stands before a witness's add-checkpoint, however it is served: limits while reading, how often a source may ask, and
// the answer by the specification's status (C2SP tlog-witness). What is answered is the witness's business.

import { MAX_ADD_CHECKPOINT_BYTES, SIZE_MEDIA_TYPE } from '../../note/add-checkpoint.ts';
import type { Witness, WitnessAnswer } from '../../witness/witness.ts';
import { bodyHeaders } from './answer.ts';
import type { Answer } from './answer.ts';
import { BodyBudget } from './body-budget.ts';
import { bodyLimit } from './body.ts';
import { RateLimit, sourceOfAddress } from './rate-limit.ts';

export interface CheckpointIntakeOptions {
  /** How long a body may take to arrive, in milliseconds. */
  readonly bodyMillis?: number;
  /** Requests a second of one source, and of one source about one log; ten times as many at once. */
  readonly perSource?: number;
  readonly perLog?: number;
  /** Called with the status of every add-checkpoint that was decided. */
  readonly onAnswer?: (status: WitnessAnswer['status']) => void;
  /** Monotonic milliseconds, for the rate limit; default performance.now. */
  readonly monotonicMillis?: () => number;
}

/** The largest request in this time is a modem's speed. */
const DEFAULT_BODY_MILLIS = 10_000;
/** Bodies of all requests together: 128 of the largest, and 10,000 as they are. */
const BUDGET_BYTES = 128 * MAX_ADD_CHECKPOINT_BYTES;
/** A log that publishes every second, with retries; and a host of a hundred such logs. */
export const DEFAULT_PER_LOG = 5;
export const DEFAULT_PER_SOURCE = 200;
const SOURCES = 16_384;
/** Everybody together: more than a machine answers, so that it is each source's own share that counts. */
const TOTAL = 20_000;

export const CHECKPOINT_PATH = '/add-checkpoint';
const TEXT = bodyHeaders('text/plain; charset=utf-8', 'momentary');
const SIZE = bodyHeaders(SIZE_MEDIA_TYPE, 'momentary');

/** One for a witness: all ways to its add-checkpoint share its limits. */
export class CheckpointIntake {
  readonly limit = bodyLimit('body-too-large', MAX_ADD_CHECKPOINT_BYTES);
  readonly budget = new BodyBudget(BUDGET_BYTES);
  /** How long a body may take to arrive. */
  readonly millis: number;
  readonly #witness: Pick<Witness, 'addCheckpoint'>;
  readonly #bySource: RateLimit;
  readonly #byLog: RateLimit;
  readonly #onAnswer: CheckpointIntakeOptions['onAnswer'];

  constructor(witness: Pick<Witness, 'addCheckpoint'>, options: CheckpointIntakeOptions = {}) {
    this.#witness = witness;
    this.millis = options.bodyMillis ?? DEFAULT_BODY_MILLIS;
    this.#bySource = rateLimit(options.perSource ?? DEFAULT_PER_SOURCE, options);
    this.#byLog = rateLimit(options.perLog ?? DEFAULT_PER_LOG, options);
    this.#onAnswer = options.onAnswer;
  }

  /**
   * Counts one request, a read too, or as many as it costs, and gives its source. `queue-full`, with the seconds to wait,
   * when it came too soon.
   */
  take(address: string, cost?: number): string {
    const source = sourceOfAddress(address);
    this.#bySource.take(source, cost);
    return source;
  }

  /** The answer to a body of that source. Throws what is the witness's own trouble, and `queue-full`. */
  async answer(body: Uint8Array, source: string): Promise<Answer> {
    // Of one source alone: who repeats what a log has signed must not keep the log itself out.
    const admit = (origin: string): void => this.#byLog.take(`${source} ${origin}`);
    const answer = await this.#witness.addCheckpoint(body, admit);
    this.#onAnswer?.(answer.status);
    return answerOf(answer);
  }
}

function answerOf(answer: WitnessAnswer): Answer {
  if (answer.status === 200) return { status: 200, headers: TEXT, body: answer.lines };
  if (answer.status === 409) return { status: 409, headers: SIZE, body: `${answer.size}\n` };
  const { status, reason } = answer;
  // A reason may quote what was sent: printable, and short.
  return { status, headers: TEXT, body: `${reason.slice(0, 500).replaceAll(/[^\x20-\x7e]/gu, '?')}\n` };
}

function rateLimit(perSecond: number, { monotonicMillis }: CheckpointIntakeOptions): RateLimit {
  return new RateLimit({
    burst: 10 * perSecond,
    perSecond,
    totalBurst: TOTAL,
    totalPerSecond: TOTAL,
    sources: SOURCES,
    ...(monotonicMillis !== undefined && { monotonicMillis }),
  });
}
