// limmat rebuild: takes a logged build, runs the operator's command to make it again, compares what comes out with the
// record, and logs the verdict. Exit code 0 = the same files, 4 = other files, 3 = it could not be built here.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { join, resolve } from 'node:path';

import type { Command } from 'commander';

import { nodeCrypto, nodeHasher } from '../src/adapters/node-crypto.ts';
import { equalBytes, toHex, utf8Text } from '../src/bytes.ts';
import { openCited } from '../src/client/check/cited.ts';
import { httpReader } from '../src/client/http-reader.ts';
import { NOTHING_REMEMBERED } from '../src/client/state.ts';
import { parseTrust } from '../src/client/trust.ts';
import type { Trust } from '../src/client/trust.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { nodeGet } from '../src/node/http-get.ts';
import type { FieldsOf } from '../src/record/types.ts';
import { describe } from '../src/record/types.ts';
import { formatTime } from '../src/record/time.ts';
import { jsonOption, urlOption, wholeNumber } from './support/config.ts';
import { EXIT } from './support/exit.ts';
import { KEY_SPEC_HELP, loadStatementSigner } from './support/keys.ts';
import { addToLog } from './support/log-api.ts';
import { createOutput, style } from './support/output.ts';
import type { Output } from './support/output.ts';
import { signRecord } from './support/record-options.ts';
import { replaceFile } from '../src/node/replace-file.ts';
import { artifactReport, compareOutputs, listFiles, resultOf } from './rebuild/files.ts';
import type { ListedOutput } from './rebuild/files.ts';
import { buildAt, checkSource, nextBuild } from './rebuild/find.ts';
import type { LoggedBuild } from './rebuild/find.ts';
import { environmentOf, runCommand } from './rebuild/run.ts';
import type { Ended } from './rebuild/run.ts';

interface RebuildFlags {
  readonly next?: boolean;
  readonly entry?: number;
  readonly trust: string;
  readonly url: string;
  readonly vendor?: string;
  readonly product?: string;
  readonly key: string;
  readonly publicKey?: string;
  readonly namespace: string;
  readonly issuer?: string;
  readonly work: string;
  readonly source?: string;
  readonly artifacts?: string;
  readonly independence?: string;
  readonly reportFailure?: boolean;
  readonly json?: boolean;
}

type Result = FieldsOf<'rebuild'>['result'];

/** Files that came out and that no record asks for are counted, and so many are named. */
const MAX_OTHER_FILES = 100;
const PROOF = 'rebuild.tlog-proof';
/** The origin of the log that a signed verdict is for. */
const ORIGIN = 'origin';
const STATEMENT = 'rebuild.statement';
/** Says that a build was tried and that nothing was to be logged of it. */
const NOT_LOGGED = 'not-logged';

export function register(program: Command): void {
  program
    .command('rebuild')
    .summary('build a logged build again, log the verdict')
    .description(
      'Takes the oldest build that nobody has rebuilt, verifies its entry and the source, runs COMMAND as it stands here ' +
        '(no shell; the record reaches it in LIMMAT_… variables), compares the files in $LIMMAT_OUTPUT with the record, and ' +
        'logs a rebuild record with the verdict and the digest of a report. Exit code 0: the same files, or nothing to do; ' +
        '4: other files; 3: it could not be built, of which nothing is logged without --report-failure.',
    )
    .argument('<command...>', 'what builds it, after "--"')
    .option('--next', 'the oldest build that nobody has rebuilt')
    .option('--entry <index>', 'this build, also when it was tried before', wholeNumber(0))
    .requiredOption('--trust <file>', 'whom to believe: the log, and the vendors whose builds count')
    .addOption(urlOption())
    .option('--vendor <namespace>', 'with --next: builds of this namespace only')
    .option('--product <name>', 'with --next: builds of this product only')
    .requiredOption('--key <spec>', `key that signs the verdict: ${KEY_SPEC_HELP}`)
    .option('--public-key <file>', 'its public key (SPKI PEM); needed with exec:')
    .requiredOption('--namespace <name>', 'namespace of the rebuild record')
    .option('--issuer <name>', 'who rebuilds, as an organisation (default: the namespace)')
    .option('--work <dir>', 'where logs, outputs and reports are kept', 'rebuilds')
    .option('--source <path>', 'the source, an archive or a directory: refused unless it is what the build names')
    .option('--artifacts <dir>', 'what the vendor published, to say where the first difference is')
    .option('--independence <text>', 'how you are independent of the vendor, for the record')
    .option('--report-failure', 'log also that it could not be built, or that only a part came out')
    .addOption(jsonOption())
    .action(rebuild);
}

