import { describe, expect, test } from 'vitest';
import { toBase64, toHex, utf8, utf8Text } from '../../src/bytes.ts';
import { NOTHING_REMEMBERED } from '../../src/client/state.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { REFUSALS, verifyProofFile } from '../../src/client/verify.ts';
import type { VerifyOptions } from '../../src/client/verify.ts';
import { formatCoseKey } from '../../src/cose/key.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { LimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { formatTlogProof } from '../../src/note/tlog-proof.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';
import {
  ARTIFACT,
  ARTIFACT_SHA256,
  BUILD,
  digestOf,
  ISSUER,
  NOW,
  proofFileOf,
  ship,
  SIGNED_AT,
  trustText,
  vendorSigner,
  WITNESSES,
} from '../support/shipped.ts';

/** Refusals that some test here met; the last test wants all of them. */
const met = new Set<string>();

async function refusal(options: VerifyOptions): Promise<LimmatError> {
  try {
    await verifyProofFile(options);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    met.add(error.code);
    expect(error.message).toMatch(/^[a-z0-9][^\n]+$/);
    return error;
  }
  throw new Error('it was accepted');
}

describe('verifyProofFile', () => {
  test('says what it proved', async () => {
    const { options, log, index, statement } = await ship();
    const proven = await verifyProofFile(options);
    expect(proven).toMatchObject({
      index,
      ageSeconds: 3600,
      artifactChecked: true,
      issuer: { iss: ISSUER, kid: toHex(vendorSigner().kid) },
      head: { origin: log.origin, size: 37, timestampSeconds: SIGNED_AT },
      cosignatures: [
        { witness: 'A', timestampSeconds: SIGNED_AT },
        { witness: 'B', timestampSeconds: SIGNED_AT },
      ],
    });
    expect(proven.statement.bytes).toEqual(statement);
    expect(proven.statement.record.type).toBe('build');
    expect(proven.remembered.get(log.origin)).toEqual(proven.head);
  });

  test('takes an ESP256 issuer too, and lines of strangers on the checkpoint', async () => {
    const signer = vendorSigner('vendor', -9);
    const strangers = Array.from({ length: 12 }, (_, i) => new ServedLog([], `stranger${i}.example`).signers).flat();
    const log = new ServedLog([]);
    const signers = [...strangers, ...WITNESSES, ...log.signers.toReversed()];
    const { options } = await ship({ signer, signers });
    const { key } = signer;
    const trust = { ...options.trust, issuers: [{ iss: ISSUER, key, kid: toHex(signer.kid) }] };
    const proven = await verifyProofFile({ ...options, trust });
    expect(proven.cosignatures.map(({ witness }) => witness)).toEqual(['A', 'B', 'C']);
    expect(utf8Text(proven.head.note)).not.toContain('stranger');
  });

  test('refuses what is no proof file, one without the record, and one whose checkpoint is none', async () => {
    const { options, log, index, statement } = await ship();
    for (const proofFile of [
      utf8('hello\n'),
      new Uint8Array(0),
      proofFileOf(log, index, undefined),
      formatTlogProof({ extra: statement, index, proof: [], checkpoint: utf8('no note\n') }),
      formatTlogProof({
        extra: statement,
        index,
        proof: [],
        checkpoint: utf8('log.example/test\nnot a size\n\n— a.example/w AAAAAAAA\n'),
      }),
    ]) {
      expect((await refusal({ ...options, proofFile })).code).toBe('bad-proof-file');
    }
  });

  test('refuses another file, and names both digests', async () => {
    const { options } = await ship({
      content: { ...BUILD, fields: { ...BUILD.fields, artifacts: [{ digest: { sha256: ARTIFACT_SHA256 } }] } },
    });
    const changed = ARTIFACT.slice();
    changed[3]! ^= 1;
    const error = await refusal({ ...options, artifactSha256: digestOf(changed) });
    expect(error.code).toBe('artifact-mismatch');
    expect(error.message).toContain(toHex(digestOf(changed)));
    expect(error.message).toContain(toHex(ARTIFACT_SHA256));
  });

  test('refuses any file for a record that names none, and checks such a record alone', async () => {
    const { options } = await ship({
      content: {
        type: 'relocation',
        namespace: 'acme',
        fields: { relocationId: 'eu-data', action: 'start', activity: 'store' },
        issuer: ISSUER,
        iatSeconds: SIGNED_AT,
      },
    });
    expect((await refusal(options)).code).toBe('artifact-mismatch');
    const proven = await verifyProofFile({ ...options, artifactSha256: 'none' });
    expect(proven.artifactChecked).toBe(false);
    expect((await refusal({ ...options, artifactSha256: 'none', expected: { product: ['x'] } })).code).toBe(
      'wrong-product',
    );
  });

  test('finds the content digest of a release, and its files', async () => {
    const content = {
      type: 'avdb-release',
      namespace: 'acme',
      fields: {
        product: 'Acme Shield',
        database: 'daily',
        channel: 'stable',
        sequence: 1,
        contentDigest: { sha256: ARTIFACT_SHA256 },
        counts: { total: 5 },
        artifacts: [{ digest: { sha256: digestOf(utf8('file')) } }],
      },
      issuer: ISSUER,
      iatSeconds: SIGNED_AT,
    } as const;
    const { options } = await ship({ content });
    await verifyProofFile(options);
    await verifyProofFile({ ...options, artifactSha256: digestOf(utf8('file')) });
    expect((await refusal({ ...options, artifactSha256: digestOf(utf8('other')) })).code).toBe('artifact-mismatch');
  });

  test.each([
    ['wrong-type', 'type', 'avdb-release', 'build'],
    ['wrong-namespace', 'namespace', 'other', 'acme'],
    ['wrong-product', 'product', 'Acme Backup', 'Acme Shield'],
    ['wrong-channel', 'channel', 'beta', 'stable'],
  ])('answers %s, whether the trust file or the caller expects otherwise', async (code, field, other, actual) => {
    const { options, log } = await ship();
    const trusting = (...values: string[]): VerifyOptions => ({
      ...options,
      trust: parseTrust(trustText(log, ...values.map((value) => `expect ${field} ${value}`))),
    });
    for (const refused of [trusting(other), { ...options, expected: { [field]: [other] } }]) {
      const error = await refusal(refused);
      expect(error.code).toBe(code);
      expect(error.message).toContain(JSON.stringify(actual));
      expect(error.message).toContain(JSON.stringify(other));
    }
    await verifyProofFile(trusting(other, actual));
    await verifyProofFile({ ...trusting(actual), expected: { [field]: [actual] } });
    expect((await refusal({ ...trusting(actual), expected: { [field]: [other] } })).code).toBe(code);
  });

  test('refuses a key that the trust file does not name, and a known key in another name', async () => {
    const stranger = await ship({ signer: vendorSigner('stranger') });
    expect(await refusal(stranger.options)).toMatchObject({
      code: 'unknown-issuer',
      details: { kid: toHex(vendorSigner('stranger').kid) },
    });
    const renamed = await ship({ content: { ...BUILD, issuer: 'Another' } });
    const error = await refusal(renamed.options);
    expect(error.code).toBe('unknown-issuer');
    expect(error.message).toContain('Another');
    expect(error.message).toContain(ISSUER);
  });

  test('refuses a build by a key that the trust file names as a rebuilder’s', async () => {
    const lab = vendorSigner('lab');
    const { options, log } = await ship({ signer: lab, content: { ...BUILD, issuer: 'The Lab' } });
    const line = (keyword: string): string => `${keyword} ${toBase64(formatCoseKey(lab.key))} The Lab`;
    await verifyProofFile({ ...options, trust: parseTrust(trustText(log, line('issuer'))) });
    const error = await refusal({ ...options, trust: parseTrust(trustText(log, line('rebuilder'))) });
    expect(error.code).toBe('unknown-issuer');
    expect(error.message).toContain('rebuilder only');
  });

  test('refuses a logged statement whose signature is not the issuer’s', async () => {
    const { statement } = await ship();
    const forged = statement.slice();
    forged[forged.length - 20]! ^= 1;
    const { options } = await ship({ entry: forged });
    expect((await refusal(options)).code).toBe('bad-signature');
  });

  test('refuses a logged entry that is no record', async () => {
    const { options } = await ship({ entry: utf8('just bytes') });
    expect((await refusal(options)).code).toBe('bad-record');
  });

  test('refuses another index, another statement and every changed hash of the inclusion proof', async () => {
    const { options, log, index, statement } = await ship();
    const checkpoint = log.checkpoint!;
    const proof = log.inclusionProof(index);
    const parts = { extra: statement, index, proof, checkpoint };
    const other = (await ship({ content: { ...BUILD, iatSeconds: SIGNED_AT } })).statement;
    const changed = [
      { ...parts, index: 21 },
      { ...parts, index: 37 },
      { ...parts, extra: other },
      { ...parts, proof: proof.slice(1) },
      { ...parts, proof: [...proof, proof[0]!] },
      ...proof.map((hash, i) => ({ ...parts, proof: proof.with(i, flipped(hash)) })),
    ];
    for (const one of changed) {
      expect((await refusal({ ...options, proofFile: formatTlogProof(one) })).code).toBe('bad-proof');
    }
  });

  test('refuses a log that the trust file does not name', async () => {
    const { options, statement } = await ship();
    const log = new ServedLog([...numberedEntries(20), statement], 'elsewhere.example');
    const other = await ship({ log, entry: statement });
    const error = await refusal({ ...options, proofFile: other.options.proofFile });
    expect(error.code).toBe('unknown-log');
    expect(error.message).toContain('elsewhere.example');
  });

  test('wants both signatures of the log', async () => {
    for (const missing of [0, 1]) {
      const { log } = await ship();
      const { options } = await ship({ signers: [log.signers[1 - missing]!, ...WITNESSES] });
      const error = await refusal(options);
      expect(error.code).toBe('log-signature-missing');
      expect(error.message).toContain(['Ed25519', 'ML-DSA-44'][missing]);
    }
  });

  test('refuses a checkpoint on which the log states no time', async () => {
    const { log } = await ship();
    const witnesses = WITNESSES.map((witness) => ({
      ...witness,
      sign: (text: string) => witness.sign(text, SIGNED_AT),
    }));
    const { options } = await ship({ signers: [...log.signers, ...witnesses], signedAt: 0 });
    const error = await refusal(options);
    expect(error.code).toBe('bad-note');
    expect(error.message).toContain('states no time');
  });

  test('refuses a known key’s line that does not hold', async () => {
    const { options, log, index, statement } = await ship();
    const text = utf8Text(log.checkpoint!)!;
    for (const name of [log.origin, 'a.example/w', 'b.example/w']) {
      const at = text.indexOf(`— ${name}`) + name.length + 20;
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
      const proofFile = formatTlogProof({
        extra: statement,
        index,
        proof: log.inclusionProof(index),
        checkpoint: utf8(changed),
      });
      expect((await refusal({ ...options, proofFile })).code).toBe('bad-note');
    }
  });

  test('wants the quorum, and counts no cosignature that is too old or from the future', async () => {
    const { log } = await ship();
    const one = await ship({ signers: [...log.signers, WITNESSES[0]!] });
    const error = await refusal(one.options);
    expect(error.code).toBe('quorum-not-met');
    expect(error.message).toContain('1 of the 3 witnesses');

    const cosignedAt = async (seconds: number, lines: string[]): Promise<VerifyOptions> => {
      const at = { sign: (text: string) => WITNESSES[1]!.sign(text, seconds) };
      const { options } = await ship({
        signers: [...log.signers, WITNESSES[0]!, { ...WITNESSES[1]!, ...at }],
        trustLines: lines,
      });
      return options;
    };
    await verifyProofFile(await cosignedAt(1000, []));
    await verifyProofFile(await cosignedAt(NOW + 60, []));
    expect((await refusal(await cosignedAt(NOW + 61, []))).code).toBe('quorum-not-met');
    expect((await refusal(await cosignedAt(NOW - 3 * 3600, ['max-age 2h']))).code).toBe('quorum-not-met');
    expect((await refusal(await cosignedAt(0, ['max-age 2h']))).code).toBe('quorum-not-met');
    // Time 0 states nothing (tlog-cosignature), whatever age is allowed.
    expect((await refusal(await cosignedAt(0, []))).code).toBe('quorum-not-met');
  });

  test('asks no witness where the trust file says so', async () => {
    const { log } = await ship();
    const { options } = await ship({ signers: log.signers });
    const trust = parseTrust(trustText(log).replace('quorum two', 'quorum none'));
    expect((await verifyProofFile({ ...options, trust })).cosignatures).toEqual([]);
  });

  test('measures the age of the log’s own time, both ways', async () => {
    const { options } = await ship({ trustLines: ['max-age 2h', 'clock-skew 10s'] });
    for (const [nowSeconds, code] of [
      [SIGNED_AT + 7200, undefined],
      [SIGNED_AT + 7201, 'too-old'],
      [SIGNED_AT - 10, undefined],
      [SIGNED_AT - 11, 'from-the-future'],
    ] as const) {
      if (code === undefined) await verifyProofFile({ ...options, nowSeconds });
      else expect((await refusal({ ...options, nowSeconds })).code).toBe(code);
    }
    const { nowSeconds: _, ...byTheClock } = options;
    expect((await refusal({ ...byTheClock, trust: { ...options.trust, maxAgeSeconds: 0 } })).code).toMatch(
      /^(too-old|from-the-future)$/,
    );
  });

  test('calls another root of a remembered size a fork, whatever else is wrong', async () => {
    const { options, log, statement } = await ship();
    const { remembered } = await verifyProofFile(options);
    await verifyProofFile({ ...options, remembered });
    const entries = log.entries.with(36, utf8('only you see this'));
    const forked = await ship({ log: new ServedLog(entries), entry: statement });
    const error = await refusal({ ...forked.options, remembered });
    expect(error.code).toBe('fork');
    expect(error.message).toContain('37');
    expect((await refusal({ ...forked.options, remembered, artifactSha256: digestOf(utf8('x')) })).code).toBe('fork');
    await verifyProofFile({ ...forked.options, remembered: NOTHING_REMEMBERED });
  });

  test('calls a smaller tree of a later time a fork, and takes an older proof file', async () => {
    const { options, log, statement } = await ship();
    const { remembered } = await verifyProofFile(options);
    const shorter = (): ServedLog => new ServedLog(log.entries.slice(0, 30));
    const older = await ship({ log: shorter(), entry: statement, signedAt: SIGNED_AT - 500 });
    const proven = await verifyProofFile({ ...older.options, remembered });
    expect(proven.remembered.get(log.origin)!.size).toBe(37);
    const later = await ship({ log: shorter(), entry: statement, signedAt: SIGNED_AT + 1 });
    expect((await refusal({ ...later.options, remembered })).code).toBe('fork');
  });

  test('refuses every truncation and every changed byte, and is never at a loss', { timeout: 120_000 }, async () => {
    const { log } = await ship();
    const { options } = await ship({ signers: log.signers });
    const trust = parseTrust(trustText(log).replace('quorum two', 'quorum none'));
    const file = options.proofFile;
    // Every byte up to the signatures, and then some: 3.3 kB of ML-DSA-44 all fail in the same way, and slowly.
    const signatures = utf8Text(file)!.indexOf('\n— ');
    const step = process.env['LIMMAT_LONG'] === undefined ? 3 : 1;
    for (let at = 0; at < file.length; at += at < signatures + 200 ? step : 59) {
      const changed = file.slice();
      changed[at]! ^= 1;
      await refusal({ ...options, trust, proofFile: changed });
      await refusal({ ...options, trust, proofFile: file.slice(0, at) });
    }
  });

  test('has a test for each refusal', () => {
    expect([...met].toSorted()).toEqual([...REFUSALS].toSorted());
  });
});

function flipped(hash: Uint8Array): Hash {
  const copy = hash.slice();
  copy[0]! ^= 1;
  return asHash(copy);
}
