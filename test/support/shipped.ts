// A vendor's delivery: an artifact, its build record in a log, the proof file beside it and the trust file of whoever
// checks it. All keys are fixed; each part can be replaced.

import { createHash } from 'node:crypto';
import { toBase64, utf8 } from '../../src/bytes.ts';
import type { VerifyOptions } from '../../src/client/verify.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { formatCoseKey } from '../../src/cose/key.ts';
import { statementSigner } from '../../src/cose/signer.ts';
import type { StatementSigner } from '../../src/cose/signer.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { formatTlogProof } from '../../src/note/tlog-proof.ts';
import { createStatement } from '../../src/record/statement.ts';
import type { StatementContent } from '../../src/record/statement.ts';
import { fixedSigner, numberedEntries, ServedLog } from './served-log.ts';

/** When the checkpoint was signed; the checks run an hour later. */
export const SIGNED_AT = 1_790_000_000;
export const NOW = SIGNED_AT + 3600;
export const ISSUER = 'Acme Security';

export const ARTIFACT: Uint8Array = utf8('the installer, byte for byte\n');
export const ARTIFACT_SHA256: Uint8Array = digestOf(ARTIFACT);

export function digestOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** The vendor's key; another seed gives another key. */
export function vendorSigner(seed = 'vendor', alg: -19 | -9 = -19): StatementSigner {
  return statementSigner(digestOf(utf8(seed)), alg, portableCrypto);
}

export const WITNESSES: readonly CheckpointSigner[] = [
  fixedSigner('a.example/w', SIGNATURE_TYPE.cosignatureEd25519),
  fixedSigner('b.example/w', SIGNATURE_TYPE.mldsa44),
  fixedSigner('c.example/w', SIGNATURE_TYPE.cosignatureEd25519),
];

export const BUILD: StatementContent<'build'> = {
  type: 'build',
  namespace: 'acme',
  fields: {
    product: 'Acme Shield',
    version: '7.1.2',
    channel: 'stable',
    platform: 'linux/amd64',
    artifacts: [
      { name: 'shield.sig', digest: { sha256: digestOf(utf8('signature')) } },
      { name: 'shield.bin', digest: { sha256: ARTIFACT_SHA256 } },
    ],
  },
  issuer: ISSUER,
  iatSeconds: SIGNED_AT - 5,
};

/** The trust file: the log, a quorum of two of three witnesses, the vendor's key, then these lines. */
export function trustText(log: ServedLog, ...lines: readonly string[]): string {
  const [a, b, c] = WITNESSES.map(({ vkey }) => vkey);
  return [
    '# what we believe',
    ...log.signers.map(({ vkey }) => `log ${vkey}`),
    `witness A ${a}`,
    `witness B ${b}`,
    `witness C ${c}`,
    'group two 2 A B C',
    'quorum two',
    `issuer ${toBase64(formatCoseKey(vendorSigner().key))} ${ISSUER}`,
    ...lines,
    '',
  ].join('\n');
}

export interface Shipment {
  readonly log: ServedLog;
  readonly index: number;
  readonly statement: Uint8Array;
  /** What verifyProofFile takes: it passes as it is. */
  readonly options: VerifyOptions;
}

/** A delivery that is in order: the statement is entry 20 of 37, cosigned by A and B. */
export async function ship(
  change: {
    readonly content?: StatementContent;
    readonly signer?: StatementSigner;
    readonly entry?: Uint8Array;
    readonly trustLines?: readonly string[];
    readonly signers?: readonly CheckpointSigner[];
    readonly signedAt?: number;
    readonly log?: ServedLog;
  } = {},
): Promise<Shipment> {
  const statement = change.entry ?? (await createStatement(change.content ?? BUILD, change.signer ?? vendorSigner()));
  const index = 20;
  const log = change.log ?? new ServedLog([...numberedEntries(index), statement, ...numberedEntries(16, 21)]);
  const signers = change.signers ?? [...log.signers, WITNESSES[0]!, WITNESSES[1]!];
  await log.publish(change.signedAt ?? SIGNED_AT, { signers });
  return {
    log,
    index,
    statement,
    options: {
      proofFile: proofFileOf(log, index, statement),
      artifactSha256: ARTIFACT_SHA256,
      trust: parseTrust(trustText(log, ...(change.trustLines ?? []))),
      nowSeconds: NOW,
    },
  };
}

export function proofFileOf(log: ServedLog, index: number, extra: Uint8Array | undefined): Uint8Array {
  return formatTlogProof({ extra, index, proof: log.inclusionProof(index), checkpoint: log.checkpoint! });
}
