// Where a whole log can be read from: over HTTP, from the static files of an export or a mirror, or from the store of a
// log that is not running. Nothing that comes out is verified; whoever reads hashes it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openLevelStorage, type LevelStorage } from '../../src/adapters/level.ts';
import { httpReader, logPrefix } from '../../src/client/http-reader.ts';
import { LimmatError } from '../../src/errors.ts';
import { nodeGet } from '../../src/node/http-get.ts';
import { formatTilePath, parseEntryBundle, TILE_WIDTH, type TilePath } from '../../src/merkle/index.ts';
import type { LogStorage } from '../../src/storage.ts';

/** Reads a log's checkpoint, tiles and entry bundles. */
export interface LogSource {
  /** For messages: the URL or the directory. */
  readonly name: string;
  /** The newest checkpoint note. */
  checkpoint(): Promise<Uint8Array>;
  /** The resources at these paths, in order; `not-found` where one is missing. */
  read(paths: readonly TilePath[]): Promise<readonly Uint8Array[]>;
  /** A resource that is neither, where the source has such things. */
  resource(path: string, maxBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Bundles and tiles that are asked for at once: enough to keep a loopback or a LAN link busy. */
const HTTP_PARALLEL = 16;

/** A log over HTTP. */
export function urlSource(url: string): LogSource {
  const reader = httpReader({ url, parallel: HTTP_PARALLEL, get: nodeGet() });
  return {
    name: reader.url,
    checkpoint: () => reader.checkpoint(),
    read: (paths) => reader.read(paths),
    resource: (path, maxBytes) => reader.resource(path, maxBytes),
    close: () => Promise.resolve(),
  };
}

async function fileBytes(directory: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(join(directory, path));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    throw new LimmatError('not-found', `${join(directory, path)} is not there`, { cause: error });
  }
}

/** The prefix of a full resource that is the partial one. */
function prefixOf(full: Uint8Array, path: TilePath): Uint8Array {
  if (path.kind === 'tile') return full.subarray(0, path.width * 32);
  const entries = parseEntryBundle(full, TILE_WIDTH).slice(0, path.width);
  const length = entries.reduce((sum, entry) => sum + 2 + entry.length, 0);
  return full.subarray(0, length);
}

async function readFileResource(directory: string, path: TilePath): Promise<Uint8Array> {
  try {
    return await fileBytes(directory, formatTilePath(path));
  } catch (error) {
    if (path.width === TILE_WIDTH || !(error instanceof LimmatError)) throw error;
    // A web server's files may have only the full one left (tlog-tiles).
    return prefixOf(await fileBytes(directory, formatTilePath({ ...path, width: TILE_WIDTH })), path);
  }
}

/** The static files of an export, or of a mirror that keeps the same layout. */
export function filesSource(directory: string): LogSource {
  return {
    name: directory,
    checkpoint: () => fileBytes(directory, 'checkpoint'),
    read: (paths) => Promise.all(paths.map((path) => readFileResource(directory, path))),
    resource: (path) => fileBytes(directory, path),
    close: () => Promise.resolve(),
  };
}

/** The store of a log that is not running; closing it closes the store. */
export function storageSource(name: string, storage: LogStorage): LogSource {
  return {
    name,
    async checkpoint() {
      const { published } = await storage.load();
      if (published === undefined) throw new LimmatError('no-checkpoint', `the log in ${name} has published nothing`);
      return published;
    },
    async read(paths) {
      const contents = await storage.read(paths);
      return contents.map((content, i) => {
        if (content !== undefined) return content;
        throw new LimmatError('not-found', `${formatTilePath(paths[i]!)} is not in the store of ${name}`);
      });
    },
    resource: (path) => Promise.reject(new LimmatError('not-found', `${path} is not in the store of ${name}`)),
    close: () => storage.close(),
  };
}

/** Opens the store in a data directory; `store-locked` while the log runs. */
export async function openDataSource(dataDir: string): Promise<{ source: LogSource; storage: LevelStorage }> {
  const storage = await openLevelStorage(dataDir, { create: false });
  return { source: storageSource(dataDir, storage), storage };
}

/** A source by its name: what looks like a URL is one, anything else is a directory. */
export function namedSource(name: string): LogSource {
  return /^https?:\/\//.test(name) ? urlSource(logPrefix(name)) : filesSource(name);
}
