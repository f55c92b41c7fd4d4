// Stores with a history of records in them, and what their derived state has to be: judged entry by entry, in memory, in
// the order in which the log would have taken them.

import type { RewritableStorage, StateWrite } from '../../src/storage.ts';
import { textBytes, toHex, uintBytes } from '../../src/bytes.ts';
import { loadEdge } from '../../src/log/edge.ts';
import { integrate } from '../../src/log/integrate.ts';
import { DERIVED_SPACES } from '../../src/log/derive.ts';
import { derivedRows } from '../../src/log/reindex.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseStatement } from '../../src/record/statement.ts';
import { statementKey } from '../../src/storage.ts';
import { AdmissionWorld } from './admission-world.ts';
import { LookupRows } from './lookup-rows.ts';

/** Rows by key, in hex. */
export type Rows = Readonly<Record<string, string>>;

/** What a log writes beside each of these entries, all of which it admits: in order. */
export function writesOf(leaves: readonly Uint8Array[]): StateWrite[][] {
  const world = new AdmissionWorld();
  const rows = new LookupRows();
  return leaves.map((bytes, index) => {
    const statement = parseStatement(bytes);
    const lookups = rows.next(statement, world.state);
    const decision = world.append(bytes);
    if (!decision.admitted) throw new Error(`entry ${index} is not admitted: ${decision.message}`);
    const key = statementKey(portableHasher.sha256(statement.toBeSigned));
    return [{ key, value: uintBytes(index, 8) }, ...decision.writes, ...lookups];
  });
}

/** What is there after these writes. */
export function rowsAfter(writes: readonly StateWrite[]): Rows {
  const rows = new Map<string, string>();
  for (const { key, value } of writes) {
    if (value === null) rows.delete(toHex(textBytes(key)));
    else rows.set(toHex(textBytes(key)), toHex(value));
  }
  return Object.fromEntries([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The rows of derived state in a store. */
export async function storedRows(storage: RewritableStorage): Promise<Rows> {
  const rows: StateWrite[] = [];
  for (const space of DERIVED_SPACES) for await (const row of derivedRows(storage, space)) rows.push(row);
  return rowsAfter(rows);
}

/** Commits these entries to an empty store, with these writes. */
export async function fill(
  storage: RewritableStorage,
  leaves: readonly Uint8Array[],
  writes: readonly StateWrite[],
): Promise<void> {
  const { head } = await storage.load();
  const edge = await loadEdge(head, () => Promise.resolve([]), portableHasher);
  const entries = leaves.map((bytes, index) => {
    return { index, entry: { bytes, leafHash: portableHasher.leafHash(bytes), record: undefined } };
  });
  await storage.commit(integrate(edge, entries, writes).growth);
}
