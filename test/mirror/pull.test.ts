import { describe, expect, it } from 'vitest';
import type { MemoryFaults } from '../../src/adapters/memory.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { parseNote } from '../../src/note/note.ts';
import {
  MIRROR_NAME,
  START_SECONDS,
  differences,
  mirrorWorld,
  openMirrorNote,
  pullOnce,
} from '../support/mirror-world.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { ServedLog, fixedSigner, numberedEntries } from '../support/served-log.ts';

async function codeOf(task: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await task;
    return 'none';
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
}

describe('pulling a log', () => {
  it.each([0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 16_384, 16_700])(
    'of %i entries copies every resource byte for byte and cosigns its checkpoint',
    async (size) => {
      const world = await mirrorWorld(size);
      const log = await world.open();
      expect(await pullOnce(world, log)).toEqual({ logSize: size, entries: size, isCurrent: true });
      expect(await differences(world, log)).toEqual([]);
      const { note } = log.published!;
      const { checkpoint, verified } = await openMirrorNote(world, note);
      expect(checkpoint.size).toBe(size);
      expect(verified.map(({ verifier }) => verifier.name)).toEqual([
        world.served.origin,
        world.served.origin,
        MIRROR_NAME,
        MIRROR_NAME,
      ]);
      expect(verified.slice(2).map(({ timestampSeconds }) => timestampSeconds)).toEqual([START_SECONDS, START_SECONDS]);
      // The log's part of it is the log's, byte for byte.
      expect(new TextDecoder().decode(note).startsWith(new TextDecoder().decode(world.served.checkpoint))).toBe(true);
    },
    60_000,
  );

  it('as it grows copies only what is new, from whatever size to whatever size', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const world = await mirrorWorld(0);
    let log = await world.open();
    await pullOnce(world, log);
    for (let i = 0; i < 25; i++) {
      world.served.entries.push(...numberedEntries(between(random, 0, 300), world.served.entries.length));
      world.clock.seconds += 10;
      await world.served.publish(world.clock.seconds);
      const before = log.nextEntry;
      const report = await pullOnce(world, log);
      expect(report, `seed ${seed}`).toEqual({
        logSize: world.served.entries.length,
        entries: world.served.entries.length - before,
        isCurrent: true,
      });
      if (i % 6 === 0) {
        await log.close();
        log = await world.open();
        expect(log.published?.size, `seed ${seed}`).toBe(world.served.entries.length);
      }
    }
    expect(await differences(world, log), `seed ${seed}`).toEqual([]);
  }, 60_000);

  it('keeps the cosignatures of others, and replaces lines in its own name', async () => {
    const world = await mirrorWorld(3);
    const witness = fixedSigner('witness.example/w1', SIGNATURE_TYPE.cosignatureEd25519);
    const impostor = fixedSigner(MIRROR_NAME, SIGNATURE_TYPE.cosignatureEd25519);
    await world.served.publish(START_SECONDS, { signers: [...world.served.signers, witness, impostor] });
    const log = await world.open();
    await pullOnce(world, log);
    const names = parseNote(log.published!.note).signatures.map(({ name }) => name);
    expect(names).toEqual([world.served.origin, world.served.origin, 'witness.example/w1', MIRROR_NAME, MIRROR_NAME]);
  });

  it('never states an earlier time than before, and signs an idle log again after a while', async () => {
    const world = await mirrorWorld(3);
    const log = await world.open();
    await pullOnce(world, log);
    const first = log.published!;
    await pullOnce(world, log);
    expect(log.published).toBe(first);
    world.clock.seconds -= 50;
    await world.served.publish(START_SECONDS + 5);
    await pullOnce(world, log);
    const second = log.published!;
    const timesOf = async (note: Uint8Array) =>
      (await openMirrorNote(world, note)).verified.slice(2).map(({ timestampSeconds }) => timestampSeconds);
    expect(await timesOf(second.note)).toEqual([START_SECONDS, START_SECONDS]);
    world.clock.seconds = START_SECONDS + 3601;
    await pullOnce(world, log);
    expect(await timesOf(log.published!.note)).toEqual([START_SECONDS + 3601, START_SECONDS + 3601]);
  });

  it('signs nothing while the clock cannot be believed, and goes on when it is right again', async () => {
    const world = await mirrorWorld(3);
    const log = await world.open();
    await pullOnce(world, log);
    const first = log.published!;
    for (const jumpSeconds of [86_400, -61, 61]) {
      world.clock.seconds += jumpSeconds;
      world.clock.jumpedSeconds = jumpSeconds;
      await world.served.publish(START_SECONDS + 5);
      await expect(pullOnce(world, log), `${jumpSeconds}`).rejects.toMatchObject({ code: 'clock-behind' });
      expect(log.published).toBe(first);
      world.clock.seconds -= jumpSeconds;
      world.clock.jumpedSeconds = 0;
    }
    await pullOnce(world, log);
    expect(log.published).not.toBe(first);
  });

  it('takes an older checkpoint of a cache for what it is', async () => {
    const world = await mirrorWorld(300);
    const log = await world.open();
    await pullOnce(world, log);
    await world.served.publish(START_SECONDS - 50, { size: 200 });
    expect(await pullOnce(world, log)).toMatchObject({ logSize: 300, entries: 0 });
    expect(log.stopped).toBeUndefined();
    expect(log.published?.size).toBe(300);
  });
});

