// Verifies a proof file, offline: a C2SP tlog-proof whose extra data is the statement (DESIGN §4). Every refusal has its
// own code and one sentence. Nothing of the statement is read for meaning before it is known to be the log's entry.

import { equalBytes, toHex, utf8Text } from '../bytes.ts';
import { verifySigned } from '../cose/signer.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import { parseNote } from '../note/note.ts';
import { openCheckpoint, requireLogTime } from '../note/open.ts';
import type { OpenedCheckpoint } from '../note/open.ts';
import { quorumMet } from '../note/policy.ts';
import { checkpointVerifier } from '../note/signer.ts';
import { parseTlogProof } from '../note/tlog-proof.ts';
import type { TlogProof } from '../note/tlog-proof.ts';
import { fileDigests, parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';
import { channelOf, productOf } from '../record/types.ts';
import type { LimmatRecord } from '../record/types.ts';
import { advance, checkRemembered, NOTHING_REMEMBERED, trimNote } from './state.ts';
import type { LogHead, RememberedHeads } from './state.ts';
import { EXPECTED_FIELDS, mayVouch } from './trust.ts';
import type { Expected, ExpectedField, Trust, TrustedIssuer, TrustedLog } from './trust.ts';

export interface VerifyOptions {
  /** The bytes of the `.tlog-proof` file. */
  readonly proofFile: Uint8Array;
  /** SHA-256 of the artifact; 'none' checks the record alone, for records that are about no file. */
  readonly artifactSha256: Uint8Array | 'none';
  readonly trust: Trust;
  /** Expectations beside the trust file's; both must hold. */
  readonly expected?: Expected;
  /** What earlier verifications left behind. */
  readonly remembered?: RememberedHeads;
  /** The time to measure ages against; default is the clock's. */
  readonly nowSeconds?: number;
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
  /** For many files with the same keys and witnesses: checkpoints that were opened before, to be opened once. */
  readonly opened?: OpenedCheckpoints;
}

/** Checkpoints of which the signatures were verified, by the note's text. */
export type OpenedCheckpoints = Map<string, Promise<OpenedHead>>;

interface OpenedHead {
  readonly head: LogHead;
  readonly opened: OpenedCheckpoint;
}

/** A run meets a new checkpoint a second at most. */
const MAX_OPENED = 256;

/** A cosignature that counts: of a witness in the trust file, valid, not too old and not from the future. */
export interface CountedCosignature {
  readonly witness: string;
  readonly timestampSeconds: number;
}

/** What a proof file proved, as opposed to what it says. */
export interface VerifiedProof {
  readonly statement: Statement;
  readonly leafHash: Hash;
  readonly index: number;
  /** The head under which it was proven, with its log's own time. */
  readonly head: LogHead;
  /** Seconds from the head's time to now; below 0 within the clock skew. */
  readonly ageSeconds: number;
  readonly issuer: TrustedIssuer;
  readonly cosignatures: readonly CountedCosignature[];
  /** True when the artifact's digest is in the record; false when the record alone was checked. */
  readonly artifactChecked: boolean;
  /** What to remember from now on. */
  readonly remembered: RememberedHeads;
}

/** The refusals of verifyProofFile, in the order in which they are looked for. */
export const REFUSALS = Object.freeze([
  'bad-proof-file',
  'unknown-log',
  'bad-note',
  'log-signature-missing',
  'fork',
  'from-the-future',
  'too-old',
  'quorum-not-met',
  'bad-proof',
  'bad-record',
  'unknown-issuer',
  'bad-signature',
  'wrong-type',
  'wrong-namespace',
  'wrong-product',
  'wrong-channel',
  'artifact-mismatch',
] as const satisfies readonly ErrorCode[]);

/**
 * Checks a proof file against an artifact and a trust file. Resolves to what was proven; anything else throws a
 * LimmatError with one of REFUSALS as its code, of which only `fork` says that the log misbehaved.
 */
export async function verifyProofFile(options: VerifyOptions): Promise<VerifiedProof> {
  const { trust } = options;
  const crypto = options.crypto ?? portableCrypto;
  const hasher = options.hasher ?? portableHasher;
  const nowSeconds = options.nowSeconds ?? Math.floor(Date.now() / 1000);
  const { proof, statementBytes } = readProofFile(options.proofFile);

  const { head, opened } = await openOnce(proof.checkpoint, trust, crypto, options.opened);
  // Before anything else can refuse the file: two heads that contradict each other matter more than this artifact.
  const remembered = options.remembered ?? NOTHING_REMEMBERED;
  checkRemembered(remembered, head);
  checkTime(head, trust, nowSeconds);
  const cosignatures = countCosignatures(opened, trust, nowSeconds);
  checkQuorum(cosignatures, trust);

  const leafHash = hasher.leafHash(statementBytes);
  const { size, rootHash } = head;
  verifyInclusion({ leafHash, index: proof.index, size, rootHash, proof: proof.proof }, hasher);
  const statement = readStatement(statementBytes);
  const issuer = findIssuer(statement, trust);
  if (!(await verifySigned(statement, issuer.key, crypto))) {
    throw new LimmatError('bad-signature', `the record's signature is not by the key ${issuer.kid} that it names`);
  }
  checkExpected(statement, trust.expected);
  checkExpected(statement, options.expected ?? {});
  if (options.artifactSha256 !== 'none') checkArtifact(statement, options.artifactSha256);
  return Object.freeze({
    statement,
    leafHash,
    index: proof.index,
    head,
    ageSeconds: nowSeconds - head.timestampSeconds,
    issuer,
    cosignatures,
    artifactChecked: options.artifactSha256 !== 'none',
    remembered: advance(remembered, head),
  });
}

/** A checkpoint that a trust file is satisfied with. */
export interface TrustedCheckpoint {
  readonly head: LogHead;
  readonly cosignatures: readonly CountedCosignature[];
}

/**
 * The head in a checkpoint note as far as a trust file goes: both keys of a log of its signed it, its quorum of witnesses
 * cosigned it, and it is neither too old nor from the future. Throws as verifyProofFile does.
 */
export async function openTrustedCheckpoint(
  noteBytes: Uint8Array,
  options: Pick<VerifyOptions, 'trust' | 'nowSeconds' | 'crypto' | 'opened'>,
): Promise<TrustedCheckpoint> {
  const { trust, crypto = portableCrypto, nowSeconds = Math.floor(Date.now() / 1000) } = options;
  const { head, opened } = await openOnce(noteBytes, trust, crypto, options.opened);
  checkTime(head, trust, nowSeconds);
  const cosignatures = countCosignatures(opened, trust, nowSeconds);
  checkQuorum(cosignatures, trust);
  return { head, cosignatures };
}

function readProofFile(bytes: Uint8Array): { readonly proof: TlogProof; readonly statementBytes: Uint8Array } {
  let proof: TlogProof;
  try {
    proof = parseTlogProof(bytes);
  } catch (error) {
    throw badProofFile(error);
  }
  if (proof.extra === undefined) {
    throw new LimmatError('bad-proof-file', 'the proof file does not carry the record: it has no "extra" line');
  }
  return { proof, statementBytes: proof.extra };
}

/** As openHead, from what was opened before where it is there. Only what held is kept. */
function openOnce(
  noteBytes: Uint8Array,
  trust: Trust,
  crypto: CryptoSuite,
  known: OpenedCheckpoints | undefined,
): Promise<OpenedHead> {
  const text = known === undefined ? undefined : utf8Text(noteBytes);
  if (known === undefined || text === undefined) return openHead(noteBytes, trust, crypto);
  const before = known.get(text);
  if (before !== undefined) return before;
  if (known.size >= MAX_OPENED) known.clear();
  const head = openHead(noteBytes, trust, crypto);
  known.set(text, head);
  head.catch(() => known.delete(text));
  return head;
}

/** The checkpoint's head, signed by both keys that the trust file names for its origin. */
async function openHead(noteBytes: Uint8Array, trust: Trust, crypto: CryptoSuite): Promise<OpenedHead> {
  const log = findLog(noteBytes, trust);
  const keys = [log.ed25519, log.mldsa44, ...trust.policy.witnesses.map(({ key }) => key)];
  const verifiers = keys.map((key) => checkpointVerifier(key, crypto));
  let opened: OpenedCheckpoint;
  try {
    opened = await openCheckpoint(noteBytes, verifiers);
  } catch (error) {
    throw isLimmatError(error, 'malformed') ? badProofFile(error) : error;
  }
  const [ed25519, mldsa44] = [log.ed25519, log.mldsa44].map((key) => timeOf(opened, key.vkey));
  if (ed25519 === undefined || mldsa44 === undefined) {
    const missing = ed25519 === undefined ? 'Ed25519' : 'ML-DSA-44';
    throw new LimmatError('log-signature-missing', `the checkpoint lacks the ${missing} signature of ${log.origin}`);
  }
  requireLogTime(log.origin, mldsa44);
  const { size, rootHash } = opened.checkpoint;
  const note = trimNote(opened.note, keys);
  return { opened, head: Object.freeze({ origin: log.origin, size, rootHash, timestampSeconds: mldsa44, note }) };
}

/** The log whose origin the note's first line names; unverified, it only says which keys to ask for. */
function findLog(noteBytes: Uint8Array, trust: Trust): TrustedLog {
  let origin: string;
  try {
    origin = parseNote(noteBytes).text.split('\n', 1)[0]!;
  } catch (error) {
    throw badProofFile(error);
  }
  const log = trust.logs.get(origin);
  if (log !== undefined) return log;
  const known = [...trust.logs.keys()].join(', ');
  throw new LimmatError(
    'unknown-log',
    `the proof is from log ${JSON.stringify(origin)}; the trust file names ${known}`,
  );
}

function timeOf(opened: OpenedCheckpoint, vkey: string): number | undefined {
  return opened.verified.find(({ verifier }) => verifier.vkey === vkey)?.timestampSeconds;
}

function checkTime(head: LogHead, trust: Trust, nowSeconds: number): void {
  const ageSeconds = nowSeconds - head.timestampSeconds;
  const details = { timestampSeconds: head.timestampSeconds, nowSeconds };
  if (-ageSeconds > trust.clockSkewSeconds) {
    throw new LimmatError(
      'from-the-future',
      `the checkpoint's time is ${-ageSeconds} seconds ahead of the clock here, more than the ${trust.clockSkewSeconds} that are allowed`,
      { details },
    );
  }
  if (trust.maxAgeSeconds !== undefined && ageSeconds > trust.maxAgeSeconds) {
    throw new LimmatError(
      'too-old',
      `the checkpoint is ${ageSeconds} seconds old, more than the ${trust.maxAgeSeconds} that the trust file allows: get a newer proof file`,
      { details },
    );
  }
}

function countCosignatures(opened: OpenedCheckpoint, trust: Trust, nowSeconds: number): readonly CountedCosignature[] {
  const oldest = trust.maxAgeSeconds === undefined ? 0 : nowSeconds - trust.maxAgeSeconds;
  const newest = nowSeconds + trust.clockSkewSeconds;
  return trust.policy.witnesses.flatMap(({ name, key }) => {
    const timestampSeconds = timeOf(opened, key.vkey);
    // Time 0 says nothing about a time or about the largest tree (tlog-cosignature), so it makes no cosignature count.
    if (timestampSeconds === undefined || timestampSeconds === 0) return [];
    if (timestampSeconds < oldest || timestampSeconds > newest) return [];
    return [Object.freeze({ witness: name, timestampSeconds })];
  });
}

function checkQuorum(cosignatures: readonly CountedCosignature[], trust: Trust): void {
  const witnesses = cosignatures.map(({ witness }) => witness);
  if (quorumMet(trust.policy, new Set(witnesses))) return;
  throw new LimmatError(
    'quorum-not-met',
    `${witnesses.length} of the ${trust.policy.witnesses.length} witnesses have cosigned the checkpoint in time (${witnesses.join(', ') || 'none'}), which does not make the quorum ${JSON.stringify(trust.policy.quorum)}`,
    { details: { cosigned: witnesses.length, witnesses: trust.policy.witnesses.length } },
  );
}

function readStatement(bytes: Uint8Array): Statement {
  try {
    return parseStatement(bytes);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-record', `the logged entry is not a record that this version reads: ${error.message}`, {
      details: error.details,
      cause: error,
    });
  }
}

