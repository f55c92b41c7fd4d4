// Making a log as `init` and the first `serve` do, with a key from the start so that something can be added at once.

import { createLog } from '../../src/node/create-log.ts';
import type { CreatedLog } from '../../src/node/create-log.ts';
import type { InitialPolicy } from '../../src/node/genesis.ts';
import { checkIssuer, checkNamespace } from './names.ts';

/** The issuer and the namespace of the key that a new log begins with. */
export const FIRST_ISSUER = 'demo';

export interface NewLogOptions {
  readonly dir: string;
  readonly origin?: string | undefined;
  readonly admission?: 'records' | 'open' | undefined;
  readonly issuer?: string | undefined;
  readonly namespace?: string | undefined;
  readonly policy?: InitialPolicy | undefined;
}

/** Makes a log whose policy lets one key in: keys/submitter.pem. Errors: those of createLog. */
export async function makeLog(options: NewLogOptions): Promise<CreatedLog> {
  const { issuer = FIRST_ISSUER, namespace = FIRST_ISSUER } = options;
  checkNamespace(namespace);
  checkIssuer(issuer);
  return createLog({ ...options, issuer, namespace });
}