describe('a log that lies', () => {
  it.each<[string, (path: string, honest: Uint8Array | null) => Uint8Array | null | undefined, ErrorCode]>([
    ['about an entry', (path, honest) => (path === 'tile/entries/001' ? flipped(honest, 40) : undefined), 'bad-tile'],
    ['about a tile', (path, honest) => (path.startsWith('tile/1/') ? flipped(honest, 3) : undefined), 'bad-tile'],
    [
      'about its last tile',
      (path, honest) => (path.startsWith('tile/0/') ? flipped(honest, 3) : undefined),
      'bad-tile',
    ],
    ['by leaving a bundle out', (path) => (path === 'tile/entries/000' ? null : undefined), 'not-found'],
    [
      'by cutting a bundle short',
      (path, honest) => (path === 'tile/entries/000' ? honest!.slice(0, -1) : undefined),
      'bad-tile',
    ],
    ['about the order', (path) => (path === 'tile/entries/000' ? reordered : undefined), 'bad-tile'],
    ['about its signature', (path, honest) => (path === 'checkpoint' ? flippedBase64(honest!) : undefined), 'bad-note'],
    ['with a checkpoint that is none', (path) => (path === 'checkpoint' ? utf8('hello\n') : undefined), 'malformed'],
  ])('%s is not believed, and what is good is kept', async (_what, tamper, code) => {
    const world = await mirrorWorld(700);
    world.served.tamper = tamper;
    const log = await world.open();
    const found = await codeOf(pullOnce(world, log));
    expect(found).toBe(code);
    expect(log.published).toBeUndefined();
    expect(log.stopped).toBeUndefined();
    world.served.tamper = () => undefined;
    await pullOnce(world, log);
    expect(await differences(world, log)).toEqual([]);
  });

  it('by signing another tree of the same size is left, with its note kept verbatim', async () => {
    const world = await mirrorWorld(300);
    let log = await world.open();
    await pullOnce(world, log);
    const good = log.published!;
    await world.served.publish(START_SECONDS + 9, { rootHash: asHash(new Uint8Array(32).fill(7)) });
    const lie = world.served.checkpoint!;
    expect(await codeOf(pullOnce(world, log))).toBe('fork');
    expect(log.stopped).toContain('two different trees of size 300');
    expect((await log.contradictions()).map(toHex)).toEqual([toHex(lie)]);
    // The good branch stays, over a restart too, and nothing of the log moves it.
    log = await world.open();
    expect(log.published?.note).toEqual(good.note);
    world.served.entries.push(...numberedEntries(10, 300));
    await world.served.publish(START_SECONDS + 20);
    expect(await codeOf(pullOnce(world, log))).toBe('fork');
    expect(log.nextEntry).toBe(300);
    expect(await codeOf(log.publish(300))).toBe('fork');
    // Until the operator says so.
    await log.resume();
    expect(await pullOnce(world, log)).toMatchObject({ entries: 10, isCurrent: true });
    expect(await log.contradictions()).toHaveLength(1);
  });

  it.each([1, 200, 256, 299])('by rewriting its past at %i is left when it grows', async (at) => {
    const world = await mirrorWorld(300);
    const log = await world.open();
    await pullOnce(world, log);
    const other = new ServedLog(numberedEntries(700).with(at, utf8('another past')));
    await other.publish(START_SECONDS + 9);
    const reader = httpReader({ url: world.reader.url, fetch: other.fetch });
    expect(await codeOf(pullOnce({ ...world, reader }, log))).toBe('not-consistent');
    expect(log.stopped).toContain('changed its past');
    expect(log.published?.size).toBe(300);
    expect((await log.contradictions()).map(toHex)).toEqual([toHex(other.checkpoint!)]);
    expect(await differences(world, log)).toEqual([]);
  });

  it('by an older head of another branch is left as well', async () => {
    const world = await mirrorWorld(300);
    const log = await world.open();
    await pullOnce(world, log);
    await world.served.publish(START_SECONDS - 9, { size: 200, rootHash: asHash(new Uint8Array(32).fill(7)) });
    expect(await codeOf(pullOnce(world, log))).toBe('not-consistent');
    expect(log.stopped).toBeDefined();
  });

  it('by going back in size at a later time is left', async () => {
    const world = await mirrorWorld(300);
    const log = await world.open();
    await pullOnce(world, log);
    await world.served.publish(START_SECONDS + 9, { size: 200 });
    expect(await codeOf(pullOnce(world, log))).toBe('fork');
    expect(log.stopped).toContain('went back');
  });

  it('about what it cannot prove is not convicted for it', async () => {
    const world = await mirrorWorld(300);
    const log = await world.open();
    await pullOnce(world, log);
    world.served.entries.push(...numberedEntries(400, 300));
    await world.served.publish(START_SECONDS + 9);
    world.served.tamper = (path, honest) =>
      path.startsWith('tile/') && !path.includes('entries') ? flipped(honest, 1) : undefined;
    expect(await codeOf(pullOnce(world, log))).toBe('bad-tile');
    expect(log.stopped).toBeUndefined();
  });
});

