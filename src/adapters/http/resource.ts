// The public resources of a tlog-tiles log: checkpoint, hash tiles, entry bundles. Built once here, so that the Hono
// routes and the raw Node listener answer the same bytes and the same headers.

import { toHex, utf8 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { TILE_WIDTH, parseTilePath } from '../../merkle/tile.ts';
import type { Answer, Freshness } from './answer.ts';
import { OPEN_TO_ALL, bodyHeaders } from './answer.ts';
import { printable } from './body.ts';
import type { ServedLog } from './served-log.ts';

/** A resource: the answer to who does not have it, and to who does. */
export interface Resource {
  readonly etag: string;
  readonly whole: Answer & { readonly body: Uint8Array };
  readonly notModified: Answer;
  /** True for a full tile or bundle, to which no later answer can differ: worth keeping. */
  readonly full: boolean;
}

/** On a checkpoint, and on proofs under it, that the quorum of the log's witnesses has not cosigned. */
export const UNCOSIGNED = Object.freeze({ 'Limmat-Checkpoint': 'uncosigned' });

/** What the resources are made of: a log, or a copy of one. */
export interface ServedTree extends Pick<ServedLog, 'origin' | 'checkpoint' | 'read'> {
  status(): {
    readonly published?: { readonly size: number; readonly isCosigned?: boolean | undefined } | undefined;
  };
}

/** Makes the resources of one log. Holds only the last checkpoint, to compute its ETag once. */
export class Resources {
  readonly #log: ServedTree;
  readonly #hasher: Hasher;
  /** What is at a tile's path never changes as long as the log is the same one, so the log's name is tag enough. */
  readonly #tileEtag: string;
  #checkpoint: { readonly note: Uint8Array; readonly resource: Resource } | undefined;

  constructor(log: ServedTree, hasher: Hasher = portableHasher) {
    this.#log = log;
    this.#hasher = hasher;
    this.#tileEtag = `"${toHex(hasher.sha256(utf8(log.origin)).subarray(0, 16))}"`;
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
      const isBare = this.#log.status().published?.isCosigned === false;
      this.#checkpoint = { note, resource: noteResource(note, this.#hasher, isBare ? UNCOSIGNED : {}) };
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
    return makeResource(body, 'application/octet-stream', 'fixed', this.#tileEtag, path.width === TILE_WIDTH);
  }
}

/** A signed note that a newer one takes the place of. */
export function noteResource(note: Uint8Array, hasher: Hasher, more: Readonly<Record<string, string>> = {}): Resource {
  const etag = `"${toHex(hasher.sha256(note).subarray(0, 16))}"`;
  return makeResource(note, 'text/plain; charset=utf-8', 'changing', etag, false, more);
}

function makeResource(
  body: Uint8Array,
  contentType: string,
  freshness: Freshness,
  etag: string,
  full: boolean,
  more: Readonly<Record<string, string>> = {},
): Resource {
  const headers = { ...bodyHeaders(contentType, freshness), ETag: etag, ...OPEN_TO_ALL, ...more };
  return {
    etag,
    whole: { status: 200, headers: { ...headers, 'Content-Length': String(body.length) }, body },
    notModified: { status: 304, headers, body: null },
    full,
  };
}

/** True when an If-None-Match header names this entity tag (RFC 9110 §13.1.2, weak comparison). */
function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === etag || trimmed === `W/${etag}`;
  });
}

/** What this If-None-Match header is answered. */
export function resourceAnswer(resource: Resource, ifNoneMatch: string | undefined): Answer {
  return matchesEtag(ifNoneMatch, resource.etag) ? resource.notModified : resource.whole;
}
