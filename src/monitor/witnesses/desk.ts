// Keeps what the witnesses of one log have cosigned, wherever it came from: on what the log shows, at the witnesses' own
// addresses, in what others hand in (M07). Every cosigned head is compared with the monitor's own tree; a witness that
// cosigned two that do not go together is convicted by its own two lines.

import { equalBytes, utf8, utf8Text } from '../../bytes.ts';
import { trimNote } from '../../client/state.ts';
import { parseCheckpoint } from '../../note/checkpoint.ts';
import { parseNote } from '../../note/note.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { witnessConflict } from '../evidence/make.ts';
import type { PrefixProof, SignedHead } from '../evidence/make.ts';
import type { OwnTree } from '../judge.ts';
import type { MonitorLimits } from '../limits.ts';
import type { WatchedLog } from '../watched-log.ts';
import type { Cosignature } from './cosigned.ts';
import { newStanding } from './standing.ts';
import type { WitnessStanding } from './standing.ts';

/** Cosigned heads of one witness that wait for a larger one, or for the own tree. */
const MAX_OTHERS = 4;

export class WitnessDesk {
  readonly #log: WatchedLog;
  readonly #limits: MonitorLimits;
  #standings: readonly WitnessStanding[];

  constructor(log: WatchedLog, limits: MonitorLimits, remembered: readonly WitnessStanding[]) {
    this.#log = log;
    this.#limits = limits;
    this.#standings = (log.witnesses ?? []).map(
      ({ vkey }) => remembered.find((one) => one.vkey === vkey) ?? newStanding(vkey),
    );
  }

  /** One a configured witness, in the order of the list. */
  get standings(): readonly WitnessStanding[] {
    return this.#standings;
  }

  /** Takes a note of the log with cosignatures that were found to hold. `isShown`: the log showed it. */
  take(note: Uint8Array, cosignatures: readonly Cosignature[], isShown: boolean, nowSeconds: number): void {
    const parsed = parseNote(note);
    for (const { witness, timestampSeconds } of cosignatures) {
      const own = utf8Text(trimNote(parsed, [witness]))!;
      const isFresh = isShown && timestampSeconds >= nowSeconds - this.#limits.maxAgeSeconds;
      this.#change(witness.vkey, (old) => ({
        ...old,
        timestampSeconds: Math.max(old.timestampSeconds, timestampSeconds),
        ...(isFresh && { shownSeconds: nowSeconds }),
        // Which of its heads are on the branch, `judge` says.
        others: isKnown(old, own) ? old.others : [...old.others, own].slice(-MAX_OTHERS),
      }));
    }
  }

  /** Compares what is new with the own tree, and notes who is behind; resolves to evidence, one a witness at most. */
  async judge(tree: OwnTree | undefined, nowSeconds: number): Promise<readonly Evidence[]> {
    const evidence: Evidence[] = [];
    for (const witness of this.#log.witnesses ?? []) {
      const made = await this.#judgeOne(witness, tree);
      if (made !== undefined) evidence.push(made);
    }
    const largest = Math.max(0, ...this.#standings.map(({ size }) => size));
    this.#standings = this.#standings.map((one) => ({
      ...one,
      behindSinceSeconds: one.size > 0 && one.size < largest ? (one.behindSinceSeconds ?? nowSeconds) : undefined,
    }));
    return evidence;
  }

  async #judgeOne(witness: CheckpointVerifier, tree: OwnTree | undefined): Promise<Evidence | undefined> {
    const standing = this.#standings.find(({ vkey }) => vkey === witness.vkey)!;
    const { others } = standing;
    if (others.length === 0) return undefined;
    const heads = others.map((note) => ({ ...headOf(note), text: note }));
    const waiting: (SignedHead & { readonly text: string })[] = [];
    const strays: typeof waiting = [];
    let best = standing.note === '' ? undefined : { ...headOf(standing.note), text: standing.note };
    for (const head of heads) {
      if (tree === undefined || head.size > tree.own.size) waiting.push(head);
      else if (!equalBytes(await tree.ownProver.rootHashAt(head.size), head.rootHash)) strays.push(head);
      // Of one size the newer line.
      else if (best === undefined || head.size >= best.size) best = head;
    }
    this.#change(witness.vkey, (old) => ({
      ...old,
      ...(best !== undefined && { size: best.size, note: best.text }),
      others: [...strays, ...waiting].map(({ text }) => text),
    }));
    return this.#contradiction(witness, best, strays, waiting, tree);
  }

  /** Two of its heads that do not go together, as far as that can be told and shown. */
  async #contradiction(
    witness: CheckpointVerifier,
    best: SignedHead | undefined,
    strays: readonly SignedHead[],
    waiting: readonly SignedHead[],
    tree: OwnTree | undefined,
  ): Promise<Evidence | undefined> {
    const all = [...strays, ...waiting, ...(best === undefined ? [] : [best])];
    for (const [i, a] of all.entries()) {
      const b = all.slice(i + 1).find((one) => one.size === a.size && !equalBytes(one.rootHash, a.rootHash));
      if (b !== undefined && a.size > 0) return this.#make(witness, a, b);
    }
    if (best === undefined || tree === undefined) return undefined;
    const stray = strays.find(({ size }) => size > 0 && size < best.size);
    if (stray === undefined) return undefined;
    const prefixRoot = await tree.ownProver.rootHashAt(stray.size);
    const consistency = await tree.ownProver.consistency(stray.size, best.size);
    return this.#make(witness, stray, best, { prefixRoot, consistency });
  }

  /** Undefined where no file can show it: of a line without a time, which never comes here, or two times of one tree. */
  async #make(
    witness: CheckpointVerifier,
    a: SignedHead,
    b: SignedHead,
    prefix?: PrefixProof,
  ): Promise<Evidence | undefined> {
    try {
      return await witnessConflict(this.#log, witness, a, b, prefix);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return undefined;
    }
  }

  #change(vkey: string, change: (old: WitnessStanding) => WitnessStanding): void {
    this.#standings = this.#standings.map((one) => (one.vkey === vkey ? change(one) : one));
  }
}

function headOf(note: string): SignedHead {
  const { size, rootHash }: TreeHead = parseCheckpoint(parseNote(note).text);
  return { size, rootHash, note: utf8(note) };
}

/** True for a tree that is remembered already, whatever the time in the line. */
function isKnown({ note, others }: WitnessStanding, own: string): boolean {
  const body = own.slice(0, own.indexOf('\n\n') + 1);
  return [note, ...others].some((one) => one.startsWith(body));
}
