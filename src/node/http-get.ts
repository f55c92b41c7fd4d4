// One GET, or a question that is sent with POST, by node:http: what the client's reader asks for with fetch elsewhere, at half the cost of a request, which is
// what reading a whole log consists of. Redirects are not followed and compressed bodies are not asked for.

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

import { parseDecimal } from '../bytes.ts';
import { statusError, tooLong, tooSlow, unreadable } from '../client/bounded-fetch.ts';
import type { RequestBounds } from '../client/bounded-fetch.ts';
import type { Get } from '../client/http-reader.ts';
import { LimmatError } from '../errors.ts';

/** Connections to one server that are kept for the next request. */
const MAX_IDLE_CONNECTIONS = 32;

/** A Get with connections of its own, which it keeps; they do not keep the process alive. */
export function nodeGet(): Get {
  const kept = { keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS };
  const http = new HttpAgent(kept);
  const https = new HttpsAgent(kept);
  const send = (url: string, question: string | undefined): ClientRequest => {
    const method = question === undefined ? 'GET' : 'POST';
    const asking = question === undefined ? {} : { 'Content-Type': 'text/plain' };
    const headers = { 'Accept-Encoding': 'identity', ...asking };
    const request = url.startsWith('https:')
      ? httpsRequest(url, { method, agent: https, headers })
      : httpRequest(url, { method, agent: http, headers });
    // What is given to end() has its length declared.
    request.end(question);
    return request;
  };
  return (url, bounds, question) =>
    new Promise((resolve, reject) => {
      const { signal, timeoutMillis } = bounds;
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      let request: ClientRequest;
      let isOver = false;
      const stop = (reason: unknown): void => {
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        reject(reason);
        // Ends what is under way; a connection with an unread body cannot be used again.
        request.destroy();
      };
      const onAbort = (): void => stop(signal?.reason);
      const timer = setTimeout(() => stop(tooSlow(url, bounds)), timeoutMillis);
      signal?.addEventListener('abort', onAbort, { once: true });
      const start = (isRetry: boolean): void => {
        request = send(url, question);
        request.on('error', (error) => {
          // What was given up on ends as a reset too, and is not asked for again.
          if (isOver) return;
          // The server had closed a connection that was kept: that says nothing about it.
          if (!isRetry && request.reusedSocket && isReset(error)) start(true);
          else stop(unreadable(url, error));
        });
        request.on('response', (response) => {
          receive(url, response, bounds).then((bytes) => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', onAbort);
            resolve(bytes);
          }, stop);
        });
      };
      start(false);
    });
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function receive(url: string, response: IncomingMessage, bounds: RequestBounds): Promise<Uint8Array> {
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) return Promise.reject(statusError(url, statusCode, headers['retry-after']));
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    return Promise.reject(new LimmatError('bad-response', `${url} is compressed, which was not asked for`));
  }
  const declared = parseDecimal(headers['content-length'] ?? '');
  if (declared !== undefined && declared > bounds.maxBytes) return Promise.reject(tooLong(url, bounds.maxBytes));
  return new Promise((resolve, reject) => {
    // The server's word about the length is within the bound, so room for it can be made at once.
    const whole = declared === undefined ? undefined : new Uint8Array(declared);
    const chunks: Uint8Array[] = [];
    let length = 0;
    response.on('data', (chunk: Uint8Array) => {
      if (length + chunk.length > bounds.maxBytes) {
        reject(tooLong(url, bounds.maxBytes));
        return;
      }
      if (whole === undefined) chunks.push(chunk);
      else whole.set(chunk, length);
      length += chunk.length;
    });
    response.on('error', (error) => reject(unreadable(url, error)));
    response.on('aborted', () => reject(unreadable(url, new Error('the connection closed before the body ended'))));
    response.on('end', () => {
      const bytes = whole ?? Buffer.concat(chunks, length);
      resolve(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    });
  });
}
