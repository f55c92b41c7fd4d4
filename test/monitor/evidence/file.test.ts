import { beforeAll, describe, expect, test } from 'vitest';

import { toBase64, utf8, utf8Text } from '../../../src/bytes.ts';
import { isLimmatError } from '../../../src/errors.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { formatEvidence, parseEvidence } from '../../../src/monitor/evidence/file.ts';
import type { EvidenceFile } from '../../../src/monitor/evidence/file.ts';
import { KINDS } from '../../../src/monitor/evidence/kinds.ts';
import { MAX_EVIDENCE_BYTES } from '../../../src/monitor/evidence/limits.ts';
import { signObservation, verifyObservation } from '../../../src/monitor/evidence/observe.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { canonicalJson, isList, parseCanonicalJson } from '../../../src/monitor/evidence/canonical-json.ts';
import type { JsonValue } from '../../../src/monitor/evidence/canonical-json.ts';
import { monitorSigner, monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { testKey } from '../../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../../support/random.ts';
import { samples } from './samples.ts';
import { NOON, promisingKeys } from './support.ts';

const keys = promisingKeys();
const monitor = monitorSigner(testKey('monitor.example/m', SIGNATURE_TYPE.ed25519, 9), nodeCrypto);
let all: readonly Evidence[];
let observed: Uint8Array;

beforeAll(async () => {
  all = await samples(keys);
  const observation = {
    observer: monitor.name,
    atSeconds: NOON + 500,
    sources: [
      { checkpoint: 0, via: 'log', atSeconds: NOON + 3 },
      { checkpoint: 1, via: 'client', atSeconds: NOON + 400 },
    ],
  } as const;
  observed = formatEvidence(all[1]!, await signObservation(all[1]!, observation, monitor));
});

/** What becomes of a file: refused, or the evidence that it still is. */
async function verdictOn(bytes: Uint8Array): Promise<{ file: EvidenceFile; evidence: Evidence } | 'refused'> {
  try {
    const file = parseEvidence(bytes);
    return { file, evidence: await verifyEvidence(file, [keys.log], nodeHasher) };
  } catch (error) {
    if (isLimmatError(error, 'bad-evidence') || isLimmatError(error, 'unknown-log')) return 'refused';
    throw error;
  }
}

/** True in the midst of base64 that is as long as an ML-DSA-44 signature: no other part has 1,200 characters of it. */
function isInSignature(bytes: Uint8Array, at: number): boolean {
  const around = utf8Text(bytes.subarray(Math.max(0, at - 600), at + 600)) ?? '';
  return /^[A-Za-z0-9+/]{1200}$/.test(around);
}

describe('an evidence file', () => {
  test('of every kind is written, read and verified as what it was', async () => {
    expect(all.map(({ kind }) => kind)).toEqual(Object.keys(KINDS));
    for (const evidence of all) {
      const bytes = formatEvidence(evidence);
      const verdict = await verdictOn(bytes);
      expect(verdict).toEqual({ file: expect.anything(), evidence });
      expect(formatEvidence(parseEvidence(bytes))).toEqual(bytes);
      expect(bytes.length).toBeLessThan(20_000);
    }
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  test('keeps its observation, and can be written without', () => {
    const file = parseEvidence(observed);
    expect(file.observed?.observation.sources).toHaveLength(2);
    expect(formatEvidence(file)).toEqual(observed);
    const { kind, origin, claim } = file;
    expect(parseEvidence(formatEvidence({ kind, origin, claim })).observed).toBeUndefined();
  });

  test('cut short anywhere is none', async () => {
    const bytes = formatEvidence(all[1]!);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseEvidence(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'bad-evidence' }));
    }
  });

  test('of every kind convicts nobody once any byte is changed', async () => {
    // `npm run test:long` changes every byte; here it is every third, beginning anywhere.
    const seed = chooseSeed();
    const step = process.env['LIMMAT_LONG'] === undefined ? 11 : 1;
    const from = between(seededRandom(seed), 0, step);
    // One key each, and both for one: a line of ML-DSA-44 is most of a file, and there is nothing new in the others.
    const [ed25519, mldsa44] = keys.signers.map((signer) => ({ ...keys, signers: [signer] }));
    for (const evidence of [all[1]!, ...(await samples(ed25519, mldsa44))]) {
      const bytes = formatEvidence(evidence);
      for (let at = from; at < bytes.length; at += step) {
        if (evidence !== all[1] && at % 5 !== 0 && isInSignature(bytes, at)) continue;
        const changed = bytes.slice();
        changed[at]! ^= 1;
        const verdict = await verdictOn(changed);
        if (verdict !== 'refused')
          expect([evidence.kind, at, utf8Text(changed.subarray(at - 20, at + 20))]).toBe('refused');
      }
    }
  }, 120_000);

  test('with a changed byte in its observation is still evidence, and the observation is not the observer’s', async () => {
    const original = parseEvidence(observed);
    const start = utf8(utf8Text(observed)!.split('"observation":')[0]!).length;
    const observer = monitorVerifier(monitor.vkey, nodeCrypto);
    let held = 0;
    // What is before it is the proof, as above.
    for (let at = start; at < observed.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const changed = observed.slice();
        changed[at]! ^= bit;
        const verdict = await verdictOn(changed);
        if (verdict === 'refused') continue;
        held++;
        expect(verdict.evidence).toEqual(all[1]);
        expect(verdict.file.claim).toEqual(original.claim);
        const judged = await verifyObservation(verdict.evidence, verdict.file.observed!, [observer]);
        expect([at, bit, judged === 'signed']).toEqual([at, bit, false]);
      }
    }
    expect(held).toBeGreaterThan(100);
  }, 120_000);
});

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

