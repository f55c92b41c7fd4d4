// The entries of a claim that is about records: the genesis of the log, what decides, and at the end what is accused. All
// of them are in the tree of one checkpoint, so an honest log admitted each by the rules that its genesis names.

import { isLimmatError } from '../../../errors.ts';
import type { Hash, Hasher } from '../../../merkle/hash.ts';
import { CHAIN_TYPES } from '../../../record/chain.ts';
import type { ChainType } from '../../../record/chain.ts';
import { parseStatement } from '../../../record/statement.ts';
import type { Statement } from '../../../record/statement.ts';
import type { FieldsOf, LimmatRecord } from '../../../record/types.ts';
import { badEvidence } from '../kind-row.ts';
import type { OpenedClaim, OpenedEntry } from '../kind-row.ts';
import { printable } from '../words.ts';

/** An entry of the log that could be read. */
export interface LoggedRecord {
  readonly index: number;
  readonly leafHash: Hash;
  readonly statement: Statement;
}

/** What the claim knows of the log, beside the entries that it accuses. */
export interface RecordClaim {
  readonly genesis: LoggedRecord;
  /** By index, the genesis first. */
  readonly records: readonly LoggedRecord[];
  /** By index; one or two, in no case among the records. */
  readonly accused: readonly OpenedEntry[];
  readonly hasher: Hasher;
}

/** Entries of a claim beside the accused ones: the genesis, and at most as many as fit. */
export const MAX_DECIDING_ENTRIES = 126;

/**
 * The claim, whose last `accused` entries are what it is about. `bad-evidence` unless the others are in order, can be
 * read, and begin with a genesis that names this log, one of its known keys, and the rules that this version knows.
 */
export function readRecordClaim({ entries, log, hasher }: OpenedClaim, accused: 1 | 2): RecordClaim {
  const deciding = entries.slice(0, -accused);
  const last = entries.slice(-accused);
  checkOrder(deciding);
  checkOrder(last);
  const stray = last.find(({ index }) => deciding.some((entry) => entry.index === index));
  if (stray !== undefined) throw badEvidence(`entry ${stray.index} is accused and decides`);
  const vkeys = log.verifiers.map(({ vkey }) => vkey);
  const records = deciding.map(readRecord);
  const genesis = records[0];
  if (genesis === undefined || genesis.index !== 0) {
    throw badEvidence('the first entry is not entry 0, which says what the log is');
  }
  checkGenesis(genesis, log.origin, vkeys);
  return { genesis, records, accused: last, hasher };
}

function checkOrder(entries: readonly OpenedEntry[]): void {
  for (let i = 1; i < entries.length; i++) {
    if (entries[i - 1]!.index >= entries[i]!.index)
      throw badEvidence('the entries are not in the order of their places');
  }
}

/** The entry as a statement; `bad-evidence` when this version cannot read it. */
export function readRecord({ index, leaf, leafHash }: OpenedEntry): LoggedRecord {
  try {
    return { index, leafHash, statement: parseStatement(leaf) };
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw badEvidence(`entry ${index} is not a statement that this version reads: ${error.message}`, error);
  }
}

/** An open log may hold anybody's statements, and promised no rules: only a genesis of its own is such a promise. */
function checkGenesis({ statement }: LoggedRecord, origin: string, vkeys: readonly string[]): void {
  const fields = fieldsOf(statement.record, 'policy');
  if (fields?.log === undefined) throw badEvidence('entry 0 is not a genesis: this log promised no rules');
  if (fields.log.origin !== origin) {
    throw badEvidence(`the genesis is that of log ${printable(fields.log.origin)}, not of ${printable(origin)}`);
  }
  if (!fields.log.vkeys.some((vkey) => vkeys.includes(vkey))) {
    throw badEvidence('the genesis names none of the keys that are known here as the log’s');
  }
  if (fields.rules !== 'v1') throw badEvidence(`the genesis names the rules ${fields.rules}, which are not known here`);
}

/** The record's fields when it is of that type. */
export function fieldsOf<T extends LimmatRecord['type']>(record: LimmatRecord, type: T): FieldsOf<T> | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type says which fields they are
  return record.type === type ? (record.fields as FieldsOf<T>) : undefined;
}

type Link = Extract<LimmatRecord, { readonly type: ChainType }>;

/** The record as a link of its namespace's admission chain; undefined for other types. */
export function linkOf(record: LimmatRecord): Link | undefined {
  return isLink(record) ? record : undefined;
}

function isLink(record: LimmatRecord): record is Link {
  return CHAIN_TYPES.some((type) => type === record.type);
}
