// limmat report promises: what a log's records say about promises, from entries that this command has verified itself.

import { readFileSync } from 'node:fs';

import { InvalidArgumentError, type Command } from 'commander';

import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { readUint, toHex } from '../src/bytes.ts';
import { PromiseFacts } from '../src/client/report/promise-facts.ts';
import { promisesJson, promisesText } from '../src/client/report/promise-words.ts';
import { promisesReport } from '../src/client/report/promises.ts';
import { follow } from '../src/client/follow.ts';
import { LimmatError } from '../src/errors.ts';
import { CompactRange } from '../src/merkle/range.ts';
import { printable } from '../src/monitor/evidence/words.ts';
import { dayInWords } from '../src/record/words.ts';
import { parseTime } from '../src/record/time.ts';
import { DEFAULT_URL, jsonOption } from './support/config.ts';
import { keysFor, keysOfData } from './support/log-keys.ts';
import { openDataSource, urlSource, type LogSource } from './support/log-source.ts';
import { createOutput } from './support/output.ts';
import { createProgress } from './support/progress.ts';

interface PromisesFlags {
  readonly url?: string;
  readonly data?: string;
  readonly entries?: string;
  readonly trust?: string;
  readonly asOf?: number;
  readonly json?: boolean;
}

/** The entries that were read, and what they were checked against. */
interface ReadLog {
  readonly facts: PromiseFacts;
  readonly origin?: string;
  readonly rootHash: Uint8Array;
  /** Said beside the report: how far the entries were checked. */
  readonly checked: string;
  readonly isVerified: boolean;
}

export function register(program: Command): void {
  const report = program
    .command('report')
    .summary('say what the log’s records come to')
    .description('Reports about a whole log, computed here from entries that are checked against its signed tree.');
  report
    .command('promises')
    .summary('promises: moved, kept, contradicted, overdue')
    .description(
      'Every promise in the log: where it was first stated, how often its date was moved, which entries show it kept, ' +
        'which contradict it, and what is open or overdue.',
    )
    .option('--url <url>', `address of the running log, or of any tlog-tiles log (default: ${DEFAULT_URL})`)
    .option('--data <dir>', 'the data directory of a log that is not running')
    .option('--entries <file>', 'all entries of a log in the form of its entry bundles, one bundle after another')
    .option('--trust <file>', 'a trust file with the log’s keys (default: those that the log itself names)')
    .option('--as-of <date>', 'the day as of which promises are judged, such as 2026-12-31 (default: now)', parseDay)
    .addOption(jsonOption())
    .action(reportPromises);
}

/** A day's last second: what happened on that day counts, and what was due on it is not overdue. */
function parseDay(text: string): number {
  const start = parseTime(`${text}T00:00:00Z`);
  if (start === undefined) throw new InvalidArgumentError('It must be a day such as 2026-12-31.');
  return start + 86_399;
}

async function reportPromises(flags: PromisesFlags): Promise<void> {
  const output = createOutput(flags);
  const { url, data, entries } = flags;
  if ([url, data, entries].filter((value) => value !== undefined).length > 1) {
    throw new LimmatError('usage', 'a report is about one log: give one of --url, --data and --entries');
  }
  const read = entries === undefined ? await readLog(flags, output.json) : readEntriesFile(entries);
  const report = promisesReport(read.facts, flags.asOf ?? Math.floor(Date.now() / 1000));
  const { origin, rootHash, isVerified } = read;
  output.result(
    {
      ...(origin !== undefined && { origin }),
      rootHash: toHex(rootHash),
      verified: isVerified,
      ...promisesJson(report),
    },
    [
      // Whoever signed a record chose its words.
      ...promisesText(report).map(printable),
      '',
      printable(read.checked),
      ...(report.promises.length === 0 ? [] : [`The proof file of entry N: limmat proof N${sourceFlags(flags)}`]),
    ],
  );
}

function sourceFlags({ url, data }: PromisesFlags): string {
  if (data !== undefined) return ` --data ${data}`;
  return url === undefined ? '' : ` --url ${url}`;
}

async function openSource({ url, data }: PromisesFlags): Promise<LogSource> {
  if (data !== undefined) return (await openDataSource(data)).source;
  try {
    return urlSource(url ?? DEFAULT_URL);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('usage', error.message, { cause: error });
  }
}

/** Reads a log through; every entry is authenticated against its signed checkpoint before it is looked at. */
async function readLog(flags: PromisesFlags, silent: boolean): Promise<ReadLog> {
  const source = await openSource(flags);
  const facts = new PromiseFacts();
  try {
    const { data, trust } = flags;
    const keys = data !== undefined && trust === undefined ? keysOfData(data) : await keysFor(source, { trust });
    const { origin, verifiers } = keys;
    let head: { readonly size: number; readonly rootHash: Uint8Array; readonly timestampSeconds: number } | undefined;
    let progress: ReturnType<typeof createProgress> | undefined;
    const reader = { ...source, url: source.name };
    for await (const batch of follow({ reader, origin, verifiers, hasher: nodeHasher })) {
      head = batch.head;
      progress ??= createProgress({ label: 'report', unit: 'entries', total: batch.head.size, silent });
      for (const [i, entry] of batch.entries.entries()) {
        facts.add(entry, batch.leafHashes.subarray(32 * i, 32 * i + 32));
      }
      progress.update(facts.size);
    }
    progress?.finish();
    const when = head!.timestampSeconds === 0 ? '' : `, signed ${dayInWords(head!.timestampSeconds)}`;
    const whose = keys.selfClaimed ? ', by keys that it named itself: --trust FILE says which are its own' : '';
    const checked = `Checked against the tree of ${origin} of size ${head!.size}${when}${whose}.`;
    return { facts, origin, rootHash: head!.rootHash, checked, isVerified: !keys.selfClaimed };
  } finally {
    await source.close();
  }
}

/** Entries without their log: what they are is as good as the root hash that they come to. */
function readEntriesFile(path: string): ReadLog {
  const facts = new PromiseFacts();
  const range = CompactRange.empty(nodeHasher);
  for (const entry of parseEntries(new Uint8Array(readFileSync(path)), path)) {
    const leafHash = nodeHasher.leafHash(entry);
    range.append(leafHash);
    facts.add(entry, leafHash);
  }
  const rootHash = range.rootHash();
  const checked = `Not checked against a log: compare with its checkpoint of size ${facts.size}, whose root hash has to be ${toHex(rootHash)}.`;
  return { facts, rootHash, checked, isVerified: false };
}

/** The entries in a file: each two bytes of length and then itself, as in an entry bundle of any width. */
function* parseEntries(bytes: Uint8Array, path: string): Generator<Uint8Array, void, undefined> {
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const end = offset + 2 + (offset + 2 > bytes.length ? 0 : readUint(bytes, offset, 2)!);
    if (end > bytes.length) {
      throw new LimmatError('malformed', `${path} ends in the middle of entry ${index}, at byte ${bytes.length}`);
    }
    yield bytes.subarray(offset + 2, end);
    offset = end;
  }
}
