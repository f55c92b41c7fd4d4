// Trust policies: which logs and witnesses count, and how many witnesses are enough (C2SP tlog-policy).

import { parseDecimal, toHex, utf8Text } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from './key.ts';
import type { VerifierKey } from './key.ts';

/** A log that is trusted to be the one of its key's name. */
export interface PolicyLog {
  readonly key: VerifierKey;
  readonly url?: string;
}

/** A witness; its name means something in this policy only. */
export interface PolicyWitness {
  readonly name: string;
  readonly key: VerifierKey;
  readonly url?: string;
}

/** Holds when at least `threshold` of its members (witnesses, or groups before it) do. */
export interface PolicyGroup {
  readonly name: string;
  /** 1 ≤ threshold ≤ members.length */
  readonly threshold: number;
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** In order: a group's members are defined before it. */
  readonly groups: readonly PolicyGroup[];
  /** The name of a witness or group, or `none`: no cosignature is asked for. */
  readonly quorum: string;
}

/** The quorum of a policy that asks for no cosignature; never the name of a witness or group. */
export const NO_QUORUM = 'none';

/** 32 logs and 32 witnesses with ML-DSA-44 keys, the least that must be readable, take 170 kB. */
const MAX_POLICY_BYTES = 1024 * 1024;

// A log signs notes plainly or with the ML-DSA-44 cosignature form; a witness only with the timestamped forms.
const LOG_TYPES: readonly number[] = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44];
const WITNESS_TYPES: readonly number[] = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44];

/** What the lines so far have defined. */
interface Draft {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly groups: PolicyGroup[];
  /** Every witness's and group's name; true once it is a group's member. */
  readonly names: Map<string, boolean>;
  /** By public key in hex, the name of the vkey that has it. */
  readonly logKeys: Map<string, string>;
  readonly witnessKeys: Map<string, string>;
  quorum: string | undefined;
}

/**
 * A policy's content. LimmatError `malformed` with the line's number in the message and in details.line. The names are
 * opaque bytes; one that is not UTF-8 stays apart from every other, but cannot be formatted again.
 *
 * ```text
 * log example.com/log+<hash>+<key>
 * witness A a.example/w+<hash>+<key> https://a.example/witness
 * witness B b.example/w+<hash>+<key>
 * group both all A B
 * quorum both
 * ```
 */
export function parsePolicy(policy: Uint8Array | string): Policy {
  if (policy.length > MAX_POLICY_BYTES) {
    throw new LimmatError(
      'malformed',
      `policy has ${policy.length} bytes or more, above the limit of ${MAX_POLICY_BYTES}`,
    );
  }
  const text = typeof policy === 'string' ? policy : policyText(policy);
  const draft: Draft = {
    logs: [],
    witnesses: [],
    groups: [],
    names: new Map(),
    logKeys: new Map(),
    witnessKeys: new Map(),
    quorum: undefined,
  };
  for (const [i, line] of text.split('\n').entries()) {
    try {
      takeLine(draft, line);
    } catch (error) {
      if (!isLimmatError(error)) throw error;
      const message = `policy line ${i + 1}: ${error.message}`;
      throw new LimmatError('malformed', message, { details: { line: i + 1 }, cause: error });
    }
  }
  const { logs, witnesses, groups, quorum } = draft;
  if (quorum === undefined) throw new LimmatError('malformed', 'policy has no line "quorum <name>" or "quorum none"');
  return Object.freeze({
    logs: Object.freeze(logs),
    witnesses: Object.freeze(witnesses),
    groups: Object.freeze(groups),
    quorum,
  });
}

/** The policy as text, in one fixed order. RangeError unless parsePolicy reads it back. */
export function formatPolicy(policy: Policy): string {
  const lines: string[] = [];
  const add = (...items: readonly (string | undefined)[]): void => {
    lines.push(items.filter((item) => item !== undefined).join(' '));
  };
  for (const { key, url } of policy.logs) add('log', key.vkey, url);
  for (const { name, key, url } of policy.witnesses) add('witness', name, key.vkey, url);
  for (const { name, threshold, members } of policy.groups) add('group', name, String(threshold), ...members);
  add('quorum', policy.quorum);
  const text = `${lines.join('\n')}\n`;
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('a name in the policy is not UTF-8');
  let reread: Policy;
  try {
    reread = parsePolicy(text);
  } catch (cause) {
    throw new RangeError('not a policy', { cause });
  }
  // A space in a name would have moved the items.
  if (JSON.stringify(namesIn(reread)) !== JSON.stringify(namesIn(policy))) throw new RangeError('not a policy');
  return text;
}

function namesIn({ logs, witnesses, groups, quorum }: Policy): unknown {
  return [
    logs.map(({ key, url }) => [key.vkey, url]),
    witnesses.map(({ name, key, url }) => [name, key.vkey, url]),
    groups.map(({ name, threshold, members }) => [name, threshold, members]),
    quorum,
  ];
}

