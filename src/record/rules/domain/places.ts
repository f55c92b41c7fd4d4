// Promises and relocations: deadlines (D18), what was moved stays (D19), every region of a promise (D20), one word about
// one relocation (D28). What is about the same, and where, says matter.ts.

import type { CborValue } from '../../../cose/cbor.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import type { StateKey } from '../../admission/keys.ts';
import type { CommitmentFields } from '../../commitment.ts';
import { comparePlaces, keepsStep, matterOf, mattersMeet, type Place, type RelocationAction } from '../../matter.ts';
import { regionsContain } from '../../regions.ts';
import type { RelocationFields } from '../../relocation.ts';
import type { Statement } from '../../statement.ts';
import { formatTime } from '../../time.ts';
import type { DomainCase, DueCase } from './case.ts';
import { movesKey, namedKey, stepKey } from './keys.ts';
import { DOMAIN_RULES } from './table.ts';

const DAY = 86_400;
/** Steps of a namespace's relocations that are compared with later ones and with promises; the oldest go first. */
const MAX_STEPS = 1024;

type PlaceRow = readonly [site: string | null, name: string | null, country: string | null];

/** One step of a relocation, as far as others are compared with it. */
type StepRow = readonly [
  index: number,
  relocation: string,
  action: RelocationAction,
  activity: string,
  regions: readonly string[] | null,
  category: string | null,
  /** Null where only a part moves: then nothing is elsewhere. */
  to: readonly PlaceRow[] | null,
  at: number,
  /** From when on it is at the new place alone. */
  alone: number,
];

/** What was said of a relocation last. */
type RelocationRow = readonly [
  index: number,
  issuer: string,
  action: RelocationAction,
  effectiveAt: number | null,
  deadline: number | null,
  slips: number,
  completedAt: number | null,
  isDeleted: boolean,
  from: readonly PlaceRow[] | null,
  to: readonly PlaceRow[] | null,
];

type CommitmentRow = readonly [index: number, deadline: number | null, slips: number];
type TypeRow = readonly [index: number, iat: number];

const WITH_PLACE: readonly RelocationAction[] = ['start', 'milestone', 'complete', 'revert'];

export function relocationKeys({ namespace }: Statement, f: RelocationFields, hasher: Hasher): StateKey[] {
  return [
    namedKey('relocation', hasher, namespace, f.relocationId),
    namedKey('replaced', hasher, namespace, f.relocationId),
    movesKey(namespace),
  ];
}

export function commitmentKeys({ namespace }: Statement, f: CommitmentFields, hasher: Hasher): StateKey[] {
  return [namedKey('commitment', hasher, namespace, f.commitmentId)];
}

export function judgeRelocation(c: DomainCase, f: RelocationFields): void {
  const { hasher, namespace, index, statement } = c;
  const { iss, iat } = statement;
  const key = namedKey('relocation', hasher, namespace, f.relocationId);
  const before = c.row<RelocationRow>(key);
  const steps = c.row<readonly StepRow[]>(movesKey(namespace)) ?? [];
  const slips = judgeSlip(c, `relocation ${f.relocationId}`, f.deadline, before?.[4] ?? null, before?.[5] ?? 0);
  if (before !== undefined) judgeWords(c, f, before);
  judgeMovedBack(c, f, steps);
  const at = f.effectiveAt ?? iat;
  const deadline = f.deadline ?? before?.[4] ?? null;
  if (f.deadline !== undefined && f.action !== 'complete') {
    c.remind('D18', f.deadline, `relocation ${f.relocationId}`, ['relocation', f.relocationId]);
  }
  if (f.dualRunUntil !== undefined) c.remind('D19', f.dualRunUntil, f.relocationId, f.relocationId);
  c.write(stepKey(c.leafHash), f.relocationId);
  c.write(key, [
    index,
    iss,
    f.action,
    f.effectiveAt ?? null,
    deadline,
    slips,
    completionOf(f.action, at, before?.[6] ?? null),
    f.originDeletion !== undefined || before?.[7] === true,
    placeRows(f.from) ?? before?.[8] ?? null,
    placeRows(f.to) ?? before?.[9] ?? null,
  ]);
  const to = (f.scopePercent ?? 100) < 100 ? null : (placeRows(f.to) ?? before?.[9] ?? null);
  const alone = Math.max(at, f.dualRunUntil ?? 0);
  const { activity, regions = null, category = null } = f;
  const step = [
    index,
    f.relocationId,
    f.action,
    activity,
    regions && [...regions],
    category,
    to,
    at,
    alone,
  ] as CborValue;
  c.write(movesKey(namespace), [...steps.slice(1 - MAX_STEPS), step] as CborValue);
}

