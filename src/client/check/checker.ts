// Looks files up in a log by their digests, and believes nothing of what it answers: every entry comes with its proof, and
// what no entry can say, such as that a file was not recalled, comes from a channel head or is said to be not proven.

import { toHex } from '../../bytes.ts';
import { portableCrypto } from '../../crypto/portable.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, asLimmatError, isLimmatError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { MAX_CHANNEL_HEAD_BYTES, readChannelHeadNote } from '../../note/channel-head.ts';
import type { ChannelHead, OpenedChannelHead } from '../../note/channel-head.ts';
import { channelHeadPath, channelPlace } from '../../record/channel.ts';
import { formatTime } from '../../record/time.ts';
import { CHANNEL_REFUSALS, checkChannel, openChannel } from '../channel-check.ts';
import { NO_CHANNELS, channelName } from '../channel-state.ts';
import type { RememberedChannels } from '../channel-state.ts';
import { mapBounded } from '../http-reader.ts';
import type { LogReader } from '../http-reader.ts';
import { NOTHING_REMEMBERED } from '../state.ts';
import type { RememberedHeads } from '../state.ts';
import type { Trust } from '../trust.ts';
import { REFUSALS } from '../verify.ts';
import {
  ARTIFACTS_PATH,
  MAX_ANSWER_BYTES,
  MAX_DIGESTS,
  artifactPath,
  bounded,
  checkNamed,
  listsOf,
  parseArtifactAnswer,
  parseArtifactLines,
  rebuildsPath,
  takeRebuildsPage,
} from './answer.ts';
import type { ArtifactAnswer, NamedEntries } from './answer.ts';
import type { ProvenCitation } from './cited.ts';
import { CitedEntries } from './entries.ts';
import { Judgement, plainVerdict } from './judge.ts';
import type { ChannelWord, FileVerdict, HeadTrouble } from './judge.ts';
import { partiesOf } from './parties.ts';
import type { Parties } from './parties.ts';

export interface CheckerOptions {
  /** The log's resources, as httpReader gives them. */
  readonly reader: Pick<LogReader, 'url' | 'resource' | 'checkpoint' | 'read'>;
  readonly trust: Trust;
  /** Rebuilders that have to have got the same files; default 0. */
  readonly requireRebuilds?: number;
  /** Files of channel heads to judge by, instead of those that the log serves. */
  readonly channelHeads?: readonly Uint8Array[];
  /**
   * A log that has a channel key in the trust file has to show a channel head that holds, or that is the verdict; default.
   * False: without one nothing is said that needs it, and nothing else.
   */
  readonly requireHeads?: boolean;
  /** What earlier runs left behind. */
  readonly remembered?: RememberedHeads;
  readonly rememberedChannels?: RememberedChannels;
  readonly nowSeconds?: () => number;
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
}

/** Pages of one lookup that are read: a thousand records. */
const MAX_PAGES = 50;
/** Groups of files of one lookup that are judged at once, and entries of one group that are on their way at once. */
const GROUPS = 16;
const PARALLEL = 4;
/** Groups of files that are kept as long as a run may still meet more of them. */
const MAX_JUDGEMENTS = 4096;

/** The entries that a log names for a file. */
type Named = Omit<ArtifactAnswer, 'next'>;

/** What is said against a channel head that the log signed with its own key: the log's contradiction, not a fault on the way. */
const CONTRADICTIONS = ['fork', 'not-consistent', 'false-channel-head'] as const;

