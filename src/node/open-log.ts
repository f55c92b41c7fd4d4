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
import { DEFAULT_IAT_WINDOW_SECONDS } from '../log/validate.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { SubmitterList } from '../record/submitters.ts';
import { explainLock } from './admin-file.ts';
import { DEFAULT_VERIFY_THREADS } from './config.ts';
import { loadLogSigners } from './log-keys.ts';
import type { Settings } from './settings.ts';
import { shellWord } from './shell-word.ts';
import { watchSubmitters } from './submitter-file.ts';
import type { WatchedFiles } from './watched-files.ts';

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
  /** The submitter list was read again: how many keys it has now. */
  readonly onSubmitters?: (count: number) => void;
  /** A changed submitter list that was not taken; the one before stays in force. */
  readonly onSubmittersError?: (error: LimmatError) => void;
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
  const submitters = meta.admission === 'open' ? undefined : watchList(settings, options);
  const threads = config['verify-threads'] ?? Math.min(availableParallelism(), DEFAULT_VERIFY_THREADS);
  const pool = threads === 0 || submitters === undefined ? undefined : createVerifierPool({ threads });
  let storage: LevelStorage | undefined;
  const openStorage = async (): Promise<LevelStorage> =>
    (storage = await openLevelStorage(paths.root, { create: options.create === true }));
  const releaseOthers = async (): Promise<void> => {
    submitters?.close();
    await pool?.close();
  };
  const iatWindowMillis = config['iat-window'];
  const interval = config['checkpoint-interval'];
  const refresh = config['refresh-interval'];
  const guard = await openGuard(meta.guard, { create: options.create === true }).catch(async (error: unknown) => {
    await releaseOthers();
    throw explain(error, settings);
  });
  try {
    const log = await Log.open({
      origin: meta.origin,
      openStorage,
      guard,
      ...(options.create === true && (await guard.read()) === undefined ? { create: true } : {}),
      signers,
      submitters: submitters === undefined ? undefined : () => submitters.current(),
      crypto: pool === undefined ? nodeCrypto : { ...nodeCrypto, verifyMany: pool.verifyMany },
      hasher: nodeHasher,
      clock: nodeClock,
      limits: {
        ...(config['max-queue-entries'] === undefined ? {} : { queueEntries: config['max-queue-entries'] }),
        ...(config['max-queue-bytes'] === undefined ? {} : { queueBytes: config['max-queue-bytes'] }),
      },
      ...(iatWindowMillis === undefined ? {} : { iatWindowSeconds: iatWindowMillis / 1000 }),
      ...(interval === undefined ? {} : { checkpointIntervalMillis: interval }),
      ...(refresh === undefined ? {} : { refreshIntervalMillis: refresh }),
      probeStorage: () => probeWriting(paths.root),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    return {
      log,
      backup: (dir) => storage!.backup(dir),
      close: async () => {
        await log.close();
        await releaseOthers();
      },
    };
  } catch (error) {
    await guard.close();
    await releaseOthers();
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

function watchList({ paths }: Settings, options: OpenLogOptions): WatchedFiles<SubmitterList> {
  return watchSubmitters(
    paths.submitters,
    (list) => options.onSubmitters?.(list.submitters.length),
    (error) => options.onSubmittersError?.(error),
  );
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
