// monitor.toml in a monitor's directory: which logs are watched, who is told, with whom heads are compared. Flags of the
// command line override its plain keys.

import * as v from 'valibot';

import { logPrefix } from '../../client/http-reader.ts';
import { DEFAULT_LIMITS } from '../../monitor/limits.ts';
import { parseVerifierKey } from '../../note/key.ts';
import { LOG_LEVELS } from '../config.ts';
import { NOT_TEXT, parseSettings, readSettingsFile, table, text, wholeNumber } from '../toml.ts';
import { formatDuration, formatListen, parseDuration, parseListen } from '../units.ts';
import type { ListenAddress } from '../units.ts';
import { parseWebhookOrigin } from './webhook.ts';

/** Where a monitor's pages are unless told otherwise. */
export const DEFAULT_MONITOR_LISTEN: ListenAddress = Object.freeze({ host: '127.0.0.1', port: 6972 });
/** A log that publishes every second is looked at often enough to be asked about within a minute, and not more often. */
export const DEFAULT_INTERVAL_MILLIS = 60_000;
/** Every peer is called in every round (domain: all to all for few, static lists). */
const MAX_PEERS = 100;
const MAX_HOOKS = 16;
const MAX_LOGS = 1_000;
const MAX_WITNESSES = 100;

const words = (least: number, what: string) =>
  v.pipe(v.array(v.string(NOT_TEXT), 'must be a list in brackets'), v.minLength(least, what));

/** At least a second: a slip of the pen must not become a load on somebody's log. */
const interval = text((value) => {
  const millis = parseDuration(value);
  if (millis >= 1_000) return millis;
  throw new RangeError(`must be at least 1s, and is "${value}"`);
});

const PEER = table({
  /** The peer's vkey, which also names it. */
  key: text((value) => parseVerifierKey(value).vkey),
  /** Absent: it only calls in. */
  url: v.optional(text(logPrefix)),
  operator: v.optional(v.string(NOT_TEXT)),
});

const LOG = table({
  /** Of a log in the lists. */
  origin: v.string(NOT_TEXT),
  'witness-quorum': v.string(NOT_TEXT),
});

const WITNESS = table({
  /** The key with which it cosigns. */
  key: text((value) => parseVerifierKey(value).vkey),
  /** Its monitoring prefix. */
  url: text(logPrefix),
});

const WEBHOOK = table({
  /** The address, or env:NAME of a variable that holds it. */
  url: v.string(NOT_TEXT),
  /** True: may lead to a loopback or private address. */
  private: v.optional(v.boolean('must be true or false')),
});

const MONITOR_KEYS = {
  trust: v.optional(words(1, 'must name at least one log list')),
  /** Where the lists' only log is, if they do not say it. */
  url: v.optional(text(logPrefix)),
  interval: v.optional(interval),
  listen: v.optional(text(parseListen)),
  'metrics-listen': v.optional(text(parseListen)),
  'log-level': v.optional(v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)),
  /** A head that was signed longer ago is stale; by the grace longer, it is a suspicion. */
  'max-age': v.optional(text(parseDuration)),
  grace: v.optional(text(parseDuration)),
  /** Rounds in a row that fail before anybody is told. */
  failures: v.optional(wholeNumber(1, 1_000)),
  /** What this monitor asks for: a witness or group of the list, or of how many of its witnesses. */
  'witness-quorum': v.optional(v.string(NOT_TEXT)),
  'witness-within': v.optional(interval),
  'peers-needed': v.optional(wholeNumber(0, MAX_PEERS)),
  'peers-within': v.optional(interval),
  exec: v.optional(words(1, 'must name a program')),
  'webhook-allow': v.optional(v.array(text(parseWebhookOrigin), 'must be a list in brackets')),
  peer: v.optional(v.pipe(v.array(PEER), v.maxLength(MAX_PEERS, `must be at most ${MAX_PEERS}`))),
  log: v.optional(v.pipe(v.array(LOG), v.maxLength(MAX_LOGS, `must be at most ${MAX_LOGS}`))),
  witness: v.optional(v.pipe(v.array(WITNESS), v.maxLength(MAX_WITNESSES, `must be at most ${MAX_WITNESSES}`))),
  webhook: v.optional(v.pipe(v.array(WEBHOOK), v.maxLength(MAX_HOOKS, `must be at most ${MAX_HOOKS}`))),
};

