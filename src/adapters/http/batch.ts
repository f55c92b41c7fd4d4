// The three forms of a batch body. The framing is judged as a whole (400); each entry in it is judged alone, so one bad
// line costs nobody else's entry anything.

import { fromBase64, readUint, utf8Text } from '../../bytes.ts';
import { CborReader } from '../../cose/cbor.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { printable } from './body.ts';
import { MAX_BATCH_ENTRIES, MAX_ENTRY_BYTES } from './limits.ts';

/** An entry of a batch, or why these bytes of the body are none. */
export type BatchItem = Uint8Array | LimmatError;

type BatchParser = (body: Uint8Array) => BatchItem[];

const PARSERS: ReadonlyMap<string, BatchParser> = new Map<string, BatchParser>([
  ['application/octet-stream', parseBundleForm],
  ['application/cbor-seq', parseCborSequence],
  ['application/x-ndjson', parseLines],
]);

/** The parser for a Content-Type header; `unsupported-media-type` names the three that there are. */
export function batchParser(contentType: string | undefined): BatchParser {
  const essence = contentType?.split(';', 1)[0]!.trim().toLowerCase();
  const parser = essence === undefined ? undefined : PARSERS.get(essence);
  if (parser !== undefined) return parser;
  throw new LimmatError(
    'unsupported-media-type',
    `content-type ${contentType === undefined ? 'is missing' : `${printable(contentType)} is not taken`}; ` +
      `send one of ${[...PARSERS.keys()].join(', ')}`,
  );
}

/** `too-many-entries` when so many are over the limit. */
function assertRoom(entries: number): void {
  if (entries < MAX_BATCH_ENTRIES) return;
  throw new LimmatError('too-many-entries', `more than the ${MAX_BATCH_ENTRIES} entries that a batch may have`, {
    details: { limit: MAX_BATCH_ENTRIES },
  });
}

/** The entry-bundle form: u16 big-endian length and bytes, repeated. Views into the body. */
export function parseBundleForm(body: Uint8Array): BatchItem[] {
  const items: BatchItem[] = [];
  let offset = 0;
  while (offset < body.length) {
    assertRoom(items.length);
    const length = offset + 2 <= body.length ? readUint(body, offset, 2)! : undefined;
    if (length === undefined || offset + 2 + length > body.length) {
      throw new LimmatError('malformed', `entry ${items.length} at byte ${offset} is cut off at the end of the body`, {
        details: { entry: items.length, offset, size: body.length },
      });
    }
    items.push(judged(body.subarray(offset + 2, offset + 2 + length)));
    offset += 2 + length;
  }
  return items;
}

/**
 * An RFC 8742 sequence of byte strings, each of definite length and with the shortest head. Views into the body. Any
 * other item refuses the whole body unread: what a tag or an array holds may cost far more to decode than to send.
 */
export function parseCborSequence(body: Uint8Array): BatchItem[] {
  const items: BatchItem[] = [];
  const reader = new CborReader(body);
  while (reader.offset < body.length) {
    assertRoom(items.length);
    const { offset } = reader;
    items.push(judged(byteStringOf(reader, items.length, offset)));
  }
  return items;
}

function byteStringOf(reader: CborReader, entry: number, offset: number): Uint8Array {
  try {
    return reader.byteString();
  } catch (cause) {
    if (!isLimmatError(cause)) throw cause;
    throw new LimmatError('malformed', `item ${entry} of the CBOR sequence is not a byte string: ${cause.message}`, {
      details: { entry, offset },
      cause,
    });
  }
}

/** One JSON string of standard base64 a line. */
export function parseLines(body: Uint8Array): BatchItem[] {
  const text = utf8Text(body);
  if (text === undefined) throw new LimmatError('malformed', 'the body is not UTF-8');
  const items: BatchItem[] = [];
  let start = 0;
  while (start < text.length) {
    assertRoom(items.length);
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    items.push(parseLine(text.slice(start, end)));
    start = end + 1;
  }
  return items;
}

function parseLine(line: string): BatchItem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return new LimmatError('malformed', 'this line is not JSON; expected one string of base64 a line');
  }
  const bytes = typeof value === 'string' ? fromBase64(value) : undefined;
  if (bytes === undefined) return new LimmatError('malformed', 'this line is not a string of standard, padded base64');
  return judged(bytes);
}

function judged(bytes: Uint8Array): BatchItem {
  if (bytes.length === 0) return new LimmatError('malformed', 'this entry is empty');
  if (bytes.length <= MAX_ENTRY_BYTES) return bytes;
  return new LimmatError(
    'entry-too-large',
    `entry of ${bytes.length} bytes is over the limit of ${MAX_ENTRY_BYTES} bytes`,
    {
      details: { size: bytes.length, limit: MAX_ENTRY_BYTES },
    },
  );
}