/** Checks files by one log. What was verified for one file is used for the next; ask for many at once (checkAll). */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #crypto: CryptoSuite;
  readonly #entries: CitedEntries;
  readonly #heads = new Map<string, Promise<ChannelHead>>();
  readonly #given: ReadonlyMap<string, Uint8Array>;
  readonly #parties: Parties;
  /** By nameOf the entries. */
  readonly #judgements = new Map<string, Promise<Judgement>>();
  /** The newest head of each channel, where it is not the one that was remembered. */
  readonly #met = new Map<string, OpenedChannelHead>();

  /** `bad-channel-head` when one of the given files is none. */
  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#parties = partiesOf(options.trust.issuers);
    this.#given = givenHeads(options.channelHeads ?? []);
    this.#crypto = options.crypto ?? portableCrypto;
    this.#entries = new CitedEntries(options.reader, options.remembered ?? NOTHING_REMEMBERED, () => ({
      trust: options.trust,
      nowSeconds: this.#now(),
      crypto: this.#crypto,
      hasher: options.hasher ?? portableHasher,
    }));
  }

  /** The largest head of each log that was met, for the next run. */
  get remembered(): RememberedHeads {
    return this.#entries.remembered;
  }

  /** The newest channel heads that were met, for the next run. */
  get rememberedChannels(): RememberedChannels {
    const { rememberedChannels = NO_CHANNELS } = this.#options;
    return this.#met.size === 0 ? rememberedChannels : new Map([...rememberedChannels, ...this.#met]);
  }

  /** What comes of the file with this SHA-256. Never throws for what a log does: that is a verdict too. */
  async check(sha256: Uint8Array): Promise<FileVerdict> {
    const [verdict] = await this.checkAll([sha256]);
    return verdict!;
  }

  /** What comes of many files, in their order: fewer requests than one after the other. Give each digest once. */
  async checkAll(sha256s: readonly Uint8Array[]): Promise<FileVerdict[]> {
    const verdicts: FileVerdict[] = [];
    for (let i = 0; i < sha256s.length; i += MAX_DIGESTS) {
      verdicts.push(...(await this.#checkBatch(sha256s.slice(i, i + MAX_DIGESTS))));
    }
    return verdicts;
  }

  async #checkBatch(sha256s: readonly Uint8Array[]): Promise<readonly FileVerdict[]> {
    const digests = sha256s.map(toHex);
    let answers: readonly (ArtifactAnswer | LimmatError)[];
    try {
      answers = bounded(await this.#lookUp(digests), this.#options.reader.url);
      await this.#entries.prepare(
        answers.flatMap((answer) => (answer instanceof LimmatError ? [] : [...answer.records, ...answer.about])),
      );
    } catch (error) {
      return digests.map((digest) => failed(digest, error));
    }
    // Most files are of the same few records, and are judged together.
    const groups = new Map<string, number[]>();
    for (const [i, answer] of answers.entries()) {
      const name = answer instanceof LimmatError || answer.next !== undefined ? `${i}` : nameOf(answer);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [i]);
      else group.push(i);
    }
    const verdicts: FileVerdict[] = [];
    await mapBounded([...groups.values()], GROUPS, async (files) => {
      const judged = await this.#judgeGroup(digests[files[0]!]!, answers[files[0]!]!);
      for (const i of files) {
        verdicts[i] = judged instanceof Judgement ? judged.of(digests[i]!) : failed(digests[i]!, judged.error);
      }
    });
    return verdicts;
  }

  async #judgeGroup(
    digest: string,
    answer: ArtifactAnswer | LimmatError,
  ): Promise<Judgement | { readonly error: unknown }> {
    try {
      if (answer instanceof LimmatError) throw answer;
      return await this.#judgement(await this.#whole(digest, answer));
    } catch (error) {
      return { error };
    }
  }

  /** What comes of the files that these entries are about: once in a run, unless something could not be fetched. */
  #judgement(named: Named): Promise<Judgement> {
    const name = nameOf(named);
    const known = this.#judgements.get(name);
    if (known !== undefined) return known;
    const begun = this.#judge(named);
    if (this.#judgements.size >= MAX_JUDGEMENTS) this.#judgements.clear();
    const judgement = begun.then((judged) => judged.judgement);
    this.#judgements.set(name, judgement);
    const forget = (): void => void (this.#judgements.get(name) === judgement && this.#judgements.delete(name));
    begun.then(({ isFinal }) => isFinal || forget(), forget);
    return judgement;
  }

  async #judge(named: Named): Promise<{ readonly judgement: Judgement; readonly isFinal: boolean }> {
    const { trust, requireRebuilds = 0 } = this.#options;
    const records = await this.#cite(named.records);
    const about = await this.#cite(await this.#allAbout(records, named));
    const channels = new Map<number, ChannelWord>();
    for (const record of records) {
      if (!record.isTrusted || channelPlace(record.statement.record, record.index) === undefined) continue;
      channels.set(record.index, await this.#place(record));
    }
    const facts = { records, about, channels, completeAsOf: undefined };
    const judgement = new Judgement(facts, { expected: trust.expected, requireRebuilds, parties: this.#parties });
    return { judgement, isFinal: ![...channels.values()].some((word) => 'unknown' in word) };
  }

  async #lookUp(digests: readonly string[]): Promise<readonly (ArtifactAnswer | LimmatError)[]> {
    const { reader } = this.#options;
    const bytes = await this.#ask(ARTIFACTS_PATH, `${digests.join('\n')}\n`);
    return parseArtifactLines(bytes, digests, `${reader.url}${ARTIFACTS_PATH}`);
  }

  /** All that the log names for a digest: mostly what it answered already. */
  async #whole(hex: string, first: ArtifactAnswer): Promise<Named> {
    if (first.next === undefined) return first;
    const { reader } = this.#options;
    const named: NamedEntries = {
      records: new Set(first.records),
      about: new Set(first.about),
      cut: new Set(first.cut),
    };
    let after = first.next;
    for (let page = 1; page < MAX_PAGES; page++) {
      const path = artifactPath(hex, after);
      const answer = parseArtifactAnswer(await this.#ask(path), `${reader.url}${path}`);
      for (const index of answer.records) named.records.add(index);
      for (const index of answer.about) named.about.add(index);
      for (const index of answer.cut) named.cut.add(index);
      checkNamed(named, reader.url);
      if (answer.next === undefined) return listsOf(named);
      after = answer.next;
    }
    throw new LimmatError('bad-response', `${reader.url} names more records for ${hex} than are read`);
  }

  /** All that is about the records: of those with many rebuilds an answer has the first only, and anyone may rebuild. */
  async #allAbout(records: readonly ProvenCitation[], named: Named): Promise<readonly number[]> {
    const { reader } = this.#options;
    const about = new Set(named.about);
    for (const { index, leafHash } of records.filter((record) => named.cut.includes(record.index))) {
      for (let page = 0, after: string | undefined; page === 0 || after !== undefined; page++) {
        const path = rebuildsPath(toHex(leafHash), after);
        after = takeRebuildsPage(await this.#ask(path), about, `${reader.url}${path}`);
        checkNamed({ records: new Set(named.records), about }, reader.url);
        if (page < MAX_PAGES * 2) continue;
        throw new LimmatError('bad-response', `${reader.url} names more rebuilds of entry ${index} than are read`);
      }
    }
    return [...about];
  }

  async #ask(path: string, question?: string): Promise<Uint8Array> {
    const { reader } = this.#options;
    try {
      return await reader.resource(path, MAX_ANSWER_BYTES, question);
    } catch (error) {
      if (!isLimmatError(error, 'not-found')) throw error;
      // A log that answers lookups has an answer for every digest, so this is no word about the file.
      throw new LimmatError('bad-response', `${reader.url} answers no lookups by digest`, { cause: error });
    }
  }

  #cite(indexes: readonly number[]): Promise<readonly ProvenCitation[]> {
    return mapBounded(indexes, PARALLEL, (index) => this.#entries.get(index));
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
      // What was seen before is not forgotten by whoever is shown less now.
      if (error.code === 'channel-rollback') return { refused: 'channel-rollback', detail: error.message };
      const because = this.#options.requireHeads === false ? undefined : headTrouble(error);
      return { unknown: `${error.message} (${error.code})`, ...(because !== undefined && { because }) };
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
      if (!isLimmatError(error) || headTrouble(error) === 'unreachable') this.#heads.delete(name);
    });
    return head;
  }

  async #openHead(origin: string, channel: string): Promise<ChannelHead> {
    const { trust, reader, rememberedChannels = NO_CHANNELS } = this.#options;
    if (!trust.channelKeys.has(origin)) {
      throw new LimmatError('unknown-log', `the trust file names no "channel-key" of log ${JSON.stringify(origin)}`);
    }
    const name = channelName({ origin, channel });
    const given = this.#given.get(name);
    const channelHeadFile = given ?? (await reader.resource(channelHeadPath(channel), MAX_CHANNEL_HEAD_BYTES));
    const before = this.#met.get(name) ?? rememberedChannels.get(name);
    const opened = await openChannel({
      channelHeadFile,
      origin,
      trust,
      // The others would only be copied.
      remembered: before === undefined ? NO_CHANNELS : new Map([[name, before]]),
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
    await this.#entries.takeTree(opened.current);
    const held = opened.remembered.get(name);
    if (held !== undefined && held !== before) this.#met.set(name, held);
    return opened.current;
  }

  #now(): number {
    return this.#options.nowSeconds?.() ?? Math.floor(Date.now() / 1000);
  }
}

