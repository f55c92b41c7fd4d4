// Looks files up in a log by their digests, and believes nothing of what it answers: every entry comes with its proof, and
// what no entry can say, such as that a file was not recalled, comes from a channel head or is said to be not proven.

import { toHex } from '../../bytes.ts';
import { portableCrypto } from '../../crypto/portable.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, asLimmatError, isLimmatError } from '../../errors.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { MAX_CHANNEL_HEAD_BYTES, readChannelHeadNote } from '../../note/channel-head.ts';
import type { ChannelHead } from '../../note/channel-head.ts';
import { MAX_TLOG_PROOF_BYTES } from '../../note/tlog-proof.ts';
import { channelHeadPath, channelPlace } from '../../record/channel.ts';
import { formatTime } from '../../record/time.ts';
import { CHANNEL_REFUSALS, checkChannel, openChannel } from '../channel-check.ts';
import { NO_CHANNELS, channelName } from '../channel-state.ts';
import type { RememberedChannels } from '../channel-state.ts';
import type { LogReader } from '../http-reader.ts';
import { NOTHING_REMEMBERED, advance } from '../state.ts';
import type { RememberedHeads } from '../state.ts';
import type { Trust } from '../trust.ts';
import { REFUSALS } from '../verify.ts';
import type { OpenedCheckpoints } from '../verify.ts';
import { MAX_ANSWER_BYTES, artifactPath, parseArtifactAnswer } from './answer.ts';
import { openCited } from './cited.ts';
import type { ProvenCitation } from './cited.ts';
import { judgeFile, plainVerdict } from './judge.ts';
import type { ChannelWord, FileVerdict } from './judge.ts';

export interface CheckerOptions {
  /** The log's resources, as httpReader gives them. */
  readonly reader: Pick<LogReader, 'url' | 'resource'>;
  readonly trust: Trust;
  /** Rebuilders that have to have got the same files; default 0. */
  readonly requireRebuilds?: number;
  /** Files of channel heads to judge by, instead of those that the log serves. */
  readonly channelHeads?: readonly Uint8Array[];
  /** What earlier runs left behind. */
  readonly remembered?: RememberedHeads;
  readonly rememberedChannels?: RememberedChannels;
  readonly nowSeconds?: () => number;
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
}

/** Pages of one lookup that are read: a thousand records. */
const MAX_PAGES = 50;
/** Entries that are kept for the files that they name too: of a directory most files are of the same few builds. */
const MAX_KEPT = 4096;
/** Proofs of one lookup under way at once. */
const PARALLEL = 8;

/** What is said against a channel head that the log signed with its own key: the log's contradiction, not a fault on the way. */
const CONTRADICTIONS = ['fork', 'not-consistent', 'false-channel-head'] as const;

