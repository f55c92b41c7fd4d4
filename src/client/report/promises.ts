// Promises and what became of them: first stated when, moved how often, kept by which entries, contradicted by which. A
// pure function of a log's entries, in order, and of a day: it says what the log's records say, and nothing about what
// they leave out.
//
// Every entry counts, whenever it was logged. The day decides what was due by then and what had been done by then.

import { regionsEqual } from '../../record/regions.ts';
import { keepsStep, mattersMeet, type RelocationAction } from '../../record/matter.ts';
import { provenBy } from './promise-kept.ts';
import { PromiseFacts } from './promise-facts.ts';
import type { CitedEntry, PromiseHistory, PromiseStatement } from './promise-facts.ts';

/** open: not due by the day, or without a date; withdrawn: each of its statements was retracted. */
export type PromiseState = 'kept' | 'kept-late' | 'open' | 'overdue' | 'withdrawn';
export const PROMISE_STATES = Object.freeze(['overdue', 'open', 'kept-late', 'kept', 'withdrawn'] as const);

/** A deadline that was moved later, or that a later statement does not name any more. */
export interface Slip {
  readonly entry: CitedEntry;
  readonly from: number;
  readonly to: number | undefined;
}

/**
 * An entry that does not agree with a promise. `elsewhere`: a step that took place somewhere else than promised, before
 * or after it was kept; `undone`: a step that suspends or reverts; the others: another statement about the same, with
 * another deadline, with none, or with one where the promise has none, with another place, region or phase.
 */
export interface Contradiction {
  readonly kind: 'elsewhere' | 'undone' | 'deadline' | 'no-deadline' | 'new-deadline' | 'place' | 'region' | 'phase';
  readonly entry: CitedEntry;
  /** True when the one is the vendor's own word and the other a document's. */
  readonly reportedAgainstOwn: boolean;
}

export interface PromiseReport {
  readonly namespace: string;
  readonly commitmentId: string;
  /** What is promised, as its newest statement that stands says it. */
  readonly says: string;
  readonly state: PromiseState;
  /** Every statement of it; the first one is where it was first stated. */
  readonly statements: readonly CitedEntry[];
  readonly firstDeadline: number | undefined;
  /** The last one that was named: a statement that names none takes none back. */
  readonly deadline: number | undefined;
  readonly slips: readonly Slip[];
  readonly keptAt: number | undefined;
  readonly fulfilledBy: readonly CitedEntry[];
  /** How many more entries show the same. */
  readonly moreFulfilling: number;
  /** Steps of relocations about the same that are not what was promised: begun, planned, or about a part. */
  readonly otherSteps: readonly CitedEntry[];
  /** What no entry shows yet, such as "process for region 150"; empty once it is kept. */
  readonly missing: readonly string[];
  readonly contradictions: readonly Contradiction[];
}

export interface PromisesReport {
  /** Entries that were read, and how many of them are no statements that this version knows. */
  readonly size: number;
  readonly unread: number;
  readonly asOf: number;
  readonly promises: readonly PromiseReport[];
}

/** An entry of a log and its leaf hash, 32 bytes. */
export type ReadEntry = readonly [entry: Uint8Array, leafHash: Uint8Array];

/** The report about these entries, index 0 first. Whoever calls has verified that the log has them. */
export function reportPromises(entries: Iterable<ReadEntry>, asOf: number): PromisesReport {
  const facts = new PromiseFacts();
  for (const [entry, leafHash] of entries) facts.add(entry, leafHash);
  return promisesReport(facts, asOf);
}

/** The report about the entries that the facts have seen. `asOf`: Unix seconds. */
export function promisesReport(facts: PromiseFacts, asOf: number): PromisesReport {
  const histories = facts.promises();
  const promises = histories.map((history, i) => {
    const current = standing(facts, history).at(-1);
    const others = histories.slice(i + 1).flatMap((other) => standing(facts, other).at(-1) ?? []);
    return reportOf(facts, history, current, others, asOf);
  });
  return { size: facts.size, unread: facts.unread, asOf, promises };
}

/** The statements that were not retracted, in order. */
function standing(facts: PromiseFacts, { statements }: PromiseHistory): readonly PromiseStatement[] {
  return statements.filter(({ entry }) => facts.takenBack(entry) !== 'retracted');
}

function reportOf(
  facts: PromiseFacts,
  history: PromiseHistory,
  current: PromiseStatement | undefined,
  others: readonly PromiseStatement[],
  asOf: number,
): PromiseReport {
  const { namespace, statements } = history;
  const shown = current ?? statements.at(-1)!;
  const stated = standing(facts, history);
  const { slips, deadline } = slipsOf(facts, stated, shown);
  const proven = provenBy(facts, namespace, shown, asOf);
  const misplacedSteps = misplaced(facts, shown);
  const told = new Set([...proven.entries, ...misplacedSteps.map(({ entry }) => entry)]);
  const isMove = shown.fields.fulfilledBy?.type === 'relocation';
  const steps = (isMove ? facts.stepsAbout(shown.matter) : []).map(({ entry }) => entry);
  const keptAt = proven.missing.length === 0 ? proven.keptAt : undefined;
  return {
    namespace,
    commitmentId: statements[0]!.fields.commitmentId,
    says: shown.entry.says,
    state: current === undefined ? 'withdrawn' : stateOf(keptAt, deadline, asOf),
    statements: statements.map(({ entry }) => entry),
    firstDeadline: statements.find(({ fields }) => fields.deadline !== undefined)?.fields.deadline,
    deadline,
    slips,
    keptAt,
    fulfilledBy: proven.entries,
    moreFulfilling: proven.more,
    otherSteps: proven.more > 0 ? [] : steps.filter((entry) => !told.has(entry)),
    missing: proven.missing,
    contradictions: [
      ...stated.slice(0, -1).flatMap((earlier) => contradiction(facts, shown, earlier, true)),
      ...others.flatMap((other) => contradiction(facts, shown, other, false)),
      ...misplacedSteps,
    ],
  };
}