/** True when the witnesses with these names (those whose cosignatures hold) are enough for the policy's quorum. */
export function quorumMet(policy: Policy, witnessNames: ReadonlySet<string>): boolean {
  if (policy.quorum === NO_QUORUM) return true;
  const met = new Set(policy.witnesses.map(({ name }) => name).filter((name) => witnessNames.has(name)));
  // Members come before their groups, so one pass settles everything.
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name);
  }
  return met.has(policy.quorum);
}

/**
 * A policy's octets as text. Items that are UTF-8 are what they say; in others the bytes from 0x80 on become code units that
 * no UTF-8 has, so that two items are equal when their octets are, whatever stands elsewhere in the file.
 */
export function policyText(bytes: Uint8Array): string {
  const whole = utf8Text(bytes);
  if (whole !== undefined) return whole;
  let text = '';
  for (let start = 0; start < bytes.length;) {
    let end = start;
    while (end < bytes.length && !isSeparator(bytes[end]!)) end++;
    const item = bytes.subarray(start, end);
    text += utf8Text(item) ?? escapedText(item);
    if (end < bytes.length) text += String.fromCharCode(bytes[end]!);
    start = end + 1;
  }
  return text;
}

/** Tab, newline, space: what stands between items. */
function isSeparator(byte: number): boolean {
  return byte === 0x09 || byte === 0x0a || byte === 0x20;
}

function escapedText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
  return text;
}

function takeLine(draft: Draft, line: string): void {
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) throw refused('it has a control character');
  const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
  if (keyword === undefined || keyword.startsWith('#')) return;
  switch (keyword) {
    case 'log':
      return takeLog(draft, items);
    case 'witness':
      return takeWitness(draft, items);
    case 'group':
      return takeGroup(draft, items);
    case 'quorum':
      return takeQuorum(draft, items);
    default:
      throw refused(`"${keyword.slice(0, 40)}" is none of log, witness, group, quorum`);
  }
}

function takeLog(draft: Draft, [vkey, url, ...rest]: readonly string[]): void {
  if (vkey === undefined || rest.length > 0) throw refused('the form is "log <vkey> [<url>]"');
  const key = parseVerifierKey(vkey);
  checkKey('log', key, LOG_TYPES, draft.logKeys);
  draft.logs.push(Object.freeze({ key, ...(url === undefined ? {} : { url }) }));
}

function takeWitness(draft: Draft, [name, vkey, url, ...rest]: readonly string[]): void {
  if (name === undefined || vkey === undefined || rest.length > 0) {
    throw refused('the form is "witness <name> <vkey> [<url>]"');
  }
  const key = parseVerifierKey(vkey);
  checkKey('witness', key, WITNESS_TYPES, draft.witnessKeys);
  define(draft, name);
  draft.witnesses.push(Object.freeze({ name, key, ...(url === undefined ? {} : { url }) }));
}

function takeGroup(draft: Draft, [name, rule, ...members]: readonly string[]): void {
  if (name === undefined || rule === undefined || members.length === 0) {
    throw refused('the form is "group <name> all|any|<k> <name>..."');
  }
  const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : parseDecimal(rule);
  if (threshold === undefined) throw refused(`"${rule.slice(0, 40)}" is neither all, any nor a decimal number`);
  if (threshold < 1 || threshold > members.length) {
    throw refused(`the threshold ${threshold} is not between 1 and the ${members.length} members`);
  }
  for (const member of members) {
    const used = draft.names.get(member);
    if (used === undefined) throw refused(`"${member}" is not defined on a line before it`);
    // So that a witness adds to the quorum in one way only.
    if (used) throw refused(`"${member}" is a group's member already`);
    draft.names.set(member, true);
  }
  define(draft, name);
  draft.groups.push(Object.freeze({ name, threshold, members: Object.freeze(members) }));
}

function takeQuorum(draft: Draft, [name, ...rest]: readonly string[]): void {
  if (name === undefined || rest.length > 0) throw refused('the form is "quorum <name>" or "quorum none"');
  if (draft.quorum !== undefined) throw refused('there is a quorum already');
  if (name !== NO_QUORUM && !draft.names.has(name)) throw refused(`"${name}" is not defined on a line before it`);
  draft.quorum = name;
}

function define(draft: Draft, name: string): void {
  if (name === NO_QUORUM) throw refused('the name "none" is taken by the quorum');
  if (draft.names.has(name)) throw refused(`the name "${name}" is defined already`);
  draft.names.set(name, false);
}

/** Two vkeys are duplicates when their public keys are the same, whatever their names say. */
function checkKey(what: string, key: VerifierKey, types: readonly number[], known: Map<string, string>): void {
  if (!types.includes(key.type)) throw refused(`a ${what} does not sign with keys of type 0x0${key.type}`);
  const publicKey = toHex(key.publicKey);
  const same = known.get(publicKey);
  if (same !== undefined) throw refused(`the ${what} key of ${key.name} is that of ${same} too`);
  known.set(publicKey, key.name);
}

function refused(why: string): LimmatError {
  return new LimmatError('malformed', why);
}
