import { expect, it } from 'vitest';
import type { LogStorage } from '../../src/storage.ts';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { CommittedState } from '../../src/log/committed-state.ts';
import type { Entry } from '../../src/log/entry.ts';
import { strangersIn } from '../../src/log/strangers.ts';
import type { Facts } from '../../src/record/admission.ts';
import { parseStatement } from '../../src/record/statement.ts';
import { AdmissionWorld, T0 } from '../support/admission-world.ts';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { Chain, build, openRecordsLog, words } from '../support/records-log.ts';

it('what an entry names is not read when its signer is unknown, and it stays unknown', async () => {
  const medium = memoryMedium();
  const reads: string[] = [];
  const openStorage = async (): Promise<LogStorage> => {
    const storage = memoryStorage({ medium });
    return {
      ...bound(storage),
      get: (keys) => {
        reads.push(...keys);
        return storage.get(keys);
      },
    };
  };
  const { log } = await openRecordsLog({ openStorage });
  const stranger = await build('1.0', { by: 'stranger' });
  reads.length = 0;
  expect(words(await log.append([stranger]))).toEqual(['unknown-key']);
  // The identity of a build (second byte "i") is what a build of a known key has read, and nothing else names so much.
  const identities = (): number => reads.filter((key) => key.startsWith('di')).length;
  expect(identities()).toBe(0);
  expect(words(await log.append([await build('1.0')]))).toEqual([2]);
  expect(identities()).toBe(1);
  // A key that nobody has is looked for each time: names that strangers make up take no memory.
  reads.length = 0;
  expect(words(await log.append([stranger]))).toEqual(['unknown-key']);
  expect(reads.some((key) => key.startsWith('dk'))).toBe(true);
});

it('nobody is a stranger while an entry that may bring keys waits for its signature, because its own key has just come', async () => {
  const { state } = new AdmissionWorld();
  const first = await firstStatements(genesisOptions(), T0);
  const world = new AdmissionWorld();
  for (const bytes of first) expect(world.append(bytes).admitted).toBe(true);
  const chain = new Chain('acme', 'root', first);
  const batch = [late(await chain.addKey('new')), late(await build('1.0', { by: 'new' }))];
  expect(await strangersIn(batch, committed(world.state), undefined)).toEqual(new Set());
  // Where its own key is not in force it brings nothing.
  expect((await strangersIn(batch, committed(state), undefined)).size).toBe(2);
  expect((await strangersIn(batch.slice(1), committed(world.state), undefined)).size).toBe(1);
});

/** An entry whose signature was not verified when it came. */
const late = (bytes: Uint8Array): Entry => {
  const statement = parseStatement(bytes);
  const record = { statement, statementHash: nodeHasher.sha256(statement.toBeSigned), isVerified: false };
  return { bytes, leafHash: nodeHasher.leafHash(bytes), record };
};

/** Of a store that holds this state. */
const committed = (facts: Facts): CommittedState =>
  new CommittedState(() => ({ get: (keys) => Promise.resolve(keys.map((key) => facts.get(key))) }));

/** The methods of the storage, each bound to it. */
function bound(storage: LogStorage): LogStorage {
  return {
    load: () => storage.load(),
    commit: (growth) => storage.commit(growth),
    publish: (note, writes) => storage.publish(note, writes),
    read: (paths) => storage.read(paths),
    readEntries: (places) => storage.readEntries(places),
    findLeaves: (hashes) => storage.findLeaves(hashes),
    get: (keys) => storage.get(keys),
    scan: (range) => storage.scan(range),
    close: () => storage.close(),
  };
}
