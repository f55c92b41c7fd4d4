// limmat.toml in the data directory: what an operator may set, and nothing else. Flags of the command line override it.

import { existsSync, readFileSync } from 'node:fs';

import { parse as parseToml, TomlError } from 'smol-toml';
import * as v from 'valibot';

import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../adapters/http/index.ts';
import { LimmatError } from '../errors.ts';
import {
  DEFAULT_CHECKPOINT_INTERVAL_MILLIS,
  DEFAULT_IAT_WINDOW_SECONDS,
  DEFAULT_INTAKE_LIMITS,
  DEFAULT_REFRESH_INTERVAL_MILLIS,
} from '../log/index.ts';
import { didYouMean } from './did-you-mean.ts';
import { formatDuration, parseDuration, parseListen } from './units.ts';

/** A value in text form, checked by its own parser; the parser's sentence is the error. */
function text<T>(parse: (value: string) => T) {
  return v.pipe(
    v.string('must be text in quotes'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        addIssue({ message: error instanceof Error ? error.message : String(error) });
        return NEVER;
      }
    }),
  );
}

/** A bound of the queue. One that is below a whole batch would answer 503 "try again later" to it for ever. */
function queueBound(least: number, unit: string) {
  const message = `must be a whole number of at least ${least}: the ${unit} that one batch may have`;
  return v.pipe(v.number('must be a number'), v.safeInteger(message), v.minValue(least, message));
}

function wholeNumber(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(least, message), v.maxValue(most, message));
}

/** More than any machine has use for: a slip of the pen is an error, not a thousand threads. */
const MAX_VERIFY_THREADS = 64;

/** Two threads verify 31,000 Ed25519 signatures a second; more than four gain nothing that the writer could use. */
export const DEFAULT_VERIFY_THREADS = 4;

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

const CONFIG_KEYS = {
  /** HOST:PORT of the log. */
  listen: text(parseListen),
  /** HOST:PORT of /metrics; absent: no such listener. */
  'metrics-listen': text(parseListen),
  /** Both are fixed when the log is made; here they are only compared. */
  origin: v.string('must be text in quotes'),
  admission: v.picklist(['records', 'open'], 'must be "records" or "open"'),
  /** FILE, env:NAME or exec:COMMAND of the log's own keys; with exec the public keys have to be here as well. */
  'note-key': v.string('must be text in quotes'),
  'note-vkey': v.string('must be text in quotes'),
  'head-key': v.string('must be text in quotes'),
  'head-vkey': v.string('must be text in quotes'),
  'checkpoint-interval': text(parseDuration),
  'refresh-interval': text(parseDuration),
  'iat-window': text(parseDuration),
  'max-queue-entries': queueBound(MAX_BATCH_ENTRIES, 'entries'),
  'max-queue-bytes': queueBound(MAX_BATCH_BYTES, 'bytes'),
  /** Threads that verify signatures; 0: none beside the main one. */
  'verify-threads': wholeNumber(0, MAX_VERIFY_THREADS),
  'log-level': v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`),
};

const CONFIG = v.strictObject(v.entriesFromObjects([v.partial(v.object(CONFIG_KEYS))]));

/** What limmat.toml says; everything in it is optional. */
export type Config = v.InferOutput<typeof CONFIG>;

/** Every key that limmat.toml may hold. */
export const CONFIG_KEY_NAMES: readonly string[] = Object.keys(CONFIG_KEYS);

/** Checks the text of a limmat.toml. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseConfig(source: string, file = 'limmat.toml'): Config {
  const fail = (why: string) => new LimmatError('bad-config', `${file}: ${why}`, { details: { file } });
  let table: Record<string, unknown>;
  try {
    table = parseToml(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw fail(`line ${error.line}, column ${error.column}: ${error.message.split('\n', 1)[0]}`);
  }
  for (const key of Object.keys(table)) {
    if (CONFIG_KEY_NAMES.includes(key)) continue;
    const guess = didYouMean(key, CONFIG_KEY_NAMES);
    throw fail(`unknown key "${key}"${guess === '' ? `: the keys are ${CONFIG_KEY_NAMES.join(', ')}` : guess}`);
  }
  const parsed = v.safeParse(CONFIG, table);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw fail(`"${v.getDotPath(issue) ?? '?'}" ${issue.message}`);
}

/** The configuration in this file; an absent file sets nothing. */
export function readConfig(file: string): Config {
  return existsSync(file) ? parseConfig(readFileSync(file, 'utf8'), file) : {};
}

/** The limmat.toml of a new data directory: every key with its default, commented out. */
export const CONFIG_TEMPLATE = `# limmat.toml: settings of the log in this directory. Flags of "limmat serve" override them; unknown keys are errors.

# listen = "127.0.0.1:6962"
# metrics-listen = "127.0.0.1:6963"   # Prometheus text on /metrics; absent: no such listener
# checkpoint-interval = "${formatDuration(DEFAULT_CHECKPOINT_INTERVAL_MILLIS)}"          # at most one checkpoint in this time; "0" publishes every commit
# refresh-interval = "${formatDuration(DEFAULT_REFRESH_INTERVAL_MILLIS)}"           # an idle log signs its head again after this
# iat-window = "${formatDuration(DEFAULT_IAT_WINDOW_SECONDS * 1000)}"                   # how far a record's time of signing may be from now
# max-queue-entries = ${DEFAULT_INTAKE_LIMITS.queueEntries}           # entries that may wait for a commit; more get 503
# max-queue-bytes = ${DEFAULT_INTAKE_LIMITS.queueBytes}          # the same in bytes
# verify-threads = ${DEFAULT_VERIFY_THREADS}                  # that check signatures, but no more than there are processors; 0: none of their own
# note-key = "keys/log.skey"          # FILE, env:NAME, or exec:COMMAND with the public key as note-vkey
# head-key = "keys/log-mldsa.skey"    # the same, with head-vkey
# log-level = "info"                  # silent, error, warn, info, debug; on a terminal the default is warn
`;