/** Checks files by one log. What was verified for one file is used for the next; ask for many at once. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #crypto: CryptoSuite;
  readonly #hasher: Hasher;
  /** Thousands of proof files carry one checkpoint. */
  readonly #opened: OpenedCheckpoints = new Map();
  readonly #entries = new Map<number, Promise<ProvenCitation>>();
  readonly #heads = new Map<string, Promise<ChannelHead>>();
  readonly #given: ReadonlyMap<string, Uint8Array>;
  #remembered: RememberedHeads;
  #channels: RememberedChannels;

  /** `bad-channel-head` when one of the given files is none. */
  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#given = givenHeads(options.channelHeads ?? []);
    this.#hasher = options.hasher ?? portableHasher;
    this.#crypto = options.crypto ?? portableCrypto;
    this.#remembered = options.remembered ?? NOTHING_REMEMBERED;
    this.#channels = options.rememberedChannels ?? NO_CHANNELS;
  }

  /** The largest head of each log that was met, for the next run. */
  get remembered(): RememberedHeads {
    return this.#remembered;
  }

  /** The newest channel heads that were met, for the next run. */
  get rememberedChannels(): RememberedChannels {
    return this.#channels;
  }

  /** What comes of the file with this SHA-256. Never throws for what a log does: that is a verdict too. */
  async check(sha256: Uint8Array): Promise<FileVerdict> {
    try {
      return await this.#judge(sha256);
    } catch (error) {
      const { code, message } = asLimmatError(error);
      if (code === 'internal') throw error;
      if (CONTRADICTIONS.some((known) => known === code)) return plainVerdict(sha256, 'two-histories', message);
      const isRefusal = REFUSALS.some((known) => known === code) || code === 'malformed';
      return plainVerdict(sha256, isRefusal ? 'bad-citation' : 'not-checked', `${message} (${code})`);
    }
  }

  async #judge(sha256: Uint8Array): Promise<FileVerdict> {
    const { trust, requireRebuilds = 0 } = this.#options;
    const named = await this.#lookUp(toHex(sha256));
    const [records, about] = [await this.#cite(named.records), await this.#cite(named.about)];
    const channels = new Map<number, ChannelWord>();
    for (const record of records) {
      if (!record.isTrusted || channelPlace(record.statement.record, record.index) === undefined) continue;
      channels.set(record.index, await this.#place(record));
    }
    const facts = { sha256, records, about, channels, completeAsOf: undefined };
    return judgeFile(facts, { expected: trust.expected, requireRebuilds });
  }

  async #lookUp(hex: string): Promise<{ readonly records: readonly number[]; readonly about: readonly number[] }> {
    const { reader } = this.#options;
    const records = new Set<number>();
    const about = new Set<number>();
    let after: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const path = artifactPath(hex, after);
      let bytes: Uint8Array;
      try {
        bytes = await reader.resource(path, MAX_ANSWER_BYTES);
      } catch (error) {
        if (!isLimmatError(error, 'not-found')) throw error;
        // A log that answers lookups has an answer for every digest, so this is no word about the file.
        throw new LimmatError('bad-response', `${reader.url} answers no lookups by digest`, { cause: error });
      }
      const answer = parseArtifactAnswer(bytes, `${reader.url}${path}`);
      for (const index of answer.records) records.add(index);
      for (const index of answer.about) about.add(index);
      if (answer.next === undefined) return { records: [...records], about: [...about] };
      after = answer.next;
    }
    throw new LimmatError('bad-response', `${reader.url} names more records for ${hex} than are read`);
  }

  async #cite(indexes: readonly number[]): Promise<readonly ProvenCitation[]> {
    const entries: ProvenCitation[] = [];
    for (let i = 0; i < indexes.length; i += PARALLEL) {
      entries.push(...(await Promise.all(indexes.slice(i, i + PARALLEL).map((index) => this.#entry(index)))));
    }
    return entries;
  }

  #entry(index: number): Promise<ProvenCitation> {
    const known = this.#entries.get(index);
    if (known !== undefined) return known;
    if (this.#entries.size >= MAX_KEPT) this.#entries.clear();
    const entry = this.#fetchEntry(index);
    this.#entries.set(index, entry);
    // A network that failed once is asked again for the next file.
    entry.catch(() => this.#entries.delete(index));
    return entry;
  }

  async #fetchEntry(index: number): Promise<ProvenCitation> {
    const { reader, trust } = this.#options;
    const proofFile = await reader.resource(`api/v1/entries/${index}/proof`, MAX_TLOG_PROOF_BYTES);
    const cited = await openCited(proofFile, index, {
      trust,
      remembered: this.#remembered,
      nowSeconds: this.#now(),
      crypto: this.#crypto,
      hasher: this.#hasher,
      opened: this.#opened,
    });
    // Others were verified meanwhile; the two heads must not contradict each other.
    this.#remembered = advance(this.#remembered, cited.head);
    return cited;
  }

  /** Where a record stands in its channel, by the channel's head. Contradictions of the log are thrown. */
  async #place(record: ProvenCitation): Promise<ChannelWord> {
    const { channel } = channelPlace(record.statement.record, record.index)!;
    try {
      const head = await this.#channelHead(record.head.origin, channel);
      const asOf = `by the channel head of ${formatTime(head.issuedSeconds)}, valid until ${formatTime(head.validUntilSeconds)}`;
      try {
        const { standing } = checkChannel(record, head);
        return { standing, detail: asOf };
      } catch (error) {
        if (isLimmatError(error, 'recalled') || isLimmatError(error, 'below-minimum')) {
          const refused = error.code === 'recalled' ? 'recalled' : 'below-minimum';
          return { refused, detail: `${error.message}, ${asOf}` };
        }
        throw error;
      }
    } catch (error) {
      if (!isLimmatError(error) || CONTRADICTIONS.some((code) => code === error.code)) throw error;
      return { unknown: `${error.message} (${error.code})` };
    }
  }

  #channelHead(origin: string, channel: string): Promise<ChannelHead> {
    const name = channelName({ origin, channel });
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    const head = this.#openHead(origin, channel);
    this.#heads.set(name, head);
    // A refusal stands for the run; a network that failed is asked again.
    head.catch((error: unknown) => {
      if (!isLimmatError(error) || !CHANNEL_REFUSALS.some((code) => code === error.code)) this.#heads.delete(name);
    });
    return head;
  }

  async #openHead(origin: string, channel: string): Promise<ChannelHead> {
    const { trust, reader } = this.#options;
    if (!trust.channelKeys.has(origin)) {
      throw new LimmatError('unknown-log', `the trust file names no "channel-key" of log ${JSON.stringify(origin)}`);
    }
    const given = this.#given.get(channelName({ origin, channel }));
    const channelHeadFile = given ?? (await reader.resource(channelHeadPath(channel), MAX_CHANNEL_HEAD_BYTES));
    const opened = await openChannel({
      channelHeadFile,
      origin,
      trust,
      remembered: this.#channels,
      nowSeconds: this.#now(),
      crypto: this.#crypto,
    });
    if (opened.current.channel !== channel) {
      const found = JSON.stringify(opened.current.channel);
      throw new LimmatError(
        'wrong-channel',
        `the log gave the head of channel ${found}, not of ${JSON.stringify(channel)}`,
      );
    }
    const held = opened.remembered.get(channelName(opened.current));
    if (held !== undefined) this.#channels = new Map(this.#channels).set(channelName(opened.current), held);
    return opened.current;
  }

  #now(): number {
    return this.#options.nowSeconds?.() ?? Math.floor(Date.now() / 1000);
  }
}

/** The files of channel heads by what they say they are of; `bad-channel-head` for one that is none. */
function givenHeads(files: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  return new Map(
    files.map((file) => {
      try {
        return [channelName(readChannelHeadNote(file).head), file];
      } catch (cause) {
        if (!isLimmatError(cause, 'malformed')) throw cause;
        throw new LimmatError('bad-channel-head', `this is not a channel head: ${cause.message}`, { cause });
      }
    }),
  );
}
