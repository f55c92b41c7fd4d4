// A log's admission in memory, entry by entry, with keys that have names. Signatures are zeros unless asked for: admit
// does not look at them. Whatever admit looks at must be among the keys that keysFor names: each call checks that.

import { formatCoseKey } from '../../src/cose/key.ts';
import { externalSigner, statementSigner, type StatementSigner } from '../../src/cose/signer.ts';
import { portableCrypto } from '../../src/crypto/index.ts';
import { portableHasher, type Hash } from '../../src/merkle/hash.ts';
import { admit, keysFor, sizeOfRootKey, type Decision, type Facts } from '../../src/record/admission.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import { AdmissionState } from '../../src/record/admission/state.ts';
import { createApproval } from '../../src/record/approval.ts';
import { sortApprovals } from '../../src/record/key-kinds.ts';
import { createStatement, parseStatement } from '../../src/record/statement.ts';
import { decodePayload, encodePayload, type FieldsOf, type RecordType } from '../../src/record/types.ts';
import { ORIGIN, VKEY } from './records.ts';

const signers = new Map<string, StatementSigner>();

/** The signer of that name; one whose name begins with "p256" is ESP256. */
export function signer(name: string): StatementSigner {
  const known = signers.get(name);
  if (known !== undefined) return known;
  const secret = portableHasher.sha256(new TextEncoder().encode(name));
  const made = statementSigner(secret, name.startsWith('p256') ? -9 : -19, portableCrypto);
  signers.set(name, made);
  return made;
}

export const kid = (name: string): Uint8Array => signer(name).kid;
export const publicKey = (name: string): { kid: Uint8Array; key: Uint8Array } => ({
  kid: kid(name),
  key: formatCoseKey(signer(name).key),
});
export const rootKeys = (threshold: number, ...names: readonly string[]) => ({ threshold, keys: names.map(publicKey) });

export interface SignOptions {
  readonly issuer?: string;
  readonly iat?: number;
  readonly approvals?: readonly string[];
}

export const T0 = 1_800_000_000;
const zeros = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(64));

/** Signs a record by the named key, with approvals of others; `real` makes signatures that hold. */
export async function sign<T extends RecordType>(
  by: string,
  namespace: string,
  type: T,
  fields: FieldsOf<T>,
  { issuer = 'Vendor AG', iat = T0, approvals = [] }: SignOptions = {},
  real = false,
): Promise<Uint8Array> {
  const bare = decodePayload(type, namespace, encodePayload(type, fields));
  const approved = await Promise.all(
    approvals.map(async (name) =>
      real
        ? createApproval({ record: bare, kid: kid(by), iss: issuer, iat }, signer(name))
        : { kid: kid(name), signature: new Uint8Array(64) },
    ),
  );
  const all = approved.length === 0 ? fields : { ...fields, approvals: sortApprovals(approved) };
  const key = signer(by);
  return createStatement(
    { type, namespace, fields: all, issuer, iatSeconds: iat },
    real ? key : externalSigner(key.key, zeros),
  );
}

/** The fields of a genesis, root key "root", log key "log", and roles. */
export function genesis(more: Partial<FieldsOf<'policy'>> = {}, root = rootKeys(1, 'root')): FieldsOf<'policy'> {
  return {
    sequence: 1,
    log: { origin: ORIGIN, vkeys: [VKEY], statementKeys: [publicKey('log')] },
    rules: 'v1',
    root,
    ...more,
  };
}

export class AdmissionWorld {
  readonly state = new AdmissionState();
  readonly roots = new TreeRoots(portableHasher);
  readonly leaves: Uint8Array[] = [];

  get size(): number {
    return this.roots.size;
  }

  /** Judges the statement as the next entry, and changes nothing. */
  judge(bytes: Uint8Array): Decision {
    const statement = parseStatement(bytes);
    const named = new Set(keysFor(statement));
    const facts: Facts = {
      get: (key) => {
        if (!named.has(key)) throw new Error(`admit looks at ${key}, which keysFor does not name`);
        const size = sizeOfRootKey(key);
        if (size === undefined) return this.state.get(key);
        return size <= this.size ? this.roots.at(size) : undefined;
      },
    };
    return admit(facts, statement, this.size, portableHasher.leafHash(bytes));
  }

  /** Judges the statement and, if it is admitted, appends it. */
  append(bytes: Uint8Array): Decision {
    const decision = this.judge(bytes);
    if (decision.admitted) {
      this.state.apply(decision.writes);
      this.roots.append(portableHasher.leafHash(bytes));
      this.leaves.push(bytes);
    }
    return decision;
  }

  /** Appends what has to be admitted; gives its leaf hash. */
  async log<T extends RecordType>(
    by: string,
    namespace: string,
    type: T,
    fields: FieldsOf<T>,
    options?: SignOptions,
  ): Promise<Hash> {
    const bytes = await sign(by, namespace, type, fields, options);
    const decision = this.append(bytes);
    if (!decision.admitted) throw new Error(`entry ${this.size} is not admitted: ${decision.message}`);
    return portableHasher.leafHash(bytes);
  }

  /** What the next entry would be told: "admitted", or the rule and field of its refusal. */
  async verdict<T extends RecordType>(
    by: string,
    namespace: string,
    type: T,
    fields: FieldsOf<T>,
    options?: SignOptions,
  ): Promise<string> {
    const decision = this.judge(await sign(by, namespace, type, fields, options));
    return decision.admitted ? 'admitted' : `${decision.rule} ${decision.field}`;
  }
}
