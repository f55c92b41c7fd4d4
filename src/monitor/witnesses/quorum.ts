// Quorums out of a policy (C2SP tlog-policy): that of the log's users, and another one that a monitor asks for.

import { parseDecimal } from '../../bytes.ts';
import { NO_QUORUM, quorumMet } from '../../note/policy.ts';
import type { Policy } from '../../note/policy.ts';
import type { Quorum } from '../watched-log.ts';

/** What the policy asks of a head; undefined where it asks for nothing. */
export function quorumOf(policy: Policy): Quorum | undefined {
  return policy.quorum === NO_QUORUM ? undefined : of(policy, policy.quorum);
}

/**
 * The quorum that a monitor's settings name: a witness or a group of the policy, or a number, of any of its witnesses.
 * RangeError when the policy has none of that name, or fewer witnesses.
 */
export function namedQuorum(policy: Policy, name: string): Quorum {
  const { witnesses, groups } = policy;
  if ([...witnesses, ...groups].some((one) => one.name === name)) return of(policy, name);
  const least = parseDecimal(name);
  if (least === undefined) throw new RangeError(`"${name}" is no witness or group of the list, nor a number`);
  if (least < 1 || least > witnesses.length) {
    throw new RangeError(`${least} witnesses are asked for, and the list names ${witnesses.length}`);
  }
  const vkeys = witnesses.map(({ key }) => key.vkey);
  return {
    name,
    members: vkeys.join(' '),
    isMet: (cosigned) => vkeys.filter((vkey) => cosigned.has(vkey)).length >= least,
  };
}

function of(policy: Policy, name: string): Quorum {
  const asked: Policy = { ...policy, quorum: name };
  return {
    name,
    members: JSON.stringify([policy.groups, policy.witnesses.map(({ name: who, key }) => [who, key.vkey])]),
    isMet: (vkeys) =>
      quorumMet(asked, new Set(policy.witnesses.filter(({ key }) => vkeys.has(key.vkey)).map((one) => one.name))),
  };
}
