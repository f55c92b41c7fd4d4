// Namespaces that people type, checked before anything is written.

import { LimmatError } from '../../src/errors.ts';
import { isNamespace } from '../../src/record/types.ts';

/** `usage` unless it is a namespace. */
export function checkNamespace(name: string): void {
  if (isNamespace(name)) return;
  throw new LimmatError('usage', `the namespace "${name}" is not 1 to 63 lowercase letters, digits, dots or hyphens`);
}