/** Two files for which a log names the same entries have one name. */
function nameOf({ records, about }: Named): string {
  return `${records.join()} ${about.join()}`;
}

/** The verdict where what a log answered did not hold, or did not come. What is wrong here is thrown. */
function failed(sha256: string, error: unknown): FileVerdict {
  const { code, message } = asLimmatError(error);
  if (code === 'internal') throw error;
  if (CONTRADICTIONS.some((known) => known === code)) return plainVerdict(sha256, 'two-histories', message);
  const isRefusal = REFUSALS.some((known) => known === code) || code === 'malformed';
  return plainVerdict(sha256, isRefusal ? 'bad-citation' : 'not-checked', `${message} (${code})`);
}

/** What else the log may have to say than a head: among it that it is of a tree which no checkpoint has. */
const NO_HEAD: readonly ErrorCode[] = ['not-found', 'not-published', 'withheld', 'bad-response', 'bad-tile'];

/**
 * What a refusal means where a head is asked for: a trust file without a key for it asks for none, and what did not come at
 * all is not the log's word.
 */
function headTrouble(error: LimmatError): HeadTrouble | undefined {
  if (error.code === 'unknown-log') return undefined;
  const isWord = [...NO_HEAD, ...CHANNEL_REFUSALS].includes(error.code);
  return isWord ? 'withheld' : 'unreachable';
}

/** The newest of each channel, by what the files say; `bad-channel-head` for one that is none. */
function givenHeads(files: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const newest = new Map<string, { readonly file: Uint8Array; readonly issuedSeconds: number }>();
  for (const file of files) {
    try {
      const { head } = readChannelHeadNote(file);
      const { issuedSeconds } = head;
      const other = newest.get(channelName(head));
      if (other === undefined || issuedSeconds > other.issuedSeconds) {
        newest.set(channelName(head), { file, issuedSeconds });
      }
    } catch (cause) {
      if (!isLimmatError(cause, 'malformed')) throw cause;
      throw new LimmatError('bad-channel-head', `this is not a channel head: ${cause.message}`, { cause });
    }
  }
  return new Map([...newest].map(([name, { file }]) => [name, file]));
}
