// A refusal by the rules as the error that whoever sent the entry gets: the rule, the field, both values, and for a key
// that the namespace has not the command that admits it.

import { toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { Facts, Refusal } from '../record/admission.ts';
import { keyKey } from '../record/admission/keys.ts';
import type { Statement } from '../record/statement.ts';

/** `unknown-key` where the namespace does not have the signer's key, else `not-admitted`. */
export function refusalError(
  { rule, field, found, expected, message }: Refusal,
  { namespace, kid }: Statement,
  facts: Facts,
): LimmatError {
  const details = { rule, field, found, expected };
  if (rule !== 'D15' || field !== 'kid' || facts.get(keyKey(namespace, kid)) !== undefined) {
    return new LimmatError('not-admitted', message, { details });
  }
  const id = toHex(kid);
  const command = `limmat submitter add KEY.pub.pem --issuer NAME --namespace ${namespace}`;
  return new LimmatError(
    'unknown-key',
    `key ${id} is none that the policy or a key-event of ${namespace} has brought; to admit it: ${command}`,
    { details: { ...details, kid: id, command } },
  );
}
