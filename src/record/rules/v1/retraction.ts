// D23: who may take back what. The entry itself stays; its standing in the state changes.

import { entryKey, recalledKey } from '../../admission/keys.ts';
import { Refused } from '../../admission/decision.ts';
import { entryValue, linkValue, STANDING, type EntryState, type Standing } from '../../admission/values.ts';
import { CHAIN_TYPES } from '../../chain.ts';
import { ROOT_ROLE } from '../../key-kinds.ts';
import type { RetractionFields } from '../../retraction.ts';
import type { Authority } from './authority.ts';
import { quoted, type Case } from './case.ts';

/** What nobody takes back: who may log what is changed by the chain's next entry, and a retraction by logging anew. */
const FINAL: readonly string[] = [...CHAIN_TYPES, 'log-event', 'retraction'];

/** Words of others about a namespace, in which nobody but they may change anything, not even its root keys. */
const OF_OTHERS: readonly string[] = ['rebuild', 'supervision', 'review'];

const STANDING_AFTER: Readonly<Record<RetractionFields['kind'], Standing>> = {
  supersede: 'superseded',
  correct: 'superseded',
  retract: 'retracted',
  recall: 'recalled',
};

export function judgeRetraction(judged: Case, authority: Authority, f: RetractionFields): void {
  const target = judged.referredInOwn('target', f.target, [], 'D23');
  if (FINAL.includes(target.type)) {
    const expected = 'an entry that says something about products, places or work';
    throw new Refused('D23', 'target', `a ${target.type} (entry ${target.index})`, expected);
  }
  checkRight(judged, authority, target);
  const standing = STANDING_AFTER[f.kind];
  if (STANDING.indexOf(standing) <= STANDING.indexOf(target.standing)) {
    const later = STANDING.slice(STANDING.indexOf(target.standing) + 1);
    const expected =
      later.length === 0 ? 'nothing more about that entry' : `to be ${later.join(' or ')}, or another entry`;
    throw new Refused('D23', 'kind', `${f.kind} entry ${target.index}, which was ${target.standing}`, expected);
  }
  if (f.replacement !== undefined) checkReplacement(judged, f.replacement, target);
  judged.write(entryKey(f.target), entryValue.format({ ...target, standing }));
  if (f.kind === 'recall' && target.about !== null && target.type !== 'source-snapshot') {
    const { index, leafHash } = judged;
    judged.write(recalledKey(target.namespace, target.about), linkValue.format({ index, leafHash }));
  }
}

/** The issuer of an entry takes it back, or the root keys do, unless it is somebody else's word; in its role's products. */
function checkRight(judged: Case, authority: Authority, target: EntryState): void {
  const { iss } = judged.statement;
  const isOther = target.issuer !== iss;
  if (isOther && (authority !== ROOT_ROLE || OF_OTHERS.includes(target.type))) {
    const root = OF_OTHERS.includes(target.type) ? '' : ', or the root keys';
    throw new Refused(
      'D23',
      'iss',
      quoted(iss),
      `${quoted(target.issuer)}, the issuer of entry ${target.index}${root}`,
    );
  }
  if (typeof authority === 'string') return;
  const { products, role } = authority;
  if (products === null || target.product === null || products.includes(target.product)) return;
  const expected = `an entry about ${quoted(products)}: the products of the role ${role}`;
  throw new Refused('D23', 'target', `about ${quoted(target.product)}`, expected);
}

/** It is of the same kind and the same issuer, and stands itself: so nothing comes round in a circle. */
function checkReplacement(judged: Case, ref: Uint8Array, target: EntryState): void {
  const replacement = judged.referredInOwn('replacement', ref, [target.type], 'D23');
  if (replacement.standing !== 'stands') {
    const found = `entry ${replacement.index}, which was ${replacement.standing}`;
    throw new Refused('D23', 'replacement', found, 'an entry that stands');
  }
  if (replacement.issuer === target.issuer) return;
  const expected = `an entry of ${quoted(target.issuer)}`;
  throw new Refused('D23', 'replacement', `an entry of ${quoted(replacement.issuer)}`, expected);
}

/** D23: what was recalled is not released again. */
export function checkRecalled(judged: Case, field: string, content: Uint8Array): void {
  const value = judged.facts.get(recalledKey(judged.statement.namespace, content));
  if (value === undefined) return;
  const { index } = linkValue.parse(value);
  throw new Refused('D23', field, `what entry ${index} recalled`, 'content that was not recalled');
}
