import { describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { utf8Text } from '../../../src/bytes.ts';
import type { Observation } from '../../../src/monitor/evidence/evidence.ts';
import { formatEvidence, parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { signObservation, verifyObservation } from '../../../src/monitor/evidence/observe.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { monitorSigner, monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { testKey } from '../../support/notes.ts';
import { samples } from './samples.ts';
import { NOON, promisingKeys } from './support.ts';

const keys = promisingKeys();
const [evidence, other] = await samples(keys);
const signerOf = (fill: number): ReturnType<typeof monitorSigner> =>
  monitorSigner(testKey('monitor.example/m', SIGNATURE_TYPE.ed25519, fill), nodeCrypto);
const monitor = signerOf(9);
const verifier = monitorVerifier(monitor.vkey, nodeCrypto);
const stranger = monitorVerifier(signerOf(10).vkey, nodeCrypto);

const OBSERVATION: Observation = {
  observer: 'monitor.example/m',
  atSeconds: NOON + 500,
  sources: [{ checkpoint: 1, via: 'peer', atSeconds: NOON + 400 }],
};

describe('an observation', () => {
  test('is the observer’s, by its key', async () => {
    const observed = await signObservation(evidence!, OBSERVATION, monitor);
    expect(observed.observation).toEqual(OBSERVATION);
    const read = parseEvidence(formatEvidence(evidence!, observed)).observed!;
    expect(read).toEqual(observed);
    expect(await verifyObservation(evidence!, read, [verifier])).toBe('signed');
    expect(await verifyObservation(evidence!, read, [stranger, verifier])).toBe('signed');
  });

  test('is signed as a note over a text that names the evidence', async () => {
    const { signature } = await signObservation(evidence!, OBSERVATION, monitor);
    const text = [
      'limmat/observation/v1',
      'fork-same-size',
      'log.example/a',
      evidence!.id,
      `{"atSeconds":${NOON + 500},"observer":"monitor.example/m","sources":[{"atSeconds":${NOON + 400},"checkpoint":1,"via":"peer"}]}`,
      '',
    ].join('\n');
    expect(await verifier.open(`${text}\n${signature}\n`)).toBe(text);
  });

  test('of an unknown observer is worth nothing, and says so', async () => {
    const observed = await signObservation(evidence!, OBSERVATION, monitor);
    expect(await verifyObservation(evidence!, observed, [])).toBe('unknown-observer');
    // Another key of the same name did not sign it; whether the observer has two keys, nobody here knows.
    expect(await verifyObservation(evidence!, observed, [stranger])).toBe('unknown-observer');
  });

  test('does not go with other evidence, or with other words', async () => {
    const observed = await signObservation(evidence!, OBSERVATION, monitor);
    expect(await verifyObservation(other!, observed, [verifier])).toBe('forged');
    for (const observation of [
      { ...OBSERVATION, atSeconds: NOON },
      { ...OBSERVATION, sources: [] },
      { ...OBSERVATION, sources: [{ ...OBSERVATION.sources[0]!, via: 'log' as const }] },
    ]) {
      expect(await verifyObservation(evidence!, { ...observed, observation }, [verifier])).toBe('forged');
    }
    for (const signature of ['', 'x', `${observed.signature}\n${observed.signature}`, `${observed.signature} `]) {
      expect(await verifyObservation(evidence!, { ...observed, signature }, [verifier])).toBe('forged');
    }
  });

  test('is no part of the proof: without it, or with a forged one, the evidence is what it was', async () => {
    const observed = await signObservation(evidence!, OBSERVATION, monitor);
    const forged = { ...observed, observation: { ...OBSERVATION, atSeconds: 1 } };
    for (const beside of [undefined, observed, forged]) {
      const file = parseEvidence(formatEvidence(evidence!, beside));
      expect(await verifyEvidence(file, [keys.log])).toEqual(evidence);
    }
    expect(utf8Text(formatEvidence(evidence!))).not.toContain('monitor.example');
  });

  test('is signed by nobody but the observer that it names, and only about checkpoints that are there', async () => {
    await expect(
      signObservation(evidence!, { ...OBSERVATION, observer: 'monitor.example/x' }, monitor),
    ).rejects.toThrow(RangeError);
    const sources = [{ checkpoint: 2, via: 'peer' as const, atSeconds: NOON }];
    await expect(signObservation(evidence!, { ...OBSERVATION, sources }, monitor)).rejects.toThrow(RangeError);
  });
});
