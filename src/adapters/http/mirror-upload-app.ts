// The writes of a mirror (C2SP tlog-mirror): add-checkpoint and add-entries, with every status of the text. What is refused
// and why is decided in mirror/; here are statuses, limits and time.

import type { Context } from 'hono';
import type { ErrorCode } from '../../errors.ts';
import { asLimmatError, LimmatError } from '../../errors.ts';
import { addCheckpoint } from '../../mirror/add-checkpoint.ts';
import { BodyReader } from '../../mirror/body-reader.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { MIRROR_INFO_MEDIA_TYPE, addEntries, formatMirrorInfo } from '../../mirror/upload.ts';
import { MAX_ADD_CHECKPOINT_BYTES, SIZE_MEDIA_TYPE } from '../../note/add-checkpoint.ts';
import type { Answer } from './answer.ts';
import { bodyHeaders, textAnswer } from './answer.ts';
import type { App, AppEnv, RequestHandler } from './app.ts';
import { newApp, onWrite } from './app.ts';
import { BodyBudget } from './body-budget.ts';
import { bodyLimit, printable } from './body.ts';
import { NO_QUERY, queryOf } from './parameters.ts';
import { problemOf } from './problem.ts';
import { RateLimit, sourceOfAddress } from './rate-limit.ts';
import { withTimedBody } from './timed-body.ts';

export interface MirrorUploadOptions {
  /** Who sent a request, for the limits alone: an address. Default: everybody is one source. */
  readonly sourceOf?: (c: Context<AppEnv>) => string;
  /** How long a checkpoint, or the next piece of entries, may take to arrive, in milliseconds. */
  readonly bodyMillis?: number;
  /** How long a whole upload may take; then its sender is told where to go on. */
  readonly uploadMillis?: number;
  /** Monotonic milliseconds; default performance.now. */
  readonly monotonicMillis?: () => number;
}

const DEFAULT_BODY_MILLIS = 10_000;
/** Below the two minutes that a Node server gives a request. */
const DEFAULT_UPLOAD_MILLIS = 90_000;
/** Uploads at one time: each holds a package (16 MiB of the largest entries) twice, and what one commit writes. */
const MAX_UPLOADS = 8;
const MAX_UPLOADS_A_SOURCE = 3;
const CHECKPOINT_BUDGET_BYTES = 64 * MAX_ADD_CHECKPOINT_BYTES;
/** A log that publishes every second sends a checkpoint and its entries every second. */
const RATES = { burst: 60, perSecond: 10, totalBurst: 600, totalPerSecond: 200, sources: 4096 };

/** The statuses of the text, by what mirror/ throws. Others are problems of the server, and keep their own. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  malformed: 400,
  'bad-signature': 403,
  fork: 403,
  'unknown-log': 404,
  'no-checkpoint': 422,
  'bad-proof': 422,
};

const CHECKPOINT_LIMIT = bodyLimit('body-too-large', MAX_ADD_CHECKPOINT_BYTES);

/** POST /add-checkpoint and /add-entries, to be mounted at the mirror's submission prefix. */
export function mirrorUploadApp(mirror: Mirror, options: MirrorUploadOptions = {}): App {
  const app = newApp();
  const { sourceOf = () => '', bodyMillis = DEFAULT_BODY_MILLIS, uploadMillis = DEFAULT_UPLOAD_MILLIS } = options;
  const now = options.monotonicMillis ?? (() => performance.now());
  const rate = new RateLimit({ ...RATES, monotonicMillis: now });
  const budget = new BodyBudget(CHECKPOINT_BUDGET_BYTES);
  const uploads = new Uploads();

  onWrite(
    app,
    '/add-checkpoint',
    answered(async (c) => {
      queryOf(c.req, NO_QUERY);
      rate.take(sourceOfAddress(sourceOf(c)));
      return withTimedBody(c.req.raw, { limit: CHECKPOINT_LIMIT, millis: bodyMillis, budget }, async (body) => {
        const outcome = await addCheckpoint(mirror, body);
        // The mirror's word comes with the entries, so there is nothing to say here.
        if (outcome.kind === 'pending') return textAnswer('', 'momentary');
        return { status: 409, headers: bodyHeaders(SIZE_MEDIA_TYPE, 'momentary'), body: `${outcome.size}\n` };
      });
    }),
  );

  onWrite(app, '/add-entries', async (c) => {
    const answer = await answered(async () => {
      queryOf(c.req, NO_QUERY);
      const source = sourceOfAddress(sourceOf(c));
      rate.take(source);
      return uploads.run(source, async () => {
        const body = timedBody(entryStream(c.req.raw), { bodyMillis, deadline: now() + uploadMillis, now });
        try {
          const outcome = await addEntries(mirror, new BodyReader(body.next));
          if (outcome.kind === 'done') return textAnswer(outcome.lines, 'momentary');
          return {
            status: outcome.kind === 'partial' ? 202 : 409,
            headers: bodyHeaders(MIRROR_INFO_MEDIA_TYPE, 'momentary'),
            body: formatMirrorInfo(outcome),
          };
        } finally {
          body.cancel();
        }
      });
    })(c);
    return { ...answer, headers: { ...answer.headers, 'Accept-Encoding': 'gzip, identity' } };
  });
  return app;
}

