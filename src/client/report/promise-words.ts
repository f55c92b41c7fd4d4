// A report about promises in words for people, and as JSON for programs. Every fact names the entry that says it.

import { toHex } from '../../bytes.ts';
import { formatTime } from '../../record/time.ts';
import { count, dayInWords, joined } from '../../record/words.ts';
import type { CitedEntry } from './promise-facts.ts';
import {
  PROMISE_STATES,
  type Contradiction,
  type PromiseReport,
  type PromisesReport,
  type PromiseState,
} from './promises.ts';

const STATE_WORDS: Readonly<Record<PromiseState, string>> = {
  overdue: 'OVERDUE',
  open: 'open',
  'kept-late': 'kept, late',
  kept: 'kept',
  withdrawn: 'withdrawn',
};

/** Of one entry, and of several. */
const CONTRADICTION_WORDS: Readonly<Record<Contradiction['kind'], readonly [string, string]>> = {
  elsewhere: ['places it somewhere else', 'place it somewhere else'],
  undone: ['suspends or reverts it', 'suspend or revert it'],
  deadline: ['says another date', 'say another date'],
  'no-deadline': ['says no date', 'say no date'],
  'new-deadline': ['says a date', 'say a date'],
  place: ['says another place', 'say another place'],
  region: [
    'says another region, and has some of this one in it',
    'say another region, and have some of this one in it',
  ],
  phase: ['says another phase', 'say another phase'],
};

/** So many entries of one kind are named one by one. */
const MAX_NAMED = 8;

/** Lines for people: a summary, then each promise. Texts of records stand in them as they are. */
export function promisesText(report: PromisesReport): readonly string[] {
  const { promises, asOf, size, unread } = report;
  const states = PROMISE_STATES.flatMap((state) => {
    const some = promises.filter((promise) => promise.state === state).length;
    return some === 0 ? [] : [`${count(some)} ${STATE_WORDS[state].toLowerCase()}`];
  });
  const skipped = unread === 0 ? '' : ` (${count(unread)} of them no statement)`;
  const head = `${count(promises.length, 'promise')} in ${size === 1 ? '1 entry' : `${count(size)} entries`}${skipped}, as of ${dayInWords(asOf)}`;
  return [promises.length === 0 ? `${head}.` : `${head}: ${joined(states)}.`, ...promises.flatMap(promiseText)];
}

function promiseText(promise: PromiseReport): readonly string[] {
  const { state, says, statements, slips, deadline, keptAt, missing, fulfilledBy } = promise;
  const first = statements[0]!;
  const due = deadline === undefined ? 'no date was ever given' : `due by ${dayInWords(deadline)}`;
  const kept = keptAt === undefined ? due : `${due}; done on ${dayInWords(keptAt)}`;
  const again = statements.length === 1 ? '' : `, again in ${namedEntries(statements.slice(1))}`;
  const more = promise.moreFulfilling === 0 ? '' : ` and ${count(promise.moreFulfilling)} more`;
  return [
    '',
    `${STATE_WORDS[state]}: ${says}`,
    `  ${kept}`,
    `  first stated in entry ${first.index}, signed ${dayInWords(first.signedAt)} by ${first.issuer}${documentInWords(first)}${again}`,
    ...slips.map(
      ({ entry, from, to }) =>
        `  moved in entry ${entry.index}: from ${dayInWords(from)} ${to === undefined ? 'to no date' : `to ${dayInWords(to)}`}${documentInWords(entry)}`,
    ),
    ...(fulfilledBy.length === 0 ? [] : [`  shown by ${namedEntries(fulfilledBy)}${more}`]),
    ...(promise.otherSteps.length === 0 ? [] : [`  other steps about it: ${namedEntries(promise.otherSteps)}`]),
    ...(missing.length === 0 || state === 'withdrawn' ? [] : [`  no entry shows: ${missing.join(', ')}`]),
    ...contradictionLines(promise),
  ];
}

/** One line a kind: many entries may say the same. */
function contradictionLines({ contradictions }: PromiseReport): readonly string[] {
  const kinds = [...new Set(contradictions.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const those = contradictions.filter((each) => each.kind === kind);
    const words = CONTRADICTION_WORDS[kind][those.length === 1 ? 0 : 1];
    const basis = those.some(({ reportedAgainstOwn }) => reportedAgainstOwn)
      ? ' (the vendor’s own word against a document’s)'
      : '';
    return `  but ${namedEntries(those.map(({ entry }) => entry))} ${words}${basis}`;
  });
}

function namedEntries(entries: readonly CitedEntry[]): string {
  const named = entries.slice(0, MAX_NAMED).map(({ index }) => String(index));
  const words = entries.length === 1 ? 'entry' : 'entries';
  if (entries.length > MAX_NAMED) return `${words} ${named.join(', ')} and ${count(entries.length - MAX_NAMED)} more`;
  return `${words} ${joined(named)}`;
}

function documentInWords({ basis, documentName, documentDate }: CitedEntry): string {
  if (basis === 'own') return '';
  const date = documentDate === undefined ? '' : ` of ${dayInWords(documentDate)}`;
  return `, reported from ${documentName ?? 'a document'}${date}`;
}

/** What a program gets of an entry: where it is, and where its proof file is, below the log's address. */
export interface CitedEntryJson {
  readonly index: number;
  readonly leafHash: string;
  readonly type: string;
  readonly says: string;
  readonly issuer: string;
  readonly signedAt: string;
  readonly basis: 'own' | 'reported';
  readonly documentName?: string;
  readonly documentDate?: string;
  readonly proof: string;
}

/** The report as a JSON value: times in RFC 3339, leaf hashes in hex, and with each entry the path of its proof file. */
export function promisesJson(report: PromisesReport): Readonly<Record<string, unknown>> {
  const { size, unread, asOf, promises } = report;
  return { size, unread, asOf: formatTime(asOf), promises: promises.map(promiseJson) };
}

function promiseJson(promise: PromiseReport): Readonly<Record<string, unknown>> {
  const { firstDeadline, deadline, keptAt } = promise;
  return {
    namespace: promise.namespace,
    commitmentId: promise.commitmentId,
    says: promise.says,
    state: promise.state,
    ...timeJson('firstDeadline', firstDeadline),
    ...timeJson('deadline', deadline),
    ...timeJson('keptAt', keptAt),
    statements: promise.statements.map(entryJson),
    slips: promise.slips.map(({ entry, from, to }) => ({
      entry: entryJson(entry),
      ...timeJson('from', from),
      ...timeJson('to', to),
    })),
    fulfilledBy: promise.fulfilledBy.map(entryJson),
    moreFulfilling: promise.moreFulfilling,
    otherSteps: promise.otherSteps.map(entryJson),
    missing: promise.missing,
    contradictions: promise.contradictions.map(({ kind, entry, reportedAgainstOwn }) => ({
      kind,
      reportedAgainstOwn,
      entry: entryJson(entry),
    })),
  };
}

function timeJson(name: string, seconds: number | undefined): Readonly<Record<string, string>> {
  return seconds === undefined ? {} : { [name]: formatTime(seconds) };
}

function entryJson(entry: CitedEntry): CitedEntryJson {
  const { index, leafHash, type, says, issuer, signedAt, basis, documentName, documentDate } = entry;
  return {
    index,
    leafHash: toHex(leafHash),
    type,
    says,
    issuer,
    signedAt: formatTime(signedAt),
    basis,
    ...(documentName !== undefined && { documentName }),
    ...timeJson('documentDate', documentDate),
    proof: `/api/v1/entries/${index}/proof`,
  };
}
