// What a new log begins with (DESIGN §3): the genesis, which says what the log is and who decides, and the key event that
// brings the first submitter's key. Pure: keys in, records out. Who signs and appends them is create-log's.

import { formatCoseKey, thumbprint } from '../cose/key.ts';
import type { CoseKey } from '../cose/key.ts';
import { LimmatError } from '../errors.ts';
import { recordFromJson } from '../record/index.ts';
import type { FieldsOf, LimmatRecord, PublicKey } from '../record/index.ts';
import { GRANTED_TYPES } from '../record/type-names.ts';

/** The role of the first submitter's key, unless a policy of the operator's names others. */
export const FIRST_ROLE = 'submitter';

/**
 * What a submitter's key signs unless told otherwise: everything that a role may be granted but key events, with which a
 * stolen key would let in others.
 */
export const SUBMITTED_TYPES = Object.freeze(GRANTED_TYPES.filter((type) => type !== 'key-event'));

export interface GenesisOptions {
  /** The log's own namespace. */
  readonly namespace: string;
  readonly origin: string;
  /** The keys that sign its checkpoints, and the one that signs its channel heads. */
  readonly vkeys: readonly string[];
  readonly channelHead: string;
  /** The key that decides, alone until a policy states others. */
  readonly root: CoseKey;
  /** The key that signs the log's own events. */
  readonly logStatements: CoseKey;
  /** A key for the first role, and whose records it signs. */
  readonly submitter: { readonly key: CoseKey; readonly issuer: string };
  /** Roles, requirements and parameters; default: one role for the submitter. */
  readonly policy?: InitialPolicy | undefined;
}

/** What an operator may say of the first policy. */
export type InitialPolicy = Pick<FieldsOf<'policy'>, 'roles' | 'require' | 'parameters'>;

const SAYABLE = ['roles', 'require', 'parameters'] as const;

/**
 * The first policy from JSON: the members `roles`, `require`, `parameters` of a policy's fields. `bad-config` with the
 * reason otherwise, `bad-record` for a member that is not as a policy has it.
 */
export function parseInitialPolicy(value: unknown): InitialPolicy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LimmatError('bad-config', `a first policy is a JSON object with ${SAYABLE.join(', ')}`);
  }
  const stray = Object.keys(value).find((name) => !SAYABLE.some((known) => known === name));
  if (stray !== undefined) {
    const why =
      stray === 'root'
        ? ': entry 0 is signed by keys/root.pem alone, and a later policy states other root keys'
        : `: what it may say is ${SAYABLE.join(', ')}`;
    throw new LimmatError('bad-config', `a first policy does not say "${stray}"${why}`);
  }
  const record = recordFromJson({ type: 'policy', namespace: 'any', fields: { ...value, sequence: 1 } });
  if (record.type !== 'policy') throw new TypeError('bad math in parseInitialPolicy');
  const { roles, require, parameters } = record.fields;
  return {
    ...(roles === undefined ? {} : { roles }),
    ...(require === undefined ? {} : { require }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}

export function genesisRecord(options: GenesisOptions): LimmatRecord {
  const { namespace, origin, vkeys, channelHead, root, logStatements, submitter } = options;
  const policy = options.policy ?? {
    roles: [{ role: FIRST_ROLE, types: [...SUBMITTED_TYPES], issuers: [submitter.issuer] }],
  };
  return {
    type: 'policy',
    namespace,
    fields: {
      sequence: 1,
      log: { origin, vkeys, statementKeys: [publicKeyOf(logStatements)], channelHead },
      rules: 'v1',
      root: { threshold: 1, keys: [publicKeyOf(root)] },
      ...policy,
    },
  };
}

/** Brings the submitter's key into the first role of the genesis, whose leaf hash this is; undefined where it has none. */
export function firstKeyRecord(options: GenesisOptions, genesisLeafHash: Uint8Array): LimmatRecord | undefined {
  const { namespace, submitter, policy } = options;
  const role = policy === undefined ? FIRST_ROLE : policy.roles?.[0]?.role;
  if (role === undefined) return undefined;
  return {
    type: 'key-event',
    namespace,
    fields: { sequence: 2, prev: genesisLeafHash, action: 'add', role, ...publicKeyOf(submitter.key) },
  };
}

/** A key as records name it. */
export function publicKeyOf(key: CoseKey): PublicKey {
  return { kid: thumbprint(key), key: formatCoseKey(key) };
}
