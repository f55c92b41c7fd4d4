// limmat check: looks files up in a log by their digests, verifies every entry that the log names for them, and says what
// they come to. Exit code 0 = nothing against any of them, 4 = a finding, 5 = no channel head that holds, 3 = some could
// not be looked up, 6 = the log contradicts itself.

import { existsSync, readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { nodeCrypto, nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { formatChannelState } from '../src/client/channel-state.ts';
import { Checker } from '../src/client/check/checker.ts';
import { plainVerdict } from '../src/client/check/judge.ts';
import type { FileVerdict } from '../src/client/check/judge.ts';
import { IndexReading } from '../src/client/check/own-index.ts';
import { httpReader } from '../src/client/http-reader.ts';
import type { LogReader } from '../src/client/http-reader.ts';
import { NOTHING_REMEMBERED, advance, formatState } from '../src/client/state.ts';
import { parseTrust } from '../src/client/trust.ts';
import type { Trust } from '../src/client/trust.ts';
import { LimmatError } from '../src/errors.ts';
import { nodeGet } from '../src/node/http-get.ts';
import { formatTime } from '../src/record/time.ts';
import { findFiles, readList } from './check/files.ts';
import { hashFiles } from './check/hash.ts';
import { indexHead, indexState, readRows, updateIndex } from './check/index-file.ts';
import { checkJson, checkLines, exitOf } from './check/report.ts';
import type { CheckedFile } from './check/report.ts';
import { DEFAULT_URL, checked as checkedValue, jsonOption, parseUrl, repeated, wholeNumber } from './support/config.ts';
import { createOutput } from './support/output.ts';
import type { Output } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';
import { readState, writeState } from './support/remembered.ts';
import { readChannelHead, readChannels } from './verify/channel.ts';

interface CheckFlags {
  readonly trust: string;
  readonly url?: string;
  readonly manifest?: readonly string[];
  readonly channelHead?: readonly string[];
  readonly allowNoHead?: boolean;
  readonly requireRebuilds: number;
  readonly index?: string;
  readonly update?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

/** Digests of one lookup, and lookups under way at once: with a log 50 ms away some 20,000 files a second. */
const DIGESTS_AT_ONCE = 250;
const LOOKUPS_AT_ONCE = 4;

export function register(program: Command): void {
  program
    .command('check')
    .summary('look files up in a log, and say what is known')
    .description(
      'Looks files up in a log by their digests and verifies every entry that it names: which record, who signed it, who ' +
        'rebuilt it, whether it was recalled and whether it is the newest. What the log cannot prove is said to be not ' +
        'proven. Exit code 0: nothing against any file; 4: a finding; 5: a channel head is missing or past its time; ' +
        '3: some could not be looked up; 6: the log contradicts itself.',
    )
    .argument('[path...]', 'files, and directories with all files below them')
    .requiredOption('--trust <file>', 'whom to believe: logs, witnesses, issuers, rebuilders, channel keys')
    .option('--url <url>', `address of the running log (default: ${DEFAULT_URL})`, checkedValue(parseUrl))
    .option(
      '--manifest <file>',
      'check the files of a list, as sha256sum writes it or as JSON, by the digests in it; "-" for standard input; may be repeated',
      repeated,
    )
    .option(
      '--require-rebuilds <k>',
      'so many rebuilders in the trust file have to have got the same files',
      wholeNumber(0),
      0,
    )
    .option(
      '--channel-head <file>',
      'judge by this channel head, and not by the one that the log serves; may be repeated',
      repeated,
    )
    .option(
      '--allow-no-head',
      'go without the channel heads that the trust file has keys for, where the log gives none that holds',
    )
    .option('--index <file>', 'look into this index of your own, offline; it knows what the log cannot prove')
    .option('--update', 'with --index: follow the log first, from where the index stands')
    .option(
      '--state <file>',
      'remember the log in this file, and channel heads in FILE.channels, and refuse to go back',
    )
    .addOption(jsonOption())
    .action(check);
}

async function check(paths: readonly string[], flags: CheckFlags): Promise<void> {
  const output = createOutput(flags);
  const { manifest = [], index } = flags;
  if (flags.update === true && index === undefined)
    throw new LimmatError('usage', '--update is for an index: --index FILE');
  if (index !== undefined && flags.channelHead !== undefined) {
    throw new LimmatError('usage', 'an index of your own says more than channel heads: leave --channel-head out');
  }
  if (paths.length === 0 && manifest.length === 0 && flags.update !== true) {
    throw new LimmatError('usage', 'name the files to check, or a list of them with --manifest FILE');
  }
  const trust = parseTrust(readFileSync(flags.trust));
  const lookUp = index === undefined ? await byLog(trust, flags) : await byIndex(index, trust, flags, output);
  const files = await collect(paths, manifest, output, lookUp.start);
  if (files.length === 0 && paths.length > 0)
    throw new LimmatError('usage', `there are no files in ${paths.join(', ')}`);
  const { verdictOf, more } = await lookUp.finish(files);
  const checked: readonly CheckedFile[] = files.map((file) => {
    const { name } = file;
    return { name, verdict: 'error' in file ? unread(file.error) : verdictOf(file.sha256) };
  });
  output.value(checkJson(checked, more));
  for (const line of checkLines(checked)) output.line(line);
  process.exitCode = exitOf(checked);
}

type NamedFile =
  | { readonly name: string; readonly sha256: Uint8Array }
  | { readonly name: string; readonly error: Error };

/** Where verdicts come from: told of each digest as soon as it is known, asked when there are no more. */
interface LookUp {
  readonly start: (sha256: Uint8Array) => void;
  readonly finish: (files: readonly NamedFile[]) => Promise<{
    readonly verdictOf: (sha256: Uint8Array) => FileVerdict;
    readonly more: object;
  }>;
}

/** A file that cannot be read was not looked up; the others are checked all the same. */
function unread(error: Error): FileVerdict {
  return { ...plainVerdict(new Uint8Array(0), 'not-checked', error.message) };
}

/** Lists and hashes what is to be checked, in the order of the command line. */
async function collect(
  paths: readonly string[],
  lists: readonly string[],
  output: Output,
  onDigest: (sha256: Uint8Array) => void,
): Promise<readonly NamedFile[]> {
  const listed = lists.flatMap(readList);
  for (const { sha256 } of listed) onDigest(sha256);
  const { files, leftOut } = await findFiles(paths);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const progress = createProgress({ label: 'hash', unit: 'bytes', total, silent: output.json || total < QUIET_BYTES });
  const hashed = new Map<string, NamedFile>();
  await hashFiles(files, ({ path, result }) => {
    if ('error' in result) {
      hashed.set(path, { name: path, error: result.error });
      return;
    }
    hashed.set(path, { name: path, sha256: result.sha256 });
    progress.advance(result.size);
    onDigest(result.sha256);
  });
  progress.finish();
  if (leftOut > 0) output.note(`${formatCount(leftOut)} links and special files were left out`);
  return [...listed, ...files.map(({ path }) => hashed.get(path)!)];
}

/** Files below this, all together, are hashed before a bar would have been drawn. */
const QUIET_BYTES = 256 * 1024 * 1024;
const QUIET_FILES = 200;

async function byLog(trust: Trust, flags: CheckFlags): Promise<LookUp> {
  const statePath = flags.state;
  const channelsPath = statePath === undefined ? undefined : `${statePath}.channels`;
  const remembered = statePath === undefined ? NOTHING_REMEMBERED : readState(statePath);
  const rememberedChannels = readChannels(channelsPath);
  const checker = new Checker({
    reader: readerOf(flags),
    trust,
    requireRebuilds: flags.requireRebuilds,
    channelHeads: (flags.channelHead ?? []).map(readChannelHead),
    requireHeads: flags.allowNoHead !== true,
    remembered,
    rememberedChannels,
    crypto: nodeCrypto,
    hasher: nodeHasher,
  });
  const verdicts = new Map<string, FileVerdict>();
  const asked = new Set<string>();
  const waiting: Uint8Array[] = [];
  const lookups = new Set<Promise<void>>();
  let isComplete = false;
  let onVerdict: (() => void) | undefined;
  let failure: { readonly error: unknown } | undefined;
  const lookUp = async (digests: readonly Uint8Array[]): Promise<void> => {
    const judged = await checker.checkAll(digests);
    for (const [i, sha256] of digests.entries()) verdicts.set(toHex(sha256), judged[i]!);
    onVerdict?.();
  };
  const begin = (): void => {
    while (lookups.size < LOOKUPS_AT_ONCE && waiting.length >= (isComplete ? 1 : DIGESTS_AT_ONCE)) {
      const lookup = lookUp(waiting.splice(0, DIGESTS_AT_ONCE))
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => {
          lookups.delete(lookup);
          begin();
        });
      lookups.add(lookup);
    }
  };
  return {
    start(sha256) {
      const hex = toHex(sha256);
      if (asked.has(hex)) return;
      asked.add(hex);
      waiting.push(sha256);
      begin();
    },
    async finish() {
      const silent = flags.json === true || asked.size < QUIET_FILES;
      const progress = createProgress({ label: 'look up', unit: 'digests', total: asked.size, silent });
      onVerdict = () => progress.update(verdicts.size);
      isComplete = true;
      begin();
      while (lookups.size > 0) await Promise.race(lookups);
      progress.finish();
      if (failure !== undefined) throw failure.error;
      if (statePath !== undefined && checker.remembered !== remembered) {
        writeState(statePath, formatState(checker.remembered));
      }
      if (channelsPath !== undefined && checker.rememberedChannels !== rememberedChannels) {
        writeState(channelsPath, formatChannelState(checker.rememberedChannels));
      }
      return { verdictOf: (sha256) => verdicts.get(toHex(sha256))!, more: {} };
    },
  };
}

function readerOf(flags: CheckFlags): LogReader {
  return httpReader({ url: flags.url ?? DEFAULT_URL, get: nodeGet() });
}

async function byIndex(path: string, trust: Trust, flags: CheckFlags, output: Output): Promise<LookUp> {
  const statePath = flags.state;
  const remembered = statePath === undefined ? NOTHING_REMEMBERED : readState(statePath);
  if (flags.update === true) {
    const progress = createProgress({ label: 'follow', unit: 'entries', silent: output.json });
    let followed = 0;
    await updateIndex(path, {
      reader: readerOf(flags),
      trust,
      remembered,
      onProgress: (entries, size) => progress.update((followed = entries), size),
    });
    if (followed >= QUIET_FILES) progress.finish();
    else progress.clear();
  } else if (!existsSync(path)) {
    throw new LimmatError('usage', `${path} is not there: begin it with --update, and --url of the log`);
  }
  const state = indexState(path);
  if (state === undefined)
    throw new LimmatError('store-corrupt', `${path} was never brought up to a checkpoint: --update`);
  const head = await indexHead(state, trust);
  const next = advance(remembered, head);
  if (statePath !== undefined && next !== remembered) writeState(statePath, formatState(next));
  const asOf = `the ${formatCount(head.size)} entries of ${head.origin} at ${formatTime(head.timestampSeconds)}`;
  const options = { expected: trust.expected, requireRebuilds: flags.requireRebuilds };
  return {
    start: () => undefined,
    async finish(files) {
      const digests = files.flatMap((file) => ('sha256' in file ? [toHex(file.sha256)] : []));
      const reading = new IndexReading(new Set(digests), { trust, crypto: nodeCrypto, hasher: nodeHasher });
      if (digests.length > 0) await readRows(path, state, reading);
      const { origin, size, timestampSeconds } = head;
      const more = { index: { file: path, origin, size, time: formatTime(timestampSeconds) } };
      if (files.length === 0) output.line(`index ${path}: ${asOf}`);
      return { verdictOf: (sha256) => reading.judge(sha256, asOf, options), more };
    },
  };
}
