// Admission where entries get their places: what is in flight counts, what failed to be written does not.

import { beforeAll, describe, expect, it } from 'vitest';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import { KEY_SPACE } from '../../src/storage.ts';
import type { Growth, LogStorage } from '../../src/storage.ts';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { T0 } from '../support/admission-world.ts';
import { build, builds, openRecordsLog, statement, words } from '../support/records-log.ts';
import type { RecordsLog } from '../support/records-log.ts';
import { openTestLog, settle } from '../support/test-log.ts';

/** As many as it takes for a batch to be prepared beside the write of another one. */
const MANY = 1024;
let byNext: readonly Uint8Array[];
let many: readonly Uint8Array[];

beforeAll(async () => {
  byNext = await builds(0, MANY, { by: 'next' });
  many = await builds(0, 305 + MANY);
});

/** What becomes of a commit that was held back. */
type Ending = 'stored' | 'failed' | 'stored, no answer';

/** A store whose commits can be held back and made to fail, and that counts. */
class Watched {
  readonly medium = memoryMedium();
  readonly growths: Growth[] = [];
  gets = 0;
  held = false;
  #waiting: ((how: Ending) => void)[] = [];

  readonly open = async (): Promise<LogStorage> => {
    const storage = memoryStorage({ medium: this.medium });
    const commit = storage.commit.bind(storage);
    storage.commit = async (growth) => {
      this.growths.push(growth);
      const how = this.held ? await new Promise<Ending>((end) => this.#waiting.push(end)) : 'stored';
      if (how === 'failed') throw new Error('the disk went away');
      await commit(growth);
      if (how === 'stored, no answer') throw new Error('the disk did not answer');
    };
    const get = storage.get.bind(storage);
    storage.get = (keys) => {
      this.gets++;
      return get(keys);
    };
    return storage;
  };

  async end(how: Ending): Promise<void> {
    this.#waiting.shift()!(how);
    await settle();
  }

  log(overrides: Parameters<typeof openRecordsLog>[0] = {}): Promise<RecordsLog> {
    return openRecordsLog({ medium: this.medium, openStorage: this.open, ...overrides });
  }
}

/** What a log event or a supervision says of this log's own tree. */
function supervision(size: number, rootHash: Uint8Array): Promise<Uint8Array> {
  const range = { from: 0, to: 1, size, rootHash };
  return statement('submitter', 'supervision', { supervisionId: `s${size}`, kind: 'audit', result: 'conform', range });
}

describe('entries of one append', () => {
  it('are judged each after the ones before it: genesis, key, and what the key signs', async () => {
    const test = await openTestLog({ admission: 'records', clock: (await openRecordsLog()).clock });
    const [genesis, keyEvent] = await firstStatements(genesisOptions(), T0);
    const good = await build('1');
    const forged = good.with(good.length - 1, good.at(-1)! ^ 1);
    const entries = [await build('0'), genesis!, await build('0'), keyEvent!, forged, await build('2')];
    const results = await test.log.append(entries);
    expect(words(results)).toEqual(['not-admitted', 0, 'unknown-key', 1, 'bad-signature', 2]);
    expect(results[0]).toMatchObject({ error: { details: { rule: 'A01' } } });
  });

  it('whose key dies among them are refused from there on', async () => {
    const { log, chain } = await openRecordsLog();
    const entries = [await build('1'), await chain.revoke('submitter'), await build('2'), await chain.addKey('next')];
    expect(words(await log.append([...entries, await build('2', { by: 'next' })]))).toEqual([
      2,
      3,
      'not-admitted',
      4,
      5,
    ]);
  });

  it('cost one read of the state in validation and one in sequencing, however many they are', async () => {
    const watched = new Watched();
    const { log } = await watched.log();
    watched.gets = 0;
    expect(words(await log.append(many.slice(0, 300)))).toEqual(Array.from({ length: 300 }, (_, i) => 2 + i));
    expect(watched.gets).toBeLessThanOrEqual(2);
    watched.gets = 0;
    // What every entry asks for is in memory now: validation needs no read any more.
    await log.append(many.slice(300, 600));
    expect(watched.gets).toBe(1);
  });

  it('bring their state and what they are looked up by in the commit that brings them', async () => {
    const watched = new Watched();
    const { log } = await watched.log();
    await log.append([await build('1'), await build('2', { by: 'stranger' }), await build('3')]);
    const growth = watched.growths.at(-1)!;
    expect(growth.head.size - growth.oldHead.size).toBe(2);
    const spaces = growth.writes.map(({ key }) => key[0]);
    for (const space of [KEY_SPACE.admission, KEY_SPACE.statement, KEY_SPACE.lookup]) expect(spaces).toContain(space);
    expect(spaces.filter((space) => space === KEY_SPACE.statement)).toHaveLength(2);
  });
});

/** A log with a key event in its write, and many builds by that key placed behind it. */
async function behind(watched: Watched) {
  const test = await watched.log();
  watched.held = true;
  const first = test.log.append([await test.chain.addKey('next')]);
  await settle();
  const second = test.log.append(byNext);
  await settle();
  expect(watched.growths.at(-1)!.head.size).toBe(3);
  return { test, first, second };
}

describe('entries that come while others are being written', () => {
  it('are judged by what those bring', async () => {
    const watched = new Watched();
    const { first, second } = await behind(watched);
    await watched.end('stored');
    await watched.end('stored');
    expect(words(await first)).toEqual([2]);
    expect(words(await second)).toEqual(Array.from({ length: MANY }, (_, i) => 3 + i));
  });

  it.each(['failed', 'stored, no answer'] as const)(
    'are not written when those %s, and are judged anew',
    async (how) => {
      const watched = new Watched();
      const { test, first, second } = await behind(watched);
      const arrived = how !== 'failed';
      watched.held = false;
      await watched.end(how);
      expect(words(await first)).toEqual(['outcome-unknown']);
      expect(new Set(words(await second))).toEqual(new Set(['read-only']));
      await test.clock.advance(5000);
      expect(test.log.status()).toMatchObject({ state: 'ready', head: { size: arrived ? 3 : 2 } });
      const [later] = await test.log.append([await build('x', { by: 'next' })]);
      expect(later).toMatchObject(arrived ? { ok: true, index: 3 } : { ok: false, error: { code: 'unknown-key' } });
      expect(words(await test.log.append([await test.log.entry(0), await build('y')]))).toEqual([0, arrived ? 4 : 2]);
    },
  );
});

describe('a record that names a root of this log', () => {
  it('is held to it at every size: in the store, being written, and in its own batch', async () => {
    const watched = new Watched();
    const test = await watched.log();
    const roots = new TreeRoots(nodeHasher);
    const take = (entry: Uint8Array): Uint8Array => {
      roots.append(nodeHasher.leafHash(entry));
      return entry;
    };
    for (const entry of [...test.first, ...many.slice(0, 5)]) take(entry);
    await test.log.append(many.slice(0, 5));
    watched.held = true;
    const first = test.log.append(many.slice(5, 305).map(take));
    await settle();
    const wrong = [1, 7, 8, 100, 306, 307].map((size) => supervision(size, nodeHasher.sha256(utf8('other'))));
    const right: Uint8Array[] = [];
    for (const size of [1, 2, 6, 7, 8, 9, 100, 306, 307]) right.push(take(await supervision(size, roots.at(size))));
    const filling = many.slice(305).map(take);
    // Of trees of this very batch, up to the one right before it.
    for (const size of [308, 320, roots.size - 1, roots.size])
      right.push(take(await supervision(size, roots.at(size))));
    const above = supervision(roots.size + 1, roots.at(roots.size));
    const batch = [...(await Promise.all(wrong)), ...right.slice(0, 9), ...filling, ...right.slice(9), await above];
    const second = test.log.append(batch);
    await settle();
    await watched.end('stored');
    await watched.end('stored');
    await first;
    const answers = words(await second);
    expect(new Set(answers.slice(0, 6))).toEqual(new Set(['not-admitted']));
    expect(answers.slice(6, -1)).toEqual(Array.from({ length: 13 + MANY }, (_, i) => 307 + i));
    expect(answers.at(-1)).toBe('not-admitted');
    expect(toHex(test.log.status().head.rootHash)).toBe(toHex(roots.at(roots.size)));
  });
});

describe('a genesis', () => {
  it.each([
    ['log.origin', { origin: 'elsewhere.example/log' }],
    ['log.vkeys', { vkeys: genesisOptions().vkeys.slice(0, 1) }],
  ] as const)('of another log (%s) is refused, and nothing else gets in', async (field, more) => {
    const [forged, keyEvent] = await firstStatements(genesisOptions(more), T0);
    const { log } = await openRecordsLog({ first: [] });
    const results = await log.append([forged!, keyEvent!]);
    expect(results).toMatchObject([
      { error: { code: 'not-admitted', details: { rule: 'A01', field } } },
      { error: { code: 'not-admitted', details: { rule: 'A01' } } },
    ]);
    expect(log.status().head.size).toBe(0);
  });

  it('comes once: a second one is a policy out of its place', async () => {
    const { log } = await openRecordsLog();
    const [again] = await firstStatements(genesisOptions(), T0 + 1);
    expect(words(await log.append([again!]))).toEqual(['not-admitted']);
  });

  it('is looked for when the log is opened', async () => {
    const { log, medium } = await openTestLog();
    await log.append([utf8('any bytes')]);
    await log.close();
    await expect(openRecordsLog({ medium })).rejects.toMatchObject({ code: expect.stringMatching(/guard|wrong-log/u) });
    const open = await openTestLog();
    await open.log.append([utf8('any bytes')]);
    await open.log.close();
    const { medium: store, guard } = open;
    await expect(openRecordsLog({ medium: store, guard })).rejects.toMatchObject({ code: 'wrong-log' });
  });
});