describe('a mirror that is stopped at any write', () => {
  // Each write of a run fails once before and once after it took effect; then the process is a new one.
  it('goes on from what is durable, and ends with the same bytes', async () => {
    let cut = 0;
    for (let isDone = false; !isDone; cut++) {
      const world = await mirrorWorld(700);
      let step = 0;
      isDone = true;
      const faults: MemoryFaults = () => {
        if (step++ !== cut) return;
        isDone = false;
        throw new Error('the power is gone');
      };
      const first = await world.open(faults);
      const code = await codeOf(pullOnce(world, first));
      if (isDone) {
        expect(code).toBe('none');
        break;
      }
      expect(code).toBe('outcome-unknown');
      // The store as the crash left it: nothing is signed that is not all there.
      const log = await world.open();
      if (log.published !== undefined) expect(await differences(world, log)).toEqual([]);
      await pullOnce(world, log);
      expect(log.published?.size).toBe(700);
      expect(await differences(world, log)).toEqual([]);
    }
    expect(cut).toBeGreaterThanOrEqual(6);
  });

  it('reopens its store in the same process too', async () => {
    const world = await mirrorWorld(700);
    let fails = true;
    const log = await world.open((step, moment) => {
      if (fails && step === 'commit' && moment === 'after') throw new Error('the disk is full');
    });
    expect(await codeOf(pullOnce(world, log))).toBe('outcome-unknown');
    fails = false;
    await pullOnce(world, log);
    expect(await differences(world, log)).toEqual([]);
  });

  it('ends at the next bundle when it is told to, and goes on later', async () => {
    const world = await mirrorWorld(700);
    const log = await world.open();
    const stop = new AbortController();
    world.served.tamper = (path) => {
      if (path === 'tile/entries/000') stop.abort();
      return undefined;
    };
    expect(await pullOnce(world, log, stop.signal)).toMatchObject({ isCurrent: false });
    expect(log.published).toBeUndefined();
    await pullOnce(world, log);
    expect(log.published?.size).toBe(700);
  });

  it('refuses a store whose tree is not the checkpoint’s', async () => {
    const world = await mirrorWorld(700);
    const log = await world.open();
    await pullOnce(world, log);
    for (const [name, bytes] of world.medium.tiles) world.medium.tiles.set(name, flipped(bytes, 5));
    expect(await codeOf(world.open())).toBe('store-corrupt');
  });
});

const reordered = new Uint8Array(
  numberedEntries(256)
    .toReversed()
    .flatMap((entry) => [0, entry.length, ...entry]),
);

function flipped(bytes: Uint8Array | null, at: number): Uint8Array {
  return bytes!.with(at, bytes![at]! ^ 1);
}

/** The note with one character of its last signature changed, which leaves it a note. */
function flippedBase64(note: Uint8Array): Uint8Array {
  const at = note.length - 20;
  return note.with(at, note[at] === 0x41 ? 0x42 : 0x41);
}
