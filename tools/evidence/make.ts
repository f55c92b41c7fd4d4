// limmat evidence make: two things that a log signed, from anywhere, become evidence when they contradict each other.

import { readFileSync, statSync, writeFileSync } from 'node:fs';

import { equalBytes } from '../../src/bytes.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { formatEvidence } from '../../src/monitor/evidence/file.ts';
import { contradiction, proofContradicted } from '../../src/monitor/evidence/make.ts';
import type { SignedHead } from '../../src/monitor/evidence/make.ts';
import { printable } from '../../src/monitor/evidence/words.ts';
import { identityOf } from '../../src/monitor/watched-log.ts';
import type { LogIdentity } from '../../src/monitor/watched-log.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import { parseNote } from '../../src/note/note.ts';
import { MAX_TLOG_PROOF_BYTES, parseTlogProof } from '../../src/note/tlog-proof.ts';
import type { TlogProof } from '../../src/note/tlog-proof.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput } from '../support/output.ts';
import { logsOf } from './judge.ts';
import type { KeyFlags } from './judge.ts';
import { evidenceJson, evidenceLines } from './report.ts';

interface MakeFlags extends KeyFlags {
  readonly out?: string;
}

/** A file with a checkpoint of a log in it, whose signatures nobody has looked at yet. */
interface SignedFile {
  readonly path: string;
  readonly origin: string;
  readonly head: SignedHead;
  /** The file, and what it proves, where it is a proof file. */
  readonly proof: { readonly file: Uint8Array; readonly parts: TlogProof } | undefined;
}

/** Makes a file of evidence, exit code 6, or says that these two files contradict each other in nothing, exit code 0. */
export async function makeEvidence(path: string, otherPath: string, flags: MakeFlags): Promise<void> {
  const output = createOutput(flags);
  const logs = logsOf(flags);
  const [a, b] = [readSigned(path), readSigned(otherPath)];
  const evidence = await findContradiction(logOf(a, b, logs), a, b);
  if (evidence === undefined) {
    // A checkpoint fixes its tree, and does not show what the tree begins with.
    const open =
      a.head.size === b.head.size ? '' : '; whether the larger tree begins with the smaller, only its tiles say';
    output.result(
      { verified: false },
      `nothing in these two files shows that ${printable(a.origin)} contradicts itself${open}`,
    );
    return;
  }
  const out = flags.out ?? `${evidence.id}.json`;
  writeFileSync(out, formatEvidence(evidence), { flag: 'wx' });
  const judged = { evidence, observed: undefined };
  output.result({ file: out, ...evidenceJson(judged) }, evidenceLines(out, judged));
  process.exitCode = EXIT.proof;
}

function readSigned(path: string): SignedFile {
  const { size } = statSync(path);
  if (size > MAX_TLOG_PROOF_BYTES) {
    throw new LimmatError(
      'bad-proof-file',
      `${path} has ${size} bytes, and a proof file at most ${MAX_TLOG_PROOF_BYTES}`,
    );
  }
  const file = readFileSync(path);
  try {
    const proof = file.subarray(0, 8).toString() === 'c2sp.org' ? { file, parts: parseTlogProof(file) } : undefined;
    const note = proof?.parts.checkpoint ?? file;
    const { origin, size: entries, rootHash } = parseCheckpoint(parseNote(note).text);
    return { path, origin, head: { size: entries, rootHash, note }, proof };
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-proof-file', `${path} is neither a proof file nor a checkpoint: ${error.message}`, {
      cause: error,
    });
  }
}

function logOf(a: SignedFile, b: SignedFile, logs: readonly LogIdentity[]): LogIdentity {
  if (a.origin !== b.origin) {
    throw new LimmatError(
      'bad-evidence',
      `${a.path} is of log ${printable(a.origin)}, and ${b.path} of ${printable(b.origin)}`,
    );
  }
  const verifiers = logs.filter(({ origin }) => origin === a.origin).flatMap((log) => identityOf(log).verifiers);
  if (verifiers.length === 0) {
    const known = logs.map(({ origin }) => origin).join(', ');
    throw new LimmatError('unknown-log', `the files are of log ${printable(a.origin)}; known are ${known}`);
  }
  return { origin: a.origin, verifiers };
}

/** Two entries at one place say more than two roots, so that is tried first. */
async function findContradiction(log: LogIdentity, a: SignedFile, b: SignedFile): Promise<Evidence | undefined> {
  try {
    if (haveTwoEntries(a, b)) return await proofContradicted(log, a.proof!.file, b.proof!.file);
    return await contradiction(log, a.head, b.head);
  } catch (error) {
    // Not the caller's mistake here, but what is wrong with the files.
    if (error instanceof RangeError && isLimmatError(error.cause)) throw error.cause;
    if (error instanceof RangeError) throw new LimmatError('bad-evidence', error.message, { cause: error });
    throw error;
  }
}

function haveTwoEntries({ proof: first }: SignedFile, { proof: second }: SignedFile): boolean {
  const [a, b] = [first?.parts.extra, second?.parts.extra];
  return a !== undefined && b !== undefined && first!.parts.index === second!.parts.index && !equalBytes(a, b);
}
