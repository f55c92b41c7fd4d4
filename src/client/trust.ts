// The trust file: what a verifier believes before it looks at a proof file. It is a C2SP tlog-policy (which logs, which
// witnesses, which quorum of them) and, in lines of its own, the issuers' keys, what records are about, and limits.

import { fromBase64, toBase64, toHex } from '../bytes.ts';
import { formatCoseKey, parseCoseKey, thumbprint } from '../cose/key.ts';
import type { CoseKey } from '../cose/key.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { channelKeyOrigin } from '../note/channel-head.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from '../note/key.ts';
import type { VerifierKey } from '../note/key.ts';
import { formatPolicy, parsePolicy, policyText } from '../note/policy.ts';
import type { Policy } from '../note/policy.ts';
import { formatDuration, parseDuration } from './duration.ts';

export { formatDuration, parseDuration } from './duration.ts';

/** A key that may sign statements in the name of an issuer. */
export interface TrustedIssuer {
  /** The statement's `iss`. */
  readonly iss: string;
  readonly key: CoseKey;
  /** The key's RFC 9679 thumbprint, 64 lowercase hex digits. */
  readonly kid: string;
  /** A rebuilder may sign rebuilds, and retractions; absent: any record. */
  readonly role?: 'rebuilder';
}

/** What rebuilders may say. */
const REBUILDER_TYPES: readonly string[] = ['rebuild', 'retraction'];

/** True where the issuer's word counts for such a record. */
export function mayVouch({ role }: TrustedIssuer, { type }: { readonly type: string }): boolean {
  return role !== 'rebuilder' || REBUILDER_TYPES.includes(type);
}

/** The two keys of a limmat log, both named by its origin; a checkpoint counts when both have signed it. */
export interface TrustedLog {
  readonly origin: string;
  readonly ed25519: VerifierKey;
  readonly mldsa44: VerifierKey;
}

/** The fields of a record that a verifier may have expectations about, in the order in which they are checked. */
export const EXPECTED_FIELDS = ['type', 'namespace', 'product', 'channel'] as const;
export type ExpectedField = (typeof EXPECTED_FIELDS)[number];

/** By field, the values of which one must be the record's; an absent field may have any. */
export type Expected = Readonly<Partial<Record<ExpectedField, readonly string[]>>>;

/** A trust file's content. */
export interface Trust {
  /** The tlog-policy in it: logs, witnesses, groups, quorum. */
  readonly policy: Policy;
  /** The policy's logs, by origin. */
  readonly logs: ReadonlyMap<string, TrustedLog>;
  readonly issuers: readonly TrustedIssuer[];
  readonly expected: Expected;
  /** Largest age of a checkpoint and of a cosignature that counts; undefined = any. */
  readonly maxAgeSeconds: number | undefined;
  /** How far ahead of the verifier's clock a signed time may be. */
  readonly clockSkewSeconds: number;
  /** By origin, what a log promises: it takes statements only, each signed within this time of when it is logged. */
  readonly iatWindows: ReadonlyMap<string, number>;
  /** By origin, the keys that sign the log's channel heads. */
  readonly channelKeys: KeysByOrigin;
  /** By origin, the keys that signed the log's checkpoints in the past: evidence only, no checkpoint counts by them. */
  readonly retiredKeys: KeysByOrigin;
}

/** Keys of logs, by origin, in the order of the file. */
export type KeysByOrigin = ReadonlyMap<string, readonly VerifierKey[]>;

/** 32 logs and 32 witnesses with ML-DSA-44 keys take 170 kB; tlog-policy asks for no less. */
const MAX_TRUST_FILE_BYTES = 1024 * 1024;
/** A log whose clock is off by more than a minute stops signing (DESIGN §4), so an honest time is not further ahead. */
export const DEFAULT_CLOCK_SKEW_SECONDS = 60;
const OWN_KEYWORDS = [
  'issuer',
  'rebuilder',
  'expect',
  'max-age',
  'clock-skew',
  'iat-window',
  'channel-key',
  'retired-key',
] as const;
type OwnKeyword = (typeof OWN_KEYWORDS)[number];

/** The lines that are not tlog-policy's, while they are collected. */
interface OwnLines {
  readonly issuers: TrustedIssuer[];
  readonly expected: Partial<Record<ExpectedField, string[]>>;
  readonly limits: Map<'max-age' | 'clock-skew', number>;
  readonly iatWindows: Map<string, IatWindow>;
  readonly channelKeys: KeyLine[];
  readonly retiredKeys: KeyLine[];
}

/** What an `iat-window` line says, and where. */
export interface IatWindow {
  readonly seconds: number;
  readonly line: number;
}

/** What a `channel-key` or `retired-key` line says, and where. */
export interface KeyLine {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly line: number;
}

