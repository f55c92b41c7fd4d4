// "Where is data of region R, category C, processed on day D, since when, who says so, who supervised?" Relocations are
// gone through one after another; which of their steps hold on the day, in-force.ts decides.

import { byteText, readUint, textBytes } from '../../bytes.ts';
import { asHash } from '../../merkle/hash.ts';
import { ACTIVITIES } from '../../record/common.ts';
import { answers, holdingAt, regionMatch, STATES } from './in-force.ts';
import type { Holding, RegionMatch, RelocationFilter } from './in-force.ts';
import type { FoundMention } from './queries.ts';
import { ABOUT, INDEX_BYTES, indexPart, lastIndex, mentionPart, namespacePart, rowKey } from './rows.ts';
import { MAX_ROWS, scanByIndex, scanRows } from './scan.ts';
import { isOf, readRecords } from './source.ts';
import type { FoundRecord, LookupSource } from './source.ts';
import { activityPart, parseStep } from './steps.ts';
import type { Step } from './steps.ts';

export interface RelocationQuestion extends RelocationFilter {
  readonly activity?: (typeof ACTIVITIES)[number] | undefined;
  /** Unix seconds. */
  readonly asOfSeconds: number;
}

/** Who supervised: named by the relocation, attesting it by name, or attesting a range that it is in. */
export interface FoundSupervision extends FoundRecord {
  readonly by: 'named' | 'attested' | 'range';
  readonly takenBack: readonly FoundMention[];
}

/** A step that holds on the day. */
export interface FoundRelocation extends FoundRecord, Holding {
  readonly state: (typeof STATES)[keyof typeof STATES];
  /** How its regions stand to the one that was asked for. */
  readonly regionMatch: RegionMatch | undefined;
  readonly supervisions: readonly FoundSupervision[];
  readonly takenBack: readonly FoundMention[];
}

/** Supervisions that an answer shows of one record, and ranges of a namespace that are looked at, newest first. */
const MAX_SUPERVISIONS = 100;
const MAX_RANGES = 1024;
/** Bytes of a relocation in the keys of its steps. */
const PLACE = 2;

type Fate = (index: number) => Promise<readonly FoundMention[]>;

/**
 * The steps that hold on the day, of all relocations that are about what was asked. A page ends with a relocation, so it
 * may have more items than `limit` by the steps of one; `next` is its part of the keys.
 */
export async function relocationsAt(
  source: LookupSource,
  size: number,
  question: RelocationQuestion,
  { after, limit }: { readonly after?: Uint8Array | undefined; readonly limit: number },
  fate: Fate,
): Promise<{ readonly items: readonly FoundRelocation[]; readonly next: Uint8Array | undefined }> {
  const items: FoundRelocation[] = [];
  const { activity } = question;
  const prefix = rowKey(ABOUT.relocation, ...(activity === undefined ? [] : [activityPart(activity)]));
  const from = after && rowKey(ABOUT.relocation, byteText(after)) + '\u00ff'.repeat(INDEX_BYTES);
  let looked = 0;
  let place: string | undefined;
  let steps: Step[] = [];
  for await (const { key, value } of scanRows(source.storage(), prefix, from)) {
    looked++;
    const here = key.slice(PLACE, -INDEX_BYTES);
    if (place !== undefined && place !== here) {
      items.push(...(await holdingSteps(source, size, question, steps, fate)));
      steps = [];
      if (items.length >= limit || looked > MAX_ROWS) return { items, next: textBytes(place) };
    }
    place = here;
    if (lastIndex(key) < size) steps.push(parseStep(lastIndex(key), value));
  }
  items.push(...(await holdingSteps(source, size, question, steps, fate)));
  return { items, next: undefined };
}

async function holdingSteps(
  source: LookupSource,
  size: number,
  question: RelocationQuestion,
  steps: readonly Step[],
  fate: Fate,
): Promise<FoundRelocation[]> {
  if (steps.length === 0 || !mayAnswer(question, steps)) return [];
  const endedAt = new Map<number, number>();
  const fates = new Map<number, readonly FoundMention[]>();
  for (const { index } of steps) {
    const takenBack = await fate(index);
    fates.set(index, takenBack);
    for (const one of takenBack) endedAt.set(index, Math.min(endedAt.get(index) ?? Infinity, endOf(one)));
  }
  const holding = holdingAt(steps, endedAt, question.asOfSeconds).filter((one) => answers(question, one));
  const found = await readRecords(
    source,
    holding.map(({ step }) => step.index),
  );
  return Promise.all(
    holding.map(async (one, i): Promise<FoundRelocation> => {
      const record = found[i]!;
      return {
        ...record,
        ...one,
        state: STATES[one.step.action],
        regionMatch: question.region === undefined ? undefined : regionMatch(question.region, one.regions),
        supervisions: await supervisionsOf(source, size, record, fate),
        takenBack: fates.get(record.index) ?? [],
      };
    }),
  );
}

/** Most relocations are about something else, and need no look at what became of their steps. */
function mayAnswer({ region, category }: RelocationFilter, steps: readonly Step[]): boolean {
  return steps.some((step) => answers({ region }, step)) && steps.some((step) => answers({ category }, step));
}

/** A wrong record never held; one that another stands in for holds until then. */
function endOf({ said, statement }: FoundMention): number {
  if (said !== 'supersede' || statement.record.type !== 'retraction') return -Infinity;
  return statement.record.fields.effectiveAt ?? statement.iat;
}

async function supervisionsOf(
  source: LookupSource,
  size: number,
  record: FoundRecord,
  fate: Fate,
): Promise<FoundSupervision[]> {
  const storage = source.storage();
  const by = new Map<number, FoundSupervision['by']>();
  const newest = { size, after: undefined, newestFirst: true };
  const namespace = namespacePart(record.statement.namespace);
  const ranges = await scanByIndex(storage, { ...newest, prefix: rowKey(ABOUT.range, namespace), limit: MAX_RANGES });
  for (const { index, value } of ranges.rows) {
    const [start, end] = [readUint(value, 0, INDEX_BYTES)!, readUint(value, INDEX_BYTES, INDEX_BYTES)!];
    if (start <= record.index && record.index < end && by.size < MAX_SUPERVISIONS) by.set(index, 'range');
  }
  const prefix = rowKey(ABOUT.mention, indexPart(record.index), mentionPart('supervision'));
  const attested = await scanByIndex(storage, { ...newest, prefix, limit: MAX_SUPERVISIONS });
  for (const { index } of attested.rows) by.set(index, 'attested');
  if (isOf(record, 'relocation') && record.statement.record.fields.supervisor !== undefined) {
    const [index] = await storage.findLeaves([asHash(record.statement.record.fields.supervisor)]);
    if (index !== undefined && index < size) by.set(index, 'named');
  }
  const indexes = [...by.keys()].toSorted((a, b) => a - b);
  const found = await readRecords(source, indexes);
  return Promise.all(found.map(async (one) => ({ ...one, by: by.get(one.index)!, takenBack: await fate(one.index) })));
}
