// Claims about records straight from leaves, without the heads and proofs that a file has.

import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import type { OpenedEntry } from '../../../src/monitor/evidence/kind-row.ts';
import type { LoggedRecord, RecordClaim } from '../../../src/monitor/evidence/records/claim.ts';
import { parseStatement } from '../../../src/record/statement.ts';

export function opened(leaf: Uint8Array, index: number): OpenedEntry {
  return { index, leaf, leafHash: asHash(nodeHasher.leafHash(leaf)), checkpoint: 0 };
}

/** Leaves from index 0 on. */
export function logged(leaves: readonly Uint8Array[]): readonly LoggedRecord[] {
  return leaves.map((leaf, index) => ({
    index,
    leafHash: asHash(nodeHasher.leafHash(leaf)),
    statement: parseStatement(leaf),
  }));
}

export function claimOf(records: readonly LoggedRecord[], accused: OpenedEntry): RecordClaim {
  return { genesis: records[0]!, records, accused: [accused], hasher: nodeHasher };
}
