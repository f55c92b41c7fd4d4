import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyReader } from '../../src/mirror/body-reader.ts';
import { concat } from '../../src/bytes.ts';
import { differences, pullOnce } from '../support/mirror-world.ts';
import { checkpointBody, push, pushWorld, uploadBody } from '../support/push-world.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { numberedEntries } from '../support/served-log.ts';

/** Every answer that the text has for add-entries, and for add-checkpoint; a fault of ours would be a 500. */
const ENTRY_STATUSES = [200, 202, 400, 404, 409, 422];
const CHECKPOINT_STATUSES = [200, 400, 403, 404, 409, 422];

describe('a request with anything in it changed', () => {
  it('is answered as the text says, and leaves nothing behind that is not the log’s', async () => {
    const world = await pushWorld(600, { monotonicMillis: ticking() });
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 600));
    const body = await uploadBody(world, 0, 600);
    await fc.assert(
      fc.asyncProperty(edits(body.length), async (change) => {
        const { status } = await world.post('/add-entries', change(body));
        expect(ENTRY_STATUSES).toContain(status);
        expect(await world.log.rootHashAt(world.log.nextEntry)).toEqual(world.served.rootHash(world.log.nextEntry));
      }),
      { numRuns: 150 },
    );
    expect((await world.post('/add-entries', await uploadBody(world, world.log.nextEntry, 600))).status).toBe(200);
    expect(await differences(world, world.log)).toEqual([]);
  }, 60_000);

  it('is no checkpoint that anybody else signed', async () => {
    const world = await pushWorld(600, { monotonicMillis: ticking() });
    await push(world, 100);
    const body = await checkpointBody(world, 100, 600);
    await fc.assert(
      fc.asyncProperty(edits(body.length), async (change) => {
        const changed = change(body);
        const { status } = await world.post('/add-checkpoint', changed);
        expect(CHECKPOINT_STATUSES).toContain(status);
        expect([100, 600]).toContain(world.log.newest!.size);
        expect(world.log.stopped).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    expect(world.log.published?.size).toBe(100);
  }, 60_000);
});

describe('pulling and pushing side by side', () => {
  it('come to the same copy, whatever comes first', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const world = await pushWorld(0, { monotonicMillis: ticking() });
    const { reader } = world.mirror.logs[0]!.source;
    for (let round = 0; round < 12; round++) {
      world.served.entries.push(...numberedEntries(between(random, 1, 700), world.served.entries.length));
      world.clock.seconds += 5;
      await world.served.publish(world.clock.seconds);
      const size = world.served.entries.length;
      const results = await Promise.allSettled([push(world, size), pullOnce({ reader }, world.log), push(world, size)]);
      expect(world.log.stopped, `seed ${seed}`).toBeUndefined();
      expect(results[1].status, `seed ${seed}`).toBe('fulfilled');
      expect(world.log.published?.size, `seed ${seed}`).toBe(size);
    }
    expect(world.log.nextEntry).toBe(world.served.entries.length);
    expect(await differences(world, world.log), `seed ${seed}`).toEqual([]);
  }, 60_000);
});

describe('a body that is read piece by piece', () => {
  it('gives the same bytes, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 90_000 }), { maxLength: 6 }),
        fc.integer(),
        async (chunks, cut) => {
          const left = [...chunks];
          const reader = new BodyReader(() => Promise.resolve(left.shift()));
          const whole = concat(...chunks);
          let at = 0;
          for (let step = 1; at < whole.length; step++) {
            const count = Math.min(whole.length - at, (Math.abs(cut) % 50_000) + step);
            expect(await reader.ensure(count)).toBe(true);
            expect(reader.at(count - 1)).toBe(whole[at + count - 1]);
            expect(Buffer.compare(reader.take(count), whole.subarray(at, at + count))).toBe(0);
            at += count;
          }
          expect(await reader.ensure(1)).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** One byte more, less or other, or the end gone. */
function edits(length: number): fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> {
  // Half of them at the beginning, where the header is.
  const place = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: length - 1 }));
  return fc.oneof(
    fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(
      ([at, by]) =>
        (b: Uint8Array) =>
          b.with(at, b[at]! ^ by),
    ),
    place.map((at) => (b: Uint8Array) => b.slice(0, at)),
    place.map((at) => (b: Uint8Array) => concat(b.subarray(0, at), b.subarray(at + 1))),
    place.map((at) => (b: Uint8Array) => concat(b.subarray(0, at), Uint8Array.of(0), b.subarray(at))),
  );
}

/** A clock on which requests are a second apart, so that no rate stands in the way. */
function ticking(): () => number {
  let millis = 0;
  return () => (millis += 1000);
}
