// The two customers of the demo of a fork: each fetches an update and its proof, and checks them as anyone would.

import { createHash } from 'node:crypto';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { verifyProofFile } from '../../src/client/verify.ts';
import { createStatement } from '../../src/record/index.ts';
import { LEAF_ISSUER } from '../misbehave/leaves.ts';
import type { LyingLog } from '../misbehave/lying-log.ts';

/** The log lies to whoever reads it under this name. */
export const VICTIM = 'ben';
export const UPDATE = 'update-2.0.bin';
const MAX_PROOF_BYTES = 1024 * 1024;
const GOOD = utf8('endpoint-security 2.0\n');
const BAD = utf8('endpoint-security 2.0, and what somebody wanted one customer to have\n');

/** What a customer's computer found out about the update that it got. */
export interface Bought {
  /** SHA-256 of the file, lowercase hex. */
  readonly digest: string;
  readonly index: number;
  /** Entries in the log, by the signed head in the proof. */
  readonly size: number;
  readonly proofFile: Uint8Array;
}

/** The vendor releases an update; the log tells the victim that it is another file. Both files are signed by the vendor. */
export async function releaseUpdate(log: LyingLog): Promise<{ readonly ada: Bought; readonly ben: Bought }> {
  const index = log.head().size;
  await log.append([await statementAbout(GOOD, log)]);
  await log.lie({ at: index, instead: [await statementAbout(BAD, log)] });
  return { ada: await buy(log, log.url, index, GOOD), ben: await buy(log, log.urlFor(VICTIM), index, BAD) };
}

function statementAbout(file: Uint8Array, { issuer }: LyingLog): Promise<Uint8Array> {
  return createStatement(
    {
      type: 'build',
      namespace: LEAF_ISSUER,
      issuer: LEAF_ISSUER,
      iatSeconds: Math.floor(Date.now() / 1000),
      fields: {
        product: 'endpoint-security',
        version: '2.0',
        channel: 'stable',
        platform: 'any',
        artifacts: [{ name: UPDATE, size: file.length, digest: { sha256: sha256(file) } }],
      },
    },
    issuer,
  );
}

/** Fetches the proof of the update from there, and checks the file against it as `limmat verify` does. */
async function buy(log: LyingLog, url: string, index: number, file: Uint8Array): Promise<Bought> {
  const proofFile = await httpReader({ url }).resource(`api/v1/entries/${index}/proof`, MAX_PROOF_BYTES);
  const digest = sha256(file);
  const verified = await verifyProofFile({
    proofFile,
    artifactSha256: digest,
    trust: parseTrust(log.trustFile),
    expected: { product: ['endpoint-security'] },
    crypto: nodeCrypto,
    hasher: nodeHasher,
  });
  return { digest: toHex(digest), index: verified.index, size: verified.head.size, proofFile };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
