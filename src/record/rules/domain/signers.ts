// D16, the half that admission cannot judge: what a key signed since it was compromised and before anybody said so.

import { toHex } from '../../../bytes.ts';
import type { KeyEventFields } from '../../key-event.ts';
import { approvalsOf } from '../../approval.ts';
import { formatTime } from '../../time.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import type { Statement } from '../../statement.ts';
import type { StateKey } from '../../admission/keys.ts';
import type { DomainCase } from './case.ts';
import { behind, indexOfUsed, usedKey, usedPrefix } from './keys.ts';

const NOTHING = new Uint8Array(0);
/** More entries of one key than this are counted as so many. */
export const MAX_IN_DOUBT = 1000;

/** Notes who signed, and when. */
export function noteSigners(c: DomainCase): void {
  const { statement, hasher, namespace, index } = c;
  for (const kid of [statement.kid, ...approvalsOf(statement.record).map((approval) => approval.kid)]) {
    c.writes.push({ key: usedKey(hasher, namespace, kid, statement.iat, index), value: NOTHING });
  }
}

/** Which rows of the state an entry asks for beyond single keys: what the key that it accuses has signed since. */
export function scanFor(
  { record, namespace }: Statement,
  hasher: Hasher,
): { readonly from: StateKey; readonly below: StateKey; readonly limit: number } | undefined {
  if (record.type !== 'key-event' || record.fields.compromisedSince === undefined) return undefined;
  const { kid, compromisedSince } = record.fields;
  return {
    from: usedKey(hasher, namespace, kid, compromisedSince, 0),
    below: behind(usedPrefix(hasher, namespace, kid)),
    limit: MAX_IN_DOUBT,
  };
}

export function judgeCompromise(
  c: DomainCase,
  { kid, compromisedSince }: KeyEventFields,
  scanned: readonly { readonly key: StateKey }[],
): void {
  if (compromisedSince === undefined || scanned.length === 0) return;
  const indexes = scanned.map(({ key }) => indexOfUsed(key)).toSorted((a, b) => a - b);
  const since = formatTime(compromisedSince);
  const count = scanned.length;
  const [first, last] = [indexes[0]!, indexes.at(-1)!];
  const which = count === 1 ? `entry ${first}` : `${count} entries from ${first} to ${last}`;
  const many = count === MAX_IN_DOUBT ? 'at least ' : '';
  const sentence = `key ${toHex(kid)} was compromised since ${since}, and signed ${many}${which} since then`;
  c.find('D16', { kid: toHex(kid), since, entries: count, first, last }, sentence);
}
