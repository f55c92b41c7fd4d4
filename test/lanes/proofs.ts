// What test/interop/proofs opens: a proof file of limmat's with cosignatures of both kinds, and policies by chance with what
// limmat says of each.

import { writeFileSync } from 'node:fs';

import { toBase64 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/index.ts';
import {
  SIGNATURE_TYPE,
  checkpointVerifier,
  formatTlogProof,
  openCheckpoint,
  parsePolicy,
  quorumMet,
} from '../../src/note/index.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import { ServedLog, fixedSigner, numberedEntries } from '../support/served-log.ts';

const ORIGIN = 'interop.invalid/proofs';
const TIME = 1_790_000_000;
const INDEX = 20;
const SIZE = 37;
const POLICIES = 300;

/** Lines of groups over these names, each a member once at most, and a quorum. */
function randomGroups(random: Random, names: readonly string[]): string {
  const free = [...names];
  const lines: string[] = [];
  while (free.length > 0 && random() < 0.8) {
    const members: string[] = [];
    for (let left = between(random, 1, 5); left > 0 && free.length > 0; left--) {
      members.push(...free.splice(between(random, 0, free.length), 1));
    }
    const rule = ['any', 'all', String(between(random, 1, members.length + 1))][between(random, 0, 3)];
    const name = `g${lines.length}`;
    lines.push(`group ${name} ${rule} ${members.join(' ')}`);
    free.push(name);
  }
  const defined = [...names, ...lines.map((_, i) => `g${i}`), 'none'];
  return [...lines, `quorum ${defined[between(random, 0, defined.length)]}`, ''].join('\n');
}

/** Writes the file, and answers the seed of its policies. */
export async function writeProofs(path: string): Promise<number> {
  const seed = chooseSeed();
  const random = seededRandom(seed);
  const log = new ServedLog(numberedEntries(SIZE), ORIGIN);
  const ed25519 = Array.from({ length: 6 }, (_, i) =>
    fixedSigner(`w${i}.invalid/e`, SIGNATURE_TYPE.cosignatureEd25519),
  );
  const postQuantum = [
    fixedSigner('w0.invalid/q', SIGNATURE_TYPE.mldsa44),
    fixedSigner('Wächter', SIGNATURE_TYPE.mldsa44),
  ];
  const cosigners = [...ed25519.slice(0, 3), ...postQuantum];
  const absent = ed25519.slice(3);
  const checkpoint = await log.note(TIME, { signers: [...log.signers, ...cosigners] });
  const leaf = log.entries[INDEX]!;
  const proof = formatTlogProof({ extra: leaf, index: INDEX, proof: log.inclusionProof(INDEX), checkpoint });
  const verifiers = [...log.signers, ...ed25519, ...postQuantum].map(({ vkey }) =>
    checkpointVerifier(vkey, portableCrypto),
  );
  const { verified } = await openCheckpoint(checkpoint, verifiers);
  // Torchwood's policies have Ed25519 keys only.
  const lines = [
    `log ${log.signers[0]!.vkey}`,
    ...ed25519.map(({ vkey }, i) => `witness w${i} ${vkey}${i % 2 === 0 ? ` https://w${i}.invalid/` : ''}`),
  ];
  const policies = Array.from({ length: POLICIES }, () => {
    const text = `${lines.join('\n')}\n${randomGroups(
      random,
      ed25519.map((_, i) => `w${i}`),
    )}`;
    const policy = parsePolicy(text);
    const held = policy.witnesses.filter(({ key }) => verified.some(({ verifier }) => verifier.vkey === key.vkey));
    return { text, holds: quorumMet(policy, new Set(held.map(({ name }) => name))) };
  });
  writeFileSync(
    path,
    JSON.stringify({
      leaf: toBase64(leaf),
      proof: toBase64(proof),
      checkpoint: Buffer.from(checkpoint).toString('utf8'),
      time: TIME,
      logKey: log.signers[0]!.vkey,
      cosigners: cosigners.map(({ vkey }) => vkey),
      absent: absent.map(({ vkey }) => vkey),
      policies,
    }),
  );
  return seed;
}
