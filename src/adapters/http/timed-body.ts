// Request bodies of strangers, bounded in bytes and in time while they are read: who sends a byte a minute is cut off.

import { readToEnd } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { BodyBudget } from './body-budget.ts';
import { declaredLength } from './body.ts';
import type { BodyLimit } from './body.ts';

/**
 * Reads a body within so many milliseconds, holding room for it until `use` is done. Errors: those of declaredLength, the
 * limit's, `queue-full`, `malformed` when the time is over, and what `use` throws.
 */
export async function withTimedBody<T>(
  request: Request,
  bounds: { readonly limit: BodyLimit; readonly millis: number; readonly budget: BodyBudget },
  use: (body: Uint8Array) => Promise<T>,
): Promise<T> {
  const { limit, millis, budget } = bounds;
  const room = declaredLength(request, limit) ?? limit.bytes;
  budget.reserve(room);
  try {
    return await use(request.body === null ? new Uint8Array(0) : await readWithin(request.body, limit, millis));
  } finally {
    budget.release(room);
  }
}

async function readWithin(stream: ReadableStream<Uint8Array>, limit: BodyLimit, millis: number): Promise<Uint8Array> {
  const reader = stream.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(tooSlow(millis));
    }, millis);
  });
  try {
    const all = readToEnd(reader, (length) => {
      if (length > limit.bytes) throw limit.error(undefined);
    });
    return await Promise.race([all, late]);
  } catch (error) {
    // Not awaited: the sender may never let go of its end.
    reader.cancel().catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The error of a body that takes too long. */
export function tooSlow(millis: number): LimmatError {
  return new LimmatError('malformed', `the body did not arrive within ${millis} ms`);
}
