// limmat find: asks a log what it has about a file, a product, a region. The answer is the server's word: it is shown
// with where to check each record, and never as a verdict.

import { Option } from 'commander';
import type { Command } from 'commander';
import * as v from 'valibot';

import { fromHex } from '../src/bytes.ts';
import { LimmatError } from '../src/errors.ts';
import { describe, recordFromJson } from '../src/record/types.ts';
import { jsonOption, urlOption, wholeNumber } from './support/config.ts';
import { readFromLog } from './support/log-api.ts';
import { createOutput } from './support/output.ts';
import type { Output } from './support/output.ts';
import { tableLines } from './support/table.ts';

interface FindFlags {
  readonly product?: string;
  readonly version?: string;
  readonly channel?: string;
  readonly platform?: string;
  readonly database?: string;
  readonly region?: string;
  readonly category?: string;
  readonly activity?: string;
  readonly asOf?: string;
  readonly notRebuilt?: boolean;
  readonly promises?: boolean;
  readonly since?: number;
  readonly limit: number;
  readonly url: string;
  readonly json?: boolean;
}

/** Items that a log gives at once. */
const MAX_PAGE = 100;

const RECORD = v.looseObject({
  type: v.string(),
  namespace: v.string(),
  fields: v.unknown(),
  signedAt: v.string(),
  issuer: v.string(),
});
const MENTION = v.looseObject({ index: v.number(), kind: v.optional(v.string()), match: v.optional(v.boolean()) });
const ITEM = v.looseObject({
  index: v.number(),
  leafHash: v.string(),
  record: RECORD,
  takenBack: v.optional(v.array(MENTION)),
  rebuilds: v.optional(v.array(MENTION)),
  channel: v.optional(v.looseObject({ newest: v.looseObject({ index: v.number() }) })),
  state: v.optional(v.picklist(['planned', 'started', 'completed', 'suspended', 'reverted'])),
  since: v.optional(v.string()),
  basis: v.optional(v.picklist(['own', 'reported'])),
  supervisedBy: v.optional(v.array(MENTION)),
});
const LIST = v.object({ size: v.number(), items: v.array(ITEM), next: v.optional(v.string()) });
type Item = v.InferOutput<typeof ITEM>;

const HINT = 'the server says so, and may leave records out; what it shows can be checked';

export function register(program: Command): void {
  program
    .command('find')
    .summary('look records up')
    .description(
      'Asks a log for its records about a file (by SHA-256), a product, where data of a region is, what nobody rebuilt, or ' +
        'what is new. A search is a hint: the log may leave records out. "limmat proof" fetches the proof of a record, ' +
        '"limmat check" judges files by records that it verifies itself.',
    )
    .argument('[digest]', 'SHA-256 of a file, 64 hexadecimal digits')
    .option(
      '--product <namespace/product>',
      'builds of it, newest first; with --since or --not-rebuilt only what is about it',
    )
    .option('--version <version>', 'only builds of this version')
    .option('--channel <channel>', 'only builds, or releases, for this channel')
    .option('--platform <platform>', 'only builds for this platform')
    .option('--database <database>', 'releases of this database of --product in --channel, newest first')
    .option('--region <code>', 'where data of this country or region is, such as CH or 150')
    .option('--category <category>', 'only of this category of data')
    .option('--activity <activity>', 'store, process, assemble, sign or review')
    .option('--as-of <date>', 'as of the end of this day, such as 2020-12-31 (default: now)')
    .option('--not-rebuilt', 'builds that nobody rebuilt with the same result, oldest first')
    .option('--promises', 'commitments, oldest first')
    .option('--since <index>', 'what was logged from this index on', wholeNumber(0))
    .addOption(new Option('--limit <n>', 'at most so many').default(20).argParser(wholeNumber(1)))
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(find);
}

async function find(digest: string | undefined, flags: FindFlags): Promise<void> {
  const output = createOutput(flags);
  const path = questionOf(digest, flags);
  const { size, items, next } = await readPages(`${flags.url}/api/v1/${path}`, flags.limit);
  output.value({ size, items, next, hint: HINT });
  if (output.json) return;
  if (items.length === 0) output.line(`nothing found among the ${size} entries of this log`);
  else for (const line of table(items)) output.line(line);
  sayMore(output, items, next !== undefined, flags.url);
}

function sayMore(output: Output, items: readonly Item[], isMore: boolean, url: string): void {
  if (isMore) output.note('there is more: see --limit');
  const [first] = items;
  if (first === undefined)
    output.note('the server says so: whether a record exists, only whoever has all entries knows');
  else output.note(`${HINT}: limmat proof ${first.index} --url ${url}; a file: limmat check FILE`);
}