/**
 * Reads a trust file. Lines end in a newline, items are separated by spaces and tabs; empty lines and lines that start
 * with `#` mean nothing. Every other line is one of these, and anything else is refused with its number:
 *
 *     log <vkey> [<url>]                    two per log: its Ed25519 and its ML-DSA-44 key, with the same name
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <name>...
 *     quorum <name>|none                    exactly one
 *     issuer <base64 COSE_Key> <iss to the end of the line>
 *                                           at least one; the key in RFC 9679 §4 form, so that its SHA-256 is the kid
 *     rebuilder <base64 COSE_Key> <iss>     any number: as issuer, of rebuilds and retractions alone
 *     expect type|namespace|product|channel <value to the end of the line>
 *                                           lines of one field are alternatives
 *     max-age <n>[s|m|h|d]                  at most one
 *     clock-skew <n>[s|m|h|d]               at most one; 60s if there is none
 *     iat-window <origin> <n>[s|m|h|d]      at most one a log: it takes statements only, signed within this time of now
 *     channel-key <vkey>                    any number: the key, named <origin>/channel, that signs a log's channel heads
 *     retired-key <vkey>                    any number: a key, named by its log, that signed its checkpoints in the past
 *
 * The first four are C2SP tlog-policy, except that all keys of one log's name must have signed. Throws
 * `bad-trust-file`.
 */
export function parseTrust(file: Uint8Array | string): Trust {
  if (file.length > MAX_TRUST_FILE_BYTES) {
    throw refused(`the trust file has more than ${MAX_TRUST_FILE_BYTES} characters`);
  }
  // Names of witnesses, URLs and comments are octets, as in any tlog-policy; our own lines are UTF-8.
  const text = typeof file === 'string' ? file : policyText(file);
  const own: OwnLines = {
    issuers: [],
    expected: {},
    limits: new Map(),
    iatWindows: new Map(),
    channelKeys: [],
    retiredKeys: [],
  };
  // An own line leaves an empty one behind, so that the policy's line numbers are the file's.
  const policyLines = text.split('\n').map((line, i) => {
    if (hasControl(line)) throw refused('it has a control character', i + 1);
    const [first, rest] = splitFirst(trimBlanks(line));
    const keyword = OWN_KEYWORDS.find((known) => known === first);
    if (keyword === undefined) return line;
    if (/\p{Surrogate}/u.test(line)) throw refused('it is not UTF-8', i + 1);
    takeOwnLine(own, keyword, rest, i + 1);
    return '';
  });
  const policy = readPolicy(policyLines.join('\n'));
  if (own.issuers.every(({ role }) => role === 'rebuilder'))
    throw refused('the trust file names no issuer: add a line "issuer <key> <name>"');
  const logs = pairLogs(policy);
  return Object.freeze({
    policy,
    logs,
    issuers: Object.freeze(own.issuers),
    expected: Object.freeze(own.expected),
    maxAgeSeconds: own.limits.get('max-age'),
    clockSkewSeconds: own.limits.get('clock-skew') ?? DEFAULT_CLOCK_SKEW_SECONDS,
    iatWindows: windowsOf(own.iatWindows, [...logs.keys()]),
    channelKeys: channelKeysOf(own.channelKeys, policy),
    retiredKeys: retiredKeysOf(own.retiredKeys, policy, own.channelKeys),
  });
}

/** The trust file with this content, in one fixed order; parseTrust gives it back. */
export function formatTrust(trust: Omit<Trust, 'logs'>): string {
  const lines = [formatPolicy(trust.policy).trimEnd(), ''];
  for (const issuer of trust.issuers) lines.push(formatIssuer(issuer));
  for (const field of EXPECTED_FIELDS) {
    for (const value of trust.expected[field] ?? []) lines.push(`expect ${field} ${value}`);
  }
  if (trust.maxAgeSeconds !== undefined) lines.push(`max-age ${formatDuration(trust.maxAgeSeconds)}`);
  if (trust.clockSkewSeconds !== DEFAULT_CLOCK_SKEW_SECONDS) {
    lines.push(`clock-skew ${formatDuration(trust.clockSkewSeconds)}`);
  }
  for (const [origin, seconds] of trust.iatWindows) lines.push(`iat-window ${origin} ${formatDuration(seconds)}`);
  for (const { vkey } of [...trust.channelKeys.values()].flat()) lines.push(`channel-key ${vkey}`);
  for (const { vkey } of [...trust.retiredKeys.values()].flat()) lines.push(`retired-key ${vkey}`);
  return `${lines.join('\n')}\n`;
}

/** The trust file's line for a key and the name that it signs as. */
export function formatIssuer(issuer: Pick<TrustedIssuer, 'iss' | 'key' | 'role'>): string {
  return `${issuer.role ?? 'issuer'} ${toBase64(formatCoseKey(issuer.key))} ${issuer.iss}`;
}

