// Every signed head of a log, in the book in memory and in the journal on disk: on disk first, so that a head that was
// taken is judged after a crash too, even if nobody shows it again.

import { equalBytes, toHex } from '../bytes.ts';
import { trimNote } from '../client/state.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import type { Evidence } from './evidence/evidence.ts';
import { HEAD_BOOK_LIMITS, HeadBook } from './heads.ts';
import type { HeadBookLimits } from './heads.ts';
import { judgeHead, takeHead } from './judge.ts';
import type { OwnTree } from './judge.ts';
import { formatKeptHead, parseKeptHead } from './kept-head.ts';
import type { KeptHead } from './kept-head.ts';
import type { LineJournal } from './ports.ts';
import type { HeadSource, LogIdentity } from './watched-log.ts';

/** Bytes at the end of the journal that are read at a start: some 150 heads with the log's ML-DSA-44 line. */
const REPLAYED_BYTES = 512 * 1024;
/** Bytes of the journal at which its older half is thinned out: 9,000 heads with that line, six days of one a minute. */
const THINNED_BYTES = 32 * 1024 * 1024;
const LINES_AT_ONCE = 10_000;

export interface HeadKeeperOptions {
  /** Its verifiers' lines are kept. */
  readonly log: LogIdentity;
  readonly journal: LineJournal;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** What the book may take of memory. */
  readonly limits?: HeadBookLimits;
  /** What there is against the log already. */
  readonly evidence: readonly Evidence[];
  /** Where in the journal the heads are that wait for the own tree to grow. */
  readonly waiting: readonly number[];
}

export class HeadKeeper {
  readonly book: HeadBook;
  readonly #log: LogIdentity;
  readonly #journal: LineJournal;
  /** By tree, where in the journal the head is. */
  readonly #positions = new Map<string, number>();
  #thinAt = THINNED_BYTES;
  #appends: Promise<unknown> = Promise.resolve();
  /** The own head as it was signed last, while the state alone keeps it: it goes to the journal before any other head. */
  #ownAgain: { readonly kept: KeptHead; readonly head: LogHead } | undefined;

  private constructor({ log, journal, random, limits, evidence }: HeadKeeperOptions) {
    this.#log = log;
    this.#journal = journal;
    this.book = new HeadBook({ origin: log.origin, random, ...(limits !== undefined && { limits }) });
    for (const one of evidence) this.book.evidence.convict(one);
  }

  /**
   * Opens the heads in a journal; the evidence is what was made of them again, because a crash came between. Heads that
   * have to be compared with the own tree wait in the book until there is one.
   */
  static async open(
    options: HeadKeeperOptions,
  ): Promise<{ readonly keeper: HeadKeeper; readonly evidence: readonly Evidence[] }> {
    const { journal, waiting } = options;
    const keeper = new HeadKeeper(options);
    const tail = Math.max(0, journal.end - REPLAYED_BYTES);
    const lines = [];
    for (const position of waiting) if (position < tail) lines.push(...(await journal.read(position, 1)));
    lines.push(...(await journal.read(tail, LINES_AT_ONCE)));
    const made: Evidence[] = [];
    for (const { position, text } of lines) {
      const { head, kept } = keeper.#parse(text);
      keeper.#positions.set(treeKey(head), position);
      const evidence = await keeper.#judgeAgain(head, kept.source, kept.atSeconds);
      if (evidence !== undefined) made.push(evidence);
    }
    return { keeper, evidence: made };
  }

