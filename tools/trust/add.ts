// limmat trust add: the keys of a log or a witness, fetched once and pinned by a fingerprint that came another way.

import { existsSync, readFileSync, statSync } from 'node:fs';

import { utf8Text } from '../../src/bytes.ts';
import { logPrefix } from '../../src/client/http-reader.ts';
import { addLines, parseParty, pinLines } from '../../src/client/pin.ts';
import type { Party } from '../../src/client/pin.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { parseLogList } from '../../src/monitor/log-list.ts';
import { parseFingerprint } from '../../src/note/fingerprint.ts';
import { replaceFile } from '../../src/node/replace-file.ts';
import { urlSource } from '../support/log-source.ts';
import { createOutput, style } from '../support/output.ts';

export interface AddFlags {
  readonly fingerprint?: string;
  readonly trust?: string;
  readonly name?: string;
  readonly json?: boolean;
}

/** Two ML-DSA-44 keys and a channel key take 4 kB. */
const MAX_DESCRIPTION_BYTES = 64 * 1024;
const MAX_TRUST_FILE_BYTES = 1024 * 1024;

export async function addParty(address: string, flags: AddFlags): Promise<void> {
  const output = createOutput(flags);
  const url = prefixOf(address);
  const wanted = flags.fingerprint === undefined ? undefined : parseFingerprint(flags.fingerprint);
  if (flags.fingerprint !== undefined && wanted === undefined) {
    throw new LimmatError('usage', '--fingerprint takes 64 hex digits, SHA-256 as its operator prints it');
  }
  const party = await fetchParty(url);
  // Before anything is compared: who reads it sees what was there, also where it is refused.
  for (const line of describe(party)) output.note(line);
  checkFingerprint(party, url, wanted);
  const lines = linesFor(party, url, flags.name);
  if (flags.trust === undefined) {
    output.result({ ...json(party, url), lines }, lines);
    return;
  }
  const { text, isTrust } = addTo(flags.trust, party, lines);
  replaceFile(flags.trust, text);
  output.result({ ...json(party, url), lines, trust: flags.trust }, [
    `${style('green', 'pinned')} the ${party.kind} ${party.name} in ${flags.trust}`,
    ...nextSteps(party, flags, isTrust),
  ]);
}

function prefixOf(address: string): string {
  try {
    return logPrefix(address);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('usage', error.message, { cause: error });
  }
}

/** What is at this address says that it is. */
async function fetchParty(url: string): Promise<Party> {
  const source = urlSource(url);
  try {
    let bytes: Uint8Array;
    try {
      bytes = await source.resource('api/v1/log', MAX_DESCRIPTION_BYTES);
    } catch (error) {
      if (!isLimmatError(error, 'not-found')) throw error;
      bytes = await source.resource('api/v1/witness', MAX_DESCRIPTION_BYTES);
    }
    return parseParty(jsonOf(bytes));
  } finally {
    await source.close();
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes) ?? '');
  } catch {
    return undefined;
  }
}

function describe(party: Party): string[] {
  const { kind, name, keys, channelKey, fingerprint } = party;
  return [
    `${kind}          ${name}`.replace('witness          ', 'witness      '),
    ...keys.map(({ vkey }) => `public key   ${short(vkey)}`),
    ...(channelKey === undefined ? [] : [`channel key  ${short(channelKey.vkey)}`]),
    `fingerprint  ${fingerprint}`,
  ];
}

/** An ML-DSA-44 key takes twenty lines of a terminal; its beginning tells it from others. */
function short(vkey: string): string {
  return vkey.length <= 160 ? vkey : `${vkey.slice(0, 120)}… (${vkey.length} characters)`;
}

function checkFingerprint({ kind, name, fingerprint }: Party, url: string, wanted: string | undefined): void {
  if (wanted === fingerprint) return;
  const details = { name, fingerprint };
  if (wanted === undefined) {
    throw new LimmatError(
      'usage',
      `nothing was pinned: ask the operator of ${name} for the ${kind}'s fingerprint, and say --fingerprint ${fingerprint} if it is this one`,
      { details },
    );
  }
  throw new LimmatError(
    'fingerprint-mismatch',
    `the keys at ${url} have the fingerprint ${fingerprint}, not ${wanted}: nothing was pinned`,
    { details: { ...details, expected: wanted } },
  );
}

function linesFor(party: Party, url: string, name: string | undefined): readonly string[] {
  if (name !== undefined && party.kind === 'log') {
    throw new LimmatError('usage', '--name is for witnesses: a log is named by its origin');
  }
  try {
    return pinLines(party, { url, ...(name !== undefined && { name }) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('usage', error.message, { cause: error });
  }
}

/** The file with these lines, and whether it is a whole trust file; one that was whole stays so. */
function addTo(
  path: string,
  party: Party,
  lines: readonly string[],
): { readonly text: string; readonly isTrust: boolean } {
  const old = existsSync(path) ? readTrustFile(path) : '';
  const pinned = new Set(old.split('\n').map(keyOf));
  if (lines.map(keyOf).every((key) => key === undefined || pinned.has(key))) {
    throw new LimmatError('usage', `${path} names the ${party.kind} ${party.name} with these keys already`);
  }
  const text = addLines(old, lines);
  // A file without an issuer is on its way to become one; what is in it has to be right all the same.
  const isTrust = /^[ \t]*issuer[ \t]/m.test(text);
  if (isTrust) parseTrust(text);
  else if (/^[ \t]*log[ \t]/m.test(text)) parseLogList(text);
  return { text, isTrust };
}

function readTrustFile(path: string): string {
  const { size } = statSync(path);
  const text = size > MAX_TRUST_FILE_BYTES ? undefined : utf8Text(new Uint8Array(readFileSync(path)));
  if (text === undefined) throw new LimmatError('bad-trust-file', `${path} is too large, or not UTF-8`);
  return text;
}

/** The key that a line pins. */
function keyOf(line: string): string | undefined {
  const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
  if (keyword === 'log' || keyword === 'channel-key') return items[0];
  return keyword === 'witness' ? items[1] : undefined;
}

function nextSteps(party: Party, flags: AddFlags, isTrust: boolean): string[] {
  const next: string[] = [];
  if (party.kind === 'witness') {
    const name = flags.name ?? party.name;
    next.push(`It counts once a group or the quorum of ${flags.trust} names it: "${name}".`);
  }
  if (!isTrust) next.push(`Before "limmat verify" takes the file it needs a line "issuer <key> <name>".`);
  return next;
}

function json({ kind, name, keys, channelKey, fingerprint }: Party, url: string): object {
  return {
    kind,
    name,
    url,
    vkeys: keys.map(({ vkey }) => vkey),
    channelKey: channelKey?.vkey ?? null,
    fingerprint,
  };
}