function stateOf(keptAt: number | undefined, deadline: number | undefined, asOf: number): PromiseState {
  if (keptAt !== undefined) return deadline !== undefined && keptAt > deadline ? 'kept-late' : 'kept';
  return deadline !== undefined && deadline < asOf ? 'overdue' : 'open';
}

/**
 * The deadlines of the promise's statements and of the steps of its relocation, in the order of the log. One's own word
 * and a document's are told apart: that they differ is a contradiction and not a slip.
 */
function slipsOf(
  facts: PromiseFacts,
  stated: readonly PromiseStatement[],
  shown: PromiseStatement,
): { readonly slips: readonly Slip[]; readonly deadline: number | undefined } {
  const isMove = shown.fields.fulfilledBy?.type === 'relocation';
  const events = [
    ...stated.map(({ entry, fields }) => ({ entry, deadline: fields.deadline, isStatement: true })),
    ...(isMove ? facts.stepsAbout(shown.matter) : []).map(({ entry, fields }) => ({
      entry,
      deadline: fields.deadline,
      isStatement: false,
    })),
  ].toSorted((a, b) => a.entry.index - b.entry.index);
  const slips: Slip[] = [];
  const due: { own?: number; reported?: number } = {};
  for (const { entry, deadline, isStatement } of events) {
    const before = due[entry.basis];
    const isDropped = deadline === undefined && isStatement;
    if (before !== undefined && (isDropped || (deadline !== undefined && deadline > before))) {
      slips.push({ entry, from: before, to: deadline });
    }
    // A step may be about a part; only the promise's own statements, and what moves it later, set its date.
    if (deadline !== undefined && (isStatement || (before !== undefined && deadline > before))) {
      due[entry.basis] = deadline;
    }
  }
  return { slips, deadline: due[shown.entry.basis] ?? due.own ?? due.reported };
}

/** How another statement about the same differs; `sameId` for one of the same promise, whose slips are told apart. */
function contradiction(
  facts: PromiseFacts,
  ours: PromiseStatement,
  theirs: PromiseStatement,
  sameId: boolean,
): readonly Contradiction[] {
  const reportedAgainstOwn = ours.entry.basis !== theirs.entry.basis;
  const [a, b] = [ours.fields, theirs.fields];
  if (sameId ? !reportedAgainstOwn && facts.takenBack(theirs.entry) === 'superseded' : !isSameMatter(ours, theirs)) {
    return [];
  }
  const kinds: Contradiction['kind'][] = [];
  if (!sameId || reportedAgainstOwn) {
    if (a.deadline !== b.deadline) {
      kinds.push(a.deadline === undefined ? 'new-deadline' : b.deadline === undefined ? 'no-deadline' : 'deadline');
    }
  }
  if (facts.comparePlaces(ours.matter.namespace, a.to, b.to) === 'elsewhere') kinds.push('place');
  if (a.regions !== undefined && b.regions !== undefined && !regionsEqual(a.regions, b.regions)) kinds.push('region');
  if (a.phase !== b.phase) kinds.push('phase');
  return kinds.map((kind) => ({ kind, entry: theirs.entry, reportedAgainstOwn }));
}

/** Two promises of one kind, about something in common, that name no different steps. */
function isSameMatter(a: PromiseStatement, b: PromiseStatement): boolean {
  if (a.fields.kind !== b.fields.kind || !mattersMeet(a.matter, b.matter)) return false;
  const steps: readonly (RelocationAction | undefined)[] = [a, b].map(({ fields }) => fields.fulfilledBy?.action);
  return steps.includes(undefined) || steps[0] === steps[1];
}

/** Steps that were done somewhere else, or that undo what was done. */
function misplaced(facts: PromiseFacts, promise: PromiseStatement): readonly Contradiction[] {
  const { fields, matter, entry: own } = promise;
  if (fields.fulfilledBy?.type !== 'relocation') return [];
  return facts.stepsAbout(matter).flatMap(({ entry, fields: step }): Contradiction[] => {
    const reportedAgainstOwn = entry.basis !== own.basis;
    if (step.action === 'suspend' || step.action === 'revert') return [{ kind: 'undone', entry, reportedAgainstOwn }];
    const isDone = keepsStep('start', step.action);
    const isElsewhere = facts.comparePlaces(matter.namespace, fields.to, step.to) === 'elsewhere';
    return isDone && isElsewhere ? [{ kind: 'elsewhere', entry, reportedAgainstOwn }] : [];
  });
}
