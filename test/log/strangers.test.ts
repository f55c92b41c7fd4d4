import { expect, it } from 'vitest';
import type { LogStorage } from '../../src/storage.ts';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { build, openRecordsLog, words } from '../support/records-log.ts';

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
