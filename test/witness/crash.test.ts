// What comes between the two writes and the signature, and copies from another time.

import { describe, expect, test } from 'vitest';
import { MemoryWitnessPlace } from '../../src/adapters/memory/witness-store.ts';
import { utf8, toHex } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import { parseNote } from '../../src/note/note.ts';
import { noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { testKey } from '../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { WITNESS_NAME, WitnessedTestLog, forkedTree, witnessWorld } from '../support/witness-world.ts';

const TREE = rfcTestTree(100);
const log = new WitnessedTestLog('log.example/a', TREE);
const fork = new WitnessedTestLog('log.example/a', forkedTree(5, 100));
const HASH = toHex(portableHasher.sha256(utf8('log.example/a')));

/** Throws at one moment of one write, once it is armed. */
function faultAt(when: 'before' | 'after'): { readonly faults: (moment: string) => void; arm(times?: number): void } {
  let left = 0;
  return {
    faults: (moment) => {
      if (moment !== when || left === 0) return;
      left--;
      throw new Error('no space left on device');
    },
    arm: (times = 1) => (left = times),
  };
}

describe('a write that fails', () => {
  const places = [
    'before the store has it',
    'after the store has it',
    'before the guard has it',
    'after the guard has it',
  ];

  test.each(places)(
    '%s: nothing is signed, and the same request or another is answered as it should be',
    async (what) => {
      const fault = faultAt(what.startsWith('before') ? 'before' : 'after');
      const atStore = what.includes('store');
      const { witness, place } = await witnessWorld({
        logs: [log],
        ...(atStore ? { storeFaults: fault.faults } : { guardFaults: fault.faults }),
      });
      await witness.addCheckpoint(await log.request(0, 10));
      fault.arm();
      const answers = await Promise.allSettled([
        witness.addCheckpoint(await log.request(10, 20)),
        witness.addCheckpoint(await log.request(10, 20)),
      ]);
      for (const answer of answers) {
        // The second one may come behind the failure, and finds 20 remembered or not.
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'outcome-unknown' });
        else expect([200, 409]).toContain(answer.value.status);
      }
      const again = await witness.addCheckpoint(await log.request(10, 20));
      const retried = again.status === 409 ? await witness.addCheckpoint(await log.request(20, 20)) : again;
      expect(retried).toMatchObject({ status: 200 });
      expect(await witness.addCheckpoint(await fork.request(10, 20))).toMatchObject({ status: 409 });
      expect(await witness.addCheckpoint(await fork.request(20, 30))).toMatchObject({ status: 422 });
      expect(place.guarded!.sequence).toBe(place.mark!.sequence);
    },
  );

  test('again and again keeps it from signing, until it succeeds', async () => {
    const fault = faultAt('before');
    const { witness, place } = await witnessWorld({ logs: [log], guardFaults: fault.faults });
    await witness.addCheckpoint(await log.request(0, 10));
    fault.arm(5);
    // After the first one the guard is behind the store, and has to follow before anything else is done.
    for (let i = 0; i < 5; i++) {
      await expect(witness.addCheckpoint(await log.request(10, 11 + i))).rejects.toThrow(/recorded|device/u);
      expect(witness.status().isSound).toBe(false);
      expect(place.mark!.sequence - place.guarded!.sequence).toBe(1);
    }
    expect(await witness.addCheckpoint(await log.request(10, 50))).toMatchObject({ status: 409, size: 11 });
    expect(await witness.addCheckpoint(await log.request(11, 50))).toMatchObject({ status: 200 });
    expect(witness.status().isSound).toBe(true);
  });
});

