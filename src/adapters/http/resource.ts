// The public resources of a tlog-tiles log: checkpoint, hash tiles, entry bundles. Built once here, so that the Hono
// routes and the raw Node listener answer the same bytes and the same headers.

import { toHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { TILE_WIDTH, parseTilePath } from '../../merkle/tile.ts';
import { printable } from './body.ts';
import type { ServedLog } from './served-log.ts';

/** A resource as it is answered with status 200. */
export interface Resource {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly contentType: string;
  readonly cacheControl: string;
  /** True when no later answer to the same path can differ and the path names a full tile: worth keeping. */
  readonly full: boolean;
}

const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Makes the resources of one log. Holds only the last checkpoint, to compute its ETag once. */
export class Resources {
  readonly #log: ServedLog;
  readonly #hasher: Hasher;
  #checkpoint: { readonly note: Uint8Array; readonly resource: Resource } | undefined;

  constructor(log: ServedLog, hasher: Hasher = portableHasher) {
    this.#log = log;
    this.#hasher = hasher;
  }

  /** The published checkpoint; `no-checkpoint` before the first one. */
  checkpoint(): Resource {
    const note = this.#log.checkpoint();
    if (note === undefined) {
      throw new LimmatError('no-checkpoint', 'this log has not published a checkpoint yet; try again in a moment', {
        retryAfterSeconds: 1,
      });
    }
    if (this.#checkpoint?.note !== note) {
      const resource = this.#make(note, 'text/plain; charset=utf-8', 'no-cache', false);
      this.#checkpoint = { note, resource };
    }
    return this.#checkpoint.resource;
  }

  /**
   * The tile or entry bundle at a canonical path without leading slash (`tile/0/x001/234.p/5`). `not-found` for
   * another spelling and for what the published tree does not have.
   */
  async tile(pathText: string): Promise<Resource> {
    const path = parseTilePath(pathText);
    if (path === undefined) {
      throw new LimmatError('not-found', `${printable(pathText)} is not the path of a tile or entry bundle`);
    }
    const [body] = await this.#log.read([path]);
    if (body === undefined) {
      const size = this.#log.status().published?.size ?? 0;
      throw new LimmatError('not-found', `${pathText} is not in the published tree of size ${size}`, {
        details: { size },
      });
    }
    return this.#make(body, 'application/octet-stream', IMMUTABLE, path.width === TILE_WIDTH);
  }

  #make(body: Uint8Array, contentType: string, cacheControl: string, full: boolean): Resource {
    const etag = `"${toHex(this.#hasher.sha256(body).subarray(0, 16))}"`;
    return { body, etag, contentType, cacheControl, full };
  }
}

/** The headers of a resource, Content-Length aside; a 304 carries them too. */
export function resourceHeaders(resource: Resource): [name: string, value: string][] {
  return [
    ['Content-Type', resource.contentType],
    ['Cache-Control', resource.cacheControl],
    ['ETag', resource.etag],
    ['Access-Control-Allow-Origin', '*'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
}

/** True when an If-None-Match header names this entity tag (RFC 9110 §13.1.2, weak comparison). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === etag || trimmed === `W/${etag}`;
  });
}

/** A resource as a Response: 304 when the client has it already. */
export function resourceResponse(resource: Resource, ifNoneMatch: string | undefined): Response {
  const headers = new Headers(resourceHeaders(resource));
  if (matchesEtag(ifNoneMatch, resource.etag)) return new Response(null, { status: 304, headers });
  headers.set('Content-Length', String(resource.body.length));
  return new Response(responseBody(resource.body), { status: 200, headers });
}

/** The same bytes in the form that a Response takes: not over shared memory. */
export function responseBody(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, bytes.byteOffset, bytes.length) : new Uint8Array(bytes);
}
