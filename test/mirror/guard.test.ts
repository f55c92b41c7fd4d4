import { describe, expect, it } from 'vitest';
import { memoryMedium } from '../../src/adapters/memory.ts';
import type { MemoryMedium } from '../../src/adapters/memory.ts';
import { utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { formatGuard, parseGuard } from '../../src/mirror/guard.ts';
import { START_SECONDS, differences, mirrorWorld, openMirrorNote, pullOnce } from '../support/mirror-world.ts';
import type { MirrorWorld } from '../support/mirror-world.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';

/** What a backup of the store would hold. */
function backup(medium: MemoryMedium): MemoryMedium {
  const { tiles, bundles, leaves, state } = medium;
  return {
    ...memoryMedium(),
    head: medium.head,
    published: medium.published,
    tiles: new Map(tiles),
    bundles: new Map(bundles),
    leaves: new Map(leaves),
    state: new Map(state),
  };
}

function restore(medium: MemoryMedium, from: MemoryMedium): void {
  medium.head = from.head;
  medium.published = from.published;
  for (const name of ['tiles', 'bundles', 'leaves', 'state'] as const) {
    const target: Map<unknown, unknown> = medium[name];
    target.clear();
    for (const [key, value] of from[name]) target.set(key, value);
  }
}

/** A mirror that has signed 500 entries, and whose copy is again as it was at 300. */
async function restored(): Promise<MirrorWorld> {
  const world = await mirrorWorld(300);
  const log = await world.open();
  await pullOnce(world, log);
  const old = backup(world.medium);
  world.served.entries.push(...numberedEntries(200, 300));
  world.clock.seconds += 100;
  await world.served.publish(world.clock.seconds);
  await pullOnce(world, log);
  expect(world.guard.head).toMatchObject({ size: 500, timestampSeconds: START_SECONDS + 100 });
  restore(world.medium, old);
  return world;
}

describe('a mirror whose copy is from another time', () => {
  it('signs nothing that is smaller than what it signed, and goes on from there', async () => {
    const world = await restored();
    const log = await world.open();
    expect(log.published?.size).toBe(300);
    // A cache that shows the log as it was.
    await world.served.publish(START_SECONDS + 50, { size: 400 });
    await expect(pullOnce(world, log)).rejects.toMatchObject({ code: 'guard-mismatch' });
    expect(log.published?.size).toBe(300);
    // A clock that is slow does not make it state an earlier time.
    world.clock.seconds = START_SECONDS + 60;
    await world.served.publish(START_SECONDS + 101);
    await pullOnce(world, log);
    expect(await differences(world, log)).toEqual([]);
    const { verified } = await openMirrorNote(world, log.published!.note);
    expect(verified.slice(2).map(({ timestampSeconds }) => timestampSeconds)).toEqual([
      START_SECONDS + 100,
      START_SECONDS + 100,
    ]);
  });

  it('signs no other branch than the one that it signed', async () => {
    const world = await restored();
    const log = await world.open();
    const other = new ServedLog(numberedEntries(600).with(450, utf8('another past')));
    await other.publish(START_SECONDS + 200);
    const reader = httpReader({ url: world.reader.url, fetch: other.fetch });
    await expect(pullOnce({ reader }, log)).rejects.toMatchObject({ code: 'guard-mismatch' });
    expect(log.published?.size).toBe(300);
    expect(world.guard.head?.size).toBe(500);
  });

  it('signs nothing when its guard is gone, until the copy is fetched anew', async () => {
    const world = await restored();
    world.guard.head = undefined;
    const log = await world.open();
    await expect(pullOnce(world, log)).rejects.toMatchObject({ code: 'guard-missing' });
    restore(world.medium, memoryMedium());
    const fresh = await world.open();
    await pullOnce(world, fresh);
    expect(fresh.published?.size).toBe(500);
  });

  it('writes the guard before it signs', async () => {
    const world = await mirrorWorld(3);
    const log = await world.open();
    world.guard.write = () => Promise.reject(new Error('the disk is full'));
    await expect(pullOnce(world, log)).rejects.toThrow('the disk is full');
    expect(log.published).toBeUndefined();
  });
});

describe('a guard as text', () => {
  const head = { size: 3, rootHash: asHash(new Uint8Array(32).fill(7)), timestampSeconds: 1_790_000_000 };

  it('reads what it writes, and nothing else', () => {
    const bytes = formatGuard(head);
    expect(parseGuard(bytes, 'guard')).toEqual(head);
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.with(i, bytes[i]! ^ 1);
      let found: unknown;
      try {
        found = parseGuard(changed, 'guard');
      } catch (error) {
        expect(error).toMatchObject({ code: 'store-corrupt' });
        continue;
      }
      // Another digit is another guard; it is well-formed all the same.
      expect(found).not.toEqual(head);
    }
    expect(() => parseGuard(bytes.subarray(0, -1), 'guard')).toThrow(/no guard of a mirror/);
    expect(() => parseGuard(utf8('null\n'), 'guard')).toThrow(/no guard of a mirror/);
  });
});
