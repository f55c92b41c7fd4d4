// Making a log as `init` and the first `serve` do: the log itself, and a submitter key that it trusts from the start, so
// that something can be added at once.

import { existsSync, writeFileSync } from 'node:fs';

import { thumbprintHex } from '../../src/cose/index.ts';
import { assertMayBecomeLog, createLog } from '../../src/node/create-log.ts';
import type { CreatedLog } from '../../src/node/create-log.ts';
import { dataPaths, holdsLog } from '../../src/node/meta.ts';
import { writeSecretFile } from '../../src/node/secret-file.ts';
import { submitterList } from '../../src/record/submitters.ts';
import { generateStatementKey, readPublicKey } from './keys.ts';
import { checkNamespace } from './names.ts';

/** The issuer and the namespace of the key that a new log trusts. */
export const FIRST_ISSUER = 'demo';

export interface NewLogOptions {
  readonly dir: string;
  readonly origin?: string | undefined;
  readonly admission?: 'records' | 'open' | undefined;
  readonly issuer?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Makes a log whose submitter list has one key: keys/submitter.pem. Errors: those of createLog. */
export async function makeLog(options: NewLogOptions): Promise<CreatedLog> {
  const paths = dataPaths(options.dir);
  const { issuer = FIRST_ISSUER, namespace = FIRST_ISSUER } = options;
  checkNamespace(namespace, false);
  // A log that is there is refused by createLog; until then nothing in its directory is touched.
  if (!holdsLog(options.dir)) assertMayBecomeLog(options.dir);
  if (!holdsLog(options.dir) && !existsSync(paths.submitterKey)) {
    const { secretPem, publicPem } = generateStatementKey('ed25519');
    writeSecretFile(paths.submitterKey, secretPem);
    writeFileSync(paths.submitterPublicKey, publicPem);
  }
  const key = readPublicKey(paths.submitterPublicKey);
  const submitter = {
    kid: thumbprintHex(key),
    name: issuer,
    key,
    types: ['*'],
    namespaces: [namespace],
    products: ['*'],
    addedAt: Math.floor(Date.now() / 1000),
  };
  return createLog({
    dir: options.dir,
    origin: options.origin,
    admission: options.admission,
    submitters: submitterList([submitter]),
    issuers: [{ iss: issuer, key }],
  });
}