/** The line without the spaces and tabs around it; a loop, because the regular expression for it is quadratic. */
function trimBlanks(line: string): string {
  let start = 0;
  let end = line.length;
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  return line.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** The first item of a trimmed line, and what follows the blanks after it. */
function splitFirst(line: string): readonly [string, string] {
  let end = 0;
  while (end < line.length && !isBlank(line[end])) end++;
  return [line.slice(0, end), trimBlanks(line.slice(end))];
}

/** True for a control character other than the tab (tlog-policy, "Character set"). */
function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const unit = line.charCodeAt(i);
    if ((unit < 0x20 && unit !== 0x09) || unit === 0x7f) return true;
  }
  return false;
}

function takeOwnLine(own: OwnLines, keyword: OwnKeyword, rest: string, line: number): void {
  if (keyword === 'issuer' || keyword === 'rebuilder') own.issuers.push(parseIssuer(own.issuers, keyword, rest, line));
  else if (keyword === 'expect') takeExpected(own.expected, rest, line);
  else if (keyword === 'iat-window') takeIatWindow(own.iatWindows, rest, line);
  else if (keyword === 'channel-key') takeChannelKey(own.channelKeys, rest, line);
  else if (keyword === 'retired-key') takeRetiredKey(own.retiredKeys, rest, line);
  else takeLimit(own.limits, keyword, rest, line);
}

function parseIssuer(
  known: readonly TrustedIssuer[],
  keyword: 'issuer' | 'rebuilder',
  rest: string,
  line: number,
): TrustedIssuer {
  const [keyText, iss] = splitFirst(rest);
  const bytes = iss === '' ? undefined : fromBase64(keyText);
  if (bytes === undefined) throw refused(`"${keyword}" takes the base64 of a key and the name that it signs as`, line);
  let key: CoseKey;
  try {
    key = parseCoseKey(bytes);
  } catch (error) {
    throw refused(`the key of issuer ${iss}: ${error instanceof Error ? error.message : String(error)}`, line, error);
  }
  const kid = toHex(thumbprint(key));
  if (known.some((other) => other.kid === kid && other.iss === iss)) {
    throw refused(`the key ${kid} of issuer ${iss} is named twice`, line);
  }
  return Object.freeze({ iss, key, kid, ...(keyword === 'rebuilder' && { role: keyword }) });
}

function takeExpected(expected: OwnLines['expected'], rest: string, line: number): void {
  const [name, value] = splitFirst(rest);
  const field = EXPECTED_FIELDS.find((known) => known === name);
  if (field === undefined || value === '') {
    throw refused(`"expect" takes one of ${EXPECTED_FIELDS.join(', ')} and a value`, line);
  }
  const values = (expected[field] ??= []);
  if (values.includes(value)) throw refused(`${field} ${JSON.stringify(value)} is expected twice`, line);
  values.push(value);
}

function takeLimit(limits: OwnLines['limits'], keyword: 'max-age' | 'clock-skew', rest: string, line: number): void {
  const seconds = parseDuration(rest);
  if (seconds === undefined) throw refused(`"${keyword}" takes a duration such as 90s, 15m, 36h or 7d`, line);
  if (limits.has(keyword)) throw refused(`"${keyword}" is there twice`, line);
  limits.set(keyword, seconds);
}

/** Notes the rest of an `iat-window` line; `bad-trust-file` unless it is an origin, for the first time, and a duration. */
export function takeIatWindow(windows: Map<string, IatWindow>, rest: string, line: number): void {
  const [origin, time] = splitFirst(rest);
  const seconds = parseDuration(time);
  if (seconds === undefined)
    throw refused('the form is "iat-window <origin> <time>", with a time such as 15m, 36h or 7d', line);
  if (windows.has(origin)) throw refused(`the log ${origin} has a window already`, line);
  windows.set(origin, { seconds, line });
}

/** The windows in seconds; `bad-trust-file` for one of a log that no line names. */
export function windowsOf(
  windows: ReadonlyMap<string, IatWindow>,
  origins: readonly string[],
): ReadonlyMap<string, number> {
  for (const [origin, { line }] of windows) {
    if (!origins.includes(origin)) throw refused(`no "log" line has a key named ${origin}`, line);
  }
  return new Map([...windows].map(([origin, { seconds }]) => [origin, seconds]));
}

/** Notes the rest of a `channel-key` line; `bad-trust-file` unless it is a channel key that no line before names. */
export function takeChannelKey(lines: KeyLine[], rest: string, line: number): void {
  let key: VerifierKey;
  let origin: string;
  try {
    key = parseVerifierKey(rest);
    origin = channelKeyOrigin(key);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw refused(`the form is "channel-key <vkey>": ${error.message}`, line, error);
  }
  if (lines.some((other) => other.key.vkey === key.vkey)) throw refused(`the key ${rest} is there twice`, line);
  lines.push(Object.freeze({ origin, key, line }));
}

