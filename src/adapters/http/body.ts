// Request bodies, bounded while they are read: a sender that promises or sends more than the limit is cut off there.

import { LimmatError } from '../../errors.ts';
import { parseDecimal, readToEnd } from '../../bytes.ts';

/** The limit, in bytes, and the error that says it was passed; `size` is undefined where the sender gave none. */
export interface BodyLimit {
  readonly bytes: number;
  readonly error: (size: number | undefined) => LimmatError;
}

/** A limit that answers with `code` and both numbers. */
export function bodyLimit(code: 'body-too-large' | 'entry-too-large', bytes: number): BodyLimit {
  const thing = code === 'entry-too-large' ? 'entry' : 'body';
  return Object.freeze({
    bytes,
    error: (size: number | undefined) =>
      new LimmatError(code, `${thing} of ${size ?? `more than ${bytes}`} bytes is over the limit of ${bytes} bytes`, {
        details: size === undefined ? { limit: bytes } : { size, limit: bytes },
      }),
  });
}

/**
 * The declared length of a body, or undefined where none is declared. Throws the limit's error when it is over the limit,
 * and `unsupported-media-type` when the body is compressed: the bytes that count are the ones that were sent.
 */
export function declaredLength(request: Request, limit: BodyLimit): number | undefined {
  const coding = request.headers.get('content-encoding');
  if (coding !== null && coding.toLowerCase() !== 'identity') {
    throw new LimmatError(
      'unsupported-media-type',
      `content-encoding ${printable(coding)} is not taken; send the body as it is`,
    );
  }
  const header = request.headers.get('content-length');
  const declared = header === null ? undefined : parseDecimal(header);
  if (declared !== undefined && declared > limit.bytes) throw limit.error(declared);
  return declared;
}

/** The whole body. Errors: those of `declaredLength`, and the limit's as soon as the received length passes the limit. */
export async function readBody(request: Request, limit: BodyLimit): Promise<Uint8Array> {
  if (declaredLength(request, limit) !== undefined) {
    // An HTTP server delivers no more than the declared length, so this is bounded, and faster than a stream.
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > limit.bytes) throw limit.error(bytes.length);
    return bytes;
  }
  return request.body === null ? new Uint8Array(0) : readStream(request.body, limit);
}

async function readStream(stream: ReadableStream<Uint8Array>, limit: BodyLimit): Promise<Uint8Array> {
  const reader = stream.getReader();
  return readToEnd(reader, (length) => {
    if (length <= limit.bytes) return;
    // Not awaited: the sender may never let go of its end.
    reader.cancel().catch(() => undefined);
    throw limit.error(undefined);
  });
}

/** A piece of a request as it may stand in a message: short, and printable ASCII only. */
export function printable(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(short.replaceAll(/[^\x20-\x7e…]/gu, '?'));
}
