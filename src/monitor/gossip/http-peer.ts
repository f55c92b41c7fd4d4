// Calls peers over HTTP. The only URLs are those of the configuration; redirects are not followed; answers are bounded in
// bytes, after any decompression, and in time.

import { utf8Text } from '../../bytes.ts';
import { boundedFetch } from '../../client/bounded-fetch.ts';
import type { BoundedAnswer, Fetch } from '../../client/bounded-fetch.ts';
import { LimmatError } from '../../errors.ts';
import { ANSWER_HEADER, REQUEST_HEADER, REQUEST_SCHEME } from './credential.ts';
import type { Peer } from './peer.ts';
import type { PeerAnswer, PeerRequest, PeerSend } from './protocol.ts';

export interface HttpPeerOptions {
  readonly fetch?: Fetch;
  /** Milliseconds for one request, from sending it to the last byte of its answer. */
  readonly timeoutMillis?: number;
  /** Ends every request when it aborts. */
  readonly signal?: AbortSignal;
}

/** 512 KiB at 200 kbit/s, with the time that a peer takes to verify what it was sent. */
const DEFAULT_TIMEOUT_MILLIS = 30_000;

/** Statuses of which the body is read: those of the protocol, and the refusals that say why. */
const STATUSES: readonly number[] = [200, 204, 400, 403, 404, 413, 415, 500, 503];

/** Sends requests with fetch. Errors: as PeerSend says. */
export function httpPeerSend(options: HttpPeerOptions = {}): PeerSend {
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const { timeoutMillis = DEFAULT_TIMEOUT_MILLIS, signal } = options;
  return async (peer, request, maxBytes) => {
    if (peer.url === undefined) throw new RangeError(`peer ${peer.id} has no URL`);
    const url = peer.url + request.path.slice(1);
    const answer = await boundedFetch(send, url, initOf(request), {
      maxBytes,
      timeoutMillis,
      signal,
      statuses: STATUSES,
    });
    return answerOf(peer, answer);
  };
}

function initOf({ method, credential, body }: PeerRequest): RequestInit {
  const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
  if (credential !== undefined) headers[REQUEST_HEADER] = `${REQUEST_SCHEME} ${credential}`;
  if (method === 'GET') return { method, headers };
  headers['Content-Type'] = 'application/json';
  return { method, headers, body: new Uint8Array(body) };
}

function answerOf(peer: Peer, { status, headers, body }: BoundedAnswer): PeerAnswer {
  if (status === 200 || status === 204) {
    return { status, body, credential: headers.get(ANSWER_HEADER) ?? undefined };
  }
  const said = detailOf(body);
  throw new LimmatError('bad-response', `${peer.id} refused with status ${status}${said === '' ? '' : `: ${said}`}`, {
    details: { status },
  });
}

/** What the problem body of a refusal says, as it may stand in a message: short, printable ASCII. */
function detailOf(body: Uint8Array): string {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(body.subarray(0, 4096)) ?? '');
  } catch {
    return '';
  }
  if (typeof value !== 'object' || value === null || !('detail' in value)) return '';
  const { detail } = value;
  return typeof detail === 'string' ? detail.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?') : '';
}