const MONITOR_CONFIG = table(MONITOR_KEYS);

/** What monitor.toml says; everything in it is optional. */
export type MonitorConfig = v.InferOutput<typeof MONITOR_CONFIG>;

/** Every key that monitor.toml may hold at its top; `peer`, `log`, `witness` and `webhook` are tables. */
export const MONITOR_KEY_NAMES: readonly string[] = Object.keys(MONITOR_KEYS);

/** Checks the text of a monitor.toml. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseMonitorConfig(source: string, file = 'monitor.toml'): MonitorConfig {
  return parseSettings(MONITOR_CONFIG, source, file);
}

/** The configuration in this file; an absent file sets nothing. */
export function readMonitorConfig(file: string): MonitorConfig {
  return readSettingsFile(MONITOR_CONFIG, file);
}

/** What `limmat monitor --init` writes into a new monitor.toml. */
export interface FirstSettings {
  readonly trust: readonly string[];
  readonly url?: string | undefined;
}

/** The monitor.toml of a new directory: what was given, and every other key with its default, commented out. */
export function monitorTemplate({ trust, url }: FirstSettings): string {
  return `# monitor.toml: settings of the monitor in this directory. Flags of "limmat monitor" override the plain keys; unknown
# keys are errors. Changes count from the next start on, but the lists in "trust" are read again while it runs.

# Whom to watch: trust files, or any C2SP tlog-policy with "log" lines. Paths start here.
trust = [${trust.map(toml).join(', ')}]
${url === undefined ? '# url = "https://log.example/"       # where the only log of the lists is, if they do not say it' : `url = ${toml(url)}`}
# interval = "${formatDuration(DEFAULT_INTERVAL_MILLIS)}"                    # between two looks at each log, and two calls of each peer
# listen = "${formatListen(DEFAULT_MONITOR_LISTEN)}"           # pages, JSON, and what peers and clients say
# metrics-listen = "127.0.0.1:6973"   # Prometheus text on /metrics; absent: no such listener
# log-level = "info"                  # silent, error, warn, info, debug; on a terminal the default is warn
# max-age = "${formatDuration(1000 * DEFAULT_LIMITS.maxAgeSeconds)}"                      # a log that has signed nothing for longer shows a stale head
# grace = "${formatDuration(1000 * DEFAULT_LIMITS.graceSeconds)}"                        # and after so much longer it is suspected of hiding what came since
# failures = ${DEFAULT_LIMITS.failures}                        # rounds in a row that fail before anybody is told
# witness-quorum = "2"                # this monitor asks for more than the log's users: a witness or group of the list, or so many
# witness-within = "${formatDuration(1000 * DEFAULT_LIMITS.witnessSeconds)}"               # a witness may be silent, or behind others, for so long
# peers-needed = 1                    # fewer peers than this heard within peers-within is an alert; default: half
# peers-within = "15min"

# Who is told. A program gets the alert as JSON on standard input, and has taken it when it ends with exit code 0.
# exec = ["./notify.sh"]
# webhook-allow = ["https://hooks.example"]

# [[webhook]]
# url = "https://hooks.example/limmat"  # or env:NAME of a variable that holds it

# A quorum of one log's own.
# [[log]]
# origin = "log.example/2026"
# witness-quorum = "all-of-them"

# Where a witness says what it has cosigned (its monitoring prefix); asked in every round.
# [[witness]]
# key = "witness.example+…"
# url = "https://witness.example/"

# Other monitors to compare heads with (docs/gossip.md). Without a url it only calls in.
# [[peer]]
# key = "monitor.example+…"
# url = "https://monitor.example/"
# operator = "Example"
`;
}

/** A basic string of TOML: JSON escapes what TOML does, and DEL besides. */
function toml(value: string): string {
  return JSON.stringify(value).replaceAll('\x7f', String.raw`\u007f`);
}