/** What was completed first stays so, until it is taken back. */
function completionOf(action: RelocationAction, at: number, before: number | null): number | null {
  if (action === 'complete') return before ?? at;
  return action === 'revert' ? null : before;
}

/** D18: a day that is put off. Gives how often it was. */
function judgeSlip(
  c: DomainCase,
  what: string,
  deadline: number | undefined,
  before: number | null,
  slips: number,
): number {
  if (deadline === undefined || before === null || deadline <= before) return slips;
  const [from, to] = [formatTime(before), formatTime(deadline)];
  const values = { what, from, to, times: slips + 1 };
  const times = slips === 0 ? '' : `, for the ${slips + 1}. time`;
  c.find('D18', values, `the deadline of ${what} was put off from ${from} to ${to}${times}`);
  return slips + 1;
}

/** D28: what the same issuer said of the same relocation, where neither a change nor a retraction says otherwise. */
function judgeWords(c: DomainCase, f: RelocationFields, before: RelocationRow): void {
  const [index, issuer, action, effectiveAt, deadline, , , , from, to] = before;
  if (issuer !== c.statement.iss || f.action === 'change') return;
  const replaced = c.row<number>(namedKey('replaced', c.hasher, c.namespace, f.relocationId));
  if (replaced !== undefined && replaced > index) return;
  const what = [
    ...(f.deadline !== undefined && deadline !== null && f.deadline !== deadline ? ['deadline'] : []),
    ...(f.action === action && f.effectiveAt !== undefined && effectiveAt !== null && f.effectiveAt !== effectiveAt
      ? ['effectiveAt']
      : []),
    ...(f.action !== 'revert' && comparePlaces(placesIn(from), f.from) === 'elsewhere' ? ['from'] : []),
    ...(f.action !== 'revert' && comparePlaces(placesIn(to), f.to) === 'elsewhere' ? ['to'] : []),
  ];
  if (what.length === 0) return;
  const fields = what.join(', ');
  const sentence = `${issuer} states another ${fields} of relocation ${f.relocationId} than in entry ${index}, and not that this changes it`;
  c.find('D28', { relocation: f.relocationId, fields, other: index }, sentence);
}

/** D19: what was moved is put elsewhere. */
function judgeMovedBack(c: DomainCase, f: RelocationFields, steps: readonly StepRow[]): void {
  if (!WITH_PLACE.includes(f.action)) return;
  const matter = matterOf({ type: 'relocation', namespace: c.namespace, fields: f });
  const isAway = ([, relocation, action, , , , to]: StepRow): boolean => {
    if (action !== 'complete') return false;
    if (f.action === 'revert') return relocation === f.relocationId;
    return comparePlaces(placesIn(to), f.to) === 'elsewhere';
  };
  const completed = steps.findLast((step) => isAway(step) && mattersMeet(matter, matterIn(c.namespace, step)));
  if (completed === undefined) return;
  const [index, relocation] = completed;
  const between = movesAfter(index, steps, (step) => mattersMeet(matter, matterIn(c.namespace, step)));
  const sentence = `relocation ${f.relocationId} puts elsewhere what relocation ${relocation} completed (entry ${index})`;
  c.find('D19', { relocation: f.relocationId, completed: relocation, other: index, between }, sentence);
}