function findIssuer(statement: Statement, trust: Trust): TrustedIssuer {
  const kid = toHex(statement.kid);
  const named = trust.issuers.filter((issuer) => issuer.kid === kid);
  const issuer = named.find(({ iss }) => iss === statement.iss);
  if (issuer !== undefined && !mayVouch(issuer, statement.record)) {
    throw new LimmatError(
      'unknown-issuer',
      `the record is a ${statement.record.type} signed as ${statement.iss}, which the trust file names as a rebuilder only`,
      { details: { iss: statement.iss, kid } },
    );
  }
  if (issuer !== undefined) return issuer;
  const whose = named.length === 0 ? 'does not name' : `names as a key of ${named.map(({ iss }) => iss).join(', ')}`;
  throw new LimmatError(
    'unknown-issuer',
    `the record is signed as ${statement.iss} with key ${kid}, which the trust file ${whose}`,
    { details: { iss: statement.iss, kid } },
  );
}

const REFUSAL_OF: Readonly<Record<ExpectedField, ErrorCode>> = Object.freeze({
  type: 'wrong-type',
  namespace: 'wrong-namespace',
  product: 'wrong-product',
  channel: 'wrong-channel',
});

/** Throws the refusal, `wrong-type` and its like, of a record that is not about what is expected. */
export function checkExpected({ record }: Pick<Statement, 'record'>, expected: Expected): void {
  for (const field of EXPECTED_FIELDS) {
    const values = expected[field];
    if (values === undefined) continue;
    const actual = VALUE_OF[field](record);
    if (actual !== undefined && values.includes(actual)) continue;
    const said = actual === undefined ? `says no ${field}` : `is about ${field} ${JSON.stringify(actual)}`;
    const wanted = values.map((value) => JSON.stringify(value)).join(' or ');
    throw new LimmatError(REFUSAL_OF[field], `the record ${said}, not ${wanted}`, {
      details: { expected: values.join(', '), ...(actual !== undefined && { actual }) },
    });
  }
}

const VALUE_OF: Readonly<Record<ExpectedField, (record: LimmatRecord) => string | undefined>> = Object.freeze({
  type: ({ type }: LimmatRecord) => type,
  namespace: ({ namespace }: LimmatRecord) => namespace,
  product: productOf,
  channel: channelOf,
});

function checkArtifact({ record }: Statement, sha256: Uint8Array): void {
  const digests = fileDigests(record);
  if (digests.some((digest) => equalBytes(digest, sha256))) return;
  const found = toHex(sha256);
  const named = digests.map(toHex);
  const said =
    named.length === 0
      ? `is a ${record.type} and names no file`
      : named.length === 1
        ? `is about a file with SHA-256 ${named[0]}`
        : `names ${named.length} files, none of them with that digest`;
  throw new LimmatError('artifact-mismatch', `the file has SHA-256 ${found}, and the record ${said}`, {
    details: { found, ...(named.length === 1 && { expected: named[0]! }) },
  });
}

function badProofFile(error: unknown): unknown {
  if (!isLimmatError(error)) return error;
  return new LimmatError('bad-proof-file', `this is not a proof file: ${error.message}`, { cause: error });
}
