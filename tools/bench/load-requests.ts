// The request bytes of a job. A source gives each connection its next request; a connection's buffer is used again
// only after its answer came, so changing a few bytes in place is safe and nothing is allocated under load.

import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LoadRequests } from './load-job.ts';

/** The next request for a connection, or undefined when there are no more. */
export type RequestSource = (connection: number) => Uint8Array | undefined;

export interface PreparedRequests {
  readonly next: RequestSource;
  /** Entries that one request carries. */
  readonly entriesPerRequest: number;
  /** Answers are searched for refused entries. */
  readonly isBatch: boolean;
}

function head(method: string, path: string, bodyLength?: number, type?: string): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1'];
  if (type !== undefined) lines.push(`Content-Type: ${type}`);
  if (bodyLength !== undefined) lines.push(`Content-Length: ${bodyLength}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function counted(
  connections: number,
  path: string,
  entrySize: number,
  perRequest: number,
  prefixed: boolean,
  seed: number,
): RequestSource {
  if (entrySize < 8) throw new RangeError(`entry size ${entrySize} is below 8: the counter needs 8 bytes`);
  const stride = entrySize + (prefixed ? 2 : 0);
  const header = head('POST', path, stride * perRequest, 'application/octet-stream');
  const buffers = Array.from({ length: connections }, () => {
    const buffer = Buffer.allocUnsafe(header.length + stride * perRequest);
    randomFillSync(buffer);
    header.copy(buffer);
    if (prefixed) for (let i = 0; i < perRequest; i++) buffer.writeUInt16BE(entrySize, header.length + i * stride);
    return buffer;
  });
  let counter = 0;
  return (connection) => {
    const buffer = buffers[connection]!;
    for (let i = 0; i < perRequest; i++) {
      const at = header.length + i * stride + stride - 8;
      buffer.writeUInt32BE(seed, at);
      buffer.writeUInt32BE(counter, at + 4);
      counter += 1;
    }
    return buffer;
  };
}

function bodies(file: string): RequestSource {
  const bytes = readFileSync(file);
  const requests: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32BE(offset);
    const body = bytes.subarray(offset + 4, offset + 4 + length);
    requests.push(Buffer.concat([head('POST', '/api/v1/batch', length, 'application/octet-stream'), body]));
    offset += 4 + length;
  }
  let next = 0;
  return () => requests[next++];
}

function posts(file: string, path: string, connections: number): RequestSource {
  const bytes = readFileSync(file);
  const queues = Array.from({ length: connections }, (): Buffer[] => []);
  for (let offset = 0; offset < bytes.length;) {
    const connection = bytes.readUInt32BE(offset);
    const length = bytes.readUInt32BE(offset + 4);
    const body = bytes.subarray(offset + 8, offset + 8 + length);
    queues[connection]!.push(Buffer.concat([head('POST', path, length, 'application/octet-stream'), body]));
    offset += 8 + length;
  }
  const places = queues.map(() => 0);
  return (connection) => queues[connection]![places[connection]!++];
}

function paths(file: string, connections: number): RequestSource {
  const requests = readFileSync(file, 'utf8')
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => head('GET', path));
  if (requests.length === 0) throw new RangeError(`no path in ${file}`);
  const places = Array.from({ length: connections }, (_, i) => Math.floor((i * requests.length) / connections));
  return (connection) => {
    const place = places[connection]!;
    places[connection] = place + 1 === requests.length ? 0 : place + 1;
    return requests[place];
  };
}

/** Builds everything that a job will send; the clock has not started yet. */
export function prepareRequests(requests: LoadRequests, connections: number): PreparedRequests {
  if (requests.kind === 'paths') {
    return { next: paths(requests.file, connections), entriesPerRequest: 0, isBatch: false };
  }
  if (requests.kind === 'posts') {
    return { next: posts(requests.file, requests.path, connections), entriesPerRequest: 1, isBatch: false };
  }
  if (requests.kind === 'bodies') {
    return { next: bodies(requests.file), entriesPerRequest: requests.entriesPerBody, isBatch: true };
  }
  const { entrySize, seed } = requests;
  if (requests.kind === 'add') {
    const path = requests.wait === undefined ? '/add' : `/add?wait=${requests.wait}`;
    const next = counted(connections, path, entrySize, 1, false, seed);
    return { next, entriesPerRequest: 1, isBatch: false };
  }
  const next = counted(connections, '/api/v1/batch', entrySize, requests.batchSize, true, seed);
  return { next, entriesPerRequest: requests.batchSize, isBatch: true };
}
