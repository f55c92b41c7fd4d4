// Releases of a stream are a chain: in which order records go in, and what links each release to the one before it.

import { streamOf } from '../src/record/avdb-release.ts';
import type { LimmatRecord } from '../src/record/types.ts';

/**
 * The records in the order in which they can be logged: releases of one stream by their sequence, in the places that the
 * stream has; everything else stays where it is. (Real feeds list a release before the one that it follows.)
 */
export function inImportOrder(records: readonly LimmatRecord[]): LimmatRecord[] {
  const streams = new Map<string, LimmatRecord[]>();
  for (const record of records) {
    const stream = streamOfRecord(record);
    if (stream === undefined) continue;
    const list = streams.get(stream);
    if (list === undefined) streams.set(stream, [record]);
    else list.push(record);
  }
  for (const list of streams.values()) list.sort((a, b) => sequenceOf(b) - sequenceOf(a));
  return records.map((record) => {
    const stream = streamOfRecord(record);
    return stream === undefined ? record : streams.get(stream)!.pop()!;
  });
}

/** Links the releases of each stream as they are signed, one after another. */
export class StreamChains {
  readonly #gapReason: string | undefined;
  readonly #last = new Map<string, { readonly sequence: number; readonly leafHash: Uint8Array }>();

  /** With a reason, sequences that are missing between two releases are stated as a gap; else the log refuses the jump. */
  constructor(gapReason?: string) {
    this.#gapReason = gapReason;
  }

  /** The record with `prev`, or with `first` where its stream starts above sequence 1; others as they are. */
  link(record: LimmatRecord): LimmatRecord {
    if (record.type !== 'avdb-release' || record.fields.sequence === 1) return record;
    const { sequence } = record.fields;
    const last = this.#last.get(streamOf(record.namespace, record.fields));
    if (last === undefined) return { ...record, fields: { ...record.fields, first: true } };
    const from = last.sequence + 1;
    const linked = { ...record.fields, prev: last.leafHash };
    if (this.#gapReason === undefined || sequence <= from) return { ...record, fields: linked };
    // What the row counts as added and removed is against a release that the log does not have.
    const { total } = linked.counts;
    const gap = { from, to: sequence - 1, reason: this.#gapReason };
    return { ...record, fields: { ...linked, counts: { total }, gap } };
  }

  /** Says which leaf hash the record's statement has, for the next one of its stream. */
  signed(record: LimmatRecord, leafHash: Uint8Array): void {
    const stream = streamOfRecord(record);
    if (stream !== undefined) this.#last.set(stream, { sequence: sequenceOf(record), leafHash });
  }
}

function streamOfRecord(record: LimmatRecord): string | undefined {
  return record.type === 'avdb-release' ? streamOf(record.namespace, record.fields) : undefined;
}

function sequenceOf(record: LimmatRecord): number {
  return record.type === 'avdb-release' ? record.fields.sequence : 0;
}
