import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { proveEntry } from '../../src/client/prove.ts';
import { verifyProofFile } from '../../src/client/verify.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';
import { ship } from '../support/shipped.ts';

const readerOf = (log: ServedLog) => httpReader({ url: 'http://log.example/', fetch: log.fetch });

describe('proveEntry', () => {
  test('makes the proof file that the verifier takes', async () => {
    const { log, index, statement, options } = await ship();
    const proven = await proveEntry(readerOf(log), index);
    expect(proven.entry).toEqual(statement);
    expect(proven.leafHash).toEqual(portableHasher.leafHash(statement));
    expect(proven.proofFile).toEqual(options.proofFile);
    await verifyProofFile({ ...options, proofFile: proven.proofFile });
  });

  test('proves every index of logs of several sizes', async () => {
    for (const size of [1, 2, 255, 256, 257, 600]) {
      const log = new ServedLog(numberedEntries(size));
      await log.publish(1);
      for (const index of new Set([0, 1, 254, 255, 256, size - 2, size - 1].filter((i) => i >= 0 && i < size))) {
        const { proofFile, entry } = await proveEntry(readerOf(log), index);
        expect(entry).toEqual(utf8(`entry ${index}`));
        expect(parseTlogProof(proofFile)).toMatchObject({ index, proof: log.inclusionProof(index) });
      }
    }
  });

  test('says how far the log has published', async () => {
    const log = new ServedLog(numberedEntries(3));
    await log.publish(1);
    await expect(proveEntry(readerOf(log), 3)).rejects.toMatchObject({
      code: 'not-published',
      details: { index: 3, size: 3 },
    });
  });

  test('proves an entry of no bytes without extra data', async () => {
    const log = new ServedLog([new Uint8Array(0)]);
    await log.publish(1);
    expect(parseTlogProof((await proveEntry(readerOf(log), 0)).proofFile).extra).toBeUndefined();
  });

  test('makes nothing out of an entry that is not in the tree', async () => {
    const log = new ServedLog(numberedEntries(300));
    await log.publish(1);
    for (const path of ['tile/entries/000', 'tile/1/000.p/1']) {
      log.tamper = (asked, honest) => (asked === path ? honest!.with(20, honest![20]! ^ 1) : undefined);
      await expect(proveEntry(readerOf(log), 7)).rejects.toMatchObject({ code: 'bad-tile' });
    }
  });
});
