// Checks a whole log against itself: every entry is hashed again, every tile and the root are computed from the entries
// and compared with what is stored, and with what the log signed. Beside that, where there is one: the leaf-hash index and
// the archive of checkpoints; and what entries say, by the log's own rules (admission.ts).

import { equalBytes, readUintText, toHex } from '../../src/bytes.ts';
import type { VerifyJob } from '../../src/crypto/suite.ts';
import { isLimmatError, LimmatError } from '../../src/errors.ts';
import {
  formatTilePath,
  HASH_SIZE,
  asHash,
  type Hash,
  type Hasher,
  type TilePath,
  type TreeHead,
} from '../../src/merkle/index.ts';
import { openLogCheckpoint, type CheckpointVerifier, type OpenedLogCheckpoint } from '../../src/note/index.ts';
import { KEY_SPACE, type LogStorage, type StateKey } from '../../src/storage.ts';
import type { LogSource } from '../support/log-source.ts';
import { readBundles, TreeRehash, type ComputedTile } from '../support/rehash.ts';
import { AdmissionCheck } from './admission.ts';
import { Findings } from './findings.ts';

export interface CheckOptions {
  readonly source: LogSource;
  readonly origin: string;
  readonly verifiers: readonly CheckpointVerifier[];
  readonly hasher: Hasher;
  /** Present where entries have to be records that the log's rules admit: how their signatures are verified. */
  readonly verifyMany?: ((jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>) | undefined;
  /** The store itself, where it can be had: then index, archive and what is not published yet are checked too. */
  readonly storage?: LogStorage | undefined;
  readonly onProgress: (entries: number, total: number) => void;
}

export interface CheckReport {
  readonly origin: string;
  /** The checkpoint that was checked against. */
  readonly checkpoint: TreeHead & { readonly timestampSeconds: number };
  /** Entries that were hashed: with a store, also those that are committed and not published. */
  readonly entries: number;
  readonly rootHash: Hash;
  readonly tiles: number;
  readonly bundles: number;
  /** Archived checkpoints whose signatures and roots were checked. */
  readonly archived: number;
  /** Where entries have to be records: the digest of the admission state that they lead to. */
  readonly stateDigest: Uint8Array | undefined;
  /** Rows of the store's derived state that are right. */
  readonly rows: number;
  readonly findings: Findings;
}

/** A signed head that the recomputed tree has to pass through. */
interface Milestone extends TreeHead {
  readonly what: string;
  /** Both heads are signed, so a contradiction is the log's own. */
  readonly signed: boolean;
}

const ARCHIVE_PAGE = 1000;

/** Runs the whole check. Findings are collected; only what keeps it from being made is thrown. */
export async function checkLog(options: CheckOptions): Promise<CheckReport> {
  const { source, origin, verifiers, storage } = options;
  const findings = new Findings();
  const opened = await openServed(await source.checkpoint(), origin, verifiers);
  const checkpoint = {
    size: opened.checkpoint.size,
    rootHash: opened.checkpoint.rootHash,
    timestampSeconds: opened.timestampSeconds,
  };
  const head = storage === undefined ? checkpoint : (await storage.load()).head;
  if (head.size < checkpoint.size) {
    findings.add('store-corrupt', `the store holds ${head.size} entries, its published checkpoint ${checkpoint.size}`);
  }
  const archived = storage === undefined ? [] : await readArchive(storage, options, findings);
  const milestones: Milestone[] = [
    ...archived,
    { size: checkpoint.size, rootHash: checkpoint.rootHash, what: 'the published checkpoint', signed: false },
    { size: head.size, rootHash: head.rootHash, what: 'the head in the store', signed: false },
  ];
  const tree = new TreeRehash(options.hasher);
  const { hasher, verifyMany } = options;
  const admission = verifyMany && new AdmissionCheck({ hasher, verifyMany, findings });
  const counts = await rehash(options, head.size, tree, milestones, admission, findings);
  const rows = admission === undefined || storage === undefined ? 0 : await admission.compare(storage);
  return {
    origin,
    checkpoint,
    entries: tree.size,
    rootHash: tree.rootHash(),
    ...counts,
    archived: archived.length,
    stateDigest: admission?.digest(),
    rows,
    findings,
  };
}

/** The served checkpoint; one that is not even a note is as bad as one with a false signature. */
async function openServed(
  note: Uint8Array,
  origin: string,
  verifiers: readonly CheckpointVerifier[],
): Promise<OpenedLogCheckpoint> {
  try {
    return await openLogCheckpoint(note, { origin, verifiers });
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
    throw new LimmatError('bad-note', `the checkpoint: ${error.message}`, { cause: error });
  }
}

async function readArchive(storage: LogStorage, options: CheckOptions, findings: Findings): Promise<Milestone[]> {
  const milestones: Milestone[] = [];
  const prefix = KEY_SPACE.archive;
  let after: StateKey | undefined;
  for (;;) {
    const page = await storage.scan({ prefix, limit: ARCHIVE_PAGE, ...(after !== undefined && { after }) });
    for (const { key, value } of page) {
      after = key;
      const size = readUintText(key, 1, 8);
      const timestampSeconds = readUintText(key, 9, 8);
      const name = `the archived checkpoint of size ${size} at ${timestampSeconds}`;
      try {
        const opened = await openLogCheckpoint(value, options);
        if (opened.checkpoint.size !== size || opened.timestampSeconds !== timestampSeconds) {
          findings.add('store-corrupt', `${name} says size ${opened.checkpoint.size} at ${opened.timestampSeconds}`);
        } else milestones.push({ size, rootHash: opened.checkpoint.rootHash, what: name, signed: true });
      } catch (error) {
        if (!isLimmatError(error)) throw error;
        findings.add('bad-note', `${name}: ${error.message}`);
      }
    }
    if (page.length < ARCHIVE_PAGE) return milestones;
  }
}

async function rehash(
  options: CheckOptions,
  size: number,
  tree: TreeRehash,
  milestones: Milestone[],
  admission: AdmissionCheck | undefined,
  findings: Findings,
): Promise<{ tiles: number; bundles: number }> {
  const waiting = milestones.toSorted((a, b) => a.size - b.size);
  const contradicted: Milestone[] = [];
  const passMilestones = (): void => {
    for (; waiting[0] !== undefined && waiting[0].size <= tree.size; waiting.shift()) {
      if (!equalBytes(waiting[0].rootHash, tree.rootHashAt(waiting[0].size))) contradicted.push(waiting[0]);
    }
  };
  let bundles = 0;
  // The tiles of a step are fetched while the next one is hashed.
  let compared = Promise.resolve(0);
  passMilestones();
  for await (const batch of readBundles((paths) => readBundleBytes(options.source, paths), size)) {
    const start = tree.size;
    const leafHashes = batch.map(({ entries }) => {
      const hashes = tree.push(entries);
      passMilestones();
      return hashes;
    });
    bundles += batch.length;
    const entries = batch.flatMap((bundle) => bundle.entries);
    const hashes = leafHashes.flatMap(splitHashes);
    if (options.storage !== undefined) await checkIndex(options.storage, hashes, start, findings);
    await admission?.push(entries, hashes);
    const before = await compared;
    compared = compareTiles(options.source, tree.takeTiles(), findings).then((tiles) => before + tiles);
    // Whoever awaits it sees its failure; nobody does when a bundle ends the loop.
    compared.catch(() => undefined);
    options.onProgress(tree.size, size);
  }
  const tiles = (await compared) + (await compareTiles(options.source, tree.partialTiles(), findings));
  for (const { what, size: signedSize } of waiting) {
    findings.add('store-corrupt', `${what} is of size ${signedSize}, and there are ${tree.size} entries`);
  }
  reportRoots(contradicted, findings);
  return { tiles, bundles };
}

/** A bundle that is missing ends the check: nothing after it can be hashed. */
async function readBundleBytes(source: LogSource, paths: readonly TilePath[]): Promise<readonly Uint8Array[]> {
  try {
    return await source.read(paths);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new LimmatError('bad-tile', `an entry bundle cannot be had: ${error.message}`, { cause: error });
  }
}

/**
 * A root that the entries do not lead to. When the entries lead to the published root but not to an archived one, two
 * checkpoints with the log's signature contradict each other; otherwise what is stored is damaged.
 */
function reportRoots(contradicted: readonly Milestone[], findings: Findings): void {
  const publishedHolds = contradicted.every(({ signed }) => signed);
  for (const { what, size, rootHash, signed } of contradicted) {
    const code = signed && publishedHolds ? 'not-consistent' : 'store-corrupt';
    findings.add(code, `the entries do not lead to the root ${toHex(rootHash)} of ${what} (size ${size})`);
  }
}

/** Reads these tiles, one by one where some are missing, and compares. How many are right. */
async function compareTiles(source: LogSource, tiles: readonly ComputedTile[], findings: Findings): Promise<number> {
  const stored = await readEach(
    source,
    tiles.map(({ path }) => path),
  );
  let right = 0;
  for (const [i, { path, bytes }] of tiles.entries()) {
    const found = stored[i];
    if (found === undefined) findings.add('bad-tile', `${formatTilePath(path)} is missing`);
    else if (!equalBytes(found, bytes))
      findings.add('bad-tile', `${formatTilePath(path)} is not what the entries lead to`);
    else right += 1;
  }
  return right;
}

async function readEach(source: LogSource, paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
  try {
    return await source.read(paths);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const contents: (Uint8Array | undefined)[] = [];
  for (const path of paths) {
    try {
      contents.push(...(await source.read([path])));
    } catch (error) {
      if (!isMissing(error)) throw error;
      contents.push(undefined);
    }
  }
  return contents;
}

/** Missing, or of the wrong length: either way it is not the tile. */
function isMissing(error: unknown): error is LimmatError {
  return isLimmatError(error, 'not-found') || isLimmatError(error, 'bad-response');
}

/** Packed hashes one by one. */
function splitHashes(packed: Uint8Array): Hash[] {
  return Array.from({ length: packed.length / HASH_SIZE }, (_, i) =>
    asHash(packed.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE)),
  );
}

async function checkIndex(
  storage: LogStorage,
  leafHashes: readonly Uint8Array[],
  start: number,
  findings: Findings,
): Promise<void> {
  for (const [i, index] of (await storage.findLeaves(leafHashes)).entries()) {
    if (index === start + i) continue;
    const said = index === undefined ? 'does not know' : `has at index ${index}`;
    findings.add('store-corrupt', `the index ${said} the leaf hash ${toHex(leafHashes[i]!)} of entry ${start + i}`);
  }
}