/** Steps that were done, after that entry, with the same: whoever said so may have moved it on since. */
function movesAfter(index: number, steps: readonly StepRow[], isAboutIt: (step: StepRow) => boolean): number {
  return steps.filter((step) => step[0] > index && step[2] !== 'plan' && step[2] !== 'change' && isAboutIt(step))
    .length;
}

/** Where a build or a release was made. */
export interface Made {
  readonly buildSite?: string | undefined;
  readonly signSite?: string | undefined;
}

export function madeKeys(namespace: string, { buildSite, signSite }: Made): StateKey[] {
  return buildSite === undefined && signSite === undefined ? [] : [movesKey(namespace)];
}

/** What a relocation of assembly or signing may be about. */
const WORK: readonly string[] = ['build-tools', 'update-production'];

/** D19: work that was moved is done at a site where it was not any more. */
export function judgeMade(c: DomainCase, { buildSite, signSite }: Made, at: number): void {
  if (buildSite === undefined && signSite === undefined) return;
  const steps = c.row<readonly StepRow[]>(movesKey(c.namespace)) ?? [];
  for (const [activity, site] of [
    ['assemble', buildSite],
    ['sign', signSite],
  ] as const) {
    if (site === undefined) continue;
    // What moves one kind of data, or the data of one region, moves no work.
    const isAboutIt = ([, , , moved, regions, category]: StepRow): boolean =>
      moved === activity && regions === null && (category === null || WORK.includes(category));
    const last = steps.findLast((step) => (step[2] === 'complete' || step[2] === 'revert') && isAboutIt(step));
    if (last === undefined || last[2] === 'revert' || at <= last[8]) continue;
    if (comparePlaces(placesIn(last[6]), [{ site }]) !== 'elsewhere') continue;
    const [index, relocation] = last;
    const between = movesAfter(index, steps, isAboutIt);
    const done = activity === 'sign' ? 'signed' : 'assembled';
    const sentence = `${c.statement.sub} was ${done} at ${site}, and relocation ${relocation} had moved that elsewhere (entry ${index})`;
    c.find('D19', { site, activity, completed: relocation, other: index, between }, sentence);
  }
}

export function judgeCommitment(c: DomainCase, f: CommitmentFields): void {
  const { hasher, namespace, index, statement } = c;
  const key = namedKey('commitment', hasher, namespace, f.commitmentId);
  const before = c.row<CommitmentRow>(key);
  const what = `promise ${f.commitmentId}`;
  const slips = judgeSlip(c, what, f.deadline, before?.[1] ?? null, before?.[2] ?? 0);
  c.write(key, [index, f.deadline ?? before?.[1] ?? null, slips]);
  const { type, action } = f.fulfilledBy ?? { type: f.kind === 'relocation' ? ('relocation' as const) : null };
  const matter = [[...(f.activities ?? [])], f.regions === undefined ? null : [...f.regions]];
  if (f.deadline !== undefined && type !== null) {
    const values = ['commitment', f.commitmentId, type, action ?? null, ...matter];
    c.remind('D18', f.deadline, what, values);
  }
  if (f.regions !== undefined && f.activities !== undefined && (type === null || type === 'relocation')) {
    const until = f.deadline ?? statement.iat + DAY * DOMAIN_RULES.D20.default;
    c.remind('D20', until, f.commitmentId, [f.commitmentId, ...matter]);
  }
}

