// Sends alerts to hooks, at least once. A hook that fails is tried a few times at once and then left alone for a while,
// longer each time, so that one dead address does not hold up watching; who keeps the alerts asks again.

import { LimmatError, asLimmatError } from '../../errors.ts';
import type { Hook } from './hook.ts';

/** Pauses between the tries of one message: a restart of the other side, no more. */
const RETRY_MILLIS: readonly number[] = [1_000, 4_000];
/** After these tries a hook rests, from half a minute to ten. */
const FIRST_REST_MILLIS = 30_000;
const LONGEST_REST_MILLIS = 600_000;
/** What was delivered by one hook while another failed is remembered for so many messages. */
const MAX_REMEMBERED = 1_000;

/** A message, and what tells it from every other one: the receiver may get it twice, with the same id. */
export interface Message {
  readonly id: string;
  readonly text: string;
}

export interface NotifierOptions {
  readonly hooks: readonly Hook[];
  readonly monotonicMillis?: () => number;
  /** Resolves after so long, or when the signal aborts. */
  readonly sleep: (millis: number, signal: AbortSignal | undefined) => Promise<void>;
  /** A number in [0, 1): pauses are spread, so that many monitors do not ask at once. */
  readonly random?: () => number;
  readonly onDelivered?: (hook: Hook) => void;
  readonly onFailed?: (hook: Hook, error: LimmatError) => void;
}

/** Sends to every hook; `hook-failed` when one of them did not take the message, which then has to be sent again. */
export type Notifier = (message: Message, signal?: AbortSignal) => Promise<void>;

/** What is known of one hook. */
interface Line {
  readonly hook: Hook;
  readonly delivered: Set<string>;
  restUntilMillis: number;
  restMillis: number;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { sleep, random = Math.random } = options;
  const now = options.monotonicMillis ?? (() => performance.now());
  const lines: readonly Line[] = options.hooks.map((hook) => ({
    hook,
    delivered: new Set(),
    restUntilMillis: -Infinity,
    restMillis: 0,
  }));
  const spread = (millis: number): number => millis * (0.75 + random() / 2);

  async function deliver(line: Line, message: Message, signal: AbortSignal | undefined): Promise<void> {
    const { hook, delivered } = line;
    if (delivered.has(message.id)) return;
    if (now() < line.restUntilMillis) {
      const seconds = Math.ceil((line.restUntilMillis - now()) / 1000);
      throw new LimmatError('hook-failed', `${hook.name} failed before and is tried again in ${seconds} s`);
    }
    for (let tried = 0; ; tried++) {
      try {
        await hook.deliver(message.text, signal);
        break;
      } catch (thrown) {
        const error = asLimmatError(thrown);
        // Cut short: that says nothing about the hook.
        if (signal?.aborted === true) throw error;
        const pause = RETRY_MILLIS[tried];
        if (pause === undefined) {
          line.restMillis = Math.min(Math.max(2 * line.restMillis, FIRST_REST_MILLIS), LONGEST_REST_MILLIS);
          line.restUntilMillis = now() + spread(line.restMillis);
          options.onFailed?.(hook, error);
          throw error;
        }
        await sleep(spread(pause), signal);
      }
    }
    line.restMillis = 0;
    if (delivered.size >= MAX_REMEMBERED) delivered.clear();
    delivered.add(message.id);
    options.onDelivered?.(hook);
  }

  return async (message, signal) => {
    const outcomes = await Promise.allSettled(lines.map((line) => deliver(line, message, signal)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
}
