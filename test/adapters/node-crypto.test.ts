import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import {
  createSigningThreads,
  createVerifierPool,
  makeNodeCrypto,
  nodeCrypto,
  nodeHasher,
} from '../../src/adapters/node-crypto.ts';
import { packJobs, unpackJobs } from '../../src/adapters/node-crypto/packed.ts';
import { openLibsodium } from '../../src/adapters/node-crypto/libsodium.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import type { CryptoSuite, SignatureAlgorithm } from '../../src/crypto/suite.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { cryptoContract, mixedJobs, mixedOrderSignatures, testSecret } from '../support/crypto-contract.ts';

const withoutMldsa44 = makeNodeCrypto({ mldsa44: 'portable' }).suite;

cryptoContract('nodeCrypto', nodeCrypto, portableCrypto);
cryptoContract('nodeCrypto on a runtime without ML-DSA', withoutMldsa44, portableCrypto);
cryptoContract('nodeCrypto without libsodium', makeNodeCrypto({ ed25519: 'openssl' }).suite, portableCrypto);
cryptoContract('portableCrypto, given native signatures,', portableCrypto, nodeCrypto);

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

test('libsodium verifies where its package is installed for this platform', async () => {
  const installed = readdirSync(new URL('../../node_modules', import.meta.url)).includes('sodium-native');
  const verify = openLibsodium();
  if (!installed) return expect(verify).toBeUndefined();
  const message = Uint8Array.of(4, 5);
  const signature = await portableCrypto.ed25519.sign(testSecret(2), message);
  expect(verify?.(signature, message, portableCrypto.ed25519.publicKey(testSecret(2)))).toBe(true);
  expect(verify?.(signature, message, portableCrypto.ed25519.publicKey(testSecret(3)))).toBe(false);
});

test('native and portable agree on any Ed25519 key and signature that a fuzzer finds', async () => {
  const message = Uint8Array.of(1, 2, 3);
  const publicKey = nodeCrypto.ed25519.publicKey(testSecret(1));
  const good = await nodeCrypto.ed25519.sign(testSecret(1), message);
  const mutated = fc.tuple(fc.nat(63), fc.nat(255)).map(([i, byte]) => good.with(i, byte));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(bytes(32), fc.constant(publicKey)),
      fc.oneof(bytes(64), mutated, fc.constant(good)),
      async (key, signature) => {
        const portable = await portableCrypto.ed25519.verify(key, message, signature);
        expect(await nodeCrypto.ed25519.verify(key, message, signature)).toBe(portable);
      },
    ),
    { numRuns: 150 },
  );
});

test('remembering more keys than the cache holds changes no answer', async () => {
  const message = Uint8Array.of(9);
  const signers = Array.from({ length: 1300 }, (_, i) => {
    const secret = testSecret(1);
    secret[0] = i % 256;
    secret[1] = Math.floor(i / 256);
    return secret;
  });
  const jobs = await Promise.all(
    signers.map(async (secret) => ({
      algorithm: 'Ed25519' as const,
      publicKey: nodeCrypto.ed25519.publicKey(secret),
      message,
      signature: await nodeCrypto.ed25519.sign(secret, message),
    })),
  );
  for (let round = 0; round < 2; round++) {
    expect((await nodeCrypto.verifyMany(jobs)).every(Boolean)).toBe(true);
    const shifted = jobs.map((job, i) => ({ ...job, publicKey: jobs[(i + 1) % jobs.length]!.publicKey }));
    expect((await nodeCrypto.verifyMany(shifted)).some(Boolean)).toBe(false);
  }
});

