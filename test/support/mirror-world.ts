// A mirror in memory over served logs: whatever it holds survives a "restart" as long as its medium is kept.

import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import type { MemoryFaults, MemoryMedium } from '../../src/adapters/memory.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { formatTilePath, levelWidth, TILE_WIDTH } from '../../src/merkle/tile.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import { MirrorSigner } from '../../src/mirror/cosign.ts';
import type { GuardedHead, MirrorGuard } from '../../src/mirror/guard.ts';
import { MirroredLog } from '../../src/mirror/mirrored-log.ts';
import { pull } from '../../src/mirror/pull.ts';
import type { PullReport } from '../../src/mirror/pull.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import type { OpenedCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { ServedLog, fixedSigner, numberedEntries } from './served-log.ts';

export const MIRROR_NAME = 'mirror.example/m1';
/** When everything here begins. */
export const START_SECONDS = 1_790_000_000;

export interface MirrorWorld {
  readonly served: ServedLog;
  readonly medium: MemoryMedium;
  /** Its jumps are in `seconds`, and not on the monotonic clock. */
  readonly clock: { seconds: number; jumpedSeconds: number };
  readonly signer: MirrorSigner;
  readonly guard: TestMirrorGuard;
  readonly reader: LogReader;
  /** Opens the mirror's side of the log, as a new process would. */
  open(faults?: MemoryFaults): Promise<MirroredLog>;
}

/** A log of so many entries and a mirror that has none of them. */
export async function mirrorWorld(size: number, entries = numberedEntries(size)): Promise<MirrorWorld> {
  const served = new ServedLog(entries);
  await served.publish(START_SECONDS);
  const medium = memoryMedium();
  const clock = { seconds: START_SECONDS, jumpedSeconds: 0 };
  const signer = testMirrorSigner(clock);
  const guard = testGuard();
  const reader = httpReader({ url: 'http://log.invalid/', fetch: served.fetch });
  return {
    served,
    medium,
    clock,
    signer,
    guard,
    reader,
    open: (faults) => {
      medium.open = false;
      return MirroredLog.open({
        origin: served.origin,
        verifiers: served.verifiers,
        openStorage: () => Promise.resolve(memoryStorage({ medium, ...(faults !== undefined && { faults }) })),
        signer,
        guard,
        hasher: nodeHasher,
      });
    },
  };
}

export interface TestMirrorGuard extends MirrorGuard {
  head: GuardedHead | undefined;
}

/** A guard in memory. */
export function testGuard(): TestMirrorGuard {
  const guard: TestMirrorGuard = {
    head: undefined,
    read: () => Promise.resolve(guard.head),
    write: (head) => {
      guard.head = head;
      return Promise.resolve();
    },
  };
  return guard;
}

/** A mirror with an Ed25519 and an ML-DSA-44 key. */
export function testMirrorSigner(clock: { seconds: number; jumpedSeconds?: number }, name = MIRROR_NAME): MirrorSigner {
  return new MirrorSigner({
    signers: [fixedSigner(name, SIGNATURE_TYPE.cosignatureEd25519), fixedSigner(name, SIGNATURE_TYPE.mldsa44)],
    clock: {
      nowMillis: () => clock.seconds * 1000,
      monotonicMillis: () => (clock.seconds - (clock.jumpedSeconds ?? 0)) * 1000,
    },
  });
}

export function pullOnce(
  { reader }: Pick<MirrorWorld, 'reader'>,
  log: MirroredLog,
  signal?: AbortSignal,
): Promise<PullReport> {
  return pull({ log, reader, hasher: nodeHasher, ...(signal !== undefined && { signal }) });
}

/** Every tile and bundle of a tree, full and partial, as its log may serve them. */
export function allPaths(size: number): TilePath[] {
  const paths: TilePath[] = [];
  for (let level = 0; levelWidth(level, size) > 0; level++) {
    for (let index = 0; index * TILE_WIDTH < levelWidth(level, size); index++) {
      const width = Math.min(TILE_WIDTH, levelWidth(level, size) - index * TILE_WIDTH);
      // A tile's last hash is there first in the smallest width, so three of a partial one say as much as all.
      for (const w of new Set([1, Math.ceil(width / 2), width])) {
        paths.push({ kind: 'tile', level, index, width: w });
        if (level === 0) paths.push({ kind: 'entries', index, width: w });
      }
    }
  }
  return paths;
}

/** What differs between the mirror's resources and the log's; empty when every byte is the same. */
export async function differences({ served }: Pick<MirrorWorld, 'served'>, log: MirroredLog): Promise<string[]> {
  const paths = allPaths(log.published?.size ?? 0);
  const contents = await log.read(paths);
  return paths.flatMap((path, i) => {
    const name = formatTilePath(path);
    const theirs = served.resource(name);
    const ours = contents[i];
    return ours !== undefined && theirs !== null && toHex(ours) === toHex(theirs) ? [] : [name];
  });
}

/** The mirror checkpoint by the log's keys and the mirror's. */
export async function openMirrorNote(world: MirrorWorld, note: Uint8Array): Promise<OpenedCheckpoint> {
  const own = world.signer.vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
  return openCheckpoint(note, [...world.served.verifiers, ...own]);
}
