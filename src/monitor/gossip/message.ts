// The messages of the gossip protocol, both ways (docs/gossip.md): what is known of each log, in canonical JSON. Reading
// one verifies nothing.

import { fromHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { canonicalJsonBytes, isJsonObject, isList, parseCanonicalJson } from '../evidence/canonical-json.ts';
import type { JsonValue } from '../evidence/canonical-json.ts';
import {
  MAX_EXCHANGE_BYTES,
  MAX_EXCHANGE_DEPTH,
  MAX_EXCHANGE_IDS,
  MAX_EXCHANGE_LOGS,
  MAX_EXCHANGE_NOTES,
  MAX_HEAD_BYTES,
  MAX_ORIGIN_CHARACTERS,
} from './limits.ts';

/** What one side says about one log. */
export interface LogNews {
  readonly origin: string;
  /** Signed heads, verbatim but for lines of strangers; at most 16. */
  readonly notes: readonly string[];
  /** Ids of evidence that the sender holds; in an answer, of what the other side did not name. At most 64. */
  readonly evidence: readonly string[];
  /** In an answer: ids that the other side named and that it should bring. At most 64. */
  readonly wanted: readonly string[];
}

/** A request or an answer of POST /gossip/v1/exchange. Naming a log, even with empty lists, says that it is watched. */
export interface Exchange {
  /** At most 256, each origin once. */
  readonly logs: readonly LogNews[];
}

/** The value of the member `format`. */
export const GOSSIP_FORMAT = 'limmat/gossip/v1';

/**
 * The bytes of a message. RangeError when parseExchange would not read them.
 *
 *     {"format":"limmat/gossip/v1","logs":[{"evidence":[],"notes":["example.com/log\n7\n…"],"origin":"example.com/log","wanted":[]}]}
 */
export function formatExchange({ logs }: Exchange): Uint8Array {
  const bytes = canonicalJsonBytes({
    format: GOSSIP_FORMAT,
    logs: logs.map(({ origin, notes, evidence, wanted }) => ({ origin, notes, evidence, wanted })),
  });
  try {
    parseExchange(bytes);
  } catch (cause) {
    throw new RangeError('a part does not fit into an exchange', { cause });
  }
  return bytes;
}

/**
 * The message in these bytes. LimmatError `malformed` unless they are exactly what formatExchange writes for it: at most
 * 256 KiB and four levels deep, which is looked at first, canonical JSON (RFC 8785), every member there and no other.
 */
export function parseExchange(bytes: Uint8Array): Exchange {
  const message = membersOf(parseCanonicalJson(bytes, { bytes: MAX_EXCHANGE_BYTES, depth: MAX_EXCHANGE_DEPTH }), [
    'format',
    'logs',
  ]);
  if (message['format'] !== GOSSIP_FORMAT) throw malformed(`is not of the format "${GOSSIP_FORMAT}"`);
  const logs = listOf('logs', message['logs'], MAX_EXCHANGE_LOGS, readNews);
  if (new Set(logs.map(({ origin }) => origin)).size < logs.length) throw malformed('names a log twice');
  return Object.freeze({ logs });
}

function readNews(value: JsonValue): LogNews {
  const { origin, notes, evidence, wanted } = membersOf(value, ['evidence', 'notes', 'origin', 'wanted']);
  if (typeof origin !== 'string' || origin === '' || origin.length > MAX_ORIGIN_CHARACTERS) {
    throw malformed(`has no origin of 1 to ${MAX_ORIGIN_CHARACTERS} characters for a log`);
  }
  return Object.freeze({
    origin,
    notes: listOf('notes', notes, MAX_EXCHANGE_NOTES, readNote),
    evidence: idsOf('evidence', evidence),
    wanted: idsOf('wanted', wanted),
  });
}

function readNote(value: JsonValue): string {
  if (typeof value === 'string' && value.length <= MAX_HEAD_BYTES) return value;
  throw malformed(`has a note that is no text of at most ${MAX_HEAD_BYTES} characters`);
}

function idsOf(name: string, value: JsonValue | undefined): readonly string[] {
  const ids = listOf(name, value, MAX_EXCHANGE_IDS, (id) => {
    if (typeof id === 'string' && isEvidenceId(id)) return id;
    throw malformed(`has something in "${name}" that is no evidence id`);
  });
  if (new Set(ids).size < ids.length) throw malformed(`names an id twice in "${name}"`);
  return ids;
}

/** True for 64 lowercase hexadecimal digits. */
export function isEvidenceId(text: string): boolean {
  return text.length === 64 && fromHex(text) !== undefined;
}

function listOf<T>(
  name: string,
  value: JsonValue | undefined,
  limit: number,
  read: (item: JsonValue) => T,
): readonly T[] {
  if (!isList(value)) throw malformed(`has no list "${name}"`);
  if (value.length > limit) throw malformed(`has ${value.length} items in "${name}", more than ${limit}`);
  return Object.freeze(value.map((item) => read(item)));
}

function membersOf(value: JsonValue | undefined, names: readonly string[]): Readonly<Record<string, JsonValue>> {
  if (!isJsonObject(value)) throw malformed('has something else where an object belongs');
  const given = Object.keys(value);
  if (given.length !== names.length || !names.every((name) => given.includes(name))) {
    throw malformed(`has an object whose members are not ${names.join(', ')}`);
  }
  return value;
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `the gossip message ${what}`);
}