describe('nodeHasher', () => {
  const entries = [0, 1, 31, 32, 33, 64, 65, 1000, 4095, 4096, 8192, 65_535, 70_000].map((length) =>
    Uint8Array.from({ length }, (_, i) => i % 251),
  );

  test('gives the portable hashes for entries of every length, the large ones before the small ones too', () => {
    for (const entry of [...entries, ...entries.toReversed()]) {
      expect(toHex(nodeHasher.leafHash(entry))).toBe(toHex(portableHasher.leafHash(entry)));
      expect(toHex(nodeHasher.sha256(entry))).toBe(toHex(portableHasher.sha256(entry)));
      const out = new Uint8Array(96).fill(7);
      nodeHasher.leafHashInto(entry, out, 33);
      const expected = new Uint8Array(96).fill(7);
      portableHasher.leafHashInto(entry, expected, 33);
      expect(out).toEqual(expected);
    }
  });

  test('gives the portable node hashes and refuses what is no hash', () => {
    const [left, right] = [portableHasher.sha256(entries[1]!), portableHasher.sha256(entries[2]!)];
    expect(toHex(nodeHasher.nodeHash(left, right))).toBe(toHex(portableHasher.nodeHash(left, right)));
    expect(() => nodeHasher.nodeHash(left, right.subarray(1))).toThrow(RangeError);
  });

  test('folds a level as the portable hasher does, also over its own input', () => {
    const level = entries[8]!.slice(0, 4064);
    for (const [from, count, to] of [
      [0, 63, 0],
      [32, 10, 32],
      [64, 3, 0],
      [0, 0, 0],
    ] as const) {
      const native = level.slice();
      const portable = level.slice();
      nodeHasher.foldPairs(native, from, count, native, to);
      portableHasher.foldPairs(portable, from, count, portable, to);
      expect(native).toEqual(portable);
    }
  });

  test('never writes past the memory it is given', () => {
    expect(() => nodeHasher.leafHashInto(entries[0]!, new Uint8Array(40), 9)).toThrow(RangeError);
    expect(() => nodeHasher.foldPairs(new Uint8Array(128), 0, 2, new Uint8Array(63), 0)).toThrow(RangeError);
  });

  test('does not change what it returned when it is used again', () => {
    const first = nodeHasher.leafHash(entries[3]!);
    const copy = toHex(first);
    nodeHasher.leafHash(entries[4]!);
    expect(toHex(first)).toBe(copy);
  });
});

describe('a packed block', () => {
  test('holds the jobs unchanged', async () => {
    const jobs = await mixedJobs(nodeCrypto, 12);
    expect(unpackJobs(packJobs(jobs))).toEqual(jobs);
    expect(unpackJobs(packJobs([]))).toEqual([]);
  });
});

describe('the verifier pool', () => {
  const pool = createVerifierPool({ threads: 2 });
  const pooled: CryptoSuite = { ...nodeCrypto, verifyMany: pool.verifyMany };
  afterAll(() => pool.close());

  cryptoContract('a suite with a pool', pooled, nodeCrypto);

  test('answers large, small, empty and interleaved requests as verifyMany does', async () => {
    const jobs = [...(await mixedJobs(nodeCrypto, 700)), ...mixedOrderSignatures().map(({ job }) => job)];
    const expected = await nodeCrypto.verifyMany(jobs);
    const [all, singles, none] = await Promise.all([
      pool.verifyMany(jobs),
      Promise.all(jobs.map(async (job) => (await pool.verifyMany([job]))[0])),
      pool.verifyMany([]),
    ]);
    expect(all).toEqual(expected);
    expect(singles).toEqual(expected);
    expect(none).toEqual([]);
    expect(await pool.verifyMany(jobs.slice(0, 2))).toEqual(expected.slice(0, 2));
  });

  test('answers what is under way before it closes, and nothing afterwards', async () => {
    const closing = createVerifierPool({ threads: 1 });
    const jobs = await mixedJobs(nodeCrypto, 200);
    const answer = closing.verifyMany(jobs);
    await closing.close();
    expect(await answer).toEqual(await nodeCrypto.verifyMany(jobs));
    await expect(closing.verifyMany(jobs)).rejects.toMatchObject({ code: 'shutting-down' });
    await closing.close();
  });

  test('verifies on its own thread when the others cannot start', async () => {
    const workerUrl = pathToFileURL('/nowhere/verify-worker.ts');
    const broken = createVerifierPool({ threads: 2, workerUrl });
    const jobs = await mixedJobs(nodeCrypto, 300);
    const expected = await nodeCrypto.verifyMany(jobs);
    expect(await broken.verifyMany(jobs)).toEqual(expected);
    expect(await broken.verifyMany(jobs)).toEqual(expected);
    await broken.close();
  });

  test('verifies again what a thread had before it when it died, and starts another one', async () => {
    // Answers its first block with "none holds" and dies of the second.
    const program = `import { parentPort } from 'node:worker_threads';
      let blocks = 0;
      parentPort.on('message', () => (blocks++ === 0 ? parentPort.postMessage(new ArrayBuffer(8)) : process.exit(1)));`;
    const workerUrl = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const dying = createVerifierPool({ threads: 1, workerUrl });
    const jobs = (await mixedJobs(nodeCrypto, 8)).map((job) => ({ ...job, message: new Uint8Array(3) }));
    const good = await mixedJobs(nodeCrypto, 8);
    const none = jobs.map(() => false);
    const expected = await nodeCrypto.verifyMany(good);
    for (let round = 0; round < 3; round++) {
      expect(await dying.verifyMany(jobs)).toEqual(none);
      expect(await dying.verifyMany(good)).toEqual(expected);
    }
    await dying.close();
  });

  test('does not keep a process alive that has nothing else to do', () => {
    const program = `import { createVerifierPool } from './src/adapters/node-crypto.ts';
      const job = { algorithm: 'Ed25519', publicKey: new Uint8Array(32), message: new Uint8Array(1), signature: new Uint8Array(64) };
      const answers = await createVerifierPool({ threads: 2 }).verifyMany(Array.from({ length: 300 }, () => job));
      console.log(answers.length);`;
    const options = { cwd: join(import.meta.dirname, '..', '..'), encoding: 'utf8', timeout: 20_000 } as const;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '300\n' });
  });

  test('wants at least one thread', () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) expect(() => createVerifierPool({ threads })).toThrow(RangeError);
  });
});

