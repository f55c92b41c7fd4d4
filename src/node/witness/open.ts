// Opens the witness in a directory: guard, store, keys and log list, put together. It connects parts and decides nothing
// else.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import {
  createSigningThreads,
  createVerifierPool,
  hasNativeMldsa44,
  makeNodeCrypto,
  nodeHasher,
} from '../../adapters/node-crypto.ts';
import { openWitnessStore } from '../../adapters/witness-store.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { checkpointVerifier } from '../../note/signer.ts';
import { Witness, parseWitnessLogs } from '../../witness/index.ts';
import type { ListedLog, RefusedChange, Suspicion, WitnessGuard, WitnessStore } from '../../witness/index.ts';
import { watchFiles } from '../watched-files.ts';
import type { WatchedFiles } from '../watched-files.ts';
import { readWitnessConfig } from './config.ts';
import type { WitnessConfig } from './config.ts';
import { assertUnusedKeys, markKeysUsed, openWitnessGuard, readWitnessKeys, witnessPaths } from './data.ts';
import type { WitnessPaths } from './data.ts';

/** A witness's directory, and how it is to be run. */
export interface WitnessSettings {
  readonly paths: WitnessPaths;
  readonly config: WitnessConfig;
}

/** How the witness in this directory runs when these flags are given. Errors: `bad-config`. */
export function readWitnessSettings(dir: string, flags: WitnessConfig = {}): WitnessSettings {
  const paths = witnessPaths(dir);
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { paths, config: { ...readWitnessConfig(paths.config), ...given } };
}

/** Threads that verify, and threads that sign; a witness has more to do than these. */
const MAX_THREADS = 4;
/** Keys of so many logs are imported once: some 10 kB each. */
const CACHED_KEYS = 32_768;

export interface OpenWitnessOptions {
  /** Begins a new witness; refused where one has begun already. */
  readonly init?: boolean;
  readonly onSuspicion?: (suspicion: Suspicion) => void;
  readonly onTrouble?: (error: unknown) => void;
  /** The list was read again: how many logs joined, and what was not done. */
  readonly onList?: (change: { readonly added: number; readonly refused: readonly RefusedChange[] }) => void;
  /** A changed list that was not taken; the logs before stay. */
  readonly onListError?: (error: LimmatError) => void;
}

/** A witness with everything that it needs on this machine. */
export interface NodeWitness {
  readonly witness: Witness;
  close(): Promise<void>;
}

/**
 * Opens the witness of these settings. Errors: `bad-config`, `bad-trust-file`, `bad-key`, `guard-locked`, `guard-missing`,
 * `guard-mismatch`, `store-locked`, `store-corrupt`, `state-missing`, `wrong-log`.
 */
export async function openNodeWitness(
  { paths, config }: WitnessSettings,
  options: OpenWitnessOptions = {},
): Promise<NodeWitness> {
  const { init = false } = options;
  if (init) assertUnusedKeys(paths);
  const threads = Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1));
  const native = makeNodeCrypto({ cachedKeys: CACHED_KEYS }).suite;
  const pool = createVerifierPool({ threads, cachedKeys: CACHED_KEYS });
  const signing = hasNativeMldsa44() ? createSigningThreads(native.mldsa44, { threads }) : undefined;
  const crypto: CryptoSuite = {
    ...native,
    ed25519: pool.within(native.ed25519),
    mldsa44: pool.within(signing?.algorithm ?? native.mldsa44),
  };
  const endThreads = async (): Promise<void> => {
    await pool.close();
    await signing?.close();
  };
  const signers = readWitnessKeys(paths, crypto);
  if (config.guard === undefined) {
    throw new LimmatError('bad-config', `${paths.config} does not say where the guard is: guard = "DIR"`);
  }
  const list = resolve(paths.root, config['log-list'] ?? 'logs.txt');
  let witness: Witness | undefined;
  let guard: WitnessGuard | undefined;
  let store: WitnessStore | undefined;
  let lists: WatchedFiles<readonly ListedLog[]> | undefined;
  try {
    lists = watchFiles([list], () => readLogs(list, crypto), {
      onChange: (logs) => {
        try {
          const change = witness?.addLogs(logs);
          if (change !== undefined) options.onList?.(change);
        } catch (error) {
          if (!isLimmatError(error)) throw error;
          options.onListError?.(error);
        }
      },
      onError: (error) => options.onListError?.(error),
    });
    // First, as it is the lock: two processes with one key must never run.
    guard = await openWitnessGuard(resolve(paths.root, config.guard), { create: init });
    store = await openWitnessStore(paths.store);
    witness = await Witness.open({
      signers,
      logs: lists.current(),
      store,
      guard,
      clock: { nowMillis: () => Date.now(), monotonicMillis: () => performance.now() },
      hasher: nodeHasher,
      random: Math.random,
      init,
      ...(options.onSuspicion !== undefined && { onSuspicion: options.onSuspicion }),
      ...(options.onTrouble !== undefined && { onTrouble: options.onTrouble }),
    });
    markKeysUsed(paths);
  } catch (error) {
    lists?.close();
    await store?.close();
    await guard?.close();
    await endThreads();
    throw error;
  }
  const opened = witness;
  const watched = lists;
  return {
    witness: opened,
    close: async () => {
      watched.close();
      await opened.close();
      await endThreads();
    },
  };
}

/** The logs of a list. `bad-config` when it cannot be read, `bad-trust-file` for what is in it. */
export function readLogs(path: string, crypto: CryptoSuite): readonly ListedLog[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new LimmatError('bad-config', `cannot read the log list ${path}: lines "log <vkey>"`, { cause });
  }
  try {
    return parseWitnessLogs(bytes).map(({ origin, keys }) => ({
      origin,
      verifiers: keys.map((key) => checkpointVerifier(key, crypto)),
    }));
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError(error.code, `${path}: ${error.message}`, { details: error.details, cause: error });
  }
}
