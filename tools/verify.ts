// limmat verify: checks a file against its proof file and a trust file, offline. Exit code 0 = verified, 4 = refused,
// 6 = the log contradicts itself; a check that could not be made (no such file, …) is neither.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';

import { InvalidArgumentError, type Command } from 'commander';

import { nodeCrypto, nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { CHANNEL_REFUSALS } from '../src/client/channel-check.ts';
import { logPrefix } from '../src/client/http-reader.ts';
import { NOTHING_REMEMBERED } from '../src/client/state.ts';
import { EXPECTED_FIELDS, parseDuration, parseTrust } from '../src/client/trust.ts';
import type { Expected } from '../src/client/trust.ts';
import { REFUSALS, verifyProofFile } from '../src/client/verify.ts';
import type { VerifiedProof } from '../src/client/verify.ts';
import { LimmatError } from '../src/errors.ts';
import { MAX_TLOG_PROOF_BYTES } from '../src/note/tlog-proof.ts';
import { describe } from '../src/record/types.ts';
import { statementToJson } from '../src/record/statement.ts';
import { formatTime } from '../src/record/time.ts';
import { jsonOption, repeated } from './support/config.ts';
import { EXIT, exitCodeFor } from './support/exit.ts';
import { createOutput, style, styleError } from './support/output.ts';
import type { Output } from './support/output.ts';
import { createProgress, formatSeconds } from './support/progress.ts';
import { readChannels, readState, rememberChannels, rememberHeads } from './support/remembered.ts';
import { channelJson, channelLine, judgeByChannel, readChannelHead } from './verify/channel.ts';
import type { JudgedByChannel } from './verify/channel.ts';
import { gossip, gossipLines } from './verify/gossip.ts';
import type { GossipReport } from './verify/gossip.ts';

interface VerifyFlags {
  readonly proof?: string;
  readonly trust: string;
  readonly type?: readonly string[];
  readonly namespace?: readonly string[];
  readonly product?: readonly string[];
  readonly channel?: readonly string[];
  readonly maxAge?: number;
  readonly channelHead?: string;
  readonly state?: string;
  readonly recordOnly?: boolean;
  readonly gossip?: string;
  readonly json?: boolean;
}

/** Files below this are hashed before a bar would have been drawn. */
const PROGRESS_BYTES = 256 * 1024 * 1024;

export function register(program: Command): void {
  const command = program
    .command('verify')
    .summary('check a file against its proof file, offline')
    .description(
      'Checks that the record of a file is in the log: the digest of the file, who signed the record, the proof, both ' +
        'signatures of the log, the witnesses and the age that the trust file asks for. Needs no network. Exit code 0: ' +
        'verified; 4: refused, and the line says why; 6: the log has signed two histories.',
    )
    .argument('[file]', 'the file to check')
    .option('--proof <file>', 'the proof file (default: FILE.tlog-proof)')
    .requiredOption('--trust <file>', 'whom to believe: logs, witnesses, issuers, limits');
  for (const field of EXPECTED_FIELDS) {
    command.option(
      `--${field} <${field}>`,
      `the ${field} that the record has to be about (repeat for alternatives)`,
      repeated,
    );
  }
  command
    .option(
      '--max-age <time>',
      'refuse a checkpoint that is older, such as 36h or 7d (where the trust file is laxer)',
      age,
    )
    .option(
      '--channel-head <file>',
      'the signed head of the product’s channel: refuse a release that was recalled or is too old, and a head that is ' +
        'past its time or, with --state, behind one that was seen before; says whether there is a newer release',
    )
    .option(
      '--state <file>',
      'remember the log in this file, and refuse another root for the same size, or a smaller tree signed later; ' +
        'whether a larger tree extends it, a proof file does not say; channel heads are remembered in FILE.channels',
    )
    .option('--record-only', 'check a record that is about no file')
    .option(
      '--gossip <url>',
      'then hand the signed head of the proof file, and nothing else, to the monitor there; exit code 6 if it holds ' +
        'evidence against the log and the evidence holds',
      monitorUrl,
    )
    .addOption(jsonOption())
    .action(verify);
}

function age(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a time such as 90s, 15m, 36h or 7d.');
  return seconds;
}

function monitorUrl(text: string): string {
  try {
    return logPrefix(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

async function verify(file: string | undefined, flags: VerifyFlags): Promise<void> {
  const output = createOutput(flags);
  const proofPath = chosenProof(file, flags);
  const trustFile = readFileSync(flags.trust);
  const trust = parseTrust(trustFile);
  const remembered = flags.state === undefined ? NOTHING_REMEMBERED : readState(flags.state);
  const limits = [trust.maxAgeSeconds, flags.maxAge].filter((seconds) => seconds !== undefined);
  const artifactSha256 = file === undefined ? 'none' : await sha256OfFile(file, output.json);
  const proofFile = readProof(proofPath);
  const report = flags.gossip === undefined ? undefined : gossip(proofFile, trustFile, flags.gossip);
  const channelHeadFile = flags.channelHead === undefined ? undefined : readChannelHead(flags.channelHead);
  const channelsPath = flags.state === undefined ? undefined : `${flags.state}.channels`;
  const channels = readChannels(channelsPath);
  let proven: VerifiedProof;
  let channel: JudgedByChannel | undefined;
  try {
    proven = await verifyProofFile({
      proofFile,
      artifactSha256,
      trust: { ...trust, maxAgeSeconds: limits.length === 0 ? undefined : Math.min(...limits) },
      expected: expectedOf(flags),
      remembered,
      crypto: nodeCrypto,
      hasher: nodeHasher,
    });
    if (channelHeadFile !== undefined) {
      channel = await judgeByChannel({ channelHeadFile, proven, trust, remembered: channels }, (heads) => {
        if (channelsPath !== undefined) rememberChannels(channelsPath, heads);
      });
    }
    // Another run may have seen more meanwhile: what it saw stays, and may refuse this one.
    if (flags.state !== undefined && proven.remembered !== remembered) rememberHeads(flags.state, proven.remembered);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { code, message, details } = error;
    const told = await report;
    output.value({
      verified: false,
      ...(file !== undefined && { file }),
      error: { code, message, details },
      ...(told !== undefined && { gossip: told }),
    });
    output.note(`${styleError('red', 'refused')} ${file ?? proofPath}: ${message} (${code})`);
    process.exitCode = exitCodeFor(error) === EXIT.proof ? EXIT.proof : EXIT.finding;
    sayGossip(output, told);
    return;
  }
  const told = await report;
  output.value({
    ...toJson(proven, file),
    ...(channel !== undefined && { channel: channelJson(channel) }),
    ...(told !== undefined && { gossip: told }),
  });
  for (const line of toLines(proven, file, proofPath)) output.line(line);
  if (channel !== undefined) output.line(channelLine(channel));
  sayGossip(output, told);
}

/** What the monitor had to say. A verdict stands without it; evidence that holds is more than a verdict. */
function sayGossip(output: Output, told: GossipReport | undefined): void {
  if (told === undefined) return;
  const isProof = told.evidence.length > 0;
  for (const line of gossipLines(told)) output.note(isProof ? styleError('red', line) : line);
  if (isProof) process.exitCode = EXIT.proof;
}

/** A verdict about what was checked, unlike a check that could not be made. */
function isRefusal(error: unknown): error is LimmatError {
  return error instanceof LimmatError && [...REFUSALS, ...CHANNEL_REFUSALS].some((code) => code === error.code);
}

/** The proof file to read, or `usage` where what is to be checked is not clear. */
function chosenProof(file: string | undefined, flags: VerifyFlags): string {
  if (flags.recordOnly === true) {
    if (file !== undefined)
      throw new LimmatError('usage', '--record-only checks no file: leave out the file, or the flag');
    if (flags.proof === undefined) throw new LimmatError('usage', '--record-only needs --proof FILE');
    return flags.proof;
  }
  if (file === undefined) {
    throw new LimmatError('usage', 'say which file to check, or --record-only for a record that is about no file');
  }
  const proof = flags.proof ?? `${file}.tlog-proof`;
  if (flags.proof === undefined && !existsSync(proof)) {
    throw new LimmatError('usage', `${proof} is not there: say where the proof file is with --proof FILE`);
  }
  return proof;
}

function readProof(path: string): Uint8Array {
  // The size first: a path may name anything, and a proof file is small.
  const { size } = statSync(path);
  if (size > MAX_TLOG_PROOF_BYTES) {
    throw new LimmatError(
      'bad-proof-file',
      `${path} has ${size} bytes, and a proof file at most ${MAX_TLOG_PROOF_BYTES}`,
    );
  }
  return readFileSync(path);
}

function expectedOf(flags: VerifyFlags): Expected {
  return Object.fromEntries(
    EXPECTED_FIELDS.flatMap((field) => {
      const values = flags[field];
      return values === undefined ? [] : [[field, values]];
    }),
  );
}

async function sha256OfFile(path: string, silent: boolean): Promise<Uint8Array> {
  const { size } = statSync(path);
  const progress = createProgress({
    label: 'hash',
    unit: 'bytes',
    total: size,
    silent: silent || size < PROGRESS_BYTES,
  });
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('bad math in sha256OfFile');
    hash.update(chunk);
    progress.update((done += chunk.length));
  }
  progress.finish();
  return new Uint8Array(hash.digest());
}

function toJson(proven: VerifiedProof, file: string | undefined): object {
  const { head, statement, cosignatures } = proven;
  return {
    verified: true,
    ...(file !== undefined && { file }),
    index: proven.index,
    leafHash: toHex(proven.leafHash),
    record: statementToJson(statement),
    log: {
      origin: head.origin,
      size: head.size,
      rootHash: toHex(head.rootHash),
      time: formatTime(head.timestampSeconds),
      ageSeconds: proven.ageSeconds,
    },
    cosigned: cosignatures.length > 0,
    witnesses: cosignatures.map(({ witness, timestampSeconds }) => ({ witness, time: formatTime(timestampSeconds) })),
  };
}

function toLines(proven: VerifiedProof, file: string | undefined, proofPath: string): readonly string[] {
  const { head, cosignatures } = proven;
  const names = cosignatures.map(({ witness }) => witness).join(', ');
  const witnesses =
    names === '' ? 'uncosigned: no witness that the trust file names has signed, and none has to' : names;
  return [
    `${style('green', 'verified')} ${file ?? proofPath}`,
    `  record     ${describe(proven.statement.record)}`,
    `  signed by  ${proven.issuer.iss} (key ${proven.issuer.kid})`,
    `  log        ${head.origin}, entry ${proven.index} of ${head.size}, as of ${formatTime(head.timestampSeconds)} (${formatSeconds(Math.max(0, proven.ageSeconds))} ago)`,
    `  witnesses  ${witnesses}`,
  ];
}