  /** Where in the journal the heads are that wait. */
  waiting(): readonly number[] {
    return this.book.unresolved().flatMap((head) => this.#positions.get(treeKey(head)) ?? []);
  }

  /**
   * Takes a verified head, from wherever, and judges it against the own tree, if there is one that it can be judged by.
   * With a note that has more lines than the head's, that one is kept on disk. RangeError when it contradicts another
   * head and no evidence can be made of the two; what reading the tree rejects with; the head then waits in the book.
   */
  async take(
    head: LogHead,
    source: HeadSource,
    nowSeconds: number,
    tree: OwnTree | undefined,
    note: Uint8Array = head.note,
  ): Promise<Evidence | undefined> {
    const { size, rootHash, timestampSeconds } = head;
    if (!this.book.knows(size, rootHash, timestampSeconds)) {
      const kept = { note, timestampSeconds, source, atSeconds: nowSeconds };
      if (isNewest(head, tree)) this.#ownAgain = { kept, head };
      else await this.#append(kept, head);
    }
    return this.#judge(head, source, nowSeconds, tree);
  }

  /**
   * Judges a head of the book that waited for the own tree, which is as large now. Rejects as take does; a head of which
   * no evidence can be made (RangeError) does not wait any longer.
   */
  async judge(head: LogHead, tree: OwnTree): Promise<Evidence | undefined> {
    const { book } = this;
    const isOwn = equalBytes(await tree.ownProver.rootHashAt(head.size), head.rootHash);
    const resolve = (): void => book.resolve(head, isOwn ? 'consistent' : 'contradicted');
    let evidence: Evidence | undefined;
    if (!book.evidence.isSettled(head)) {
      try {
        const verdict = await judgeHead({ log: this.#log, head, ...tree });
        evidence = typeof verdict === 'string' ? undefined : verdict;
      } catch (error) {
        if (error instanceof RangeError) resolve();
        throw error;
      }
    }
    resolve();
    if (evidence === undefined || !book.evidence.isNews(evidence)) return undefined;
    book.evidence.convict(evidence);
    return evidence;
  }

  /** Brings the own head to the book at a start: a head that waits there may contradict it. */
  async takeOwn(head: LogHead, nowSeconds: number): Promise<Evidence | undefined> {
    const { note, timestampSeconds } = head;
    if (!this.book.knows(head.size, head.rootHash, timestampSeconds)) {
      this.#ownAgain = { kept: { note, timestampSeconds, source: 'log', atSeconds: nowSeconds }, head };
    }
    const evidence = await this.#judgeAgain(head, 'log', nowSeconds);
    this.book.resolve(head, 'consistent');
    return evidence;
  }

  /** At a start: what no evidence can be made of was told of when it came. */
  async #judgeAgain(head: LogHead, source: HeadSource, nowSeconds: number): Promise<Evidence | undefined> {
    try {
      return await this.#judge(head, source, nowSeconds, undefined);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  async #judge(
    head: LogHead,
    source: HeadSource,
    nowSeconds: number,
    tree: OwnTree | undefined,
  ): Promise<Evidence | undefined> {
    return (await takeHead({ log: this.#log, book: this.book, tree }, head, source, nowSeconds)).evidence;
  }

  #append(kept: KeptHead, head: LogHead): Promise<void> {
    const turn = this.#appends.then(async () => {
      const own = this.#ownAgain;
      if (own !== undefined) {
        await this.#write(own.kept, own.head);
        if (this.#ownAgain === own) this.#ownAgain = undefined;
      }
      await this.#write(kept, head);
      if (this.#journal.end > this.#thinAt) await this.#thin();
    });
    this.#appends = turn.catch(() => undefined);
    return turn;
  }

  async #write(kept: KeptHead, head: LogHead): Promise<void> {
    const position = this.#journal.end;
    await this.#journal.append([formatKeptHead(kept)]);
    this.#positions.set(treeKey(head), position);
  }

  /** Drops every second head of the journal's older half, but none that waits or is named in evidence. */
  async #thin(): Promise<void> {
    const waiting = new Set(this.waiting());
    const kept: { readonly text: string; readonly key: string }[] = [];
    const half = this.#journal.end / 2;
    let number = 0;
    for (let from = 0; from < this.#journal.end;) {
      const lines = await this.#journal.read(from, LINES_AT_ONCE);
      for (const { position, text } of lines) {
        const { head } = this.#parse(text);
        number++;
        if (position >= half || number % 2 === 0 || waiting.has(position) || this.book.evidence.isAccused(head)) {
          kept.push({ text, key: treeKey(head) });
        }
        from = position + 1;
      }
      if (lines.length < LINES_AT_ONCE) break;
    }
    await this.#journal.rewrite(kept.map(({ text }) => text));
    this.#positions.clear();
    for (let from = 0, i = 0; i < kept.length;) {
      for (const { position } of await this.#journal.read(from, LINES_AT_ONCE)) {
        this.#positions.set(kept[i++]!.key, position);
        from = position + 1;
      }
    }
    // By a sum and not by a factor: three quarters are left each time, so the journal never gets longer than 64 MiB
    // and what waits or is named in evidence.
    this.#thinAt = Math.max(THINNED_BYTES, this.#journal.end + THINNED_BYTES / 2);
  }

  /** A line of the journal; `store-corrupt` when it is none of this log. */
  #parse(text: string): { readonly head: LogHead; readonly kept: KeptHead } {
    try {
      const kept = parseKeptHead(text);
      const note = parseNote(kept.note);
      const { origin, size, rootHash } = parseCheckpoint(note.text);
      if (origin !== this.#log.origin) throw new LimmatError('malformed', `it is of ${origin}`);
      const { timestampSeconds } = kept;
      return { kept, head: { origin, size, rootHash, timestampSeconds, note: trimKept(note, kept.note, this.#log) } };
    } catch (cause) {
      if (!isLimmatError(cause, 'malformed')) throw cause;
      throw new LimmatError('store-corrupt', `a kept head of ${this.#log.origin} is damaged: ${cause.message}`, {
        cause,
      });
    }
  }
}

/** The lines of the log's keys; all lines where a key change left none of them. */
function trimKept(note: ReturnType<typeof parseNote>, bytes: Uint8Array, { verifiers }: LogIdentity): Uint8Array {
  const isKnown = note.signatures.some((line) =>
    verifiers.some(({ name, keyId }) => name === line.name && keyId === line.keyId),
  );
  return isKnown ? trimNote(note, verifiers) : bytes;
}

/** True for the own head, signed again at a later time: the state keeps that one until another head comes. */
function isNewest(head: LogHead, tree: OwnTree | undefined): boolean {
  if (tree === undefined || head.timestampSeconds < tree.own.timestampSeconds) return false;
  return treeKey(head) === treeKey(tree.own);
}

function treeKey({ size, rootHash }: Pick<LogHead, 'size' | 'rootHash'>): string {
  return `${size} ${toHex(rootHash)}`;
}

/** Memory for the heads of all logs together, in bytes of notes, of each kind. */
const BOOKS_BYTES = 64 * 1024 * 1024;

/** What the book of one of so many logs (1 and more) may hold: an even share, but room for a hundred heads and more. */
export function bookLimits(logs: number): HeadBookLimits {
  const share = Math.floor(BOOKS_BYTES / logs);
  return {
    ...HEAD_BOOK_LIMITS,
    resolvedBytes: Math.min(HEAD_BOOK_LIMITS.resolvedBytes, Math.max(512 * 1024, share)),
    unresolvedBytes: Math.min(HEAD_BOOK_LIMITS.unresolvedBytes, Math.max(1024 * 1024, share)),
  };
}
