// `limmat bench`: measures this machine against what the project has to reach. Everything it needs it makes in a
// temporary directory and removes again; every load goes to 127.0.0.1 and ends by itself.

import { Argument, type Command } from 'commander';

import { benchAppend, benchGrowth } from './bench/append.ts';
import { benchBare } from './bench/bare.ts';
import { benchCheck } from './bench/check.ts';
import { BenchContext, type BenchOptions } from './bench/context.ts';
import { formatMachine, machine } from './bench/machine.ts';
import { benchMirror } from './bench/mirror.ts';
import { benchMonitor } from './bench/monitor.ts';
import { benchFollow, benchFsck, benchProofs, benchStart, benchTiles } from './bench/read.ts';
import { benchAdmission, benchLookups } from './bench/records.ts';
import { benchRow, formatValue, type BenchRow, type Measured } from './bench/targets.ts';
import { benchVerify } from './bench/verify.ts';
import { benchWitnessed } from './bench/witnessed.ts';
import { benchWitness } from './bench/witness.ts';
import { benchAdd, benchBatch, benchStatements } from './bench/write.ts';
import { jsonOption, wholeNumber } from './support/config.ts';
import { createOutput, style } from './support/output.ts';
import { formatCount, formatSeconds } from './support/progress.ts';
import { tableLines } from './support/table.ts';

type Bench = (context: BenchContext) => Promise<readonly Measured[]>;

/** In the order in which `all` runs them: the bare machine, the large log and its readers; growth needs the most disk. */
const BENCHES: Readonly<Record<string, Bench>> = {
  bare: benchBare,
  append: benchAppend,
  start: benchStart,
  tiles: benchTiles,
  proofs: benchProofs,
  fsck: benchFsck,
  follow: benchFollow,
  add: benchAdd,
  witnessed: benchWitnessed,
  batch: benchBatch,
  statements: benchStatements,
  admission: benchAdmission,
  lookups: benchLookups,
  check: benchCheck,
  verify: benchVerify,
  monitor: benchMonitor,
  mirror: benchMirror,
  witness: benchWitness,
  growth: benchGrowth,
};

interface BenchFlags {
  readonly entries: number;
  readonly entrySize: number;
  readonly growthEntries: number;
  readonly seconds: number;
  readonly statements: number;
  readonly records: number;
  readonly files: number;
  readonly fileSize: number;
  readonly buildFiles: number;
  readonly connections: number;
  readonly dir?: string;
  readonly json?: boolean;
}

function optionsOf(flags: BenchFlags): BenchOptions {
  const { entries, entrySize, growthEntries, statements, records, files, fileSize, buildFiles, connections } = flags;
  return {
    entries,
    entrySize,
    growthEntries,
    statements,
    records,
    files,
    fileSize,
    buildFiles,
    connections,
    loadMillis: flags.seconds * 1000,
  };
}

function tableOf(rows: readonly BenchRow[]): string[] {
  return tableLines(
    [
      { title: 'what' },
      { title: 'measured', align: 'right' },
      { title: 'target', align: 'right' },
      { title: 'ratio', align: 'right' },
      { title: 'of bare', align: 'right' },
      { title: 'unit' },
    ],
    rows.map(({ name, title, unit, value, target, ratio, reached, ofBare }) => [
      title,
      formatValue(name, value),
      target === undefined ? '' : formatValue(name, target),
      ratio === undefined ? '' : style(reached === true ? 'green' : 'red', `${ratio.toFixed(2)}×`),
      ofBare === undefined ? '' : `${Math.round(ofBare * 100)} %`,
      unit,
    ]),
  );
}

function detailLines(rows: readonly BenchRow[]): string[] {
  return rows.map(({ name, details }) => {
    const facts = Object.entries(details).map(
      ([key, value]) => `${key} ${typeof value === 'number' ? formatNumber(value) : value}`,
    );
    return `  ${name}: ${facts.join(', ')}`;
  });
}

function formatNumber(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : String(value);
}

async function bench(which: string, flags: BenchFlags): Promise<void> {
  const output = createOutput(flags);
  const facts = machine();
  const names = which === 'all' ? Object.keys(BENCHES) : [which];
  output.line(`machine  ${formatMachine(facts)}`);
  const context = await BenchContext.open(optionsOf(flags), flags.dir, (text) => output.note(`bench: ${text}`));
  const onSignal = (signal: NodeJS.Signals): void =>
    void context.close().finally(() => process.kill(process.pid, signal));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const rows: BenchRow[] = [];
  try {
    for (const name of names) {
      const startedAt = performance.now();
      const bare = (wanted: string): number | undefined => rows.find((row) => row.name === wanted)?.value;
      rows.push(...(await BENCHES[name]!(context)).map((measured) => benchRow(measured, bare)));
      output.note(`bench: ${name} took ${formatSeconds((performance.now() - startedAt) / 1000)}`);
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await context.close();
  }
  output.result({ machine: facts, options: context.options, rows }, [
    '',
    ...tableOf(rows),
    '',
    'details',
    ...detailLines(rows),
  ]);
}

export function register(program: Command): void {
  program
    .command('bench')
    .summary('measure this machine')
    .description(
      'Measures appending, HTTP and reading on this machine beside the targets of the project. A ratio above 1 is better ' +
        'than the target. `bare` is what the machine does with nothing behind it, and "of bare" the share of that. ' +
        'Nothing but the numbers is kept.',
    )
    .addArgument(new Argument('[which]', 'what to measure').choices([...Object.keys(BENCHES), 'all']).default('all'))
    .option('--entries <n>', 'entries of the large log that is filled and read', wholeNumber(256), 2_000_000)
    .option('--entry-size <bytes>', 'size of an opaque entry', wholeNumber(8), 1024)
    .option('--growth-entries <n>', 'how far the growth bench goes', wholeNumber(10_000), 10_000_000)
    .option('--seconds <n>', 'how long each load runs at most', wholeNumber(1), 10)
    .option('--statements <n>', 'statements to sign for the statements bench', wholeNumber(1000), 200_000)
    .option('--records <n>', 'signed builds that are judged again and looked up', wholeNumber(1000), 1_000_000)
    .option('--files <n>', 'files for the check bench', wholeNumber(1), 10_000)
    .option('--file-size <bytes>', 'size of these', wholeNumber(64), 256 * 1024)
    .option('--build-files <n>', 'of so many of them a build tells, 64 at most', wholeNumber(1), 50)
    .option('--connections <n>', 'connections of the add bench', wholeNumber(1), 256)
    .option('--dir <dir>', 'where the temporary directory is made: the disk that is measured')
    .addOption(jsonOption())
    .action(bench);
}
