// witness.toml in a witness's directory: whose heads it cosigns, where its guard is, whom it tells of contradictions.
// Flags of the command line override its keys.

import * as v from 'valibot';

import { DEFAULT_PER_LOG, DEFAULT_PER_SOURCE } from '../../adapters/http/index.ts';
import { logPrefix } from '../../client/http-reader.ts';
import { LOG_LEVELS } from '../config.ts';
import { NOT_TEXT, parseSettings, readSettingsFile, table, text, wholeNumber } from '../toml.ts';
import { formatListen, parseListen } from '../units.ts';
import type { ListenAddress } from '../units.ts';

/** Where a witness listens unless told otherwise. */
export const DEFAULT_WITNESS_LISTEN: ListenAddress = Object.freeze({ host: '127.0.0.1', port: 6982 });
/** A head is handed to each of them, and they tell one another. */
const MAX_MONITORS = 32;
const MAX_RATE = 1_000_000;

const WITNESS_KEYS = {
  /** Path of the log list; starts at the witness's directory. */
  'log-list': v.optional(v.string(NOT_TEXT)),
  /** Absolute: a copy of the directory elsewhere still finds, and respects, the guard of the witness it was copied from. */
  guard: v.optional(v.string(NOT_TEXT)),
  listen: v.optional(text(parseListen)),
  'metrics-listen': v.optional(text(parseListen)),
  'log-level': v.optional(v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)),
  /** Monitors that are told of refused heads (docs/gossip.md). */
  monitor: v.optional(
    v.pipe(
      v.array(text(logPrefix), 'must be a list in brackets'),
      v.maxLength(MAX_MONITORS, `must be at most ${MAX_MONITORS}`),
    ),
  ),
  /** Requests a second of one source, and of one source about one log. */
  'per-source': v.optional(wholeNumber(1, MAX_RATE)),
  'per-log': v.optional(wholeNumber(1, MAX_RATE)),
};

const WITNESS_CONFIG = table(WITNESS_KEYS);

/** What witness.toml says; everything in it is optional but the guard, which --init writes. */
export type WitnessConfig = v.InferOutput<typeof WITNESS_CONFIG>;

/** Every key that witness.toml may hold. */
export const WITNESS_KEY_NAMES: readonly string[] = Object.keys(WITNESS_KEYS);

/** Checks the text of a witness.toml. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseWitnessConfig(source: string, file = 'witness.toml'): WitnessConfig {
  return parseSettings(WITNESS_CONFIG, source, file);
}

/** The configuration in this file; an absent file sets nothing. */
export function readWitnessConfig(file: string): WitnessConfig {
  return readSettingsFile(WITNESS_CONFIG, file);
}

/** The witness.toml of a new directory: what was given, and every other key with its default, commented out. */
export function witnessTemplate({ guard, list }: { readonly guard: string; readonly list: string }): string {
  return `# witness.toml: settings of the witness in this directory. Flags of "limmat witness" override them; unknown keys are
# errors. Changes count from the next start on, but the log list is read again while it runs.

# What this witness signed last is kept there, apart from everything else, so that no restored backup can take it back.
# It goes where the witness goes. Never copy it, and never make it anew.
guard = ${toml(guard)}

# Whose heads are cosigned: any C2SP tlog-policy with "log" lines, or a trust file. Paths start here.
log-list = ${toml(list)}
# listen = "${formatListen(DEFAULT_WITNESS_LISTEN)}"          # where logs send their checkpoints, and monitors read them
# metrics-listen = "127.0.0.1:6983"  # Prometheus text on /metrics; absent: no such listener
# log-level = "info"                 # silent, error, warn, info, debug; on a terminal the default is warn
# monitor = ["https://monitor.example/"]  # told of every refused head that smells of misbehaviour
# per-source = ${DEFAULT_PER_SOURCE}                   # requests a second of one address, and ten times as many at once
# per-log = ${DEFAULT_PER_LOG}                        # the same of one address about one log
`;
}

/** A basic string of TOML: JSON escapes what TOML does, and DEL besides. */
function toml(value: string): string {
  return JSON.stringify(value).replaceAll('\x7f', String.raw`\u007f`);
}
