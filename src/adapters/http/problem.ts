// Errors as problem details (RFC 9457). One table, ERROR_STATUS, gives the status; what a client may read of an error
// is decided here and nowhere else, so that no path, key or stack of the operator's machine leaves it.

import type { ErrorCode, LimmatError } from '../../errors.ts';
import { ERROR_STATUS, asLimmatError } from '../../errors.ts';
import type { Answer } from './answer.ts';
import { OPEN_TO_ALL, bodyHeaders } from './answer.ts';

/** Codes whose message and details are made for whoever sent the request. Every other code is the server's own. */
const ANSWERED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'malformed',
  'bad-parameter',
  'body-too-large',
  'entry-too-large',
  'too-many-entries',
  'unsupported-media-type',
  'method-not-allowed',
  'unknown-key',
  'bad-signature',
  'not-permitted',
  'quota-exceeded',
  'bad-record',
  'not-admitted',
  'iat-out-of-window',
  'already-logged',
  'not-found',
  'not-published',
  'no-witnesses',
  'withheld',
  'queue-full',
  'no-checkpoint',
  'not-witnessed',
]);

/** The log's own condition: the code is public, the reason behind it (a path, a disk error) is for the operator. */
const CONDITIONS: ReadonlyMap<ErrorCode, string> = new Map<ErrorCode, string>([
  ['read-only', 'the log takes no entries at the moment; reads go on; nothing acknowledged is lost; try again later'],
  ['outcome-unknown', 'it is not known whether the entry was stored; send it again, a repeat is harmless'],
  ['shutting-down', 'the log is shutting down and takes no more entries; try again later'],
  [
    'signed-elsewhere',
    'a witness holds a checkpoint with this log’s signature that this log did not make; it signs nothing and takes no ' +
      'entries until its operator has found out why',
  ],
  ['clock-behind', 'the log signs nothing and takes no statements until its clock is right again; try again later'],
]);

const REOPENING = 'the store is being reopened after a failure; try again in a moment';

/** Seconds to wait when an error with status 503 or 429 does not say. */
const DEFAULT_RETRY_SECONDS = 2;

/** Members of a problem body that details never overwrite. */
const RESERVED: ReadonlySet<string> = new Set(['type', 'title', 'status', 'detail', 'instance', 'code']);

const TITLES: Readonly<Record<number, string>> = Object.freeze({
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
});

/** What may be told of an error: its code, a sentence, and its details beside them. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly [member: string]: string | number | boolean;
}

/** The public part of an error. A code that is not meant for clients becomes `internal` without any detail. */
export function publicError(error: LimmatError): PublicError {
  // A store that is being reopened: tiles are read meanwhile, its index and archive are not.
  if (error.code === 'store-failed') return { code: 'read-only', detail: REOPENING };
  const condition = CONDITIONS.get(error.code);
  if (condition !== undefined) return { code: error.code, detail: condition };
  if (!ANSWERED.has(error.code)) {
    return { code: 'internal', detail: 'the server failed; its operator finds the reason under the request id' };
  }
  const details = Object.entries(error.details).filter(([name]) => !RESERVED.has(name));
  return { code: error.code, detail: error.message, ...Object.fromEntries(details) };
}

/**
 * The answer for any thrown value:
 *
 *     {"type": "urn:limmat:error:queue-full", "title": "Service Unavailable", "status": 503, "code": "queue-full",
 *      "detail": "…", "instance": "urn:limmat:request:4f1c-2a"}
 *
 * Details of the error stand beside these members. Status 503 and 429 always carry Retry-After.
 */
export function problemOf(thrown: unknown, requestId?: string): Answer {
  const error = asLimmatError(thrown);
  const shown = publicError(error);
  const status = ERROR_STATUS[shown.code];
  const body = {
    type: `urn:limmat:error:${shown.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    ...shown,
    ...(requestId === undefined ? {} : { instance: `urn:limmat:request:${requestId}` }),
  };
  // A browser page of another origin reads why it was refused; there is nothing secret in a public error.
  const headers = { ...bodyHeaders('application/problem+json', 'momentary'), ...OPEN_TO_ALL };
  if (status === 503 || status === 429)
    headers['Retry-After'] = String(error.retryAfterSeconds ?? DEFAULT_RETRY_SECONDS);
  if (typeof error.details['allow'] === 'string' && status === 405) headers['Allow'] = error.details['allow'];
  return { status, headers, body: `${JSON.stringify(body)}\n` };
}
