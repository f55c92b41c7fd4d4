// limmat trust fill: an example of a trust file with other keys in it. What it says about groups, quorum, expectations
// and limits stays, comments too.

import { readFileSync, writeFileSync } from 'node:fs';

import { formatIssuer, parseTrust } from '../../src/client/trust.ts';
import { LimmatError } from '../../src/errors.ts';
import { readPublicKey } from '../support/keys.ts';

/** Whose keys go into an example. */
export interface TrustParties {
  /** The two vkeys of each log; keys of one log share its origin as their name. */
  readonly logs: readonly string[];
  /** By the example's name of a witness, its vkey. */
  readonly witnesses: ReadonlyMap<string, string>;
  /** Lines as formatIssuer gives them. */
  readonly issuers: readonly string[];
  readonly channelKeys?: readonly string[];
  /** Such as "1d": what every log promises about times of signing. */
  readonly iatWindow?: string;
  /** Where the log is, and by its name where each witness is. */
  readonly logUrl?: string;
  readonly witnessUrls?: ReadonlyMap<string, string>;
}

/** Lines that name somebody: they go, and the first of each kind leaves its place to those that are given. */
const REPLACED = ['log', 'issuer', 'rebuilder', 'channel-key', 'iat-window', 'retired-key'] as const;

/**
 * The trust file that an example becomes with these parties. LimmatError `usage` when a witness of the example has no key,
 * or a key no witness in it; `bad-trust-file` when the result is none.
 */
export function fillExample(example: string, parties: TrustParties): string {
  const { witnesses, witnessUrls } = parties;
  const unused = new Set(witnesses.keys());
  const given = new Map<string, readonly string[]>([
    ['log', parties.logs.map((vkey) => joined('log', vkey, parties.logUrl))],
    ['issuer', parties.issuers],
  ]);
  const origins = new Set(parties.logs.map((vkey) => vkey.slice(0, vkey.indexOf('+'))));
  const extra = [
    ...(parties.channelKeys ?? []).map((vkey) => `channel-key ${vkey}`),
    ...(parties.iatWindow === undefined
      ? []
      : [...origins].map((origin) => `iat-window ${origin} ${parties.iatWindow}`)),
  ];
  const lines = example.split('\n').flatMap((line) => {
    const [keyword = '', name = ''] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === 'witness') {
      const vkey = witnesses.get(name);
      if (vkey === undefined) throw new LimmatError('usage', `the example's witness ${name} is given no key`);
      unused.delete(name);
      return [joined('witness', `${name} ${vkey}`, witnessUrls?.get(name))];
    }
    if (!REPLACED.some((replaced) => replaced === keyword)) return [line];
    const own = given.get(keyword) ?? [];
    given.delete(keyword);
    return keyword === 'log' ? [...own, ...(own.length === 0 ? [] : extra)] : own;
  });
  if (unused.size > 0) throw new LimmatError('usage', `the example has no witness named ${[...unused].join(', ')}`);
  const text = lines.join('\n');
  parseTrust(text);
  return text;
}

function joined(keyword: string, rest: string, url: string | undefined): string {
  return url === undefined ? `${keyword} ${rest}` : `${keyword} ${rest} ${url}`;
}

export interface FillFlags {
  readonly log: readonly string[];
  readonly witness?: readonly string[];
  readonly issuer: readonly string[];
  readonly channelKey?: readonly string[];
  readonly iatWindow?: string;
  readonly out?: string;
}

export function fill(example: string, flags: FillFlags): void {
  const text = fillExample(readFileSync(example, 'utf8'), {
    logs: flags.log,
    witnesses: new Map((flags.witness ?? []).map((item) => pair('--witness', item))),
    issuers: flags.issuer.map((item) => {
      const [file, iss] = pair('--issuer', item);
      return formatIssuer({ iss, key: readPublicKey(file) });
    }),
    ...(flags.channelKey !== undefined && { channelKeys: flags.channelKey }),
    ...(flags.iatWindow !== undefined && { iatWindow: flags.iatWindow }),
  });
  if (flags.out === undefined) process.stdout.write(text);
  else writeFileSync(flags.out, text, { flag: 'wx' });
}

function pair(option: string, item: string): readonly [string, string] {
  const at = item.indexOf('=');
  if (at > 0 && at < item.length - 1) return [item.slice(0, at), item.slice(at + 1)];
  throw new LimmatError('usage', `${option} takes two things with "=" between them, not ${JSON.stringify(item)}`);
}
