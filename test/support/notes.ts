// Keys and checkpoints for tests, and grease: signature lines that no reader knows and every reader must tolerate.

import { concat, uintBytes } from '../../src/bytes.ts';
import type { CryptoSuite } from '../../src/crypto/suite.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../src/note/key.ts';
import type { SignatureTypeByte, SignerKey } from '../../src/note/key.ts';
import { formatSignatureLine } from '../../src/note/note.ts';

export const ORIGIN = 'limmat.example/log';

/** A key from a seed of one repeated byte. */
export function testKey(name: string, type: SignatureTypeByte, fill: number, crypto?: CryptoSuite): SignerKey {
  return generateSignerKey(name, type, (length) => new Uint8Array(length).fill(fill), crypto);
}

export const logKey: SignerKey = testKey(ORIGIN, SIGNATURE_TYPE.ed25519, 1);
export const headKey: SignerKey = testKey(ORIGIN, SIGNATURE_TYPE.mldsa44, 2);
export const witnessKey: SignerKey = testKey('witness.example/w1', SIGNATURE_TYPE.cosignatureEd25519, 3);

/** The text of a checkpoint whose root hash is made up. */
export function checkpointText(size: number, origin: string = ORIGIN): string {
  return formatCheckpoint({ origin, size, rootHash: portableHasher.sha256(uintBytes(size, 8)) });
}

/** Numbers in [0, below) from a seed: the same every time. */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/**
 * Lines by nobody: unknown names, a known name with an unknown id, a known id with an unknown name, unknown types and
 * lengths from one byte to those of post-quantum signatures.
 */
export function greaseLines(count: number, next: (below: number) => number): string[] {
  const names = [ORIGIN, 'witness.example/w1', 'grease.example', 'Zürich', '未来', '—', 'a'.repeat(300)];
  const lengths = [1, 2, 64, 71, 72, 100, 2420, 2428, 4627];
  return Array.from({ length: count }, () => {
    const signature = new Uint8Array(lengths[next(lengths.length)]!).map(() => next(256));
    const keyId = next(5) === 0 ? logKey.keyId : next(2 ** 31 - 1);
    const name = names[next(names.length)]!;
    // Never the pair of a known key, which must verify.
    const known = name === ORIGIN && keyId === logKey.keyId;
    return formatSignatureLine(known ? `${name}x` : name, keyId, concat(signature));
  });
}

/** The lines in another order. */
export function shuffled<T>(items: readonly T[], next: (below: number) => number): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = next(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