/** Answers what the text has a status for; what else is thrown is the frame's business. */
function answered(handler: RequestHandler): (c: Context<AppEnv>) => Promise<Answer> {
  return async (c) => {
    try {
      return await handler(c);
    } catch (thrown) {
      const error = asLimmatError(thrown);
      const status = STATUS[error.code];
      if (status === undefined) return problemOf(error, c.get('requestId'));
      return { status, headers: bodyHeaders('text/plain; charset=utf-8', 'momentary'), body: `${error.message}\n` };
    }
  };
}

/** The body as entries are in it. `unsupported-media-type` for another type, and for a compression that is not gzip. */
function entryStream(request: Request): ReadableStream<Uint8Array> {
  const type = request.headers.get('content-type') ?? '';
  if (type.split(';', 1)[0]!.trim().toLowerCase() !== 'application/octet-stream') {
    throw new LimmatError(
      'unsupported-media-type',
      `entries come as application/octet-stream, not as ${printable(type)}`,
    );
  }
  const coding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  const body: ReadableStream<Uint8Array<ArrayBuffer>> =
    request.body ?? new ReadableStream({ start: (controller) => controller.close() });
  if (coding === 'identity' || coding === '') return body;
  if (coding === 'gzip' || coding === 'x-gzip') return body.pipeThrough(new DecompressionStream('gzip'));
  throw new LimmatError('unsupported-media-type', `content-encoding ${printable(coding)} is not taken: gzip is`);
}

/** Chunks of a stream, as long as they come in time. A stream that is late, or breaks off, has ended. */
function timedBody(
  stream: ReadableStream<Uint8Array>,
  { bodyMillis, deadline, now }: { readonly bodyMillis: number; readonly deadline: number; readonly now: () => number },
): { readonly next: () => Promise<Uint8Array | undefined>; readonly cancel: () => void } {
  const reader = stream.getReader();
  return {
    next: async () => {
      // Of a read and a timer that are both due the read wins: a sender who always has a little more would never be late.
      if (now() >= deadline) return undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.max(0, Math.min(bodyMillis, deadline - now())));
      });
      try {
        const read = reader.read().then(
          ({ value }) => value,
          () => undefined,
        );
        return await Promise.race([read, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    // Not awaited: the sender may never let go of its end.
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}

/** Uploads that are under way, so that nobody keeps the others out. */
class Uploads {
  readonly #bySource = new Map<string, number>();
  #all = 0;

  async run<T>(source: string, task: () => Promise<T>): Promise<T> {
    const own = this.#bySource.get(source) ?? 0;
    if (own >= MAX_UPLOADS_A_SOURCE || this.#all >= MAX_UPLOADS) {
      throw new LimmatError(
        'queue-full',
        `${own} uploads from here and ${this.#all} in all are under way; send it again later`,
        {
          retryAfterSeconds: 1,
        },
      );
    }
    this.#bySource.set(source, own + 1);
    this.#all++;
    try {
      return await task();
    } finally {
      this.#all--;
      const left = this.#bySource.get(source)! - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    }
  }
}
