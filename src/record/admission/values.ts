// The values of the derived state: deterministic CBOR arrays, so that the same history always gives the same bytes. What
// is unknown is null. Each value is written by one function and read by the one beside it.

import { decodeCbor, encodeCbor } from '../../cose/cbor.ts';
import type { CoseAlg } from '../../cose/algorithm.ts';
import type { RecordType } from '../types.ts';
import { TYPE_NAMES } from '../type-names.ts';

/**
 * A reader of values that many entries ask for: of one and the same array, which nobody changes, the value is decoded
 * once. What is remembered goes with the array.
 */
function once<T>(parse: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  const known = new WeakMap<Uint8Array, T>();
  return (bytes) => {
    let value = known.get(bytes);
    if (value === undefined) {
      value = parse(bytes);
      known.set(bytes, value);
    }
    return value;
  };
}

/** The log, as its genesis says it is. */
export interface LogState {
  /** The version of the rules by which its entries are judged. */
  readonly rules: string;
  /** Its own namespace. */
  readonly namespace: string;
  /** Once it has said that it ends: the size that it never has more entries than. */
  readonly finalSize: number | null;
}

export const logValue = {
  format: (v: LogState): Uint8Array => encodeCbor([v.rules, v.namespace, v.finalSize]),
  parse: once((bytes): LogState => {
    const [rules, namespace, finalSize] = row<[string, string, number | null]>(bytes);
    return { rules, namespace, finalSize };
  }),
};

/** A role of the policy in force. Which keys it has, their own states say. */
export interface RoleState {
  readonly role: string;
  readonly types: readonly string[];
  readonly threshold: number;
  readonly products: readonly string[] | null;
  readonly sites: readonly string[] | null;
  readonly issuers: readonly string[] | null;
}

export interface NamespaceState {
  /** The index of the entry by which it left the log. */
  readonly leftAt: number | null;
  /** Links of its admission chain, and the leaf hash of the last one (null before the first). */
  readonly sequence: number;
  readonly head: Uint8Array | null;
  /** The sequence of the policy in force; 0 before the first. */
  readonly policy: number;
  readonly root: {
    /** The sequence of the link that stated the root keys; 0 where a membership did. */
    readonly since: number;
    readonly threshold: number;
    /** Root keys that are alive. */
    readonly keys: number;
  };
  readonly roles: readonly RoleState[];
  /** Fields that its records of a type must have. */
  readonly require: readonly { readonly type: string; readonly fields: readonly string[] }[];
  /** How many deltas may follow one another. */
  readonly deltaLimit: number | null;
}

type Names = string[] | null;
type RoleRow = [string, string[], number, Names, Names, Names];
type NamespaceRow = [
  number | null,
  number,
  Uint8Array | null,
  number,
  [number, number, number],
  RoleRow[],
  [string, string[]][],
  number | null,
];

export const namespaceValue = {
  format(v: NamespaceState): Uint8Array {
    return encodeCbor([
      v.leftAt,
      v.sequence,
      v.head,
      v.policy,
      [v.root.since, v.root.threshold, v.root.keys],
      v.roles.map((r) => [r.role, r.types, r.threshold, r.products, r.sites, r.issuers]),
      v.require.map(({ type, fields }) => [type, fields]),
      v.deltaLimit,
    ]);
  },
  parse: once((bytes): NamespaceState => {
    const [leftAt, sequence, head, policy, [since, threshold, keys], roles, require, deltaLimit] =
      row<NamespaceRow>(bytes);
    const value: NamespaceState = {
      leftAt,
      sequence,
      head,
      policy,
      root: { since, threshold, keys },
      roles: roles.map(([role, types, k, products, sites, issuers]) => ({
        role,
        types,
        threshold: k,
        products,
        sites,
        issuers,
      })),
      require: require.map(([type, fields]) => ({ type, fields })),
      deltaLimit,
    };
    return value;
  }),
};

/** A key in a namespace. */
export interface KeyState {
  /** The index of the entry from which on it is dead. */
  readonly deadAt: number | null;
  /** Its algorithm and its COSE_Key; null while a policy lists it and no key event has brought its bytes. */
  readonly alg: CoseAlg | null;
  readonly key: Uint8Array | null;
  /** By role: the sequence of the link that put it there. */
  readonly roles: ReadonlyMap<string, number>;
  /** The only site where it signs. */
  readonly site: string | null;
  /** Unix seconds; it signs nothing before or after. */
  readonly validFrom: number | null;
  readonly validUntil: number | null;
}

