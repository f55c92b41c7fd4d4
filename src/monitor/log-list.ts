// Which logs there are, by their keys: read from a trust file of limmat's, from any C2SP tlog-policy, or from a file of
// nothing but `log` lines. A limmat log has two keys, a foreign one usually has one.

import {
  channelKeysOf,
  retiredKeysOf,
  takeChannelKey,
  takeIatWindow,
  takeRetiredKey,
  windowsOf,
  readPolicy,
} from '../client/trust.ts';
import type { IatWindow, KeyLine } from '../client/trust.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { channelHeadVerifier } from '../note/channel-head.ts';
import type { VerifierKey } from '../note/key.ts';
import type { Policy } from '../note/policy.ts';
import { policyText } from '../note/policy.ts';
import { checkpointVerifier } from '../note/signer.ts';
import type { LogIdentity } from './watched-log.ts';

/** A log of a list. Its origin is the name of its keys (tlog-policy, "Defining a log"). */
export interface ListedLog {
  readonly origin: string;
  /** In the order of the file, at least one. */
  readonly keys: readonly VerifierKey[];
  readonly url?: string;
  /** What the log promises about its entries' times (watched-log.ts). */
  readonly iatWindowSeconds?: number;
  /** The keys that sign its channel heads, at least one; absent where the file names none. */
  readonly channelKeys?: readonly VerifierKey[];
  /** The keys that signed for it in the past, at least one; absent where the file names none. */
  readonly retiredKeys?: readonly VerifierKey[];
  /** The witnesses of the file, whose cosignatures say how old a head is; absent where there is none. */
  readonly witnesses?: readonly VerifierKey[];
  /** The file's policy, where it names witnesses: its quorum is what the log's users ask for. */
  readonly policy?: Policy;
}

/** As many characters as a policy may have. */
const MAX_LIST_CHARACTERS = 1024 * 1024;
/** A trust file's lines that say nothing about logs. */
const OTHER_KEYWORDS: readonly string[] = ['issuer', 'rebuilder', 'expect', 'max-age', 'clock-skew'];

/**
 * The logs of a list, in the order in which they come first. Lines are a tlog-policy's, of which the quorum may be
 * missing; a trust file's `issuer`, `expect`, `max-age` and `clock-skew`, which are skipped; and
 *
 *     log <vkey> [<url>]            one a key; keys of one name are one log's
 *     iat-window <origin> <time>    the log takes statements only, signed within this time (90s, 15m, 36h, 7d) of now
 *     channel-key <vkey>            the key <origin>/channel signs the log's channel heads; one a key, retired ones too
 *     retired-key <vkey>            a key that signed for the log in the past: for evidence, no checkpoint needs it
 *
 * Throws `bad-trust-file`, with the number of the line where it is about one, and when there is no log at all.
 */
export function parseLogList(list: Uint8Array | string): readonly ListedLog[] {
  if (list.length > MAX_LIST_CHARACTERS) {
    throw refused(`the list of logs has more than ${MAX_LIST_CHARACTERS} characters`);
  }
  const text = typeof list === 'string' ? list : policyText(list);
  const windows = new Map<string, IatWindow>();
  const keyLines: KeyLine[] = [];
  const retiredLines: KeyLine[] = [];
  let hasQuorum = false;
  // A line that is dealt with leaves an empty one behind, so that the policy's line numbers are the file's.
  const policyLines = text.split('\n').map((line, i) => {
    const items = line.split(/[ \t]+/).filter((item) => item !== '');
    const [keyword = ''] = items;
    if (keyword === 'quorum') hasQuorum = true;
    if (OTHER_KEYWORDS.includes(keyword)) return '';
    const rest = items.slice(1).join(' ');
    if (keyword === 'iat-window') takeIatWindow(windows, rest, i + 1);
    else if (keyword === 'channel-key') takeChannelKey(keyLines, rest, i + 1);
    else if (keyword === 'retired-key') takeRetiredKey(retiredLines, rest, i + 1);
    else return line;
    return '';
  });
  if (!hasQuorum) policyLines.push('quorum none');
  const policy = readPolicy(policyLines.join('\n'));
  const logs = groupByName(policy.logs);
  if (logs.length === 0) throw refused('the file names no log: add a line "log <vkey>"');
  const seconds = windowsOf(
    windows,
    logs.map(({ origin }) => origin),
  );
  const channelKeysBy = channelKeysOf(keyLines, policy);
  const retiredKeysBy = retiredKeysOf(retiredLines, policy, keyLines);
  const witnesses = Object.freeze(policy.witnesses.map(({ key }) => key));
  return Object.freeze(
    logs.map((log) => {
      const iatWindowSeconds = seconds.get(log.origin);
      const channelKeys = channelKeysBy.get(log.origin);
      const retiredKeys = retiredKeysBy.get(log.origin);
      return Object.freeze({
        ...log,
        ...(iatWindowSeconds !== undefined && { iatWindowSeconds }),
        ...(channelKeys !== undefined && { channelKeys }),
        ...(retiredKeys !== undefined && { retiredKeys }),
        ...(witnesses.length > 0 && { witnesses }),
        ...(policy.witnesses.length > 0 && { policy }),
      });
    }),
  );
}

/** The logs of these keys; keys of one name are one log's. */
export function logsOfKeys(keys: readonly VerifierKey[]): readonly ListedLog[] {
  return Object.freeze(groupByName(keys.map((key) => ({ key }))));
}

/** The log for whoever verifies its signatures. */
export function logIdentity(
  { origin, keys, iatWindowSeconds, channelKeys, retiredKeys, witnesses }: ListedLog,
  crypto: CryptoSuite,
): LogIdentity {
  return Object.freeze({
    origin,
    verifiers: Object.freeze(keys.map((key) => checkpointVerifier(key, crypto))),
    ...(iatWindowSeconds !== undefined && { iatWindowSeconds }),
    ...(channelKeys !== undefined && {
      channelVerifiers: Object.freeze(channelKeys.map((key) => channelHeadVerifier(key, crypto))),
    }),
    ...(retiredKeys !== undefined && {
      retired: Object.freeze(retiredKeys.map((key) => checkpointVerifier(key, crypto))),
    }),
    ...(witnesses !== undefined && {
      witnesses: Object.freeze(witnesses.map((key) => checkpointVerifier(key, crypto))),
    }),
  });
}

function groupByName(lines: readonly { readonly key: VerifierKey; readonly url?: string }[]): readonly ListedLog[] {
  const origins = [...new Set(lines.map(({ key }) => key.name))];
  return origins.map((origin) => {
    const own = lines.filter(({ key }) => key.name === origin);
    const urls = [...new Set(own.flatMap(({ url }) => (url === undefined ? [] : [url])))];
    if (urls.length > 1) throw refused(`the log ${origin} has two addresses, ${urls[0]} and ${urls[1]}`);
    const [url] = urls;
    return Object.freeze({
      origin,
      keys: Object.freeze(own.map(({ key }) => key)),
      ...(url !== undefined && { url }),
    });
  });
}

function refused(message: string, line?: number): LimmatError {
  return new LimmatError('bad-trust-file', line === undefined ? message : `line ${line}: ${message}`, {
    ...(line !== undefined && { details: { line } }),
  });
}
