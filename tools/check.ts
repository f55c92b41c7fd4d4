// limmat check: looks files up in a log by their digests, verifies every entry that the log names for them, and says what
// they come to. Exit code 0 = nothing against any of them, 4 = a finding, 5 = no channel head that holds, 3 = some could
// not be looked up, 6 = the log contradicts itself.

import type { Command } from 'commander';

import { LimmatError } from '../src/errors.ts';
import { findFiles, readList } from './check/files.ts';
import type { FoundFiles, ListedFile } from './check/files.ts';
import { hashFiles } from './check/hash.ts';
import type { CheckFlags, LookUp, NamedFile } from './check/look-up.ts';
import { checkJson, checkLines, exitOf } from './check/report.ts';
import type { CheckedFile } from './check/report.ts';
import { DEFAULT_URL, checked as checkedValue, jsonOption, parseUrl, repeated, wholeNumber } from './support/config.ts';
import { createOutput } from './support/output.ts';
import type { Output } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';

/** Files below this, all together, are hashed before a bar would have been drawn. */
const QUIET_BYTES = 256 * 1024 * 1024;

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
  const listed = manifest.flatMap(readList);
  const found = findFiles(paths);
  if (paths.length > 0 && found.files.length === 0 && found.unreadable.length === 0) {
    throw new LimmatError('usage', `there are no files in ${paths.join(', ')}`);
  }
  const { files, lookUp } = await hashAndLookUp(listed, found, flags, output);
  const { verdictOf, more } = await lookUp.finish(files);
  const checked: readonly CheckedFile[] = files.map((file) => ({ name: file.name, verdict: verdictOf(file) }));
  if (output.json) for (const piece of checkJson(checked, more)) process.stdout.write(piece);
  else for (const line of checkLines(checked)) output.line(line);
  process.exitCode = exitOf(checked);
}

/** Hashes what is to be hashed, while it opens what verdicts come from and hands on what has its digest. */
async function hashAndLookUp(
  listed: readonly ListedFile[],
  { files, leftOut, unreadable }: FoundFiles,
  flags: CheckFlags,
  output: Output,
): Promise<{ readonly files: readonly NamedFile[]; readonly lookUp: LookUp }> {
  const open = async (): Promise<LookUp> => (await import('./check/look-up.ts')).openLookUp(flags, output);
  // Two bars at once are none.
  const opened = flags.update === true ? await open() : undefined;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const progress = createProgress({ label: 'hash', unit: 'bytes', total, silent: output.json || total < QUIET_BYTES });
  const hashed = new Map<string, NamedFile>();
  const early: Uint8Array[] = listed.map(({ sha256 }) => sha256);
  let onDigest = (sha256: Uint8Array): void => void early.push(sha256);
  const cancel = new AbortController();
  const hashing = hashFiles(
    files,
    ({ path, result }) => {
      hashed.set(path, { name: path, ...result });
      if ('error' in result) return;
      progress.advance(result.size);
      onDigest(result.sha256);
    },
    { signal: cancel.signal },
  );
  // Whatever is wrong with it is told after what is wrong with the trust file.
  hashing.catch(() => undefined);
  let lookUp: LookUp;
  try {
    lookUp = opened ?? (await open());
  } catch (error) {
    cancel.abort();
    progress.clear();
    throw error;
  }
  onDigest = lookUp.start;
  for (const sha256 of early) lookUp.start(sha256);
  await hashing;
  progress.finish();
  if (leftOut > 0) output.note(`${formatCount(leftOut)} links and special files were left out`);
  const named = [
    ...listed,
    ...files.map(({ path }) => hashed.get(path)!),
    ...unreadable.map(({ path, error }) => ({ name: path, error })),
  ];
  return { files: named, lookUp };
}
