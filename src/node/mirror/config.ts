// mirror.toml in a mirror's directory: which logs are copied, and where the copies are served. Flags of the command line
// override its keys.

import * as v from 'valibot';

import { logPrefix } from '../../client/http-reader.ts';
import { LOG_LEVELS } from '../config.ts';
import { NOT_TEXT, parseSettings, readSettingsFile, table, text } from '../toml.ts';
import { formatDuration, formatListen, parseDuration, parseListen } from '../units.ts';
import type { ListenAddress } from '../units.ts';

/** Where a mirror listens unless told otherwise; the ports before it are a log's, a witness's and a monitor's. */
export const DEFAULT_MIRROR_LISTEN: ListenAddress = Object.freeze({ host: '127.0.0.1', port: 6992 });
/** A log that publishes every second is mirrored some seconds later, and is not asked more often than that. */
export const DEFAULT_MIRROR_INTERVAL_MILLIS = 10_000;

/** At least a second: a slip of the pen must not become a load on somebody's log. */
const interval = text((value) => {
  const millis = parseDuration(value);
  if (millis >= 1_000) return millis;
  throw new RangeError(`must be at least 1s, and is "${value}"`);
});

const MIRROR_KEYS = {
  trust: v.optional(
    v.pipe(
      v.array(v.string(NOT_TEXT), 'must be a list in brackets'),
      v.minLength(1, 'must name at least one log list'),
    ),
  ),
  /** Where the lists' only log is, if they do not say it. */
  url: v.optional(text(logPrefix)),
  interval: v.optional(interval),
  listen: v.optional(text(parseListen)),
  'metrics-listen': v.optional(text(parseListen)),
  'log-level': v.optional(v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)),
};

const MIRROR_CONFIG = table(MIRROR_KEYS);

/** What mirror.toml says; everything in it is optional. */
export type MirrorConfig = v.InferOutput<typeof MIRROR_CONFIG>;

/** Every key that mirror.toml may hold. */
export const MIRROR_KEY_NAMES: readonly string[] = Object.keys(MIRROR_KEYS);

/** Checks the text of a mirror.toml. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseMirrorConfig(source: string, file = 'mirror.toml'): MirrorConfig {
  return parseSettings(MIRROR_CONFIG, source, file);
}

/** The configuration in this file; an absent file sets nothing. */
export function readMirrorConfig(file: string): MirrorConfig {
  return readSettingsFile(MIRROR_CONFIG, file);
}

/** The mirror.toml of a new directory: what was given, and every other key with its default, commented out. */
export function mirrorTemplate({
  trust,
  url,
}: {
  readonly trust: readonly string[];
  readonly url?: string | undefined;
}): string {
  return `# mirror.toml: settings of the mirror in this directory. Flags of "limmat mirror" override them; unknown keys are
# errors. Changes count from the next start on.

# What to mirror: trust files, or any C2SP tlog-policy with "log" lines. Paths start here.
trust = [${trust.map((path) => JSON.stringify(path)).join(', ')}]
${url === undefined ? '# url = "https://log.example/"       # where the only log of the lists is, if they do not say it' : `url = ${JSON.stringify(url)}`}
# interval = "${formatDuration(DEFAULT_MIRROR_INTERVAL_MILLIS)}"                   # between two looks at each log
# listen = "${formatListen(DEFAULT_MIRROR_LISTEN)}"           # the copies, the page, and uploads
# metrics-listen = "127.0.0.1:6993"   # Prometheus text on /metrics; absent: no such listener
# log-level = "info"                  # silent, error, warn, info, debug; on a terminal the default is warn
`;
}
