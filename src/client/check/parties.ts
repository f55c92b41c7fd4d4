// Who is one party among the issuers of a trust file: whoever has two keys or two names is one all the same, and one
// key under two names is one pair of hands.

import { toHex } from '../../bytes.ts';
import type { Statement } from '../../record/statement.ts';
import type { Trust } from '../trust.ts';

/** Says whose statement it is: a name of the party, the same for all of its names and keys; undefined for strangers. */
export type Parties = (statement: Pick<Statement, 'iss' | 'kid'>) => string | undefined;

/** The parties of a trust file: issuers that share a name or a key, directly or over others, are one. */
export function partiesOf(issuers: Trust['issuers']): Parties {
  // Each name and each key leads to the first name that it was met with; following that ends at the party's.
  const leads = new Map<string, string>();
  const follow = (step: string): string => {
    let at = step;
    for (let next = leads.get(at); next !== undefined && next !== at; next = leads.get(at)) at = next;
    return at;
  };
  for (const { iss, kid } of issuers) {
    const [name, key] = [follow(nameStep(iss)), follow(keyStep(kid))];
    if (!leads.has(name)) leads.set(name, name);
    leads.set(key, name);
  }
  const named = new Set(issuers.map(({ iss, kid }) => `${kid} ${iss}`));
  return ({ iss, kid }) => (named.has(`${toHex(kid)} ${iss}`) ? follow(nameStep(iss)) : undefined);
}

function nameStep(iss: string): string {
  return `name ${iss}`;
}

function keyStep(kid: string): string {
  return `key ${kid}`;
}
