// Notes that others made: the specification's example, and a proof file of a live log with its witnesses' cosignatures.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { equalBytes, utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { verifyInclusion } from '../../src/merkle/proof.ts';
import { SIGNATURE_TYPE, formatVerifierKey, parseVerifierKey } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import { parsePolicy, quorumMet } from '../../src/note/policy.ts';
import { quorumNumbers } from '../../src/note/quorum.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { formatTlogProof, parseTlogProof } from '../../src/note/tlog-proof.ts';
import { greaseLines, seededNumbers, shuffled } from '../support/notes.ts';
import { sharedVectors } from '../support/vectors.ts';

const c2sp = sharedVectors('c2sp');
const markovian = sharedVectors('tlog-proof');
const suites = [
  ['portable', portableCrypto],
  ['native', nodeCrypto],
] as const;

describe.skipIf(c2sp === undefined)('the signed-note specification’s example', () => {
  test.each(suites)('verifies (%s)', async (_name, suite) => {
    const example: { readonly vkey: string; readonly note: string } = JSON.parse(
      readFileSync(join(c2sp!, 'signed-note-example.json'), 'utf8'),
    );
    const { vkey, note } = example;
    const { text, textBytes, signatures } = parseNote(note);
    expect(formatNote(text, signatures)).toBe(note);
    const key = parseVerifierKey(vkey);
    expect(formatVerifierKey(key)).toBe(vkey);
    expect(signatures.map(({ name, keyId }) => [name, keyId])).toEqual([[key.name, key.keyId]]);
    expect(await suite.ed25519.verify(key.publicKey, textBytes, signatures[0]!.signature)).toBe(true);
    expect(await suite.ed25519.verify(key.publicKey, utf8(`${text}\n`), signatures[0]!.signature)).toBe(false);
  });
});

const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(markovian!, name)));

const load = (): {
  readonly file: Uint8Array;
  readonly proof: ReturnType<typeof parseTlogProof>;
  readonly vkeys: readonly string[];
} => {
  const file = read('proof_7271.tlog-proof');
  const keyLines = new TextDecoder().decode(read('keys_unabhaengig.txt')).split('\n');
  const vkeys = keyLines.filter((line) => line !== '' && !line.startsWith('#'));
  return { file, proof: parseTlogProof(file), vkeys };
};

describe.skipIf(markovian === undefined)('a live log’s proof file', () => {
  test('is read and written byte for byte, and proves its leaf', async () => {
    const { file, proof, vkeys } = load();
    expect(equalBytes(formatTlogProof(proof), file)).toBe(true);
    const { checkpoint, note } = await openCheckpoint(
      proof.checkpoint,
      vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto)),
    );
    expect(checkpoint).toMatchObject({ origin: 'markovianprotocol.com/log', size: 7341, extensions: [] });
    expect(note.signatures).toHaveLength(11);
    const leafHash = portableHasher.leafHash(read('leaf_7271.raw'));
    const { size, rootHash } = checkpoint;
    expect(() => verifyInclusion({ leafHash, index: proof.index, size, rootHash, proof: proof.proof })).not.toThrow();
  });

  test.each(suites)(
    'carries the log’s signature, 5 Ed25519 and 2 ML-DSA-44 cosignatures (%s)',
    async (_name, suite) => {
      const { proof, vkeys } = load();
      const { verified } = await openCheckpoint(
        proof.checkpoint,
        vkeys.map((vkey) => checkpointVerifier(vkey, suite)),
      );
      const ofType = (type: number): number => verified.filter(({ verifier }) => verifier.type === type).length;
      expect(ofType(SIGNATURE_TYPE.ed25519)).toBe(1);
      expect(ofType(SIGNATURE_TYPE.cosignatureEd25519)).toBe(5);
      expect(ofType(SIGNATURE_TYPE.mldsa44)).toBe(2);
      // All within two seconds of 2026-08-11.
      const times = verified.map((one) => one.timestampSeconds).filter((time) => time !== 0);
      expect(times).toHaveLength(7);
      for (const time of times) expect([0x6a7eb716, 0x6a7eb717, 0x6a7eb718]).toContain(time);
    },
  );

  test('meets a policy of four of five witnesses, whose post-quantum keys are no votes more', async () => {
    const { proof, vkeys } = load();
    const [logKey, ...witnesses] = vkeys.map(parseVerifierKey);
    const names = [...new Set(witnesses.map(({ name }) => name))];
    const lines = [
      `log ${logKey!.vkey}`,
      ...witnesses.map(({ name, type, vkey }) => `witness ${name}/${type} ${vkey}`),
      ...names.map((name) => {
        const own = witnesses.filter((key) => key.name === name).map(({ type }) => `${name}/${type}`);
        return `group ${name} any ${own.join(' ')}`;
      }),
      `group quorum 4 ${names.join(' ')}`,
      'quorum quorum',
    ];
    const policy = parsePolicy(lines.join('\n'));
    expect(quorumNumbers(policy)).toMatchObject({ needed: 4, missing: 2, shared: 3 });
    const verifiers = policy.witnesses.map(({ key }) => checkpointVerifier(key, nodeCrypto));
    const { verified } = await openCheckpoint(proof.checkpoint, verifiers);
    const cosigned = policy.witnesses.filter(({ key }) => verified.some(({ verifier }) => verifier.vkey === key.vkey));
    expect(cosigned).toHaveLength(7);
    const met = (count: number): boolean =>
      quorumMet(policy, new Set(cosigned.slice(0, count).map(({ name }) => name)));
    expect([met(7), met(4), met(3)]).toEqual([true, true, false]);
    const postQuantum = cosigned.filter(({ key }) => key.type === SIGNATURE_TYPE.mldsa44).map(({ name }) => name);
    expect(quorumMet(policy, new Set([...postQuantum, cosigned[0]!.name]))).toBe(false);
  });

  test('verifies with grease between its lines, and not with a byte of its text changed', async () => {
    const { proof, vkeys } = load();
    const verifiers = vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
    const { text, signatures } = parseNote(proof.checkpoint);
    const next = seededNumbers(7);
    const lines = shuffled([...signatures.map(({ line }) => line), ...greaseLines(40, next)], next);
    expect((await openCheckpoint(formatNote(text, lines), verifiers)).verified).toHaveLength(8);
    const changed = formatNote(text.replace('7341', '7342'), signatures);
    for (const verifier of verifiers) {
      await expect(openCheckpoint(changed, [verifier])).rejects.toMatchObject({ code: 'bad-note' });
    }
  });
});
