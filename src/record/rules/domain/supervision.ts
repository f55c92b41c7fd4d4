// D21, the half that admission cannot judge: what is said to be supervised and nobody attested.

import { toHex } from '../../../bytes.ts';
import type { RelocationFields } from '../../relocation.ts';
import type { SupervisionFields } from '../../supervision.ts';
import type { DomainCase, DueCase } from './case.ts';
import { attestedKey, behind, fromOfRange, rangeKey, rangePrefix } from './keys.ts';

const DAY = 86_400;
/** Ranges that are looked at; a supervisor attests a few a year. */
const MAX_RANGES = 1000;

/** A relocation of which somebody is said to oversee it, where no attestation is named. */
export function awaitAttestation(c: DomainCase, { supervisedBy, supervisor }: RelocationFields): void {
  if (supervisedBy === undefined || supervisor !== undefined) return;
  const { supervisionDays } = c.parameters;
  const { leafHash, statement } = c;
  c.remind('D21', statement.iat + DAY * supervisionDays, toHex(leafHash), [leafHash, supervisedBy, supervisionDays]);
}

export function noteSupervision(c: DomainCase, { refs = [], range }: SupervisionFields): void {
  for (const ref of refs) c.write(attestedKey(ref), c.index);
  if (range === undefined) return;
  for (const namespace of range.namespaces ?? [c.namespace]) {
    c.write(rangeKey(c.hasher, namespace, range.to, range.from), c.index);
  }
}

export async function judgeUnattested(c: DueCase): Promise<void> {
  const [leafHash, supervisedBy, days] = c.values<readonly [Uint8Array, string, number]>();
  const { index, namespace } = c.due;
  if ((await c.row(attestedKey(leafHash))) !== undefined) return;
  const from = rangeKey(c.hasher, namespace, index + 1, 0);
  const ranges = await c.reader.scan(from, behind(rangePrefix(c.hasher, namespace)), MAX_RANGES);
  if (ranges.some(({ key }) => fromOfRange(key) <= index)) return;
  const sentence = `entry ${index} says that ${supervisedBy} supervises it, and nobody attested that within ${days} days`;
  c.find({ supervisedBy, days }, sentence);
}
