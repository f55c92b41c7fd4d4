// The admission chain of a namespace, replayed from a claim's entries where it has all links before a place.

import { admit } from '../../../record/admission.ts';
import { keyKey, namespaceKey } from '../../../record/admission/keys.ts';
import type { AdmissionWrite } from '../../../record/admission/decision.ts';
import { AdmissionState } from '../../../record/admission/state.ts';
import { badEvidence } from '../kind-row.ts';
import { fieldsOf, linkOf } from './claim.ts';
import type { LoggedRecord, RecordClaim } from './claim.ts';
import { KnownFacts } from './known.ts';
import { isWhole, linksBefore } from './links.ts';

/**
 * The state that the chain of the entry's namespace left before the entry; undefined where the claim does not show that
 * it has every link. `bad-evidence` when one of the links is itself one that the rules refuse.
 */
export function chainBefore(claim: RecordClaim, { index, statement }: LoggedRecord): AdmissionState | undefined {
  const { namespace, record } = statement;
  const links = linksBefore(claim, namespace, index);
  // A link that goes on the chain from here can only do so where these are all.
  const own = linkOf(record);
  const goesOn = own !== undefined && links.every(({ sequence }, i) => sequence === i + 1);
  if (!(goesOn && own.fields.sequence === links.length + 1) && !isWhole(claim, namespace, index)) return undefined;
  const state = new AdmissionState();
  let rest: readonly LoggedRecord[] = links;
  if (namespace === claim.genesis.statement.namespace) {
    state.apply(writesOf(claim, claim.genesis, new AdmissionState()));
    rest = links.slice(1);
  } else {
    const membership = claim.records.find((logged) => {
      const fields = fieldsOf(logged.statement.record, 'membership');
      return logged.index < index && fields?.namespace === namespace && fields.action === 'admit';
    });
    if (membership === undefined) return undefined;
    state.apply(firstState(claim, membership, namespace));
  }
  for (const link of rest) state.apply(writesOf(claim, link, new KnownFacts(claim, link, state)));
  return state;
}

function writesOf(
  { hasher }: RecordClaim,
  { index, statement, leafHash }: LoggedRecord,
  facts: AdmissionState | KnownFacts,
): readonly AdmissionWrite[] {
  const decision = admit(facts, statement, index, leafHash, hasher);
  if (decision.admitted) return decision.writes;
  throw badEvidence(`entry ${index}, by which it would be judged, is refused itself: ${decision.message}`);
}

/** What a membership says of the namespace that it admits, whatever chain it stands in itself. */
function firstState(claim: RecordClaim, membership: LoggedRecord, namespace: string): readonly AdmissionWrite[] {
  const { root } = fieldsOf(membership.statement.record, 'membership')!;
  const keys = [namespaceKey(namespace), ...root!.keys.map(({ kid }) => keyKey(namespace, kid))];
  const writes = writesOf(claim, membership, new KnownFacts(claim, membership, undefined));
  return writes.filter(({ key }) => keys.includes(key));
}
