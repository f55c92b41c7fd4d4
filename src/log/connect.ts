// Connecting a log's parts: opens nothing, signs nothing, decides nothing else.

import { toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { parseEntryBundle, tileWidthAt } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { checkpointVerifier } from '../note/signer.ts';
import type { LogStorage } from '../storage.ts';
import { Archive } from './archive.ts';
import { systemClock } from './clock.ts';
import { CommittedState } from './committed-state.ts';
import type { Clock } from './clock.ts';
import { LogCounters } from './events.ts';
import type { LogEvent } from './events.ts';
import { assertGenesis } from './genesis.ts';
import { checkGuard } from './guard.ts';
import { DEFAULT_INTAKE_LIMITS } from './intake.ts';
import type { IntakeLimits } from './intake.ts';
import type { LogOptions } from './options.ts';
import { ProofMaker } from './prove.ts';
import { DEFAULT_CHECKPOINT_INTERVAL_MILLIS, DEFAULT_REFRESH_INTERVAL_MILLIS, Publisher } from './publish.ts';
import { Quotas } from './quota.ts';
import { readAll } from './read.ts';
import { assertLookupRows, assertReindexed } from './reindex.ts';
import { Stop } from './stop.ts';
import { Witnessing } from './witnessing.ts';
import { Writer } from './writer.ts';

/** Authenticated tiles that proofs are built from are kept up to this many bytes: the level 0 tiles of 2.2 million entries. */
const PROVER_CACHE_BYTES = 96 * 1024 * 1024;

export interface Parts {
  readonly limits: IntakeLimits;
  readonly counters: LogCounters;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly crypto: CryptoSuite;
  readonly committed: CommittedState;
  readonly writer: Writer;
  readonly publisher: Publisher;
  readonly witnessing: Witnessing | undefined;
  readonly stop: Stop;
  readonly proofs: ProofMaker;
  readonly archive: Archive;
}

/** The parts of a log over a store that was opened and not looked at yet. Errors: as Log.open. */
export async function connect(options: LogOptions, storage: LogStorage): Promise<Parts> {
  const { origin, guard } = options;
  const hasher = options.hasher ?? portableHasher;
  const crypto = options.crypto ?? portableCrypto;
  const clock = options.clock ?? systemClock;
  const limits = { ...DEFAULT_INTAKE_LIMITS, ...options.limits };
  const counters = new LogCounters();
  const onEvent = (event: LogEvent): void => {
    counters.add(event);
    try {
      options.onEvent?.(event);
    } catch {
      // Whoever listens must not stop the log.
    }
  };
  const checkStored = async (head: TreeHead, store: LogStorage): Promise<void> => {
    const prover = new Prover({ read: (paths) => readAll(store, paths), hasher });
    await checkGuard(await guard.read(), origin, head, (size) => prover.rootHashAt(head, size));
  };

  const committed: CommittedState = new CommittedState(() => writer.storage);
  const stored = await storage.load();
  await assertReindexed(storage);
  if (options.create === true) await createGuard(options, stored.head);
  await checkStored(stored.head, storage);
  if (options.admission === 'records' && stored.head.size > 0) {
    await checkGenesis(origin, stored.head, storage);
    await assertLookupRows(storage, stored.head.size);
  }
  const writer: Writer = await Writer.open(
    {
      openStorage: options.openStorage,
      probeStorage: options.probeStorage ?? (() => Promise.resolve()),
      checkReopened: checkStored,
      name: { origin, vkeys: options.signers.map(({ vkey }) => vkey) },
      crypto,
      committed,
      quotas: new Quotas(options.quotas ?? {}),
      rootHashAt: (head, size) => prover.rootHashAt(head, size),
      limits,
      hasher,
      clock,
      onEvent,
      onCommitted: () => publisher.request(),
    },
    storage,
    stored,
  );
  const currentStorage = (): LogStorage => writer.storage;
  const archive = new Archive(currentStorage);
  const prover = new Prover({
    read: (paths) => readAll(writer.storage, paths),
    hasher,
    cacheBytes: PROVER_CACHE_BYTES,
  });
  const verifiers = options.signers.map(({ vkey }) => checkpointVerifier(vkey, crypto));
  const stop = await Stop.load({ guard, clock, onEvent });
  const witnessing =
    options.cosigner &&
    new Witnessing({
      origin,
      cosigner: options.cosigner,
      failOpen: options.failOpen === true,
      stop,
      verifiers,
      guarded: () => publisher.guarded,
      rootHashAt: (head, size) => prover.rootHashAt(head, size),
      consistencyProof: (head, fromSize) => prover.consistencyProof(head, fromSize),
      onEvent,
    });
  const publisher: Publisher = new Publisher(
    {
      origin,
      guard,
      signers: options.signers,
      verifiers,
      clock,
      archive,
      storage: currentStorage,
      committed: () => writer.head,
      rootHashAt: (head, size) => prover.rootHashAt(head, size),
      witnessing,
      stop,
      intervalMillis: options.checkpointIntervalMillis ?? DEFAULT_CHECKPOINT_INTERVAL_MILLIS,
      refreshMillis: options.refreshIntervalMillis ?? DEFAULT_REFRESH_INTERVAL_MILLIS,
      onEvent,
      onStorageFailure: (error) => writer.fail(error),
    },
    (await guard.read())!,
  );
  if (stored.published !== undefined) await publisher.adopt(stored.published);
  const proofs = new ProofMaker({ prover, hasher, published: () => publisher.published });
  return { limits, counters, hasher, clock, crypto, committed, writer, publisher, witnessing, stop, proofs, archive };
}

async function checkGenesis(origin: string, { size }: TreeHead, storage: LogStorage): Promise<void> {
  const width = tileWidthAt(0, 0, size);
  const [bundle] = await readAll(storage, [{ kind: 'entries', index: 0, width }]);
  const [entry] = parseEntryBundle(bundle!, width);
  assertGenesis(entry!, origin);
}

async function createGuard({ origin, guard }: LogOptions, head: TreeHead): Promise<void> {
  const used = await guard.read();
  if (used !== undefined || head.size > 0) {
    throw new LimmatError(
      'guard-mismatch',
      used === undefined
        ? `a new log cannot begin on a store with ${head.size} entries`
        : `the guard was used before, for ${used.origin} at size ${used.size} with root ${toHex(used.rootHash)}; a new log needs a new one`,
    );
  }
  await guard.write({ origin, size: 0, rootHash: head.rootHash, timestampSeconds: 0 });
}
