// Channel heads: what the log signs about the newest record of each channel (DESIGN §4, docs/channel-head.md). In scope:
// what a head says, when it is made anew, and that none is signed but over a published root, with a key that the genesis
// names. Out of scope: where the records of a channel are found, which is behind a port.
//
// A head is made when it is asked for. It says "as of the time at which the log signed this tree", which the guard keeps:
// so it never goes back, whatever happens to the process and its clock, and nothing beside the checkpoint has to be kept.

import { equalBytes } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import type { Hasher } from '../merkle/hash.ts';
import { asHash } from '../merkle/hash.ts';
import { channelHeadVerifier, openChannelHead, recalledDigest } from '../note/channel-head.ts';
import type { ChannelHead, ChannelHeadSigner } from '../note/channel-head.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import { channelPlace } from '../record/channel.ts';
import type { ChannelPlace } from '../record/channel.ts';
import { parseStatement } from '../record/statement.ts';
import type { Published } from './publish.ts';

/** How long a channel head is to be believed: whoever withholds newer ones is noticed after a day. */
export const DEFAULT_CHANNEL_VALIDITY_MILLIS = 24 * 3600_000;
/** A head that is asked for is not older than this, also when nothing was released. */
export const DEFAULT_CHANNEL_REFRESH_MILLIS = 3600_000;
/** A head is made anew once so much of its validity is over, so that who keeps one has the rest of it to get the next. */
const RENEWED_AFTER = 1 / 3;
/** Heads that are kept, some 1.5 kB each: the least recently made goes first. */
const MAX_KEPT = 4096;

/** A record of a channel: its entry, and its sequence there (record/channel.ts). */
export interface ChannelRecord {
  readonly index: number;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly sequence: number;
}

/** Which records are in which channel: of everything that was committed, and asked about the first `size` entries of it. */
export interface ChannelFacts {
  /** Channels that have a record, after this one, at most `limit`, in an order that stays: what is new may join anywhere. */
  channels(after: string | undefined, limit: number): Promise<readonly string[]>;
  /** The record with the highest sequence among the first `size` entries, retracted or recalled or not. */
  newest(channel: string, size: number): Promise<ChannelRecord | undefined>;
  /** The records that a retraction among the first `size` entries has recalled. */
  recalled(channel: string, size: number): Promise<readonly Pick<ChannelRecord, 'leafHash' | 'sequence'>[]>;
}

/** A signed channel head. */
export interface IssuedChannelHead {
  readonly head: ChannelHead;
  readonly note: Uint8Array;
}

/** A channel as the list shows it. */
export interface ListedChannel {
  readonly channel: string;
  readonly newest: ChannelRecord;
}

export interface ChannelHeadsOptions {
  readonly facts: ChannelFacts;
  readonly signer: ChannelHeadSigner;
  readonly published: () => Published | undefined;
  /** Throws while the log must not sign anything; asked before each signature. */
  readonly assertSigning?: (() => void) | undefined;
  /** The bytes of a published entry. */
  readonly entry: (index: number) => Promise<Uint8Array>;
  readonly validityMillis?: number | undefined;
  readonly refreshMillis?: number | undefined;
  readonly hasher: Hasher;
  readonly crypto: CryptoSuite;
}

interface Kept extends IssuedChannelHead {
  /** The tree that it is over. */
  readonly published: Published;
}

export class ChannelHeads {
  /** The key that signs them. */
  readonly vkey: string;
  readonly #options: ChannelHeadsOptions;
  readonly #verifier: CheckpointVerifier;
  readonly #validitySeconds: number;
  readonly #refreshSeconds: number;
  readonly #kept = new Map<string, Promise<Kept>>();
  #named: Promise<void> | undefined;

