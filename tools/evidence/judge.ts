// From a path to verified evidence: which keys the command line names, and what a file is worth by them.

import { readFileSync, statSync } from 'node:fs';

import { InvalidArgumentError, Option } from 'commander';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { parseDuration } from '../../src/client/trust.ts';
import { LimmatError } from '../../src/errors.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import type { JudgedObservation } from '../../src/monitor/evidence/explain.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { MAX_EVIDENCE_BYTES } from '../../src/monitor/evidence/limits.ts';
import { verifyObservation } from '../../src/monitor/evidence/observe.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { logIdentity, logsOfKeys, parseLogList } from '../../src/monitor/log-list.ts';
import type { ListedLog } from '../../src/monitor/log-list.ts';
import { monitorVerifier } from '../../src/monitor/monitor-key.ts';
import type { MonitorVerifier } from '../../src/monitor/monitor-key.ts';
import type { LogIdentity } from '../../src/monitor/watched-log.ts';
import { channelKeyOrigin } from '../../src/note/channel-head.ts';
import { parseVerifierKey } from '../../src/note/key.ts';
import { repeated } from '../support/config.ts';

export interface KeyFlags {
  readonly trust?: readonly string[];
  readonly key?: readonly string[];
  readonly iatWindow?: number;
  readonly channelKey?: readonly string[];
  readonly witnessKey?: readonly string[];
  readonly observer?: readonly string[];
  readonly json?: boolean;
}

/** Whom to believe; the same for every subcommand. */
export const keyOptions = (): readonly Option[] => [
  new Option('--trust <file>', 'a trust file, or any list of logs; may be repeated').argParser(repeated),
  new Option('--key <vkey>', "a key of the log's; may be repeated").argParser(repeated),
  new Option(
    '--iat-window <time>',
    'the log of --key promised to take only what was signed this shortly before or after',
  ).argParser(time),
  new Option('--channel-key <vkey>', 'a key that signs its channel heads; may be repeated').argParser(repeated),
  new Option('--witness-key <vkey>', 'a key of a witness of these logs; may be repeated').argParser(repeated),
  new Option('--observer <vkey>', "a monitor's key, to check who made the observation; may be repeated").argParser(
    repeated,
  ),
];

function time(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a time such as 90s, 15m, 36h or 7d.');
  return seconds;
}

/** The logs that the flags name. LimmatError `usage` when they name none, `bad-trust-file`, `bad-key`. */
export function logsOf({
  trust = [],
  key = [],
  channelKey = [],
  witnessKey = [],
  iatWindow,
}: KeyFlags): readonly LogIdentity[] {
  if (trust.length + key.length + channelKey.length === 0) {
    throw new LimmatError('usage', 'say which keys are the log’s: --trust FILE, --key VKEY or --channel-key VKEY');
  }
  if (iatWindow !== undefined && key.length === 0) {
    throw new LimmatError('usage', '--iat-window is about the log of --key; a trust file has its own iat-window lines');
  }
  const promise = iatWindow === undefined ? {} : { iatWindowSeconds: iatWindow };
  // Elements about one log are one to whoever verifies evidence.
  const ofChannels = channelKey.map((vkey) => {
    const parsed = parseVerifierKey(vkey);
    return { origin: channelKeyOrigin(parsed), keys: [], channelKeys: [parsed] };
  });
  return [
    ...trust.flatMap((path) => readLogList(path)),
    ...logsOfKeys(key.map((vkey) => parseVerifierKey(vkey))).map((log) => ({ ...log, ...promise })),
    ...ofChannels,
  ].map((log) => logIdentity({ ...log, ...withWitnesses(log, witnessKey) }, nodeCrypto));
}

/** The log's own witnesses and those of the flags. */
function withWitnesses({ witnesses = [] }: ListedLog, vkeys: readonly string[]): Pick<ListedLog, 'witnesses'> {
  const all = [...witnesses, ...vkeys.map((vkey) => parseVerifierKey(vkey))];
  return all.length === 0 ? {} : { witnesses: all };
}

/** The observers that the flags name. */
export function observersOf({ observer = [] }: KeyFlags): readonly MonitorVerifier[] {
  return observer.map((vkey) => monitorVerifier(vkey, nodeCrypto));
}

function readLogList(path: string): ReturnType<typeof parseLogList> {
  try {
    return parseLogList(readFileSync(path));
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    throw new LimmatError(error.code, `${path}: ${error.message}`, { details: error.details, cause: error });
  }
}

/** A file whose evidence holds. */
export interface JudgedFile {
  readonly evidence: Evidence;
  readonly observed: JudgedObservation | undefined;
}

/** The evidence in a file. Rejects with `bad-evidence` or `unknown-log` when it does not hold against these logs. */
export async function judgeFile(
  path: string,
  logs: readonly LogIdentity[],
  observers: readonly MonitorVerifier[],
): Promise<JudgedFile> {
  // The size first: a path may name anything, and an evidence file is small.
  const { size } = statSync(path);
  if (size > MAX_EVIDENCE_BYTES) {
    throw new LimmatError('bad-evidence', `it has ${size} bytes, and an evidence file at most ${MAX_EVIDENCE_BYTES}`);
  }
  const file = parseEvidence(readFileSync(path));
  const evidence = await verifyEvidence(file, logs, nodeHasher);
  const { observed } = file;
  if (observed === undefined) return { evidence, observed };
  const verdict = await verifyObservation(evidence, observed, observers);
  return { evidence, observed: { observation: observed.observation, verdict } };
}
