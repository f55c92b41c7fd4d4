// An index of one's own: the records of a log that say something about files, each entry verified to be in the log by
// following it from its first entry on. Who has one can say that a file is in no record, was not recalled, or that nobody
// got other files, because all that the log has went through it. Text, a row a line, to be read from the start:
//
//     {"format":"limmat/check-index/v1","origin":"log.example/a"}
//     {"index":14,"files":["<sha256>"],"channel":"acme/Shield/build:linux/stable","sequence":14,"leaf":"<base64>"}
//     {"index":15,"about":"<leaf hash>","leaf":"<base64>"}
//     {"size":20,"checkpoint":"log.example/a\n20\n…"}
//
// A line with a size says that the rows before it are all of that many entries. What follows the last one was not finished.

import { toBase64, toHex, fromBase64, utf8 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { channelPlace } from '../../record/channel.ts';
import { fileDigests } from '../../record/statement.ts';
import { judgeFile, plainVerdict } from './judge.ts';
import type { ChannelWord, FileVerdict, JudgeOptions } from './judge.ts';
import { citedFromLeaf, readable } from './cited.ts';
import type { CitedEntry } from './cited.ts';
import { partiesOf } from './parties.ts';
import type { Parties } from './parties.ts';
import { targetOf } from './rebuilds.ts';
import type { Trust } from '../trust.ts';
import { memberOf } from './answer.ts';

const FORMAT = 'limmat/check-index/v1';

/** The first line, without its newline. */
export function formatIndexStart(origin: string): string {
  return JSON.stringify({ format: FORMAT, origin });
}

/** The row of an entry that was verified to be in the log; undefined for one that says nothing about files. */
export function formatIndexRow(leaf: Uint8Array, index: number): string | undefined {
  const statement = readable(leaf);
  if (statement === undefined) return undefined;
  const { record } = statement;
  const files = fileDigests(record).map(toHex);
  const about = targetOf({ statement });
  const place = channelPlace(record, index);
  if (files.length === 0 && about === undefined && place === undefined) return undefined;
  return JSON.stringify({
    index,
    ...(files.length > 0 && { files }),
    ...(about !== undefined && { about: toHex(about) }),
    ...place,
    leaf: toBase64(leaf),
  });
}

/** The line that ends what was followed: the checkpoint under which the entries before it were verified. */
export function formatIndexHead(size: number, checkpoint: string): string {
  return JSON.stringify({ size, checkpoint });
}

/** A line of an index. */
export type IndexLine = { readonly origin: string } | { readonly size: number; readonly checkpoint: string } | IndexRow;

interface IndexRow {
  readonly index: number;
  readonly files: readonly string[];
  readonly about: string | undefined;
  readonly channel: string | undefined;
  readonly sequence: number;
  readonly leaf: string;
}

/** `malformed` for a line that none of the functions above writes. */
export function parseIndexLine(line: string): IndexLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new LimmatError('malformed', 'a line of the index is not JSON', { cause });
  }
  const [format, origin, size, checkpoint, index, files, about, channel, sequence, leaf] = [
    'format',
    'origin',
    'size',
    'checkpoint',
    'index',
    'files',
    'about',
    'channel',
    'sequence',
    'leaf',
  ].map((name) => memberOf(value, name));
  if (format === FORMAT && typeof origin === 'string') return { origin };
  if (isIndex(size) && typeof checkpoint === 'string') return { size, checkpoint };
  if (isIndex(index) && typeof leaf === 'string') {
    return {
      index,
      files: Array.isArray(files) ? files.map(String) : [],
      about: typeof about === 'string' ? about : undefined,
      channel: typeof channel === 'string' ? channel : undefined,
      sequence: isIndex(sequence) ? sequence : 0,
      leaf,
    };
  }
  throw new LimmatError('malformed', 'a line of the index is in no known form');
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

interface ChannelState {
  newest: IndexRow;
  /** One past the highest sequence that was recalled. */
  minimum: number;
  /** The first record that did not come in the order of its sequence: no honest log takes one. */
  disorder: IndexRow | undefined;
}

export interface ReadingOptions {
  readonly trust: Trust;
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
}

/**
 * Reads all rows once, in order, and keeps what is about files with these digests (lowercase hex). Records only point
 * backwards, so once is enough; memory goes with what is found, and with the number of channels.
 */
export class IndexReading {
  readonly #wanted: ReadonlySet<string>;
  readonly #options: ReadingOptions;
  readonly #parties: Parties;
  /** By a wanted digest. */
  readonly #records = new Map<string, CitedEntry[]>();
  /** By the leaf hash of a found record or of a rebuild of one. */
  readonly #about = new Map<string, CitedEntry[]>();
  /** As the two above: entries that name an issuer of the trust file and are not signed with its key. */
  readonly #forged = new Map<string, number>();
  readonly #channels = new Map<string, ChannelState>();
  /**
   * By leaf hash, the places of found records and of those after them in their channels: sequences rise along the log, so
   * a recall of an earlier one says nothing about these.
   */
  readonly #places = new Map<string, { readonly channel: string; readonly sequence: number }>();
  readonly #watched = new Set<string>();

  constructor(wanted: ReadonlySet<string>, options: ReadingOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.#parties = partiesOf(options.trust.issuers);
  }

