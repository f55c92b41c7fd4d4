// The writing side of a running log, as tools use it: /add, batches, and what the log says of itself. Its problem answers
// become the errors that they were there.

import * as v from 'valibot';

import { utf8Text } from '../../src/bytes.ts';
import { ERROR_STATUS, LimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';

/** Above what a log waits before it answers 202 (20 s). */
const TIMEOUT_MILLIS = 60_000;
/** A proof file at its largest is 350 kB, the answer to a batch of 4,096 about 500 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Why the rules refuse an entry (docs/admission.md). */
const REFUSAL = {
  rule: v.optional(v.string()),
  field: v.optional(v.string()),
  found: v.optional(v.string()),
  expected: v.optional(v.string()),
};
const PROBLEM = v.object({ code: v.string(), detail: v.optional(v.string()), ...REFUSAL });
const ACCEPTED = v.object({ index: v.number() });
const BATCH_LINE = v.union([
  v.object({ index: v.number(), leafHash: v.string(), duplicate: v.optional(v.boolean()) }),
  v.object({
    code: v.string(),
    detail: v.optional(v.string()),
    message: v.optional(v.string()),
    ...REFUSAL,
  }),
]);
const LOG = v.object({ origin: v.string(), size: v.number(), admission: v.string() });

/** An entry's durable index, and its proof file once it is published. */
export interface Added {
  readonly index: number;
  readonly proof: Uint8Array | undefined;
}

/** What a batch says of one entry. */
export type BatchResult = { readonly index: number; readonly duplicate: boolean } | { readonly error: LimmatError };

/** What an append waits for (DESIGN §4): its index, or its proof file, or that with a quorum of witnesses. */
export type WaitLevel = 'sequenced' | 'published' | 'witnessed';

/** Appends one entry; unless `sequenced` waits for its proof file, as long as the log is willing to. */
export async function addToLog(url: string, entry: Uint8Array, wait: WaitLevel): Promise<Added> {
  const { status, body } = await send(`${url}/add?wait=${wait}`, { method: 'POST', body: bodyOf(entry) });
  if (status === 202) return { index: parsed(ACCEPTED, jsonOf(body), url).index, proof: undefined };
  if (wait !== 'sequenced') return { index: parseTlogProof(body).index, proof: body };
  const index = Number(utf8Text(body));
  if (Number.isSafeInteger(index)) return { index, proof: undefined };
  throw badResponse(url);
}

/** Appends entries, each judged alone; results in order. Errors are those that concern the whole request. */
export async function addBatchToLog(url: string, entries: readonly Uint8Array[]): Promise<readonly BatchResult[]> {
  const framed = frameEntries(entries);
  const { body } = await send(`${url}/api/v1/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: bodyOf(framed),
  });
  const lines = (utf8Text(body) ?? '').trimEnd().split('\n');
  if (lines.length !== entries.length) throw badResponse(url);
  return lines.map((line) => {
    const result = parsed(BATCH_LINE, jsonOf(line), url);
    if ('index' in result) return { index: result.index, duplicate: result.duplicate === true };
    const { code, detail, message } = result;
    return { error: new LimmatError(knownCode(code), detail ?? message ?? code, { details: refusalIn(result) }) };
  });
}

/** Entries in the entry-bundle form: u16 length and bytes, repeated (tlog-tiles). */
export function frameEntries(entries: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  const view = new DataView(out.buffer);
  let offset = 0;
  for (const entry of entries) {
    view.setUint16(offset, entry.length);
    out.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return out;
}

/** What the log at this address is. */
export async function describeLog(url: string): Promise<v.InferOutput<typeof LOG>> {
  const { body } = await send(`${url}/api/v1/log`, {});
  return parsed(LOG, jsonOf(body), url);
}

/** What a read of the log's own API answers, as this schema has it. */
export async function readFromLog<T extends v.GenericSchema>(url: string, schema: T): Promise<v.InferOutput<T>> {
  const { body } = await send(url, {});
  return parsed(schema, jsonOf(body), url);
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  let body: Uint8Array;
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
    body = await readBounded(response, url);
  } catch (error) {
    if (error instanceof LimmatError) throw error;
    const { origin } = new URL(url);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LimmatError('network', `no log answers at ${origin} (${why}): is it running, and is --url right?`, {
      cause: error,
    });
  }
  if (response.ok) return { status: response.status, body };
  const problem = v.safeParse(PROBLEM, jsonOf(body));
  if (!problem.success) throw new LimmatError('bad-response', `${url} answered with status ${response.status}`);
  const { code, detail } = problem.output;
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new LimmatError(knownCode(code), detail ?? code, {
    // A code that is not known here still says by it whether trying again can help.
    details: { status: response.status, ...refusalIn(problem.output) },
    ...(Number.isFinite(retryAfter) && { retryAfterSeconds: retryAfter }),
  });
}

/** Rule, field and both values, as far as the log says them. */
function refusalIn(said: { readonly [F in keyof typeof REFUSAL]?: string | undefined }): Record<string, string> {
  const names = ['rule', 'field', 'found', 'expected'] as const;
  return Object.fromEntries(names.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]]])));
}

async function readBounded(response: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES)
      throw new LimmatError('bad-response', `${url} answers with more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** True for a code of this version. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}

/** A code that this version does not know is some refusal all the same. */
function knownCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : 'bad-response';
}

function jsonOf(body: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : (utf8Text(body) ?? ''));
  } catch {
    return undefined;
  }
}

function parsed<T extends v.GenericSchema>(schema: T, value: unknown, url: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (!result.success) throw badResponse(url);
  return result.output;
}

function badResponse(url: string): LimmatError {
  return new LimmatError('bad-response', `${url} does not answer as a limmat log does`);
}

/** fetch's types want memory that is not shared; what tools send never is. */
function bodyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
