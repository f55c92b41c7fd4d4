// What a lying log logs: signed builds of one product, by an issuer with a fresh key, so that whoever reads the log can
// read its entries too.

import { randomBytes } from 'node:crypto';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createStatement, statementSigner } from '../../src/record/index.ts';
import type { StatementSigner } from '../../src/record/index.ts';

/** Who signs the entries, as an organisation and as a namespace. */
export const LEAF_ISSUER = 'vendor';
export const LEAF_PRODUCT = 'endpoint-security';
/** The algorithm identifier of Ed25519 in COSE. */
const ED25519 = -19;

export interface LeafMaker {
  readonly signer: StatementSigner;
  /** `count` statements, no two alike, with the time of signing that is given (Unix seconds), by `signer` or another. */
  make(count: number, iatSeconds: number, by?: StatementSigner): Promise<Uint8Array[]>;
}

/** A key for statements that nobody has seen. */
export function freshStatementSigner(): StatementSigner {
  return statementSigner(new Uint8Array(randomBytes(32)), ED25519, nodeCrypto);
}

export function leafMaker(): LeafMaker {
  const signer = freshStatementSigner();
  let made = 0;
  const makeOne = (iatSeconds: number, by: StatementSigner): Promise<Uint8Array> => {
    const number = made++;
    const fields = {
      product: LEAF_PRODUCT,
      version: `1.0.${number}`,
      channel: 'stable',
      platform: 'linux-x64',
      artifacts: [{ name: 'setup.bin', size: 1_000_000 + number, digest: { sha256: new Uint8Array(randomBytes(32)) } }],
    };
    return createStatement({ type: 'build', namespace: LEAF_ISSUER, issuer: LEAF_ISSUER, iatSeconds, fields }, by);
  };
  return {
    signer,
    make: async (count, iatSeconds, by = signer) => {
      const leaves: Uint8Array[] = [];
      for (let i = 0; i < count; i++) leaves.push(await makeOne(iatSeconds, by));
      return leaves;
    },
  };
}