export const keyValue = {
  format: (v: KeyState): Uint8Array => encodeCbor([v.deadAt, v.alg, v.key, v.roles, v.site, v.validFrom, v.validUntil]),
  parse: once((bytes): KeyState => {
    const [deadAt, alg, key, roles, site, validFrom, validUntil] =
      row<
        [
          number | null,
          CoseAlg | null,
          Uint8Array | null,
          Map<string, number>,
          string | null,
          number | null,
          number | null,
        ]
      >(bytes);
    return { deadAt, alg, key, roles, site, validFrom, validUntil };
  }),
};

/** A link of an admission chain. */
export interface LinkState {
  readonly index: number;
  readonly leafHash: Uint8Array;
}

export const linkValue = {
  format: (v: LinkState): Uint8Array => encodeCbor([v.index, v.leafHash]),
  parse(bytes: Uint8Array): LinkState {
    const [index, leafHash] = row<[number, Uint8Array]>(bytes);
    return { index, leafHash };
  },
};

export interface SiteState {
  readonly kinds: readonly string[];
  /** Unix seconds. */
  readonly openedAt: number | null;
  readonly closedAt: number | null;
}

export const siteValue = {
  format: (v: SiteState): Uint8Array => encodeCbor([v.kinds, v.openedAt, v.closedAt]),
  parse(bytes: Uint8Array): SiteState {
    const [kinds, openedAt, closedAt] = row<[string[], number | null, number | null]>(bytes);
    return { kinds, openedAt, closedAt };
  },
};

/** Whether an entry still stands, the worst that was said of it: each step may follow those before it. */
export const STANDING = ['stands', 'superseded', 'retracted', 'recalled'] as const;
export type Standing = (typeof STANDING)[number];

/** What later entries that refer to this one are judged by. */
export interface EntryState {
  readonly type: RecordType;
  readonly index: number;
  readonly namespace: string;
  readonly kid: Uint8Array;
  readonly issuer: string;
  readonly product: string | null;
  /**
   * Of a build the digest of its set of artifacts, of a release its content, of a source snapshot the SHA-256 of its
   * subject; of other types nothing.
   */
  readonly about: Uint8Array | null;
  readonly standing: Standing;
}

export const entryValue = {
  format: (v: EntryState): Uint8Array =>
    encodeCbor([
      TYPE_NAMES.indexOf(v.type),
      v.index,
      v.namespace,
      v.kid,
      v.issuer,
      v.product,
      v.about,
      STANDING.indexOf(v.standing),
    ]),
  parse(bytes: Uint8Array): EntryState {
    const [type, index, namespace, kid, issuer, product, about, standing] =
      row<[number, number, string, Uint8Array, string, string | null, Uint8Array | null, number]>(bytes);
    return {
      type: TYPE_NAMES[type]!,
      index,
      namespace,
      kid,
      issuer,
      product,
      about,
      standing: STANDING[standing]!,
    };
  },
};

/** The digests of what has one set of them, and the first entry that stated them. */
export interface IdentityState {
  readonly index: number;
  /** A build: of its set of artifacts. A source: of its tree and its archive, null where none is known. */
  readonly digests: readonly (Uint8Array | null)[];
}

export const identityValue = {
  format: (v: IdentityState): Uint8Array => encodeCbor([v.index, v.digests]),
  parse(bytes: Uint8Array): IdentityState {
    const [index, digests] = row<[number, (Uint8Array | null)[]]>(bytes);
    return { index, digests };
  },
};

/** The newest release of a stream. */
export interface StreamState {
  readonly sequence: number;
  readonly leafHash: Uint8Array;
  readonly total: number;
  /** Deltas since the last full release. */
  readonly deltas: number;
}

export const streamValue = {
  format: (v: StreamState): Uint8Array => encodeCbor([v.sequence, v.leafHash, v.total, v.deltas]),
  parse(bytes: Uint8Array): StreamState {
    const [sequence, leafHash, total, deltas] = row<[number, Uint8Array, number, number]>(bytes);
    return { sequence, leafHash, total, deltas };
  },
};

/** The values of a row. They are ours: written by the function beside the one that reads, never by a stranger. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says once, at the call, what the row is
function row<T extends readonly unknown[]>(bytes: Uint8Array): T {
  const value: unknown = decodeCbor(bytes);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return value as T;
}
