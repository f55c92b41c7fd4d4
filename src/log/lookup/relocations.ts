// "Where is data of region R, category C, processed on day D, since when, who says so, who supervised?" Relocations are
// gone through one after another; which of their steps hold on the day, in-force.ts decides.

import { readUint } from '../../bytes.ts';
import { asHash } from '../../merkle/hash.ts';
import { ACTIVITIES } from '../../record/common.ts';
import type { StateKey } from '../../storage.ts';
import { answers, holdingAt, regionMatch, STATES } from './in-force.ts';
import type { Holding, RegionMatch, RelocationFilter } from './in-force.ts';
import type { FoundMention, LookupReader } from './reader.ts';
import { ABOUT, INDEX_BYTES, indexText, lastIndex, namespacePart, rowKey } from './rows.ts';
import { MAX_ROWS, scanByIndex, SCAN_ROWS } from './scan.ts';
import type { Row } from './scan.ts';
import { isOf } from './source.ts';
import type { FoundRecord } from './source.ts';
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
const MAX_SUPERVISIONS = 20;
const MAX_RANGES = 1024;
/** Steps of one relocation that are looked at, newest first: what is older is covered by then, or nobody can read it. */
const MAX_STEPS = 256;
/** What one step of an answer costs in rows that a question may look at. */
const STEP_COST = 64;
/** Where a relocation (activity and 16 bytes) begins in the keys of its steps, and where it ends. */
const PLACE: number = rowKey(ABOUT.relocation).length;
const PLACE_BYTES = 17;
/** A relocation and an index: what a page ends with. */
export const RELOCATION_CURSOR_BYTES: number = PLACE_BYTES + INDEX_BYTES;
/** Behind every step of a relocation. */
const LAST = '\xff'.repeat(INDEX_BYTES);

/** What one question asks for again and again. */
class Asked {
  readonly reader: LookupReader;
  readonly size: number;
  readonly question: RelocationQuestion;
  readonly #ranges = new Map<string, Promise<readonly Row[]>>();

  constructor(reader: LookupReader, size: number, question: RelocationQuestion) {
    this.reader = reader;
    this.size = size;
    this.question = question;
  }

  /** Supervisions of ranges of a namespace's entries, newest first. */
  ranges(namespace: string): Promise<readonly Row[]> {
    let ranges = this.#ranges.get(namespace);
    if (ranges === undefined) {
      const prefix = rowKey(ABOUT.range, namespacePart(namespace));
      const scan = { prefix, size: this.size, after: undefined, newestFirst: true, limit: MAX_RANGES };
      ranges = scanByIndex(this.reader.source.storage(), scan).then(({ rows }) => rows);
      this.#ranges.set(namespace, ranges);
    }
    return ranges;
  }
}

/**
 * The steps that hold on the day, of all relocations that are about what was asked, at most `limit` of them. `next` is the
 * relocation and the index after which to go on, as they stand in the keys.
 */
