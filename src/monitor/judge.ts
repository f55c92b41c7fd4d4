// Judges a signed head of a log against the monitor's own tree, which is all that is needed: whoever holds every leaf
// hash of the larger tree proves a contradiction without the log's help. Pure over the tree it is given.

import { equalBytes, toHex } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError } from '../errors.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import type { Prover } from '../merkle/prover.ts';
import type { Evidence } from './evidence/evidence.ts';
import { contradiction } from './evidence/make.ts';
import type { PrefixProof } from './evidence/make.ts';
import type { Admission, HeadBook } from './heads.ts';
import type { HeadSource, LogIdentity } from './watched-log.ts';

/** Proofs over the monitor's own tree, [0, own.size). */
export interface OwnProver {
  /** The root that the tree had at this size, at most its own. */
  rootHashAt(size: number): Promise<Hash>;
  /** The consistency proof between two sizes of it. */
  consistency(fromSize: number, toSize: number): Promise<readonly Hash[]>;
}

/** A head that the monitor verified, all entries of which it mirrors. */
export interface OwnTree {
  readonly own: LogHead;
  readonly ownProver: OwnProver;
}

export interface JudgeInput extends OwnTree {
  readonly log: LogIdentity;
  /** Verified: all of the log's keys signed it. */
  readonly head: LogHead;
}

/** The prover of a tree that is mirrored up to a head, from a Prover that reads the mirror. */
export function proverOf(prover: Prover, head: LogHead): OwnProver {
  return {
    rootHashAt: (size) => prover.rootHashAt(head, size),
    consistency: (fromSize, toSize) => prover.consistencyProof(head, fromSize, toSize),
  };
}

/**
 * What a signed head is to the monitor's own tree: evidence when both cannot be an honest log's (one size with two
 * roots, a smaller tree that the larger does not start with, a smaller tree as of a later time), `consistent` when the
 * own tree starts with it, `unresolved` when it is larger. Errors: those of checkEmptyRoot, and what the prover rejects
 * with.
 */
export async function judgeHead(input: JudgeInput): Promise<'consistent' | 'unresolved' | Evidence> {
  const { log, head, own, ownProver } = input;
  if (head.origin !== own.origin) throw new RangeError(`a head of ${head.origin} against the tree of ${own.origin}`);
  checkEmptyRoot(head);
  if (head.size > own.size) return (await contradiction(log, own, head)) ?? 'unresolved';
  const prefixRoot = await ownProver.rootHashAt(head.size);
  // The proof is only made where there is something to prove.
  const isPrefix = equalBytes(prefixRoot, head.rootHash);
  const prove = async (): Promise<PrefixProof> => {
    return { prefixRoot, consistency: await ownProver.consistency(head.size, own.size) };
  };
  return (await contradiction(log, own, head, isPrefix ? undefined : prove)) ?? 'consistent';
}

/**
 * `bad-note` for a head of size 0 with another root than the empty tree has. It contradicts arithmetic and no other
 * head, so no evidence can be made of it, and nobody has to keep it.
 */
export function checkEmptyRoot({ origin, size, rootHash }: LogHead): void {
  if (size !== 0 || equalBytes(rootHash, emptyRootHash())) return;
  throw new LimmatError('bad-note', `${origin} signed root ${toHex(rootHash)} for the empty tree, which has another`);
}

export interface TakeInput {
  readonly log: LogIdentity;
  readonly book: HeadBook;
  /** Absent as long as the monitor has no tree of this log. */
  readonly tree?: OwnTree | undefined;
}

/** What came of a head. */
export interface TakenHead {
  readonly admission: Admission;
  /** Made now, where it says something new (KnownEvidence.isNews). */
  readonly evidence?: Evidence;
}

/**
 * Brings a verified head to the book and judges it: the way of every head, wherever it came from. Errors: those of
 * checkEmptyRoot, before the book has the head, and of judgeHead, where it waits in the book.
 */
export async function takeHead(
  input: TakeInput,
  head: LogHead,
  source: HeadSource,
  nowSeconds: number,
): Promise<TakenHead> {
  checkEmptyRoot(head);
  const admission = input.book.admit(head, source, nowSeconds);
  if (admission === 'known' || admission === 'dropped') return { admission };
  // The own tree first: what it proves of a fork says more than two times do.
  const judged = settle(input, head);
  const evidence =
    admission === 'new'
      ? await judged
      : ((await orNothing(judged)) ?? (await contradict(input, admission.conflict, head)));
  if (evidence === undefined) await judged;
  return evidence === undefined ? { admission } : { admission, evidence };
}

/** Evidence by the other head of the book alone, for which no tree is needed. */
async function contradict(input: TakeInput, conflict: LogHead, head: LogHead): Promise<Evidence | undefined> {
  const smaller = conflict.size < head.size ? conflict : head;
  if (input.book.evidence.isSettled(smaller, conflict.size === head.size ? 'fork' : 'rollback')) return undefined;
  const evidence = await contradiction(input.log, conflict, head);
  return evidence && convict(input, head, evidence);
}

/** What was promised, or undefined where it fails. */
function orNothing<T>(promise: Promise<T | undefined>): Promise<T | undefined> {
  return promise.catch(() => undefined);
}

/**
 * Judges the heads that waited for the monitor's tree to grow; the evidence that this made. Errors: as judgeHead, unless
 * there is evidence by then; what was not judged waits on.
 */
export async function judgeWaiting(input: TakeInput & { readonly tree: OwnTree }): Promise<readonly Evidence[]> {
  const made: Evidence[] = [];
  for (const head of input.book.unresolved(input.tree.own.size)) {
    try {
      const evidence = await settle(input, head);
      if (evidence !== undefined) made.push(evidence);
    } catch (error) {
      if (made.length === 0) throw error;
      return made;
    }
  }
  return made;
}

async function settle(input: TakeInput, head: LogHead): Promise<Evidence | undefined> {
  const { log, book, tree } = input;
  if (tree === undefined) return undefined;
  // Whose branch it is on costs little; a proof is made where it says something new.
  if (book.evidence.isSettled(head)) return place(input, head);
  const verdict = await judgeHead({ log, head, ...tree });
  if (verdict === 'unresolved') return undefined;
  if (verdict !== 'consistent') return convict(input, head, verdict);
  book.resolve(head, 'consistent');
  return undefined;
}

/** The evidence, unless it says nothing new. */
async function convict(input: TakeInput, head: LogHead, evidence: Evidence): Promise<Evidence | undefined> {
  const isNews = input.book.evidence.isNews(evidence);
  if (isNews) input.book.evidence.convict(evidence);
  // Where the own tree cannot be read the head waits; the evidence does not.
  await orNothing(place(input, head));
  return isNews ? evidence : undefined;
}

/** Says whose branch a head is on that evidence was made of, as soon as the own tree is as large. */
async function place({ book, tree }: TakeInput, head: LogHead): Promise<undefined> {
  if (tree === undefined || head.size > tree.own.size) return undefined;
  const isOwn = equalBytes(await tree.ownProver.rootHashAt(head.size), head.rootHash);
  book.resolve(head, isOwn ? 'consistent' : 'contradicted');
  return undefined;
}