describe('threads that sign', () => {
  const here = nodeCrypto.mldsa44;
  const { publicKeySize, secretSize } = here;
  const secrets = [1, 2].map((byte) => new Uint8Array(secretSize).fill(byte));
  const messages = Array.from({ length: 60 }, (_, i) => new TextEncoder().encode(`message ${i}`));

  async function allHold(signer: SignatureAlgorithm): Promise<boolean[]> {
    return Promise.all(
      messages.map(async (message, i) => {
        const secret = secrets[i % 2]!;
        return here.verify(here.publicKey(secret), message, await signer.sign(secret, message));
      }),
    );
  }

  test('sign each message with its own key', async () => {
    expect(here.publicKey(secrets[0]!)).toHaveLength(publicKeySize);
    const threads = createSigningThreads(here, { threads: 2 });
    expect(await allHold(threads.algorithm)).toEqual(messages.map(() => true));
    const one = await threads.algorithm.sign(secrets[0]!, messages[0]!);
    expect(await here.verify(here.publicKey(secrets[0]!), messages[0]!, one)).toBe(true);
    await expect(threads.algorithm.sign(new Uint8Array(31), messages[0]!)).rejects.toMatchObject({ code: 'bad-key' });
    await threads.close();
    await expect(threads.algorithm.sign(secrets[0]!, messages[0]!)).rejects.toMatchObject({ code: 'shutting-down' });
  });

  test('sign on the calling thread where no other starts', async () => {
    const workerUrl = pathToFileURL('/nowhere/sign-worker.ts');
    const threads = createSigningThreads(here, { threads: 1, workerUrl });
    expect(await allHold(threads.algorithm)).toEqual(messages.map(() => true));
    await threads.close();
  });

  test('end before the process does, and keep none alive', () => {
    const program = `import { createSigningThreads, nodeCrypto } from './src/adapters/node-crypto.ts';
      const { algorithm } = createSigningThreads(nodeCrypto.mldsa44, { threads: 1 });
      const secret = new Uint8Array(32);
      const all = await Promise.all(Array.from({ length: 20 }, () => algorithm.sign(secret, secret)));
      console.log(all.length);`;
    const options = { cwd: join(import.meta.dirname, '..', '..'), encoding: 'utf8', timeout: 20_000 } as const;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '20\n' });
  });
});

describe('a pool that stands in for one algorithm', () => {
  test('verifies as the algorithm does', async () => {
    const pool = createVerifierPool({ threads: 1, cachedKeys: 2 });
    const jobs = await mixedJobs(nodeCrypto, 60);
    const inPool = { Ed25519: pool.within(nodeCrypto.ed25519), 'ML-DSA-44': pool.within(nodeCrypto.mldsa44) };
    const chosen = jobs.flatMap(({ algorithm, ...rest }) =>
      algorithm === 'ECDSA-P256' ? [] : [{ algorithm, ...rest }],
    );
    const answers = await Promise.all(
      chosen.map(({ algorithm, publicKey, message, signature }) =>
        inPool[algorithm].verify(publicKey, message, signature),
      ),
    );
    expect(answers).toEqual(await nodeCrypto.verifyMany(chosen));
    expect(new Set(answers)).toEqual(new Set([true, false]));
    await pool.close();
  });
});
