// Rules, version 1: what an entry must be like to be admitted. A version is kept for ever: a log whose genesis names it is
// judged by it for as long as anyone replays that log, so what is here changes only where it gave no answer at all.
//
// Nothing here knows a clock, a network or a store. Order is by index alone: a policy counts from its own entry on, and a
// key is dead from the entry that says so. Times in entries are compared with times in entries.

import { approvalsOf } from '../approval.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { Statement } from '../statement.ts';
import { entryKey, keyKey, LOG_KEY, namespaceKey, type StateKey } from '../admission/keys.ts';
import { Refused, type Decision, type Facts } from '../admission/decision.ts';
import { authorise } from './v1/authority.ts';
import { Case } from './v1/case.ts';
import { admitGenesis, chainKeys, extendChain, isLink } from './v1/chain.ts';
import { contentKeys, judgeContent } from './v1/content.ts';
import { checkRequired } from './v1/required.ts';

/** The keys of all values that judging the statement may look at; from the statement alone. */
export function keysFor(statement: Statement, hasher: Hasher): StateKey[] {
  const { namespace, kid, record } = statement;
  const keys = [LOG_KEY, namespaceKey(namespace), keyKey(namespace, kid)];
  for (const approval of approvalsOf(record)) keys.push(keyKey(namespace, approval.kid));
  keys.push(...chainKeys(record), ...contentKeys(statement, hasher));
  return keys;
}

/** The writes that the statement brings at this index, or why it is refused. Whether its signatures hold is not asked. */
export function admit(
  facts: Facts,
  statement: Statement,
  index: number,
  leafHash: Uint8Array,
  hasher: Hasher,
): Decision {
  const judged = new Case(facts, statement, index, leafHash, hasher);
  try {
    judge(judged);
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
  return { admitted: true, writes: judged.writes };
}

function judge(judged: Case): void {
  const { record } = judged.statement;
  let about: Uint8Array | null = null;
  if (judged.index === 0) admitGenesis(judged);
  else {
    judged.checkOpen();
    const authority = authorise(judged);
    checkRequired(judged);
    if (isLink(record)) extendChain(judged, record);
    else about = judgeContent(judged, authority);
  }
  judged.write(entryKey(judged.leafHash), judged.entryValue(about));
}
