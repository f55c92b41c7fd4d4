// `limmat verify`, as a library: a proof file with both keys of the log, three cosignatures of five Ed25519 witnesses and
// a proof in a tree of 2^30 entries, checked again and again by one process with native keys and with JavaScript alone.

import { randomBytes } from 'node:crypto';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { formatIssuer, parseTrust } from '../../src/client/trust.ts';
import { verifyProofFile } from '../../src/client/verify.ts';
import type { VerifyOptions } from '../../src/client/verify.ts';
import { statementSigner } from '../../src/cose/signer.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { asHash, portableHasher } from '../../src/merkle/hash.ts';
import { rootFromInclusion } from '../../src/merkle/proof.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../src/note/key.ts';
import { formatNote } from '../../src/note/note.ts';
import { noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { formatTlogProof } from '../../src/note/tlog-proof.ts';
import { createStatement } from '../../src/record/statement.ts';
import { freshSigners } from '../misbehave/keys.ts';
import { round } from './append.ts';
import type { Measured } from './targets.ts';

/** How large the log is that the entry is in, and where the entry is. */
export const VERIFIED_TREE_SIZE: number = 2 ** 30;
const INDEX = 0x2aaa_aaaa;
const WITNESSES = 5;
const COSIGNED = 3;
const ORIGIN = 'bench.invalid/verify';
const ISSUER = 'Bench';
/** Runs before the clock is looked at, so that everything is compiled; and measured ones. */
const WARM_UP = 60;
const RUNS = 200;

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

function witnesses(): readonly CheckpointSigner[] {
  return Array.from({ length: WITNESSES }, (_, i) => {
    const key = generateSignerKey(`w${i}.invalid`, SIGNATURE_TYPE.cosignatureEd25519, random, nodeCrypto);
    return noteSigner(key, nodeCrypto);
  });
}

/** A proof file of that kind with fresh keys, whom to believe, and what it is about: verifyProofFile takes it. */
export async function proofToVerify(nowSeconds: number): Promise<VerifyOptions> {
  const signer = statementSigner(random(32), -19, nodeCrypto);
  const sha256 = random(32);
  const statement = await createStatement(
    {
      type: 'build',
      namespace: 'bench',
      issuer: ISSUER,
      iatSeconds: nowSeconds - 5,
      fields: {
        product: 'Bench',
        version: '1.0',
        channel: 'stable',
        platform: 'linux-x64',
        artifacts: [{ name: 'bench.bin', digest: { sha256 } }],
      },
    },
    signer,
  );
  const proof = Array.from({ length: Math.log2(VERIFIED_TREE_SIZE) }, () => asHash(random(32)));
  const leafHash = portableHasher.leafHash(statement);
  const rootHash = rootFromInclusion(leafHash, INDEX, VERIFIED_TREE_SIZE, proof, portableHasher);
  const text = formatCheckpoint({ origin: ORIGIN, size: VERIFIED_TREE_SIZE, rootHash });
  const log = freshSigners(ORIGIN);
  const cosigners = witnesses();
  const lines = await Promise.all(
    [...log, ...cosigners.slice(0, COSIGNED)].map((one) => one.sign(text, nowSeconds - 1)),
  );
  const names = cosigners.map((_, i) => `w${i}`);
  const trust = parseTrust(
    [
      ...log.map(({ vkey }) => `log ${vkey}`),
      ...cosigners.map(({ vkey }, i) => `witness w${i} ${vkey}`),
      `group enough ${COSIGNED} ${names.join(' ')}`,
      'quorum enough',
      formatIssuer({ iss: ISSUER, key: signer.key }),
      'max-age 1h',
    ].join('\n'),
  );
  const checkpoint = utf8(formatNote(text, lines));
  const proofFile = formatTlogProof({ extra: statement, index: INDEX, proof, checkpoint });
  return { proofFile, artifactSha256: sha256, trust, nowSeconds };
}

/** `verify`: the median of many verifications of one file, warm, each from its bytes. */
export async function benchVerify(): Promise<Measured[]> {
  const options = await proofToVerify(Math.floor(Date.now() / 1000));
  const suites = [
    ['verify-native', { crypto: nodeCrypto, hasher: nodeHasher }],
    ['verify-portable', { crypto: portableCrypto, hasher: portableHasher }],
  ] as const;
  const rows: Measured[] = [];
  for (const [name, suite] of suites) {
    const { millis, cpuMillis } = await timed(() => verifyProofFile({ ...options, ...suite }));
    const at = (share: number): number => millis[Math.floor(share * (millis.length - 1))]!;
    rows.push({
      name,
      value: at(0.5),
      details: {
        runs: RUNS,
        fastestMillis: round(at(0)),
        p99Millis: round(at(0.99)),
        // What it takes on a machine that does nothing else meanwhile.
        cpuMillis: round(cpuMillis),
        proofFileBytes: options.proofFile.length,
        treeSize: VERIFIED_TREE_SIZE,
        cosignatures: `${COSIGNED} of ${WITNESSES}`,
      },
    });
  }
  return rows;
}

/** Milliseconds of each run, sorted, and of the processor for one. */
async function timed(
  work: () => Promise<unknown>,
): Promise<{ readonly millis: readonly number[]; readonly cpuMillis: number }> {
  for (let i = 0; i < WARM_UP; i++) await work();
  const millis: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < RUNS; i++) {
    const startedAt = performance.now();
    await work();
    millis.push(performance.now() - startedAt);
  }
  const { user, system } = process.cpuUsage(before);
  return { millis: millis.toSorted((a, b) => a - b), cpuMillis: (user + system) / 1000 / RUNS };
}
