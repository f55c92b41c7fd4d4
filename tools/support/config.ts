// Options that several commands share, as commander takes them. A flag has the name, the form and the checks of its key
// in limmat.toml.

import { resolve } from 'node:path';

import { InvalidArgumentError, Option } from 'commander';

import { DEFAULT_DATA_DIR, LOG_LEVELS } from '../../src/node/defaults.ts';
import type { Config } from '../../src/node/config.ts';
import { parseDuration, parseListen } from '../../src/node/units.ts';

/** Where tools look for a running log unless told otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:6962';

/** An argument parser whose RangeError becomes commander's own message. */
export function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(`It ${error.message}.`);
      throw error;
    }
  };
}

/** A whole number of at least this. */
export function wholeNumber(least: number): (text: string) => number {
  return checked((text) => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least) return value;
    throw new RangeError(`must be a whole number of at least ${least}, and is "${text}"`);
  });
}

/** Collects the values of an option that may be repeated. (Commander's own lists would swallow arguments after them.) */
export function repeated(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** An http or https address, without slashes at its end. RangeError otherwise. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new RangeError(`must be an http or https address like ${DEFAULT_URL}, and is "${text}"`);
  }
  return text.replace(/\/+$/, '');
}

/** --data DIR: a log's directory. */
export const dataOption = (): Option =>
  new Option('--data <dir>', "the log's data directory").default(DEFAULT_DATA_DIR);

/** --url URL: a running log. */
export const urlOption = (): Option =>
  new Option('--url <url>', 'address of the running log').default(DEFAULT_URL).argParser(checked(parseUrl));

/** --url URL of a running log, where the one of --data is meant unless it is given. */
export const optionalUrlOption = (): Option =>
  new Option('--url <url>', 'address of a running log (default: the log of --data, running or not)').argParser(
    checked(parseUrl),
  );

/** --root-key FILE: who decides. */
export const rootKeyOption = (): Option =>
  new Option(
    '--root-key <file>',
    'a root key of the namespace (FILE or env:NAME; default: keys/root.pem of --data); may be repeated',
  ).argParser(repeated);

/** --json: the answer for a program. */
export const jsonOption = (): Option => new Option('--json', 'answer as JSON');

/** --origin and --admission: what a log is, fixed when it is made. */
export const identityOptions = (): Option[] => [
  new Option('--origin <name>', "the log's name for ever, a host or path of yours (default: a unique one)"),
  new Option(
    '--admission <mode>',
    "records: signed records that the log's policy admits; open: any bytes (default: records)",
  ).choices(['records', 'open']),
];

/** The flags of `serve` that limmat.toml knows as well, except identityOptions. */
export const serverOptions = (): Option[] => [
  new Option('--listen <host:port>', 'where to listen (default: 127.0.0.1:6962)').argParser(checked(parseListen)),
  new Option('--metrics-listen <host:port>', 'where to serve /metrics (default: nowhere)').argParser(
    checked(parseListen),
  ),
  new Option(
    '--checkpoint-interval <time>',
    'shortest time between checkpoints, 0: every commit (default: 1s)',
  ).argParser(checked(parseDuration)),
  new Option(
    '--witness-policy <file>',
    'a tlog-policy or trust file: publish with its quorum of witnesses only (default: without any)',
  ).argParser((path) => resolve(path)),
  new Option('--log-level <level>', 'what is written to standard error (default: info, on a terminal warn)').choices(
    LOG_LEVELS,
  ),
];

/** What identityOptions and serverOptions give. */
export interface ServerFlags {
  readonly origin?: string;
  readonly admission?: 'records' | 'open';
  readonly listen?: Config['listen'];
  readonly metricsListen?: Config['metrics-listen'];
  readonly checkpointInterval?: number;
  readonly witnessPolicy?: string;
  readonly logLevel?: Config['log-level'];
}

/** The flags in the words of limmat.toml. */
export function configOfFlags(flags: ServerFlags): Config {
  return {
    origin: flags.origin,
    admission: flags.admission,
    listen: flags.listen,
    'metrics-listen': flags.metricsListen,
    'checkpoint-interval': flags.checkpointInterval,
    'witness-policy': flags.witnessPolicy,
    'log-level': flags.logLevel,
  };
}