export async function relocationsAt(
  reader: LookupReader,
  size: number,
  question: RelocationQuestion,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<{ readonly items: readonly FoundRelocation[]; readonly next: string | undefined }> {
  const asked = new Asked(reader, size, question);
  const storage = reader.source.storage();
  const items: FoundRelocation[] = [];
  const { activity } = question;
  const prefix = rowKey(ABOUT.relocation, activity === undefined ? '' : activityPart(activity));
  // From the relocation on in which the page before ended, its first step among them.
  const begun = after?.slice(0, PLACE_BYTES);
  let from: StateKey | undefined = begun && rowKey(ABOUT.relocation, begun);
  for (let looked = 0; ;) {
    const rows = await storage.scan({ prefix, limit: SCAN_ROWS, ...(from !== undefined && { after: from }) });
    if (rows.length === 0) return { items, next: undefined };
    for (const { place, steps, isWhole } of relocationsIn(rows)) {
      // The last one of a full page may go on behind it: it comes first in the next one, or is too long for one.
      if (!isWhole && rows.length === SCAN_ROWS && steps.length < rows.length) break;
      const all = isWhole || rows.length < SCAN_ROWS ? steps : await newestSteps(asked, place);
      looked += all.length;
      const told = place === begun ? lastIndex(after!) : -1;
      const holding = (await holdingSteps(asked, all)).filter(({ step }) => step.index > told);
      const taken = holding.slice(0, limit - items.length);
      items.push(...(await found(asked, taken)));
      looked += STEP_COST * taken.length;
      from = rowKey(ABOUT.relocation, place, LAST);
      const last = taken.at(-1);
      if (last !== undefined && (items.length === limit || taken.length < holding.length)) {
        return { items, next: place + indexText(last.step.index) };
      }
      if (looked > MAX_ROWS) return { items, next: place + LAST };
    }
    if (rows.length < SCAN_ROWS) return { items, next: undefined };
  }
}

interface RelocationRows {
  readonly place: string;
  readonly steps: readonly Row[];
  /** False for the last one: it may go on. */
  readonly isWhole: boolean;
}

/** The rows of each relocation among these. */
function relocationsIn(rows: readonly Row[]): RelocationRows[] {
  const relocations: RelocationRows[] = [];
  for (let start = 0; start < rows.length;) {
    const place = placeIn(rows[start]!.key);
    let end = start + 1;
    while (end < rows.length && placeIn(rows[end]!.key) === place) end++;
    relocations.push({ place, steps: rows.slice(start, end), isWhole: end < rows.length });
    start = end;
  }
  return relocations;
}

function placeIn(key: StateKey): string {
  return key.slice(PLACE, PLACE + PLACE_BYTES);
}

/** The newest steps of a relocation, oldest first. */
async function newestSteps({ reader, size }: Asked, place: string): Promise<readonly Row[]> {
  const scan = { prefix: rowKey(ABOUT.relocation, place), size, after: undefined, newestFirst: true, limit: MAX_STEPS };
  const { rows } = await scanByIndex(reader.source.storage(), scan);
  return rows.toReversed();
}

/** What holds on the day, and what became of it. */
interface HoldingStep extends Holding {
  readonly takenBack: readonly FoundMention[];
}

async function holdingSteps({ reader, size, question }: Asked, rows: readonly Row[]): Promise<HoldingStep[]> {
  const steps = rows.flatMap(({ key, value }) => {
    const index = lastIndex(key);
    return index < size ? [parseStep(index, value)] : [];
  });
  if (steps.length === 0 || !mayAnswer(question, steps)) return [];
  const indexes = steps.map(({ index }) => index);
  const fates = await reader.mentions(indexes, ['takenBack'], size);
  const fateOf = new Map(indexes.map((index, i) => [index, fates[i]![0]!]));
  const endedAt = new Map<number, number>();
  for (const [index, takenBack] of fateOf) {
    for (const one of takenBack) endedAt.set(index, Math.min(endedAt.get(index) ?? Infinity, endOf(one)));
  }
  return holdingAt(steps, endedAt, question.asOfSeconds)
    .filter((one) => answers(question, one))
    .map((one) => ({ ...one, takenBack: fateOf.get(one.step.index)! }));
}

async function found(asked: Asked, holding: readonly HoldingStep[]): Promise<FoundRelocation[]> {
  const { region } = asked.question;
  const records = await asked.reader.records(holding.map(({ step }) => step.index));
  return Promise.all(
    holding.map(async (one, i): Promise<FoundRelocation> => {
      const record = records[i]!;
      return {
        ...record,
        ...one,
        state: STATES[one.step.action],
        regionMatch: region === undefined ? undefined : regionMatch(region, one.regions),
        supervisions: await supervisionsOf(asked, record),
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

async function supervisionsOf(asked: Asked, record: FoundRecord): Promise<FoundSupervision[]> {
  const { reader, size } = asked;
  const by = new Map<number, FoundSupervision['by']>();
  for (const { key, value } of await asked.ranges(record.statement.namespace)) {
    const [start, end] = [readUint(value, 0, INDEX_BYTES)!, readUint(value, INDEX_BYTES, INDEX_BYTES)!];
    if (start <= record.index && record.index < end && by.size < MAX_SUPERVISIONS) by.set(lastIndex(key), 'range');
  }
  const [attested] = await reader.mentionsAt([record.index], ['supervision'], size);
  for (const { index } of attested![0]!.slice(-MAX_SUPERVISIONS)) by.set(index, 'attested');
  if (isOf(record, 'relocation') && record.statement.record.fields.supervisor !== undefined) {
    const [index] = await reader.source.storage().findLeaves([asHash(record.statement.record.fields.supervisor)]);
    if (index !== undefined && index < size) by.set(index, 'named');
  }
  const indexes = [...by.keys()].toSorted((a, b) => a - b);
  const supervisions = await reader.withFate(await reader.records(indexes), size);
  return supervisions.map((one) => ({ ...one, by: by.get(one.index)! }));
}
