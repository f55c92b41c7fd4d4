// `limmat fsck`: re-hash and check a whole log, stopped (--data), running or remote (--url), or exported (--files).

import { availableParallelism } from 'node:os';

import type { Command } from 'commander';

import { createVerifierPool, nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { logPrefix } from '../src/client/http-reader.ts';
import { LimmatError } from '../src/errors.ts';
import { DEFAULT_VERIFY_THREADS } from '../src/node/config.ts';
import { readMeta } from '../src/node/meta.ts';
import { checkLog, type CheckReport } from './fsck/check.ts';
import { keysFor, keysOfData, logDescription, type LogKeys } from './support/log-keys.ts';
import { filesSource, openDataSource, urlSource, type LogSource } from './support/log-source.ts';
import { createOutput, style } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';
import type { LogStorage } from '../src/storage.ts';

interface FsckOptions {
  readonly data?: string;
  readonly url?: string;
  readonly files?: string;
  readonly trust?: string;
  readonly vkey?: readonly string[];
  readonly rebuildIndex?: boolean;
  readonly records?: boolean;
  readonly json?: boolean;
}

interface Subject {
  readonly source: LogSource;
  readonly storage?: LogStorage;
  readonly keys: LogKeys;
  readonly admission: Admission;
}

/** What entries have to be, and who says so. */
interface Admission {
  readonly records: boolean;
  readonly saidBy: 'option' | 'data directory' | 'log' | 'nobody';
}

/** Opening a store mends what a start would mend, so the check sees it mended. */
const OPENING_MENDS =
  'opening the data directory mends what a start of the log would: a damaged or stale leaf-hash index is made again, and ' +
  'entry bytes behind the committed end are cut off. What was mended so is not a finding';

/** A log's description is not signed: one that hides what is no statement may claim to take anything. */
function admissionOf(description: Readonly<Record<string, unknown>> | undefined): Admission {
  const admission = description?.['admission'];
  if (admission !== 'open' && admission !== 'records') return { records: false, saidBy: 'nobody' };
  return { records: admission === 'records', saidBy: 'log' };
}

async function openSubject(options: FsckOptions): Promise<Subject> {
  const chosen = [options.data, options.url, options.files].filter((value) => value !== undefined);
  if (chosen.length > 1) throw new LimmatError('usage', 'fsck checks one log: give one of --data, --url and --files');
  if (options.rebuildIndex === true && options.data === undefined) {
    throw new LimmatError('usage', '--rebuild-index needs --data: an index is part of a data directory');
  }
  if (options.data !== undefined) {
    const { admission } = readMeta(options.data);
    const keys = keysOfData(options.data);
    const { source, storage } = await openDataSource(options.data);
    if (options.rebuildIndex === true) await storage.rebuildIndex();
    return { source, storage, keys, admission: { records: admission === 'records', saidBy: 'data directory' } };
  }
  const source =
    options.files === undefined
      ? urlSource(logPrefix(options.url ?? 'http://127.0.0.1:6962'))
      : filesSource(options.files);
  const keys = await keysFor(source, options);
  const description = await logDescription(source);
  return { source, keys, admission: admissionOf(description) };
}

function toJson(report: CheckReport, { keys, admission, storage }: Subject): unknown {
  const { checkpoint, findings } = report;
  return {
    origin: report.origin,
    keys: keys.selfClaimed ? 'self-claimed' : 'given',
    admission: admission.records ? 'records' : 'open',
    admissionSaidBy: admission.saidBy,
    checkpoint: {
      size: checkpoint.size,
      rootHash: toHex(checkpoint.rootHash),
      timestampSeconds: checkpoint.timestampSeconds,
    },
    entries: report.entries,
    rootHash: toHex(report.rootHash),
    bundles: report.bundles,
    tiles: report.tiles,
    archivedCheckpoints: report.archived,
    ...(report.stateDigest !== undefined && { stateDigest: toHex(report.stateDigest) }),
    ...(storage !== undefined && { stateRows: report.rows }),
    notes: storage === undefined ? [] : [OPENING_MENDS],
    findingCount: findings.count,
    findings: findings.kept,
  };
}

function admissionLine({ records, saidBy }: Admission): string {
  const by = saidBy === 'option' ? '--records' : `the ${saidBy} says so`;
  if (records) return `records: every entry has to be a record that the log's rules admit (${by})`;
  const why = saidBy === 'nobody' ? 'nothing says otherwise' : by;
  return `open: entries may be any bytes (${why}); --records judges them by the log's rules`;
}

function lines(report: CheckReport, subject: Subject): string[] {
  const { findings, checkpoint } = report;
  const checked = [
    `${formatCount(report.entries)} entries in ${formatCount(report.bundles)} bundles`,
    `${formatCount(report.tiles)} tiles`,
    ...(subject.storage === undefined ? [] : [`the index`, `${formatCount(report.archived)} archived checkpoints`]),
    ...(report.stateDigest === undefined ? [] : ['every record and its signatures']),
    ...(report.rows === 0 ? [] : [`${formatCount(report.rows)} rows of derived state`]),
  ];
  const problems = findings.kept.map(({ code, message }) => `${style('red', code)}: ${message}`);
  if (findings.count > findings.kept.length) problems.push(`and ${findings.count - findings.kept.length} more`);
  return [
    `log       ${report.origin}`,
    `signed    size ${formatCount(checkpoint.size)}, root ${toHex(checkpoint.rootHash)}`,
    `checked   ${checked.join(', ')}`,
    `admission ${admissionLine(subject.admission)}`,
    ...(report.stateDigest === undefined ? [] : [`state     digest ${toHex(report.stateDigest)}`]),
    ...(subject.storage === undefined ? [] : [`note      ${OPENING_MENDS}`]),
    ...problems,
    findings.count === 0 ? style('green', 'clean') : style('red', `${findings.count} findings`),
  ];
}

async function fsck(options: FsckOptions): Promise<void> {
  const output = createOutput(options);
  const opened = await openSubject(options);
  const subject: Subject =
    options.records === true ? { ...opened, admission: { records: true, saidBy: 'option' } } : opened;
  const progress = createProgress({ label: 'fsck', unit: 'entries', silent: output.json });
  const threads = Math.min(availableParallelism(), DEFAULT_VERIFY_THREADS);
  const pool = subject.admission.records ? createVerifierPool({ threads }) : undefined;
  try {
    if (subject.keys.selfClaimed) {
      output.note(
        'the keys are those that the log names itself: --trust FILE or --vkey KEY say which log it has to be',
      );
    }
    const report = await checkLog({
      source: subject.source,
      storage: subject.storage,
      origin: subject.keys.origin,
      verifiers: subject.keys.verifiers,
      hasher: nodeHasher,
      verifyMany: pool?.verifyMany,
      onProgress: (done, total) => progress.update(done, total),
    });
    progress.finish();
    output.result(toJson(report, subject), lines(report, subject));
    process.exitCode = report.findings.exitCode;
  } catch (error) {
    progress.clear();
    throw error;
  } finally {
    await subject.source.close();
    await pool?.close();
  }
}

export function register(program: Command): void {
  program
    .command('fsck')
    .summary('re-hash and check a whole log')
    .description(
      'Hashes every entry again, computes every tile and the root from them, and compares them with what is stored and ' +
        'with what the log signed; of a data directory also the index and the archive of checkpoints. When the data ' +
        'directory or the log says that it takes records alone, every entry is judged again by the rules that its genesis ' +
        'names, signatures included, and the state that this leads to is compared with that of the data directory. What a ' +
        'log says of itself over HTTP is not signed: --records judges them whatever it says. The report names what was done. ' +
        `With --data: ${OPENING_MENDS}. ` +
        'Exit codes: 0 clean, 3 it could not be checked, 4 damage or a missing resource, 6 two signed checkpoints of the ' +
        'log contradict each other.',
    )
    .option('--data <dir>', 'the data directory of a log that is not running')
    .option('--url <url>', 'a log over HTTP (default: http://127.0.0.1:6962)')
    .option('--files <dir>', 'an export: the static files of a log')
    .option('--trust <file>', 'a trust file that names the log')
    .option('--vkey <key...>', "the log's keys, all of which have to have signed")
    .option('--records', 'every entry has to be a record that the rules admit, whatever the log says about itself')
    .option('--rebuild-index', 'make the leaf-hash index again first (with --data)')
    .option('--json', 'one JSON document instead of text')
    .action(fsck);
}
