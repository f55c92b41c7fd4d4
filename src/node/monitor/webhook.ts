// Alerts to an address on the web: one POST of JSON. The address is the operator's, stands on the operator's own list of
// allowed ones, and leads nowhere else: no redirect is followed, and no private address is reached unless that was said.

import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

import { LimmatError } from '../../errors.ts';
import type { Hook } from './hook.ts';
import { isPublicAddress } from './public-address.ts';

/** From the first byte that is sent to the end of the answer. */
const DEFAULT_TIMEOUT_MILLIS = 10_000;
/** Only the status counts; so much of an answer is read, so that the connection ends in order. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface WebhookOptions {
  readonly url: string;
  /** Origins (scheme, host, port) that it may be one of. */
  readonly allow: readonly string[];
  /** True: may lead to a loopback or private address. */
  readonly private?: boolean;
  readonly timeoutMillis?: number;
  /** How names are looked up; the system's way by default. */
  readonly lookupAll?: LookupAll;
}

/** Every address of a name. */
export type LookupAll = (host: string) => Promise<readonly LookupAddress[]>;

const systemLookup: LookupAll = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/** The scheme, host and port of "https://hooks.example:8443"; RangeError for anything more, or another scheme. */
export function parseWebhookOrigin(text: string): string {
  const url = webUrl(text);
  if (url !== undefined && url.origin === text.replace(/\/$/, '').toLowerCase()) return url.origin;
  throw new RangeError(`must be scheme, host and port like https://hooks.example, and is "${text}"`);
}

function webUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === '' ? url : undefined;
}

/** A webhook. `bad-config` unless its address is http or https, without credentials, and its origin on the list. */
export function webhook(options: WebhookOptions): Hook {
  const url = webUrl(options.url);
  // The text may hold a secret, so no message repeats more of it than its origin.
  if (url === undefined)
    throw new LimmatError('bad-config', 'a webhook is no http or https address without credentials');
  if (!options.allow.includes(url.origin)) {
    throw new LimmatError(
      'bad-config',
      `a webhook leads to ${url.origin}, which is not allowed: webhook-allow = ["${url.origin}"] in monitor.toml allows it`,
    );
  }
  return { name: url.origin, deliver: (message, signal) => post(url, message, options, signal) };
}

async function post(
  url: URL,
  message: string,
  options: WebhookOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = AbortSignal.timeout(options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS);
  const fail = (why: string, cause?: unknown) =>
    new LimmatError('hook-failed', `the webhook at ${url.origin} ${why}`, cause === undefined ? {} : { cause });
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (options.private !== true && isIP(host) !== 0 && !isPublicAddress(host)) throw fail(PRIVATE);
  let status: number;
  try {
    status = await exchange(url, message, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(message) },
      signal: signal === undefined ? abort : AbortSignal.any([abort, signal]),
      // A connection of its own: alerts are rare.
      agent: false,
      lookup: checkedLookup(options),
    });
  } catch (error) {
    if (abort.aborted) throw fail('took too long', error);
    throw fail(error instanceof Error ? `does not answer: ${error.message}` : 'does not answer', error);
  }
  if (status >= 300 && status < 400) throw fail(`redirects (status ${status}), which is never followed`);
  if (status < 200 || status > 299) throw fail(`answered with status ${status}`);
}

const PRIVATE = 'leads to a private address: "private = true" in its table of monitor.toml allows that';

/** Looks a name up and hands out its addresses only when every one of them may be reached. */
function checkedLookup({ private: mayBePrivate, lookupAll = systemLookup }: WebhookOptions): LookupFunction {
  return (host, { all }, callback) => {
    lookupAll(host)
      .then((addresses) => {
        const inside = addresses.find(({ address }) => mayBePrivate !== true && !isPublicAddress(address));
        if (inside !== undefined) throw new Error(PRIVATE);
        const [first] = addresses;
        if (first === undefined) throw new Error(`${host} has no address`);
        if (all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      })
      .catch((error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), '', 0));
  };
}

/** Sends the request; its status, once the answer is over. */
function exchange(url: URL, message: string, options: RequestOptions): Promise<number> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response: IncomingMessage) => {
      const { statusCode } = response;
      let length = 0;
      response.on('data', (chunk: Uint8Array) => {
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) response.destroy();
      });
      response.on('close', () => resolve(statusCode ?? 0));
      // The status has been said by then.
      response.on('error', () => undefined);
    });
    sent.on('error', reject);
    sent.end(message);
  });
}