describe('a crash', () => {
  test('anywhere, at random, never leads to two histories or to a witness that does not start', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const place = new MemoryWitnessPlace();
    const signed = new Map<number, string>();
    const recording = (signer: CheckpointSigner): CheckpointSigner => ({
      ...signer,
      sign: (text, seconds) => {
        const { size, rootHash } = parseCheckpoint(text);
        const root = toHex(rootHash);
        expect(signed.get(size) ?? root, `seed ${seed}`).toBe(root);
        signed.set(size, root);
        return signer.sign(text, seconds);
      },
    });
    const signer = recording(
      noteSigner(testKey(WITNESS_NAME, SIGNATURE_TYPE.cosignatureEd25519, 24, nodeCrypto), nodeCrypto),
    );
    for (let life = 0; life < 60; life++) {
      let isDead = false;
      const maybe = (): void => {
        if (isDead || random() < 0.15) {
          isDead = true;
          throw new Error('killed');
        }
      };
      let isOpen = false;
      const world = await witnessWorld({
        logs: [log],
        place,
        storeFaults: () => isOpen && maybe(),
        guardFaults: () => isOpen && maybe(),
        more: { signers: [signer] },
      });
      isOpen = true;
      for (let n = 0; n < 8; n++) {
        const side = random() < 0.5 ? log : fork;
        const known = world.witness.logs()[0]!.head?.size ?? 0;
        const size = Math.min(99, known + between(random, 0, 4));
        await world.witness.addCheckpoint(await side.request(known, size)).catch(() => undefined);
      }
      // Killed: nothing is closed and nothing is written any more.
      isDead = true;
    }
    const sizes = [...signed.keys()];
    expect(sizes.length, `seed ${seed}`).toBeGreaterThan(5);
    const holds = [log, fork].filter((side) => [...signed].every(([size, root]) => toHex(side.root(size)) === root));
    expect(holds.length, `seed ${seed}`).toBeGreaterThan(0);
  });

  test('between the commit and the signature: the log goes on from there, and readers get a cosignature made anew', async () => {
    const place = new MemoryWitnessPlace();
    const first = await witnessWorld({ logs: [log], place });
    await first.witness.addCheckpoint(await log.request(0, 10));
    // Nothing of the cosigned notes was written, as nobody closed.
    expect(place.cosigned.size).toBe(0);
    const { witness } = await witnessWorld({ logs: [log], place });
    const note = parseNote((await witness.checkpoint(HASH))!);
    expect(note.signatures.map(({ name }) => name)).toEqual([log.origin, WITNESS_NAME]);
    expect(parseCheckpoint(note.text).size).toBe(10);
    expect(await witness.addCheckpoint(await log.request(10, 20))).toMatchObject({ status: 200 });
    await witness.close();
    expect(parseCheckpoint(parseNote(place.cosigned.get(log.origin)!).text).size).toBe(20);
  });
});

describe('the guard', () => {
  test('refuses a backup of the data', async () => {
    const place = new MemoryWitnessPlace();
    const { witness } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    const backup = place.copy();
    await witness.addCheckpoint(await log.request(10, 20));
    backup.guarded = place.guarded;
    await expect(witnessWorld({ logs: [log], place: backup })).rejects.toMatchObject({
      code: 'guard-mismatch',
      details: { storeSequence: place.mark!.sequence - 1, guardSequence: place.mark!.sequence },
    });
    // And one that somebody went on with elsewhere, until it was as far.
    const elsewhere = backup.copy();
    elsewhere.guarded = { ...backup.mark! };
    const other = await witnessWorld({ logs: [log], place: elsewhere });
    await other.witness.addCheckpoint(await log.request(10, 30));
    elsewhere.guarded = place.guarded;
    expect(elsewhere.mark!.sequence).toBe(place.mark!.sequence);
    await expect(witnessWorld({ logs: [log], place: elsewhere })).rejects.toMatchObject({ code: 'guard-mismatch' });
  });

  test('lets the ordinary crash pass, one commit ahead, and follows it', async () => {
    const place = new MemoryWitnessPlace();
    const { witness } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    const { guarded } = place;
    await witness.addCheckpoint(await log.request(10, 20));
    place.guarded = guarded;
    const again = await witnessWorld({ logs: [log], place });
    expect(place.guarded!.sequence).toBe(place.mark!.sequence);
    expect(again.witness.logs()[0]!.head!.size).toBe(20);
    // Two commits ahead is no crash.
    await again.witness.addCheckpoint(await log.request(20, 21));
    place.guarded = guarded;
    await expect(witnessWorld({ logs: [log], place })).rejects.toMatchObject({ code: 'guard-mismatch' });
  });

  test('that is missing, or another witness’s, keeps it from starting, and so do missing data', async () => {
    const place = new MemoryWitnessPlace();
    const { witness } = await witnessWorld({ logs: [log], place });
    await witness.addCheckpoint(await log.request(0, 10));
    const { guarded } = place;
    place.guarded = undefined;
    await expect(witnessWorld({ logs: [log], place })).rejects.toMatchObject({ code: 'guard-missing' });
    await expect(witnessWorld({ logs: [log], place, init: true })).rejects.toMatchObject({ code: 'bad-config' });
    place.guarded = { ...guarded!, name: 'witness.example/other' };
    await expect(witnessWorld({ logs: [log], place })).rejects.toMatchObject({ code: 'wrong-log' });
    const empty = new MemoryWitnessPlace();
    await expect(witnessWorld({ logs: [log], place: empty, init: false })).rejects.toMatchObject({
      code: 'state-missing',
    });
    empty.guarded = guarded;
    for (const init of [false, true]) {
      await expect(witnessWorld({ logs: [log], place: empty, init })).rejects.toMatchObject({ code: 'state-missing' });
    }
  });

  test('and data of a first start that was interrupted are begun again', async () => {
    const place = new MemoryWitnessPlace();
    await witnessWorld({ logs: [log], place });
    place.guarded = undefined;
    await expect(witnessWorld({ logs: [log], place, init: true })).resolves.toBeDefined();
  });
});