/** The channel keys by origin; `bad-trust-file` for one of a log that no line names, or that signs something else too. */
export function channelKeysOf(lines: readonly KeyLine[], { logs, witnesses }: Policy): KeysByOrigin {
  const others = new Set([...logs, ...witnesses].map(({ key }) => toHex(key.publicKey)));
  const keys = new Map<string, readonly VerifierKey[]>();
  for (const { origin, key, line } of lines) {
    if (!logs.some((log) => log.key.name === origin)) throw refused(`no "log" line has a key named ${origin}`, line);
    if (others.has(toHex(key.publicKey))) throw refused('a channel key signs channel heads only', line);
    keys.set(origin, Object.freeze([...(keys.get(origin) ?? []), key]));
  }
  return keys;
}

/** Notes the rest of a `retired-key` line; `bad-trust-file` unless it is a log's key that no such line before names. */
export function takeRetiredKey(lines: KeyLine[], rest: string, line: number): void {
  let key: VerifierKey;
  try {
    key = parseVerifierKey(rest);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw refused(`the form is "retired-key <vkey>": ${error.message}`, line, error);
  }
  if (key.type !== SIGNATURE_TYPE.ed25519 && key.type !== SIGNATURE_TYPE.mldsa44) {
    throw refused(`a log does not sign with keys of type 0x0${key.type}`, line);
  }
  if (lines.some((other) => other.key.vkey === key.vkey)) throw refused(`the key ${rest} is there twice`, line);
  lines.push(Object.freeze({ origin: key.name, key, line }));
}

/**
 * The retired keys by origin; `bad-trust-file` for one of a log that no line names, and for one that is in use: as the key
 * of a log, of a witness, or of channel heads.
 */
export function retiredKeysOf(
  lines: readonly KeyLine[],
  { logs, witnesses }: Policy,
  channelKeys: readonly KeyLine[],
): KeysByOrigin {
  const logKeys = new Set(logs.map(({ key }) => toHex(key.publicKey)));
  const others = new Set([...witnesses, ...channelKeys].map(({ key }) => toHex(key.publicKey)));
  const keys = new Map<string, readonly VerifierKey[]>();
  for (const { origin, key, line } of lines) {
    if (!logs.some((log) => log.key.name === origin)) throw refused(`no "log" line has a key named ${origin}`, line);
    const publicKey = toHex(key.publicKey);
    if (logKeys.has(publicKey)) throw refused('a retired key has a "log" line too: only one of them can be true', line);
    if (others.has(publicKey)) throw refused('a key that a log retired signs nothing else', line);
    keys.set(origin, Object.freeze([...(keys.get(origin) ?? []), key]));
  }
  return keys;
}

/** The tlog-policy in a trust file or a list of logs; `bad-trust-file` with the line where it is none. */
export function readPolicy(text: string): Policy {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-trust-file', error.message.replace(/^policy /, ''), {
      details: error.details,
      cause: error,
    });
  }
}

/** The log lines by origin: exactly one Ed25519 and one ML-DSA-44 key each, and no log key among the witnesses. */
function pairLogs(policy: Policy): ReadonlyMap<string, TrustedLog> {
  const logs = new Map<string, TrustedLog>();
  for (const origin of new Set(policy.logs.map(({ key }) => key.name))) {
    const lines = policy.logs.filter(({ key }) => key.name === origin);
    const [ed25519, ...otherEd25519] = lines.filter(({ key }) => key.type === SIGNATURE_TYPE.ed25519);
    const [mldsa44, ...otherMldsa44] = lines.filter(({ key }) => key.type === SIGNATURE_TYPE.mldsa44);
    if (ed25519 === undefined || mldsa44 === undefined || otherEd25519.length + otherMldsa44.length > 0) {
      throw refused(`log ${origin} needs two "log" lines: one with its Ed25519 key and one with its ML-DSA-44 key`);
    }
    logs.set(origin, Object.freeze({ origin, ed25519: ed25519.key, mldsa44: mldsa44.key }));
  }
  if (logs.size === 0) throw refused('the trust file names no log: add its two "log <vkey>" lines');
  const logKeys = new Set(policy.logs.map(({ key }) => toHex(key.publicKey)));
  const witness = policy.witnesses.find(({ key }) => logKeys.has(toHex(key.publicKey)));
  if (witness !== undefined) throw refused(`witness ${witness.name} has the key of a log, which cannot witness itself`);
  return logs;
}

function refused(message: string, line?: number, cause?: unknown): LimmatError {
  return new LimmatError('bad-trust-file', line === undefined ? message : `line ${line}: ${message}`, {
    ...(line !== undefined && { details: { line } }),
    ...(cause !== undefined && { cause }),
  });
}
