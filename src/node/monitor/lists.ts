// Which logs a monitor watches: the lists that its settings name, put together. A running monitor reads them again when
// they change.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { logPrefix } from '../../client/http-reader.ts';
import { logIdentity, parseLogList } from '../../monitor/log-list.ts';
import type { ListedLog } from '../../monitor/log-list.ts';
import type { LogIdentity, Quorum, Quorums } from '../../monitor/watched-log.ts';
import { namedQuorum, quorumOf } from '../../monitor/witnesses/quorum.ts';
import { NO_QUORUM } from '../../note/policy.ts';
import type { Policy } from '../../note/policy.ts';
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
  /** Which cosignatures are enough; absent where nobody asks for any. */
  readonly quorums?: Quorums;
  /** Of those witnesses, the ones that say at an address what they have cosigned. */
  readonly witnessUrls: readonly { readonly vkey: string; readonly url: string }[];
}

/** What a monitor's settings say of witnesses. */
export interface WitnessSettings {
  /** What the monitor asks for, by the name of a witness or group of the list, or as a number of witnesses. */
  readonly quorum?: string;
  /** By origin, where one log is asked for something else. */
  readonly quorums: ReadonlyMap<string, string>;
  readonly readers: readonly { readonly vkey: string; readonly url: string }[];
}

export interface ListOptions {
  /** Paths of the lists; relative ones start at root. */
  readonly trust: readonly string[];
  readonly root: string;
  /** Where the only log is that the lists give no address of. */
  readonly url?: string | undefined;
  readonly crypto: CryptoSuite;
  readonly witnessing?: WitnessSettings;
}

/**
 * The logs of these lists, in their order. `bad-config` when there is no list, for one that cannot be read, a log that two lists tell
 * different things of, and one that nobody says where it is.
 */
export function readLogs({ trust, root, url, crypto, witnessing }: ListOptions): readonly LocatedLog[] {
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
    ...witnessesOf(log, crypto, witnessing),
  }));
}

/** The log's witnesses, and what is asked of them. `bad-config` for a quorum that the list does not have. */
function witnessesOf(
  { origin, witnesses = [], policy }: ListedLog,
  crypto: CryptoSuite,
  witnessing: WitnessSettings | undefined,
): Pick<LocatedLog, 'witnesses' | 'quorums' | 'witnessUrls'> {
  const verifiers = witnesses.map((key) => checkpointVerifier(key, crypto));
  const clients = policy && quorumOf(policy);
  const own = witnessing?.quorums.get(origin);
  const name = own ?? witnessing?.quorum;
  let monitor: Quorum | undefined;
  if (name !== undefined && (policy !== undefined || own !== undefined)) {
    try {
      monitor = namedQuorum(policy ?? NO_POLICY, name);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new LimmatError('bad-config', `witness-quorum of log ${origin}: ${error.message}`, { cause: error });
    }
  }
  const quorums = { ...(clients !== undefined && { clients }), ...(monitor !== undefined && { monitor }) };
  return {
    witnesses: verifiers,
    ...(clients !== undefined || monitor !== undefined ? { quorums } : {}),
    witnessUrls: (witnessing?.readers ?? []).filter(({ vkey }) => verifiers.some((one) => one.vkey === vkey)),
  };
}

const NO_POLICY: Policy = { logs: [], witnesses: [], groups: [], quorum: NO_QUORUM };

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
  policy,
}: ListedLog): string {
  const vkeys = [keys, channelKeys, retiredKeys, witnesses].map((list) => list.map(({ vkey }) => vkey).toSorted());
  return JSON.stringify([vkeys, url, iatWindowSeconds, policy?.groups, policy?.quorum]);
}

function addressOf(origin: string, url: string): string {
  try {
    return logPrefix(url);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('bad-config', `the address of log ${origin}: ${error.message}`, { cause: error });
  }
}
