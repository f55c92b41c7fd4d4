// Keys in records: their ids, their bytes, sets of which k have to sign, the text form of a log's own keys.

import { LimmatError } from '../errors.ts';
import { equalBytes, toHex } from '../bytes.ts';
import { checkCoseKey, parseCoseKey, thumbprint } from '../cose/key.ts';
import { FieldError } from './field-error.ts';
import {
  bytes,
  checkDistinct,
  checked,
  list,
  named,
  object,
  pattern,
  required,
  text,
  uint,
  type Kind,
  type Values,
} from './fields.ts';

const KID_SIZE = 32;

/** A key's thumbprint (RFC 9679), as statements name it. */
export const kid: Kind<Uint8Array> = named('kid', bytes(KID_SIZE), 'The thumbprint (RFC 9679) of a key.');

/** The largest COSE_Key that is taken has 77 bytes (P-256). */
const MAX_COSE_KEY = 128;

/** A public key, as the deterministic COSE_Key of which the thumbprint is taken. Keys that are weak are refused. */
export const coseKeyBytes: Kind<Uint8Array> = named(
  'cose-key',
  checked(bytes(1, MAX_COSE_KEY), readKey),
  'A public key: a COSE_Key (RFC 9052 §7) in deterministic CBOR with the members of its thumbprint and no others.',
);

function readKey(value: Uint8Array): void {
  try {
    checkCoseKey(parseCoseKey(value));
  } catch (error) {
    if (error instanceof LimmatError) throw new FieldError(`is no key: ${error.message}`);
    throw error;
  }
}

/** FieldError unless these are the bytes of the key with this id. */
export function checkThumbprint(value: { readonly kid: Uint8Array; readonly key: Uint8Array }): void {
  if (!equalBytes(thumbprint(parseCoseKey(value.key)), value.kid)) {
    throw new FieldError('is not the thumbprint of the key beside it', 'kid');
  }
}

/** A key with its id; that they belong together is checked. */
export const publicKey = named(
  'public-key',
  object({ kid: required(kid), key: required(coseKeyBytes) }, checkThumbprint),
  'A key with its id, which has to be the thumbprint of the bytes.',
);

export type PublicKey = Values<typeof publicKey.fields>;

/** Keys, none of them twice. */
export const publicKeys: Kind<readonly PublicKey[]> = checked(list(publicKey), checkKids, { uniqueItems: true });

function checkKids(values: readonly { readonly kid: Uint8Array }[]): void {
  checkDistinct(values.map((value) => value.kid));
}

/** Keys of which `threshold` have to sign together. */
export const rootKeys = named(
  'root-keys',
  object({ threshold: required(uint(64, 1)), keys: required(publicKeys) }, (value) => {
    checkThreshold(value.threshold, value.keys.length);
  }),
  'Keys of which `threshold` have to sign together.',
);

export type RootKeys = Values<typeof rootKeys.fields>;

/** FieldError when more keys have to sign than there are. */
export function checkThreshold(threshold: number, keys: number): void {
  if (threshold > keys) throw new FieldError(`${threshold} of ${keys} keys can never sign`, 'threshold');
}

const SIGNATURE_SIZE = 64;

const approval = object({ kid: required(kid), signature: required(bytes(SIGNATURE_SIZE)) });

/** A further key's signature over a record; approval.ts says over which bytes. */
export type Approval = Values<typeof approval.fields>;

/** What every record may carry, where more than one key has to sign. */
export const approvals: Kind<readonly Approval[]> = named(
  'approvals',
  checked(list(approval), checkAscending),
  'Signatures of further keys over this record, where more than one key has to sign; by `kid`, ascending.',
);

/** So that the same approvals have one form. */
function checkAscending(values: readonly { readonly kid: Uint8Array }[]): void {
  checkKids(values);
  const after = values.findIndex((value, i) => i > 0 && toHex(value.kid) < toHex(values[i - 1]!.kid));
  if (after > 0) throw new FieldError('is below the kid before it: approvals are sorted by kid', `[${after}].kid`);
}

/** Approvals in the order in which a record has them. */
export function sortApprovals<A extends { readonly kid: Uint8Array }>(values: readonly A[]): A[] {
  return values.toSorted((a, b) => (toHex(a.kid) < toHex(b.kid) ? -1 : 1));
}

/** The role of the keys that decide: they sign policies, and everything else that changes who may do what. */
export const ROOT_ROLE = 'root';
/** The role of the keys with which a log speaks of itself, in the log's own namespace. */
export const LOG_ROLE = 'log';

/** A role of a policy, e.g. "release". */
export const roleName: Kind<string> = named(
  'role-name',
  pattern(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, '1 to 63 lowercase letters, digits or hyphens'),
  '1 to 63 lowercase letters, digits or hyphens.',
);

const MAX_ORIGIN = 255;
const ORIGIN = /^[^\s+]+$/u;

/** A log's origin: the first line of its checkpoints, and the name of its keys. */
export const origin: Kind<string> = named(
  'origin',
  checked(
    text(MAX_ORIGIN),
    (value) => {
      if (!ORIGIN.test(value)) throw FieldError.of(value, 'is no origin: it has a space or a "+"');
    },
    { pattern: ORIGIN.source },
  ),
  "A log's origin: the first line of its checkpoints. No spaces, no `+`.",
);

/** Longer than any vkey of a known kind: an ML-DSA-44 key has 1,752 characters of base64. */
const MAX_VKEY = 4096;
const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/u;

/** A key of notes as text (C2SP signed-note). Its form is checked here, its key id by whoever uses it. */
export const vkey: Kind<string> = named(
  'vkey',
  checked(
    text(MAX_VKEY),
    (value) => {
      if (!VKEY.test(value)) throw FieldError.of(value, 'is no vkey: name, "+", 8 hexadecimal digits, "+", base64');
    },
    { pattern: VKEY.source },
  ),
  'A verifier key of C2SP signed-note: `<name>+<key id>+<base64>`.',
);

/** The name in a vkey. */
export function vkeyName(value: string): string {
  return value.slice(0, value.indexOf('+'));
}
