// The input of an import: JSON Lines files → records in the order in which they go in, and what was left out, and why.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { utf8Text } from '../../src/bytes.ts';
import { LimmatError, asLimmatError } from '../../src/errors.ts';
import type { LimmatRecord } from '../../src/record/index.ts';
import { kindOfRow, mapRow } from '../import-mapping.ts';
import { inImportOrder } from '../import-order.ts';

export interface ImportInput {
  readonly records: readonly LimmatRecord[];
  /** Rows that no record type stands for: how many, by reason. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly rows: number;
  /** SHA-256 over the files' bytes, in hex. */
  readonly digest: string;
}

/** Reads and maps every row. `malformed`, naming file and line, for the first row that cannot be read. */
export function readRows(files: readonly string[]): ImportInput {
  const hash = createHash('sha256');
  const records: LimmatRecord[] = [];
  const skipped = new Map<string, number>();
  let rows = 0;
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(bytes);
    const text = utf8Text(bytes);
    if (text === undefined) throw new LimmatError('malformed', `${file} is not UTF-8`);
    for (const [i, line] of text.split('\n').entries()) {
      if (line === '') continue;
      rows++;
      const mapped = mapLine(line, `${file}:${i + 1}`);
      if ('skip' in mapped) skipped.set(mapped.skip, (skipped.get(mapped.skip) ?? 0) + 1);
      else records.push(mapped);
    }
  }
  return { records: inImportOrder(records), skipped, rows, digest: hash.digest('hex') };
}

function mapLine(line: string, where: string): ReturnType<typeof mapRow> {
  try {
    const row: unknown = JSON.parse(line);
    const kind = kindOfRow(row);
    if (kind === undefined) throw new LimmatError('malformed', 'its columns are those of no file that can be imported');
    return mapRow(kind, row);
  } catch (error) {
    const { message } = asLimmatError(error);
    throw new LimmatError('malformed', `${where}: ${message}`, { cause: error });
  }
}
