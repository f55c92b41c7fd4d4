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
  readonly #last = new Map<string, Uint8Array>();

  /** The record with `prev`, or with `first` where its stream starts above sequence 1; others as they are. */
  link(record: LimmatRecord): LimmatRecord {
    if (record.type !== 'avdb-release' || record.fields.sequence === 1) return record;
    const prev = this.#last.get(streamOf(record.namespace, record.fields));
    return { ...record, fields: { ...record.fields, ...(prev === undefined ? { first: true } : { prev }) } };
  }

  /** Says which leaf hash the record's statement has, for the next one of its stream. */
  signed(record: LimmatRecord, leafHash: Uint8Array): void {
    const stream = streamOfRecord(record);
    if (stream !== undefined) this.#last.set(stream, leafHash);
  }
}

function streamOfRecord(record: LimmatRecord): string | undefined {
  return record.type === 'avdb-release' ? streamOf(record.namespace, record.fields) : undefined;
}

function sequenceOf(record: LimmatRecord): number {
  return record.type === 'avdb-release' ? record.fields.sequence : 0;
}
