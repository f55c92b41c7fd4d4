// Re-verifies a whole log from its public resources, with nothing but the slow reference: what a very careful reader
// would do after every step.

import { expect } from 'vitest';
import type { Log } from '../../src/log/index.ts';
import { formatTilePath, tileWidthAt } from '../../src/merkle/tile.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { openLogCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { toHex } from '../../src/bytes.ts';
import { RfcTree, rfcLeafHash } from './rfc-tree.ts';

/**
 * Every tile and bundle of the published tree is there, complete and partial, and leads to the root that both log keys
 * signed; the entries are exactly these, in this order.
 */
export async function checkLog(log: Log, entries: readonly Uint8Array[]): Promise<void> {
  const note = log.checkpoint();
  expect(note).toBeDefined();
  const verifiers = log.vkeys.map((vkey) => checkpointVerifier(vkey, portableCrypto));
  const { checkpoint } = await openLogCheckpoint(note!, { origin: log.origin, verifiers });
  expect(checkpoint.size).toBe(entries.length);

  let level: Uint8Array[] = entries.map((entry) => rfcLeafHash(entry));
  expect(toHex(checkpoint.rootHash)).toBe(toHex(new RfcTree(level).root(0, level.length)));
  for (let tileLevel = 0; level.length > 0; tileLevel++) {
    await checkLevel(log, level, (index, width) => ({ kind: 'tile', level: tileLevel, index, width }));
    const tree = new RfcTree(level);
    level = Array.from({ length: Math.floor(level.length / 256) }, (_, i) => tree.root(256 * i, 256 * (i + 1)));
  }
  for (let index = 0; 256 * index < entries.length; index++) {
    const width = tileWidthAt(0, index, entries.length);
    const expected = entries.slice(256 * index, 256 * index + width).map((entry) => {
      const prefix = Uint8Array.of(Math.floor(entry.length / 256), entry.length % 256);
      return toHex(prefix) + toHex(entry);
    });
    const [bundle] = await log.read([{ kind: 'entries', index, width }]);
    expect(bundle && toHex(bundle), `bundle ${index}`).toBe(expected.join(''));
  }
}

async function checkLevel(
  log: Log,
  hashes: readonly Uint8Array[],
  pathOf: (index: number, width: number) => TilePath,
): Promise<void> {
  for (let index = 0; 256 * index < hashes.length; index++) {
    const content = hashes.slice(256 * index, 256 * (index + 1));
    const path = pathOf(index, content.length);
    const [tile] = await log.read([path]);
    expect(tile && toHex(tile), formatTilePath(path)).toBe(content.map(toHex).join(''));
    if (content.length < 256) expect(await log.read([pathOf(index, content.length + 1)])).toEqual([undefined]);
  }
}