  /** Takes the next row. `store-corrupt` when its leaf is not what it was. */
  async take(row: IndexRow): Promise<void> {
    if (row.about !== undefined) await this.#takeMention(row, row.about);
    const wanted = new Set(row.files.filter((file) => this.#wanted.has(file)));
    if (wanted.size > 0 && row.channel !== undefined) this.#watched.add(row.channel);
    if (row.channel !== undefined) this.#takePlace(row, row.channel);
    if (wanted.size === 0) return;
    const entry = await this.#open(row);
    for (const file of wanted) {
      if (entry === undefined) this.#forged.set(file, row.index);
      else append(this.#records, file, entry);
    }
    if (entry !== undefined) this.#listen(entry);
  }

  /** From now on what is about this entry is kept. */
  #listen(entry: CitedEntry): void {
    const leafHash = toHex(entry.leafHash);
    if (!this.#about.has(leafHash)) this.#about.set(leafHash, []);
  }

  #takePlace(row: IndexRow, channel: string): void {
    const { hasher = portableHasher } = this.#options;
    const state = this.#channels.get(channel);
    if (state === undefined) this.#channels.set(channel, { newest: row, minimum: 0, disorder: undefined });
    else if (row.sequence > state.newest.sequence) state.newest = row;
    else state.disorder ??= row;
    if (!this.#watched.has(channel)) return;
    this.#places.set(toHex(hasher.leafHash(leafOf(row))), { channel, sequence: row.sequence });
  }

  async #takeMention(row: IndexRow, about: string): Promise<void> {
    const place = this.#places.get(about);
    if (place !== undefined) {
      const { record } = readable(leafOf(row)) ?? {};
      if (record?.type === 'retraction' && record.fields.kind === 'recall' && isOf(place.channel, record.namespace)) {
        const state = this.#channels.get(place.channel)!;
        state.minimum = Math.max(state.minimum, place.sequence + 1);
      }
    }
    if (!this.#about.has(about)) return;
    const entry = await this.#open(row);
    if (entry === undefined) this.#forged.set(about, row.index);
    else append(this.#about, about, entry);
    if (entry?.statement.type === 'rebuild') this.#listen(entry);
  }

  async #open(row: IndexRow): Promise<CitedEntry | undefined> {
    return citedFromLeaf(leafOf(row), row.index, this.#options);
  }

  /** The verdict about a file of which the digest was wanted, once all rows were taken: those of the tree `asOf` names. */
  judge(sha256: Uint8Array, asOf: string, options: Omit<JudgeOptions, 'parties'>): FileVerdict {
    const hex = toHex(sha256);
    const records = this.#records.get(hex) ?? [];
    const aboutRecords = records.flatMap((record) => this.#aboutOf(record));
    const rebuilds = aboutRecords.filter(({ statement }) => statement.type === 'rebuild');
    const about = [...aboutRecords, ...rebuilds.flatMap((rebuild) => this.#aboutOf(rebuild))];
    const names = [hex, ...[...records, ...rebuilds].map(({ leafHash }) => toHex(leafHash))];
    const forged = names.flatMap((name) => this.#forged.get(name) ?? []);
    if (forged.length > 0) {
      const detail = `entry ${forged[0]} is signed as an issuer of the trust file, and not with its key, in ${asOf}`;
      return plainVerdict(hex, 'bad-citation', detail);
    }
    const channels = new Map(records.flatMap((record) => this.#wordOf(record, asOf)));
    const facts = { sha256, records, about, channels, completeAsOf: asOf };
    return judgeFile(facts, { ...options, parties: this.#parties });
  }

  #aboutOf({ leafHash }: CitedEntry): readonly CitedEntry[] {
    return this.#about.get(toHex(leafHash)) ?? [];
  }

  #wordOf({ statement, index }: CitedEntry, asOf: string): readonly (readonly [number, ChannelWord])[] {
    const place = channelPlace(statement.record, index);
    const state = place === undefined ? undefined : this.#channels.get(place.channel);
    if (place === undefined || state === undefined) return [];
    const { sequence } = place;
    if (sequence < state.minimum) {
      const detail = `sequence ${sequence}, and nothing below ${state.minimum} may be used any more, in ${asOf}`;
      return [[index, { refused: 'below-minimum', detail }]];
    }
    if (state.disorder !== undefined) {
      const { index: at, sequence: found } = state.disorder;
      return [[index, { unknown: `entry ${at} came after its turn, with sequence ${found}: no log may take it` }]];
    }
    const isNewest = state.newest.index === index;
    const newest = isNewest ? '' : `entry ${state.newest.index}, number ${state.newest.sequence}, `;
    return [[index, { standing: isNewest ? 'newest' : 'older', detail: `${newest}in ${asOf}` }]];
  }
}

function append<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
}

/** A channel begins with its namespace. */
function isOf(channel: string, namespace: string): boolean {
  return channel.startsWith(`${namespace}/`);
}

function leafOf(row: IndexRow): Uint8Array {
  const leaf = fromBase64(row.leaf);
  if (leaf !== undefined) return leaf;
  throw new LimmatError('store-corrupt', `row ${row.index} of the index holds no entry`);
}

/** The bytes of a checkpoint as a head line keeps it. */
export function checkpointOf(line: { readonly checkpoint: string }): Uint8Array {
  return utf8(line.checkpoint);
}
