// What the policy requires beyond what the record type does (its `require` rows).

import { Refused } from '../../admission/decision.ts';
import type { Case } from './case.ts';

export function checkRequired({ own, statement }: Case): void {
  const row = own.require.find(({ type }) => type === statement.type);
  if (row === undefined) return;
  const fields: Readonly<Record<string, unknown>> = statement.record.fields;
  const missing = row.fields.find((field) => fields[field] === undefined);
  if (missing === undefined) return;
  const rule = statement.type === 'build' && missing === 'source' ? 'D03' : 'A10';
  const expected = `what the policy of ${statement.namespace} requires of every ${statement.type}: ${row.fields.join(', ')}`;
  throw new Refused(rule, missing, 'missing', expected);
}