  /** RangeError unless the validity is a second or more. */
  constructor(options: ChannelHeadsOptions) {
    const { validityMillis = DEFAULT_CHANNEL_VALIDITY_MILLIS, refreshMillis = DEFAULT_CHANNEL_REFRESH_MILLIS } =
      options;
    this.#validitySeconds = Math.floor(validityMillis / 1000);
    if (!(this.#validitySeconds >= 1)) throw new RangeError(`a validity of ${validityMillis} ms is less than a second`);
    this.#refreshSeconds = Math.min(refreshMillis / 1000, this.#validitySeconds * RENEWED_AFTER);
    this.#options = options;
    this.#verifier = channelHeadVerifier(options.signer.vkey, options.crypto);
    this.vkey = options.signer.vkey;
  }

  /**
   * The head of a channel over the published tree, `<namespace>/<product>/<stream>/<channel>` with its steps as in `sub`.
   * Errors: `no-checkpoint`; `not-found` when that tree has no record of the channel; `bad-key` as assertNamed;
   * `store-corrupt` when what is known of the channel is not what is in the tree; what assertSigning throws.
   */
  async head(channel: string): Promise<IssuedChannelHead> {
    const published = this.#published();
    const kept = this.#kept.get(channel);
    if (kept !== undefined && this.#isCurrent(await kept.catch(() => undefined), published)) return kept;
    // Whoever asks in the same moment gets the same one.
    if (kept !== undefined && this.#kept.get(channel) !== kept) return this.#kept.get(channel)!;
    const made = this.#make(channel, published);
    this.#keep(channel, made);
    return made;
  }

  /** Channels of the published tree after this one, at most `limit`, and from where to go on if there may be more. */
  async list(
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly size: number; readonly items: readonly ListedChannel[]; readonly next: string | undefined }> {
    const { size } = this.#published();
    const channels = await this.#options.facts.channels(after, limit);
    const items: ListedChannel[] = [];
    for (const channel of channels) {
      const newest = await this.#options.facts.newest(channel, size);
      if (newest !== undefined) items.push({ channel, newest });
    }
    return { size, items, next: channels.length < limit ? undefined : channels.at(-1) };
  }

  /**
   * `bad-key` unless the log's genesis names the key: nobody would believe its heads. `no-checkpoint` or `not-found` while
   * there is no genesis.
   */
  assertNamed(): Promise<void> {
    this.#named ??= this.#checkNamed().catch((error: unknown) => {
      this.#named = undefined;
      throw error;
    });
    return this.#named;
  }

  async #checkNamed(): Promise<void> {
    const { record } = parseStatement(await this.#options.entry(0));
    const named = record.type === 'policy' ? record.fields.log?.channelHead : undefined;
    if (named === this.vkey) return;
    throw new LimmatError(
      'bad-key',
      `the key for channel heads is ${this.vkey}, and the genesis of the log names ${named ?? 'none'}: no channel head is signed with it`,
    );
  }

  #published(): Published {
    const published = this.#options.published();
    if (published !== undefined && published.size > 0) return published;
    throw new LimmatError('no-checkpoint', 'this log has not published a record yet; try again later', {
      retryAfterSeconds: 1,
    });
  }

  #isCurrent(kept: Kept | undefined, published: Published): boolean {
    if (kept === undefined || kept.published.size !== published.size) return false;
    return published.timestampSeconds - kept.head.issuedSeconds < this.#refreshSeconds;
  }

  #keep(channel: string, made: Promise<Kept>): void {
    this.#kept.delete(channel);
    this.#kept.set(channel, made);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    // A channel that is not there may be there with the next release, and is no reason to forget one that is.
    made.catch(() => {
      if (this.#kept.get(channel) === made) this.#kept.delete(channel);
    });
  }

  async #make(channel: string, published: Published): Promise<Kept> {
    await this.assertNamed();
    const { facts, signer, hasher } = this.#options;
    const { size, head: tree, timestampSeconds } = published;
    const newest = await facts.newest(channel, size);
    if (newest === undefined) {
      throw new LimmatError('not-found', `no record of channel ${JSON.stringify(channel)} is in the published tree`, {
        details: { channel, size },
      });
    }
    await this.#assertInTree(channel, newest);
    const recalled = await facts.recalled(channel, size);
    const minimumSequence = recalled.reduce((minimum, { sequence }) => Math.max(minimum, sequence + 1), 0);
    if (minimumSequence > newest.sequence + 1) throw damaged(channel, `sequence ${minimumSequence - 1} was recalled`);
    const head: ChannelHead = {
      origin: signer.origin,
      size,
      rootHash: tree.rootHash,
      channel,
      index: newest.index,
      leafHash: asHash(newest.leafHash),
      sequence: newest.sequence,
      minimumSequence,
      recalledHash: recalledDigest(
        recalled.map(({ leafHash }) => leafHash),
        hasher,
      ),
      issuedSeconds: timestampSeconds,
      validUntilSeconds: timestampSeconds + this.#validitySeconds,
    };
    this.#options.assertSigning?.();
    const note = await signer.sign(head);
    // A key in another process may answer anything; nothing is served that a client would refuse.
    await openChannelHead(note, [this.#verifier]);
    return { head, note, published };
  }
  /** A head that names another entry than the tree has would convict the log: a damaged row must not become one. */
  async #assertInTree(channel: string, { index, leafHash, sequence }: ChannelRecord): Promise<void> {
    const bytes = await this.#options.entry(index);
    const place = placeOf(bytes, index);
    if (
      place?.channel === channel &&
      place.sequence === sequence &&
      equalBytes(this.#options.hasher.leafHash(bytes), leafHash)
    )
      return;
    throw damaged(channel, `entry ${index} is its newest, of sequence ${sequence}`);
  }
}

/** The entry's place in a channel; undefined for one that is in none, or is no record. */
function placeOf(bytes: Uint8Array, index: number): ChannelPlace | undefined {
  try {
    return channelPlace(parseStatement(bytes).record, index);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

function damaged(channel: string, said: string): LimmatError {
  return new LimmatError(
    'store-corrupt',
    `the state says of channel ${JSON.stringify(channel)} that ${said}, and the entries do not: stop the log and run limmat reindex`,
  );
}
