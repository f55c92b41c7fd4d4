// Names that people type, checked before anything is written.

import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { parseInitialPolicy } from '../../src/node/genesis.ts';
import { isNamespace } from '../../src/record/types.ts';

/** `usage` unless it is a namespace. */
export function checkNamespace(name: string): void {
  if (isNamespace(name)) return;
  throw new LimmatError('usage', `the namespace "${name}" is not 1 to 63 lowercase letters, digits, dots or hyphens`);
}

/** `usage` unless it may be the name of an issuer in a policy. */
export function checkIssuer(name: string): void {
  try {
    parseInitialPolicy({ roles: [{ role: 'any', types: ['build'], issuers: [name] }] });
  } catch (error) {
    if (!isLimmatError(error, 'bad-record')) throw error;
    throw new LimmatError('usage', 'an issuer is a text of 1 to 256 characters without control characters', {
      cause: error,
    });
  }
}
