// Opens the log in a data directory: level, guard, keys, native cryptography and threads, put into a Log.

import { existsSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { openGuard } from '../adapters/guard.ts';
import { openLevelStorage } from '../adapters/level.ts';
import type { LevelStorage } from '../adapters/level.ts';
import { createVerifierPool, nodeCrypto, nodeHasher } from '../adapters/node-crypto.ts';
import { parseTrust } from '../client/trust.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { Log, systemClock } from '../log/index.ts';
import type { Clock, LogEvent } from '../log/index.ts';
import { finishReindex } from '../log/reindex.ts';
import { DEFAULT_IAT_WINDOW_SECONDS } from '../log/validate.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { explainLock } from './admin-file.ts';
import { DEFAULT_VERIFY_THREADS } from './config.ts';
import { loadLogSigners } from './log-keys.ts';
import type { Settings } from './settings.ts';
import { shellWord } from './shell-word.ts';
import { nodeWitnesses } from './witnesses.ts';

/** What must fit on the disk before a log that ran out of space tries again: a large commit with its tiles. */
const PROBE_BYTES = 16 * 1024 * 1024;

/** The clock of a Node process: its next turn costs microseconds, not a millisecond. */
export const nodeClock: Clock = Object.freeze({
  ...systemClock,
  nextTurn: () => new Promise<void>((resolve) => setImmediate(resolve)),
});

export interface OpenLogOptions {
  /** True only while the log is being made: writes the first guard state. */
  readonly create?: boolean;
  readonly onEvent?: (event: LogEvent) => void;
}

/** A log that is open, and its store's own copier. */
export interface NodeLog {
  readonly log: Log;
  /** Copies one committed state of the running log into a new directory. */
  backup(dir: string): Promise<TreeHead>;
  /** Stops intake, finishes what was taken, publishes it, and lets go of everything. */
  close(): Promise<void>;
}

/** Opens the log that these settings describe. Errors: what Log.open throws, `guard-locked`, `guard-missing`, `bad-key`, `bad-config`. */
export async function openNodeLog(settings: Settings, options: OpenLogOptions = {}): Promise<NodeLog> {
  const { paths, meta, config } = settings;
  assertWindowPromised(settings);
  const signers = loadLogSigners(paths, meta.origin, config, nodeCrypto);
  const cosigner = nodeWitnesses(settings, {
    vkeys: signers.map(({ vkey }) => vkey),
    clock: nodeClock,
    onEvent: options.onEvent,
  });
  const threads = config['verify-threads'] ?? Math.min(availableParallelism(), DEFAULT_VERIFY_THREADS);
  const pool = threads === 0 || meta.admission === 'open' ? undefined : createVerifierPool({ threads });
  let storage: LevelStorage | undefined;
  const openStorage = async (): Promise<LevelStorage> =>
    (storage = await openWhole(paths.root, options.create === true));
  const iatWindowMillis = config['iat-window'];
  const interval = config['checkpoint-interval'];
  const refresh = config['refresh-interval'];
  const guard = await openGuard(meta.guard, { create: options.create === true }).catch(async (error: unknown) => {
    await pool?.close();
    throw explain(error, settings);
  });
  try {
    const log = await Log.open({
      origin: meta.origin,
      openStorage,
      guard,
      ...(options.create === true && (await guard.read()) === undefined ? { create: true } : {}),
      signers,
      admission: meta.admission,
      crypto: pool === undefined ? nodeCrypto : { ...nodeCrypto, verifyMany: pool.verifyMany },
      hasher: nodeHasher,
      clock: nodeClock,
      limits: {
        ...(config['max-queue-entries'] === undefined ? {} : { queueEntries: config['max-queue-entries'] }),
        ...(config['max-queue-bytes'] === undefined ? {} : { queueBytes: config['max-queue-bytes'] }),
      },
      quotas: {
        ...(config['quota-key'] === undefined ? {} : { key: config['quota-key'] }),
        ...(config['quota-namespace'] === undefined ? {} : { namespace: config['quota-namespace'] }),
      },
      ...(iatWindowMillis === undefined ? {} : { iatWindowSeconds: iatWindowMillis / 1000 }),
      ...(interval === undefined ? {} : { checkpointIntervalMillis: interval }),
      ...(refresh === undefined ? {} : { refreshIntervalMillis: refresh }),
      ...(cosigner !== undefined && { cosigner, failOpen: config['fail-open'] === true }),
      probeStorage: () => probeWriting(paths.root),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    return {
      log,
      backup: (dir) => storage!.backup(dir),
      close: async () => {
        await log.close();
        await pool?.close();
      },
    };
  } catch (error) {
    await guard.close();
    await pool?.close();
    throw explain(error, settings);
  }
}

/**
 * `bad-config` when records may be older or newer than the trust file beside the log promises: whoever holds that file
 * would take them for proof that the log backdates.
 */
function assertWindowPromised({ paths, meta, config }: Settings): void {
  if (meta.admission === 'open' || !existsSync(paths.trust)) return;
  const window = (config['iat-window'] ?? DEFAULT_IAT_WINDOW_SECONDS * 1000) / 1000;
  let promised: number | undefined;
  try {
    promised = parseTrust(readFileSync(paths.trust)).iatWindows.get(meta.origin);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-config', `${paths.trust}: ${error.message}`, { details: error.details, cause: error });
  }
  if (promised === undefined || window <= promised) return;
  throw new LimmatError(
    'bad-config',
    `iat-window is ${window} s, and ${paths.trust} promises ${promised} s: whoever holds that file would take honest ` +
      `records for proof against the log. Keep to ${promised} s, or change the "iat-window" line of ${paths.trust} ` +
      'and hand the file to everybody first',
    { details: { windowSeconds: window, promisedSeconds: promised } },
  );
}

/** What an operator can do about a lock that is held or a guard that is not there. */
function explain(error: unknown, { paths, meta }: Settings): unknown {
  if (!isLimmatError(error, 'guard-missing')) return explainLock(error, paths.root);
  return new LimmatError(
    'guard-missing',
    `the guard of this log is missing: put ${meta.guard} back; if it is lost: ` +
      `limmat recover --data ${shellWord(paths.root)} --from SOURCE --guard-lost`,
    { details: { guard: meta.guard }, cause: error },
  );
}

/** Opens the store, and first makes the derived state whole again where a reindex was cut short. */
async function openWhole(dir: string, create: boolean): Promise<LevelStorage> {
  const storage = await openLevelStorage(dir, { create });
  try {
    await finishReindex(storage, { hasher: nodeHasher });
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Rejects unless this much can be written and flushed. */
async function probeWriting(dir: string): Promise<void> {
  const path = join(dir, 'probe.tmp');
  try {
    const file = await open(path, 'w');
    try {
      await file.write(new Uint8Array(PROBE_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}