/** The resource that answers; `usage` where the options ask for several things, or for half of one. */
function questionOf(digest: string | undefined, flags: FindFlags): string {
  const { region, category, activity, asOf, notRebuilt, promises, since, product, database } = flags;
  const isRelocation = (region ?? category ?? activity ?? asOf) !== undefined;
  const isBuild = (flags.version ?? flags.channel ?? flags.platform ?? database) !== undefined;
  const questions = [digest, isRelocation || undefined, notRebuilt, promises, since].filter((one) => one !== undefined);
  if (questions.length > 1 || (questions.length === 1 && isBuild)) throw usage('ask for one thing at a time');
  if (product !== undefined && (digest ?? promises ?? (isRelocation || undefined)) !== undefined) {
    throw usage('--product goes with --since, with --not-rebuilt, or with options about builds and releases');
  }
  const about = product === undefined ? {} : productOf(product);
  if (digest !== undefined) {
    if (fromHex(digest.toLowerCase())?.length !== 32) throw usage(`"${digest}" is no SHA-256 of 64 hexadecimal digits`);
    return `artifacts/${digest.toLowerCase()}?`;
  }
  if (isRelocation) return query('relocations', { region, category, activity, asOf });
  if (notRebuilt === true) return query('builds', { rebuilt: 'none', ...about });
  if (promises === true) return query('commitments', {});
  if (since !== undefined) return query('changes', { since: String(since), ...about });
  if (product === undefined) throw usage('say what to find: a digest, --product, --region, --not-rebuilt, --since, …');
  const { version, channel, platform } = flags;
  if (database === undefined) return query('builds', { ...about, version, channel, platform });
  if (channel === undefined || (version ?? platform) !== undefined) {
    throw usage('--database goes with --product and --channel, and with neither --version nor --platform');
  }
  return query('releases', { ...about, database, channel });
}

/** A namespace has no slash, so the first one ends it. */
function productOf(text: string): { readonly namespace: string; readonly product: string } {
  const slash = text.indexOf('/');
  if (slash < 1 || slash === text.length - 1) throw usage(`--product is NAMESPACE/PRODUCT, and is "${text}"`);
  return { namespace: text.slice(0, slash), product: text.slice(slash + 1) };
}

function query(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${path}?${new URLSearchParams(given).toString()}`;
}

async function readPages(url: string, limit: number): Promise<v.InferOutput<typeof LIST>> {
  const items: Item[] = [];
  for (let after = ''; ;) {
    const page = await readFromLog(`${url}&limit=${Math.min(limit - items.length, MAX_PAGE)}${after}`, LIST);
    items.push(...page.items);
    // A page without items leads nowhere, whatever it says comes next.
    if (page.next === undefined || page.items.length === 0 || items.length >= limit) return { ...page, items };
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

function table(items: readonly Item[]): string[] {
  const rows = items.map((item) => [String(item.index), dayOf(item), words(item), notes(item).join(', ')]);
  return tableLines(
    [{ title: 'entry', align: 'right' }, { title: 'signed' }, { title: 'says' }, { title: 'and' }],
    rows,
  );
}

function dayOf({ record: { signedAt } }: Item): string {
  return /^\d{4}-\d{2}-\d{2}/.exec(signedAt)?.[0] ?? '?';
}

/** The record in words. Only what is a record is shown: nothing that a server made up reaches the terminal. */
function words({ index, record: { type, namespace, fields } }: Item): string {
  try {
    return `${namespace}: ${describe(recordFromJson({ type, namespace, fields }))}`;
  } catch (cause) {
    throw new LimmatError('bad-response', `what the log says of entry ${index} is no record`, { cause });
  }
}

function notes({
  index,
  takenBack = [],
  rebuilds = [],
  channel,
  state,
  basis,
  supervisedBy = [],
  since,
}: Item): string[] {
  const matches = rebuilds.filter(({ match }) => match === true).length;
  const day = since === undefined ? undefined : /^\d{4}-\d{2}-\d{2}/.exec(since)?.[0];
  return [
    state === undefined ? [] : `${state} since ${day ?? '?'} (${basis === 'reported' ? 'reported' : 'own word'})`,
    takenBack.length === 0 ? [] : `taken back by ${takenBack.map((one) => one.index).join(', ')}`,
    rebuilds.length === 0 ? [] : `rebuilt ${rebuilds.length} times, ${matches} the same`,
    supervisedBy.length === 0 ? [] : `supervised: ${supervisedBy.map((one) => one.index).join(', ')}`,
    channel === undefined || channel.newest.index === index ? [] : `newer in its channel: ${channel.newest.index}`,
  ].flat();
}

function usage(message: string): LimmatError {
  return new LimmatError('usage', message);
}