async function rebuild(command: readonly string[], flags: RebuildFlags): Promise<void> {
  const output = createOutput(flags);
  if ((flags.next === true) === (flags.entry !== undefined)) {
    throw new LimmatError('usage', 'say which build: --next, or --entry INDEX');
  }
  const trust = parseTrust(readFileSync(flags.trust));
  const signer = loadStatementSigner(flags.key, flags.publicKey);
  const issuer = flags.issuer ?? flags.namespace;
  const found = { reader: httpReader({ url: flags.url, get: nodeGet() }), trust };
  const work = resolve(flags.work);
  mkdirSync(work, { recursive: true });
  await sendWhatWaits(work, trust, flags, output);
  const build =
    flags.entry !== undefined
      ? await buildAt(flags.entry, found)
      : await nextBuild({
          ...found,
          vendor: flags.vendor,
          product: flags.product,
          issuer,
          kid: signer.kid,
          isDone: (id) => [STATEMENT, NOT_LOGGED].some((name) => existsSync(join(work, id, name))),
        });
  if (build === undefined) {
    output.result({ build: null }, 'nothing to rebuild: every build is rebuilt, or was tried here before');
    return;
  }
  output.note(`entry ${build.entry.index}: ${describe(build.entry.statement.record)}`);
  const source = flags.source === undefined ? undefined : await checkSource(flags.source, build, found);
  const made = await make(build, command, work, flags);
  const done = await judge(build, made, { command, source, work, flags });
  const isVerdict = done.result === 'match' || done.result === 'mismatch';
  const directory = join(work, build.id);
  const answer = {
    build: { index: build.entry.index, leafHash: build.id },
    result: done.result,
    report: join(directory, 'report.json'),
    log: join(directory, 'build.log'),
  };
  if (!isVerdict && flags.reportFailure !== true) {
    replaceFile(join(directory, NOT_LOGGED), `${done.why}\n`);
    output.result({ ...answer, appended: false }, [
      `${style('yellow', done.result)} ${done.why}; nothing was logged (--report-failure logs it)`,
      `report ${answer.report}`,
      `log    ${answer.log}`,
    ]);
    process.exitCode = EXIT.operational;
    return;
  }
  const record = { type: 'rebuild', namespace: flags.namespace, fields: done.fields } as const;
  const statement = await signRecord(record, signer, { issuer });
  replaceFile(join(directory, ORIGIN), `${build.entry.head.origin}\n`);
  replaceFile(join(directory, STATEMENT), statement.bytes);
  const index = await send(directory, trust, flags.url);
  output.result({ ...answer, appended: true, index, proof: join(directory, PROOF) }, [
    `${style(done.result === 'match' ? 'green' : 'red', done.result)} ${done.why}`,
    `added as entry ${index}`,
    `report ${answer.report}`,
    `proof  ${join(directory, PROOF)}`,
  ]);
  process.exitCode = done.result === 'match' ? EXIT.clean : EXIT.finding;
}

/** What a run of the command left behind. */
interface Made {
  readonly ended: Ended;
  readonly files: readonly ListedOutput[];
  readonly output: string;
  readonly startedAt: number;
  readonly finishedAt: number;
}

async function make(build: LoggedBuild, command: readonly string[], work: string, flags: RebuildFlags): Promise<Made> {
  const directory = join(work, build.id);
  const output = join(directory, 'output');
  // What an earlier attempt left must not be taken for what this one makes.
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const paths = { source: flags.source === undefined ? undefined : resolve(flags.source), output };
  const startedAt = Math.floor(Date.now() / 1000);
  const ended = await runCommand({
    command,
    directory,
    log: join(directory, 'build.log'),
    environment: environmentOf(build, paths, { key: flags.key, inherited: process.env }),
  });
  const finishedAt = Math.floor(Date.now() / 1000);
  return { ended, files: await listFiles(output), output, startedAt, finishedAt };
}

interface Judged {
  readonly result: Result;
  /** In words. */
  readonly why: string;
  readonly fields: FieldsOf<'rebuild'>;
}