type Path = readonly (string | number)[];

/** The value with another one at that path, or with none there. */
function replaced(value: JsonValue, [name, ...rest]: Path, instead: JsonValue | undefined): JsonValue {
  if (name === undefined) return instead!;
  const entries: (readonly [string, JsonValue])[] = Object.entries(value);
  const others = entries.filter(([other]) => other !== String(name));
  const old = entries.find(([other]) => other === String(name))?.[1] ?? '';
  const members =
    rest.length === 0 && instead === undefined
      ? others
      : [...others, [String(name), replaced(old, rest, instead)] as const];
  if (!isList(value)) return Object.fromEntries(members);
  return members.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, member]) => member);
}

describe('the form of an evidence file', () => {
  /** The file with something else there, canonical again. */
  const changed = (...changes: readonly (readonly [path: Path, instead: JsonValue | undefined])[]): Uint8Array => {
    let value = parseCanonicalJson(observed, { bytes: observed.length, depth: 5 });
    for (const [path, instead] of changes) value = replaced(value, path, instead);
    return utf8(canonicalJson(value));
  };
  const hash = toBase64(new Uint8Array(32));
  const source = { checkpoint: 0, via: 'log', atSeconds: 1 };

  test.each<[string, Path, JsonValue | undefined]>([
    ['another format', ['format'], 'limmat/evidence/v2'],
    ['an unknown kind', ['kind'], 'time-travel'],
    ['a kind that is a name of every object', ['kind'], 'constructor'],
    ['no origin', ['origin'], undefined],
    ['an unknown member', ['note'], 'x'],
    ['an unknown member of the claim', ['claim', 'time'], 1],
    ['an unknown member of the observation', ['observation', 'words'], 'x'],
    ['a claim that is a list', ['claim'], []],
    ['a file that is a text', [], 'evidence'],
    ['no keys', ['claim', 'keys'], undefined],
    ['too many keys', ['claim', 'keys'], times(9, 'x')],
    ['three checkpoints', ['claim', 'checkpoints'], times(3, 'x')],
    ['a checkpoint that is too long', ['claim', 'checkpoints', 0], 'x'.repeat(65_537)],
    ['64 hashes', ['claim', 'consistency'], times(64, hash)],
    ['a hash of 31 bytes', ['claim', 'prefixRoot'], toBase64(new Uint8Array(31))],
    ['a hash in the URL alphabet', ['claim', 'prefixRoot'], hash.replace('A', '_')],
    ['a root that is a number', ['claim', 'prefixRoot'], 7],
    ['an observation without a signature', ['signature'], undefined],
    ['a signature without an observation', ['observation'], undefined],
    ['an observer that is no key name', ['observation', 'observer'], 'a b'],
    ['an observation after the year 9999', ['observation', 'atSeconds'], 253_402_300_800],
    ['a source of a checkpoint that is not there', ['observation', 'sources', 0, 'checkpoint'], 2],
    ['a source that names somebody', ['observation', 'sources', 0, 'via'], 'Ada'],
    ['17 sources', ['observation', 'sources'], times(17, source)],
  ])('refuses %s', (_what, path, instead) => {
    const bytes = changed([path, instead]);
    expect(() => parseEvidence(bytes)).toThrow(expect.objectContaining({ code: 'bad-evidence' }));
  });

  test('allows what is at the bounds', () => {
    const entry = {
      index: 2 ** 53 - 1,
      leaf: toBase64(new Uint8Array(65_535)),
      inclusion: times(63, hash),
      checkpoint: 1,
    };
    const bytes = changed(
      [['claim', 'consistency'], times(63, hash)],
      [['claim', 'entries'], times(4, entry)],
      [['observation', 'sources'], times(16, source)],
    );
    expect(bytes.length).toBeLessThan(MAX_EVIDENCE_BYTES);
    expect(parseEvidence(bytes).claim.entries).toHaveLength(4);
  });

  test.each([
    ['an entry above 65,535 bytes', toBase64(new Uint8Array(65_536))],
    ['a leaf that is no base64', 'ab%='],
    ['a leaf with stray bits', 'AB=='],
  ])('refuses %s', (_what, leaf) => {
    const bytes = changed([['claim', 'entries'], [{ index: 0, leaf, inclusion: [], checkpoint: 0 }]]);
    expect(() => parseEvidence(bytes)).toThrow('a leaf is not');
  });

  test('refuses what is too large or too deep before it is parsed', () => {
    expect(() => parseEvidence(new Uint8Array(MAX_EVIDENCE_BYTES + 1))).toThrow('524289 bytes');
    expect(() => parseEvidence(utf8('['.repeat(MAX_EVIDENCE_BYTES)))).toThrow('more than 5 lists');
    expect(() => parseEvidence(utf8('{"a":'.repeat(100_000)))).toThrow('more than 5 lists');
  });

  test('writes nothing that it would not read', () => {
    const claim = { ...all[1]!.claim, keys: times(9, 'x') };
    expect(() => formatEvidence({ ...all[1]!, claim })).toThrow(RangeError);
  });
});