/** D18: a deadline is over. One that was put off has another reminder. */
export async function judgeDeadline(c: DueCase): Promise<void> {
  const [kind, id] = c.values<readonly [string, string]>();
  const { atSeconds, namespace } = c.due;
  const until = formatTime(atSeconds);
  if (kind === 'relocation') {
    const row = (await c.row<RelocationRow>(namedKey('relocation', c.hasher, namespace, id)))!;
    const [index, , action, , deadline, , completedAt] = row;
    if (deadline !== atSeconds || (completedAt !== null && completedAt <= atSeconds)) return;
    const late = completedAt === null ? `it is at "${action}"` : `it was on ${formatTime(completedAt)}`;
    c.find({ relocation: id, until, action }, `relocation ${id} was not complete by ${until}: ${late}`, index);
    return;
  }
  const [index, deadline] = (await c.row<CommitmentRow>(namedKey('commitment', c.hasher, namespace, id)))!;
  if (deadline !== atSeconds) return;
  const isKept = await isFulfilled(c);
  if (isKept !== false) return;
  c.find({ commitment: id, until }, `promise ${id} was not kept by ${until}, as far as this log says`, index);
}

/** Whether the record came that would show the promise kept; undefined where that cannot be said. */
async function isFulfilled(c: DueCase): Promise<boolean | undefined> {
  const [, , type, action, activities, regions] =
    c.values<readonly [string, string, string, RelocationAction | null, readonly string[], readonly string[] | null]>();
  const { namespace, atSeconds, index } = c.due;
  if (type !== 'relocation') {
    const last = await c.row<TypeRow>(namedKey('type', c.hasher, namespace, type));
    return last !== undefined && last[0] > index;
  }
  if (activities.length === 0) return undefined;
  const matter = { namespace, activities, regions: regions ?? undefined, category: undefined };
  const steps = (await c.row<readonly StepRow[]>(movesKey(namespace))) ?? [];
  return steps.some(
    (step) =>
      step[7] <= atSeconds && keepsStep(action ?? undefined, step[2]) && mattersMeet(matter, matterIn(namespace, step)),
  );
}

/** D20: the regions of a promise that no step of any relocation is about. A region within another one counts once. */
export async function judgeRegions(c: DueCase): Promise<void> {
  const [id, activities, regions] = c.values<readonly [string, readonly string[], readonly string[]]>();
  const { namespace } = c.due;
  const steps = (await c.row<readonly StepRow[]>(movesKey(namespace))) ?? [];
  const done = steps.filter((step) => activities.includes(step[3])).flatMap((step) => step[4] ?? []);
  const missing = regions.filter((region, i) => {
    const isWithin = regions.some(
      (other, j) => i !== j && regionsContain([other], region) && (i > j || other !== region),
    );
    return !isWithin && !regionsContain(done, region);
  });
  if (missing.length === 0) return;
  const names = missing.join(', ');
  c.find({ commitment: id, regions: names }, `promise ${id} names ${names}, and no relocation is about that`);
}

/** D19: both places had it for a while, and that while is over. */
export async function judgeDeletion(c: DueCase): Promise<void> {
  const id = c.values<string>();
  const row = (await c.row<RelocationRow>(namedKey('relocation', c.hasher, c.due.namespace, id)))!;
  const [index, , , , , , completedAt, isDeleted] = row;
  if (completedAt === null || isDeleted) return;
  const until = formatTime(c.due.atSeconds);
  const sentence = `relocation ${id} is complete, both places were to have it until ${until}, and nothing says that the old one deleted it`;
  c.find({ relocation: id, until }, sentence, index);
}

function matterIn(namespace: string, [, , , activity, regions, category]: StepRow): ReturnType<typeof matterOf> {
  return { namespace, activities: [activity], regions: regions ?? undefined, category: category ?? undefined };
}

function placeRows(places: readonly Place[] | undefined): (string | null)[][] | undefined {
  return places?.map(({ site = null, name = null, country = null }) => [site, name, country]);
}

function placesIn(rows: readonly PlaceRow[] | null): readonly Place[] | undefined {
  return rows?.map(([site, name, country]) => ({
    ...(site !== null && { site }),
    ...(name !== null && { name }),
    ...(country !== null && { country }),
  }));
}
