// limmat reindex: makes everything again that a data directory derives from its entries.

import type { Command } from 'commander';

import { openLevelStorage } from '../src/adapters/level.ts';
import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { reindex, type Reindexed } from '../src/log/reindex.ts';
import { readMeta } from '../src/node/meta.ts';
import { findingLine } from './fsck/admission.ts';
import { dataOption, jsonOption } from './support/config.ts';
import { EXIT } from './support/exit.ts';
import { createOutput, style } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';

interface ReindexFlags {
  readonly data: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('reindex')
    .summary('make indexes and admission state again from the entries')
    .description(
      'Makes again what a data directory derives from its entries: the state that new entries are judged by, the rows that ' +
        'records are looked up by, and the index of leaf hashes. The log must not be running. Needed when "limmat fsck" ' +
        'finds a row that is not what the entries lead to. It may be stopped at any time: the log then begins it again before it ' +
        'serves, and so does the next "limmat reindex". Exit code 4: the log has entries that its rules do not admit; they have ' +
        'no rows.',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run);
}

async function run(flags: ReindexFlags): Promise<void> {
  const output = createOutput(flags);
  const { admission } = readMeta(flags.data);
  const progress = createProgress({ label: 'reindex', unit: 'entries', silent: output.json });
  const storage = await openLevelStorage(flags.data, { create: false });
  try {
    await storage.rebuildIndex();
    const onProgress = (done: number, total: number): void => progress.update(done, total);
    // Entries of an open log are any bytes: nothing but the index of leaf hashes is derived from them.
    const made = admission === 'open' ? undefined : await reindex(storage, { hasher: nodeHasher, onProgress });
    const { head } = await storage.load();
    progress.finish();
    output.result(toJson(head.size, made), toLines(head.size, made));
    if (made !== undefined && made.findingCount > 0) process.exitCode = EXIT.finding;
  } catch (error) {
    progress.clear();
    throw error;
  } finally {
    await storage.close();
  }
}

function toJson(size: number, made: Reindexed | undefined): object {
  return {
    size,
    rows: made?.rows ?? 0,
    ...(made !== undefined && { stateDigest: toHex(made.digest) }),
    findingCount: made?.findingCount ?? 0,
    findings: (made?.findings ?? []).map(findingLine),
  };
}

function toLines(size: number, made: Reindexed | undefined): string[] {
  const index = `the index of ${formatCount(size)} leaf hashes is made again`;
  if (made === undefined) return [index, 'the log takes any bytes: nothing else is derived from them'];
  const { rows, digest, findings, findingCount } = made;
  const problems = findings.map((finding) => `${style('red', 'not admitted')}: ${findingLine(finding)}`);
  if (findingCount > findings.length) problems.push(`and ${formatCount(findingCount - findings.length)} more`);
  return [index, `${formatCount(rows)} rows are made again; state digest ${toHex(digest)}`, ...problems];
}
