// Which logs a monitor watches: the lists that its settings name, put together. A running monitor reads them again when
// they change.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { logPrefix } from '../../client/http-reader.ts';
import { logIdentity, parseLogList } from '../../monitor/log-list.ts';
import type { ListedLog } from '../../monitor/log-list.ts';
import type { LogIdentity } from '../../monitor/watched-log.ts';
import { checkpointVerifier } from '../../note/signer.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';
import { watchFiles } from '../watched-files.ts';
import type { WatchedFiles } from '../watched-files.ts';

/** A log of a list, with its keys ready and an address. */
export interface LocatedLog extends LogIdentity {
  /** The log's prefix, ending in a slash. */
  readonly url: string;
  /** Whose cosignatures say how old a head is. */
  readonly witnesses: readonly CheckpointVerifier[];
}

export interface ListOptions {
  /** Paths of the lists; relative ones start at root. */
  readonly trust: readonly string[];
  readonly root: string;
  /** Where the only log is that the lists give no address of. */
  readonly url?: string | undefined;
  readonly crypto: CryptoSuite;
}

/**
 * The logs of these lists, in their order. `bad-config` when there is no list, for one that cannot be read, a log that two lists tell
 * different things of, and one that nobody says where it is.
 */
export function readLogs({ trust, root, url, crypto }: ListOptions): readonly LocatedLog[] {
  if (trust.length === 0) {
    throw new LimmatError(
      'bad-config',
      'nothing says whom to watch: trust = ["FILE"] in monitor.toml, or --trust FILE',
    );
  }
  const logs = new Map<string, ListedLog>();
  for (const path of trust.map((name) => resolve(root, name))) {
    for (const log of readList(path)) {
      const known = logs.get(log.origin);
      if (known !== undefined && summaryOf(known) !== summaryOf(log)) {
        throw new LimmatError(
          'bad-config',
          `${path} says other things of log ${log.origin} than a list before it: let one list name it`,
        );
      }
      logs.set(log.origin, log);
    }
  }
  const homeless = [...logs.values()].filter((log) => log.url === undefined).map(({ origin }) => origin);
  if (homeless.length > (url === undefined ? 0 : 1)) {
    throw new LimmatError(
      'bad-config',
      `nothing says where ${homeless.slice(0, 3).join(', ')}${homeless.length > 3 ? ' and others are' : ' is'}: ` +
        'put the address at the end of the "log" line of the list, or give --url where it is one log',
    );
  }
  return [...logs.values()].map((log) => ({
    ...logIdentity(log, crypto),
    url: addressOf(log.origin, log.url ?? url!),
    witnesses: (log.witnesses ?? []).map((key) => checkpointVerifier(key, crypto)),
  }));
}

/** The logs of these lists, kept current; a change that cannot be read leaves in force what was there before. */
export function watchLogs(
  options: ListOptions,
  told: { readonly onChange: (logs: readonly LocatedLog[]) => void; readonly onError: (error: LimmatError) => void },
): WatchedFiles<readonly LocatedLog[]> {
  const paths = options.trust.map((name) => resolve(options.root, name));
  return watchFiles(paths, () => readLogs(options), told);
}

function readList(path: string): readonly ListedLog[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new LimmatError('bad-config', `cannot read the log list ${path}`, { cause: error });
  }
  try {
    return parseLogList(bytes);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError(error.code, `${path}: ${error.message}`, { details: error.details, cause: error });
  }
}

/** What a list says of a log, as text, to compare. */
function summaryOf({
  keys,
  url,
  iatWindowSeconds,
  channelKeys = [],
  retiredKeys = [],
  witnesses = [],
}: ListedLog): string {
  const vkeys = [keys, channelKeys, retiredKeys, witnesses].map((list) => list.map(({ vkey }) => vkey).toSorted());
  return JSON.stringify([vkeys, url, iatWindowSeconds]);
}

function addressOf(origin: string, url: string): string {
  try {
    return logPrefix(url);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('bad-config', `the address of log ${origin}: ${error.message}`, { cause: error });
  }
}