/** Compares, and writes the report and what is known of the environment; their digests go into the record. */
async function judge(
  build: LoggedBuild,
  made: Made,
  given: {
    readonly command: readonly string[];
    readonly source: Uint8Array | undefined;
    readonly work: string;
    readonly flags: RebuildFlags;
  },
): Promise<Judged> {
  const { ended, files, startedAt, finishedAt } = made;
  const { command, source, work, flags } = given;
  const directory = join(work, build.id);
  const compared = compareOutputs(build.fields.artifacts, files);
  const hasFailed = ended.code !== 0;
  const result = (hasFailed ? undefined : resultOf(compared)) ?? 'not-buildable';
  const published =
    flags.artifacts === undefined ? undefined : { directory: flags.artifacts, files: await listFiles(flags.artifacts) };
  const others = files.filter((file) => !compared.some(({ found }) => found === file));
  const report = {
    format: 'limmat/rebuild-report/v1',
    build: build.id,
    index: build.entry.index,
    origin: build.entry.head.origin,
    record: describe(build.entry.statement.record),
    result,
    command,
    exitStatus: ended.code,
    ...(ended.signal !== null && { signal: ended.signal }),
    source: source === undefined ? 'not checked' : toHex(source),
    startedAt: formatTime(startedAt),
    finishedAt: formatTime(finishedAt),
    artifacts: await Promise.all(compared.map((each) => artifactReport(each, made.output, published))),
    otherFiles: others.length,
    others: others.slice(0, MAX_OTHER_FILES).map(({ path, size, sha256 }) => ({ path, size, sha256: toHex(sha256) })),
  };
  const environment = { command, platform: platform(), release: release(), arch: arch() };
  const obtained = compared.flatMap(({ artifact, found }) => {
    if (found === undefined) return [];
    const { size, sha256 } = found;
    return [{ ...(artifact.name !== undefined && { name: artifact.name }), size, digest: { sha256 } }];
  });
  return {
    result,
    why: wordsOf(result, ended, compared.filter(({ isSame }) => !isSame).length, compared.length),
    fields: {
      build: build.entry.leafHash,
      result,
      ...(source !== undefined && { source }),
      method: 'rebuild',
      ...(obtained.length > 0 && { obtained }),
      environmentDigest: writeJson(join(directory, 'environment.json'), environment),
      diffReportDigest: writeJson(join(directory, 'report.json'), report),
      startedAt,
      finishedAt: Math.max(startedAt, finishedAt),
      ...(flags.independence !== undefined && { independence: flags.independence }),
    },
  };
}

function wordsOf(result: Result, { code, signal }: Ended, different: number, all: number): string {
  if (result === 'match') return `all ${all} files came out the same`;
  if (result === 'mismatch') return `${different} of ${all} files differ or are missing`;
  if (result === 'inconclusive') return `${different} of ${all} files did not come out, the others are the same`;
  if (signal !== null) return `the command was ended by ${signal}`;
  return code === 0 ? 'the command left none of the files in $LIMMAT_OUTPUT' : `the command ended with code ${code}`;
}

/** Writes the value, and gives the digest of the file. */
function writeJson(path: string, value: object): { readonly sha256: Uint8Array } {
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  replaceFile(path, bytes);
  return { sha256: new Uint8Array(createHash('sha256').update(bytes).digest()) };
}

/** What the log there says it is: the first line of its checkpoint. Its proof has to hold by the keys of that origin. */
async function originAt(url: string): Promise<string> {
  const note = await httpReader({ url, get: nodeGet() }).checkpoint();
  return (utf8Text(note) ?? '').split('\n', 1)[0]!;
}

/** The log whose build was judged: a verdict on an entry of one log means nothing in another. */
function readOrigin(directory: string): string | undefined {
  const file = join(directory, ORIGIN);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Verdicts that were signed and that a log was not there for. Only the log of that origin gets them. */
async function sendWhatWaits(work: string, trust: Trust, flags: RebuildFlags, output: Output): Promise<void> {
  let origin: string | undefined;
  for (const name of readdirSync(work)) {
    const directory = join(work, name);
    if (!existsSync(join(directory, STATEMENT)) || existsSync(join(directory, PROOF))) continue;
    origin ??= await originAt(flags.url);
    const meant = readOrigin(directory);
    if (meant !== origin) {
      output.note(
        `what waits in ${directory} is for ${meant ?? 'a log that is not known'}, not for ${origin}: not sent`,
      );
      continue;
    }
    const index = await send(directory, trust, flags.url);
    output.note(`what waited in ${directory} was added as entry ${index}`);
  }
}

/** Appends the statement in a directory, and keeps its proof, which has to hold, beside it; gives the index. */
async function send(directory: string, trust: Trust, url: string): Promise<number> {
  const statement = new Uint8Array(readFileSync(join(directory, STATEMENT)));
  rmSync(join(directory, PROOF), { force: true });
  const { index, proof } = await addToLog(url, statement, 'published').catch((error: unknown) => {
    if (!isLimmatError(error)) throw error;
    const { code, message, details } = error;
    const kept = `the signed verdict is kept in ${join(directory, STATEMENT)}: remove it to give it up`;
    throw new LimmatError(code, `${message}; ${kept}`, { details, cause: error });
  });
  if (proof === undefined) {
    throw new LimmatError(
      'not-published',
      `entry ${index} is durable, and not published yet: run the command again for its proof`,
    );
  }
  const nowSeconds = Math.floor(Date.now() / 1000);
  const options = { trust, remembered: NOTHING_REMEMBERED, nowSeconds, crypto: nodeCrypto, hasher: nodeHasher };
  const cited = await openCited(proof, index, options);
  if (!equalBytes(cited.statement.bytes, statement)) {
    throw new LimmatError('bad-proof', `the log proved another statement than the one that was sent`);
  }
  replaceFile(join(directory, PROOF), proof);
  return index;
}
