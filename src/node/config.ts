// limmat.toml in the data directory: what an operator may set, and nothing else. Flags of the command line override it.

import * as v from 'valibot';

import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../adapters/http/limits.ts';
import { DEFAULT_WITNESS_DEADLINE_MILLIS, DEFAULT_WITNESS_GRACE_MILLIS } from '../client/cosign.ts';
import { DEFAULT_INTAKE_LIMITS } from '../log/intake.ts';
import { DEFAULT_CHECKPOINT_INTERVAL_MILLIS, DEFAULT_REFRESH_INTERVAL_MILLIS } from '../log/publish.ts';
import { DEFAULT_IAT_WINDOW_SECONDS } from '../log/validate.ts';
import { DEFAULT_CHANNEL_REFRESH_MILLIS, DEFAULT_CHANNEL_VALIDITY_MILLIS } from '../log/channel-heads.ts';
import { DEFAULT_HEARTBEAT_INTERVAL_MILLIS } from './heartbeat.ts';
import { LOG_LEVELS } from './defaults.ts';
import { NOT_TEXT, parseSettings, readSettingsFile, table, text, wholeNumber } from './toml.ts';
import { formatDuration, parseDuration, parseListen } from './units.ts';

/** A bound of the queue. One that is below a whole batch would answer 503 "try again later" to it for ever. */
function queueBound(least: number, unit: string) {
  const message = `must be a whole number of at least ${least}: the ${unit} that one batch may have`;
  return v.pipe(v.number('must be a number'), v.safeInteger(message), v.minValue(least, message));
}

/** A minute at a hundred times the speed of a good machine. */
const MAX_QUOTA = 1_000_000_000;

/** More than any machine has use for: a slip of the pen is an error, not a thousand threads. */
const MAX_VERIFY_THREADS = 64;

/** Two threads verify 31,000 Ed25519 signatures a second; more than four gain nothing that the writer could use. */
export const DEFAULT_VERIFY_THREADS = 4;

export { LOG_LEVELS };

const CONFIG_KEYS = {
  /** HOST:PORT of the log. */
  listen: text(parseListen),
  /** HOST:PORT of /metrics; absent: no such listener. */
  'metrics-listen': text(parseListen),
  /** Both are fixed when the log is made; here they are only compared. */
  origin: v.string(NOT_TEXT),
  admission: v.picklist(['records', 'open'], 'must be "records" or "open"'),
  /** FILE, env:NAME or exec:COMMAND of the log's own keys; with exec the public keys have to be here as well. */
  'note-key': v.string(NOT_TEXT),
  'note-vkey': v.string(NOT_TEXT),
  'head-key': v.string(NOT_TEXT),
  'head-vkey': v.string(NOT_TEXT),
  'checkpoint-interval': text(parseDuration),
  'refresh-interval': text(parseDuration),
  'iat-window': text(parseDuration),
  /** A log of records says its chain heads at least so often; 0: never. */
  'heartbeat-interval': text(parseDuration),
  'channel-validity': text(parseDuration),
  'channel-refresh': text(parseDuration),
  /** Entries a minute that a key, and all keys of a namespace together, may submit; absent: as many as come. */
  'quota-key': wholeNumber(1, MAX_QUOTA),
  'quota-namespace': wholeNumber(1, MAX_QUOTA),
  'max-queue-entries': queueBound(MAX_BATCH_ENTRIES, 'entries'),
  'max-queue-bytes': queueBound(MAX_BATCH_BYTES, 'bytes'),
  /** Threads that verify signatures; 0: none beside the main one. */
  'verify-threads': wholeNumber(0, MAX_VERIFY_THREADS),
  /** A C2SP tlog-policy, or a trust file: the witnesses and their quorum. Absent: no witness is asked. */
  'witness-policy': v.string(NOT_TEXT),
  /** How long a witness gets, and how long more is taken from the others once the quorum is met. */
  'witness-deadline': text(parseDuration),
  'witness-grace': text(parseDuration),
  /** True: checkpoints are published without the quorum too, as uncosigned. */
  'fail-open': v.boolean('must be true or false'),
  'log-level': v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`),
};

const CONFIG = table(v.entriesFromObjects([v.partial(v.object(CONFIG_KEYS))]));

/** What limmat.toml says; everything in it is optional. */
export type Config = v.InferOutput<typeof CONFIG>;

/** Every key that limmat.toml may hold. */
export const CONFIG_KEY_NAMES: readonly string[] = Object.keys(CONFIG_KEYS);

/** Checks the text of a limmat.toml. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseConfig(source: string, file = 'limmat.toml'): Config {
  return parseSettings(CONFIG, source, file);
}

/** The configuration in this file; an absent file sets nothing. */
export function readConfig(file: string): Config {
  return readSettingsFile(CONFIG, file);
}

/** The limmat.toml of a new data directory: every key with its default, commented out. */
export const CONFIG_TEMPLATE = `# limmat.toml: settings of the log in this directory. Flags of "limmat serve" override them; unknown keys are errors.

# listen = "127.0.0.1:6962"
# metrics-listen = "127.0.0.1:6963"   # Prometheus text on /metrics; absent: no such listener
# checkpoint-interval = "${formatDuration(DEFAULT_CHECKPOINT_INTERVAL_MILLIS)}"          # at most one checkpoint in this time; "0" publishes every commit
# refresh-interval = "${formatDuration(DEFAULT_REFRESH_INTERVAL_MILLIS)}"           # an idle log signs its head again after this
# iat-window = "${formatDuration(DEFAULT_IAT_WINDOW_SECONDS * 1000)}"                   # how far a record's time of signing may be from now
# heartbeat-interval = "${formatDuration(DEFAULT_HEARTBEAT_INTERVAL_MILLIS)}"           # a log of records names its chain heads this often, and soon after they change; "0": never
# channel-validity = "${formatDuration(DEFAULT_CHANNEL_VALIDITY_MILLIS)}"             # how long a channel head is good for
# channel-refresh = "${formatDuration(DEFAULT_CHANNEL_REFRESH_MILLIS)}"              # how old one gets before it is signed again; at most a third of that
# quota-key = 6000                    # entries a minute that one key may submit; absent: as many as come
# quota-namespace = 60000             # the same for all keys of a namespace together
# max-queue-entries = ${DEFAULT_INTAKE_LIMITS.queueEntries}           # entries that may wait for a commit; more get 503
# max-queue-bytes = ${DEFAULT_INTAKE_LIMITS.queueBytes}          # the same in bytes
# verify-threads = ${DEFAULT_VERIFY_THREADS}                  # that check signatures, but no more than there are processors; 0: none of their own
# witness-policy = "witnesses.policy" # C2SP tlog-policy or trust file: without its quorum's cosignatures nothing is published; absent: no witnesses
# witness-deadline = "${formatDuration(DEFAULT_WITNESS_DEADLINE_MILLIS)}"             # how long a witness gets to cosign
# witness-grace = "${formatDuration(DEFAULT_WITNESS_GRACE_MILLIS)}"             # after the quorum is met, cosignatures are collected for so much longer
# fail-open = false                   # true publishes without the quorum as well; everything then says "uncosigned"
# note-key = "keys/log.skey"          # FILE, env:NAME, or exec:COMMAND with the public key as note-vkey
# head-key = "keys/log-mldsa.skey"    # the same, with head-vkey
# log-level = "info"                  # silent, error, warn, info, debug; on a terminal the default is warn
`;
