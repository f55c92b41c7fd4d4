// Whether a log has records to judge: its entry 0 is a genesis, and this log's own.

import type { Statement } from '../../record/statement.ts';
import { plainFinding } from '../checks.ts';
import type { PlainFinding } from '../finding.ts';
import type { LogIdentity } from '../watched-log.ts';

/**
 * What entry 0 says. A log that promises to take statements only, and begins with another log's genesis or none of its
 * keys, has a finding; of any other log that says nothing, as anybody's bytes may be its first entry.
 */
export function genesisIn(
  { origin, verifiers, iatWindowSeconds }: LogIdentity,
  first: Statement | string | undefined,
): { readonly isGenesis: boolean; readonly finding?: PlainFinding } {
  if (first === undefined || typeof first === 'string') return { isGenesis: false };
  const { record } = first;
  if (record.type !== 'policy' || record.fields.log === undefined) return { isGenesis: false };
  const { log } = record.fields;
  const isOwn = log.origin === origin;
  // Keys are replaced in a log's life, so one that is known is enough.
  if (isOwn && verifiers.some(({ vkey }) => log.vkeys.includes(vkey))) return { isGenesis: true };
  if (iatWindowSeconds === undefined) return { isGenesis: false };
  const what = isOwn ? 'names keys that are none of its keys' : `is the genesis of ${log.origin}`;
  const summary = `${origin}: entry 0 ${what}, so its records cannot be judged`;
  const details = { rule: 'A01', index: 0, found: log.origin };
  return { isGenesis: false, finding: plainFinding('inadmissible', origin, summary, details, 'A01 0') };
}
