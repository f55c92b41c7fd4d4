// The submitter list: which keys may submit what to a log whose admission mode is `records`. Pure: text in, list out.

import { LimmatError } from '../errors.ts';
import { fromHex, toHex } from '../bytes.ts';
import { checkCoseKey, formatCoseKey, parseCoseKey, thumbprintHex, type CoseKey } from '../cose/key.ts';
import { verifyJob, type VerifyJob } from '../cose/signer.ts';
import { FieldError } from './field-error.ts';
import { list, name, object, oneOf, pattern, required, text, time, type Values } from './fields.ts';
import type { Statement } from './statement.ts';
import { isRecordType, productOf } from './types.ts';

/** A key and what it may sign. "*" in a list stands for everything. */
export interface Submitter {
  /** The key's thumbprint, lowercase hexadecimal. */
  readonly kid: string;
  /** The issuer that its statements must name (`iss`). */
  readonly name: string;
  readonly key: CoseKey;
  readonly types: readonly string[];
  readonly namespaces: readonly string[];
  /** Asked only of records that are about a product. */
  readonly products: readonly string[];
  /** Unix seconds. */
  readonly addedAt: number;
}

export interface SubmitterList {
  /** In the order they were added. */
  readonly submitters: readonly Submitter[];
  /** By kid. */
  readonly byKid: ReadonlyMap<string, Submitter>;
}

const FORMAT = 'limmat-submitters/v1';

const scope = list(text(256), 1024);
const fileKind = object({
  format: required(oneOf(FORMAT)),
  submitters: required(
    list(
      object({
        kid: required(pattern(/^[0-9a-f]{64}$/, '64 lowercase hexadecimal digits')),
        name: required(name),
        key: required(pattern(/^(?:[0-9a-f]{2})+$/, 'a COSE_Key in lowercase hexadecimal digits')),
        types: required(scope),
        namespaces: required(scope),
        products: required(scope),
        addedAt: required(time),
      }),
      100_000,
      0,
    ),
  ),
});

type Row = Values<typeof fileKind.fields>['submitters'][number];

/** A list of these submitters. `bad-config` for two rows with one key or an unknown type, `bad-key` for a weak key. */
export function submitterList(submitters: readonly Submitter[]): SubmitterList {
  const byKid = new Map<string, Submitter>();
  for (const submitter of submitters) {
    if (byKid.has(submitter.kid)) throw bad(`key ${submitter.kid} is listed twice`);
    const kid = thumbprintHex(submitter.key);
    if (kid !== submitter.kid) throw bad(`key ${submitter.kid} has the thumbprint ${kid}`);
    checkCoseKey(submitter.key);
    const type = submitter.types.find((candidate) => candidate !== '*' && !isRecordType(candidate));
    if (type !== undefined) throw bad(`key ${submitter.kid} is for "${type}", which is no record type`);
    byKid.set(submitter.kid, submitter);
  }
  return Object.freeze({ submitters: Object.freeze([...submitters]), byKid });
}

/**
 * The list in a file, as `formatSubmitters` writes it:
 *
 *     {"format": "limmat-submitters/v1",
 *      "submitters": [{"kid": "dd2f…", "name": "vendor.example", "key": "a3010120062158208a88…", "types": ["build"],
 *                      "namespaces": ["vendor"], "products": ["*"], "addedAt": "2026-11-22T16:42:00Z"}]}
 *
 * `bad-config` for anything else, `bad-key` for a weak key.
 */
export function parseSubmitters(json: string): SubmitterList {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new LimmatError('bad-config', 'submitter list is not JSON', { cause });
  }
  try {
    const file = fileKind.fromJson(value);
    return submitterList(file.submitters.map(submitterOf));
  } catch (error) {
    if (error instanceof FieldError) throw bad(`${error.field}: ${error.message}`);
    throw error;
  }
}

/** The file of a list; `parseSubmitters` reads it. */
export function formatSubmitters({ submitters }: SubmitterList): string {
  const file = {
    format: FORMAT,
    submitters: submitters.map((submitter) => ({ ...submitter, key: toHex(formatCoseKey(submitter.key)) })),
  } as const;
  return `${JSON.stringify(fileKind.toJson(file), undefined, 2)}\n`;
}

/** The list with a submitter added at its end, or in the place of the row with the same key. */
export function addSubmitter({ submitters, byKid }: SubmitterList, added: Submitter): SubmitterList {
  if (!byKid.has(added.kid)) return submitterList([...submitters, added]);
  return submitterList(submitters.map((submitter) => (submitter.kid === added.kid ? added : submitter)));
}

/** The list without the key; `not-found` when it is not there. */
export function removeSubmitter({ submitters, byKid }: SubmitterList, kid: string): SubmitterList {
  if (!byKid.has(kid)) throw new LimmatError('not-found', `key ${kid} is not on the list`, { details: { kid } });
  return submitterList(submitters.filter((submitter) => submitter.kid !== kid));
}

/**
 * Nothing when the list lets the statement's key say this, else the refusal: `unknown-key` with the command that would
 * admit the key, or `not-permitted` with the field, what it says and what the key is allowed.
 */
export function permits({ byKid }: SubmitterList, statement: Statement): LimmatError | undefined {
  const kid = toHex(statement.kid);
  const submitter = byKid.get(kid);
  if (submitter === undefined) return unknownKey(kid);
  if (statement.iss !== submitter.name) return notPermitted(kid, 'iss', statement.iss, [submitter.name]);
  if (!inScope(submitter.types, statement.type)) return notPermitted(kid, 'type', statement.type, submitter.types);
  if (!inScope(submitter.namespaces, statement.namespace)) {
    return notPermitted(kid, 'namespace', statement.namespace, submitter.namespaces);
  }
  const product = productOf(statement.record);
  if (product !== undefined && !inScope(submitter.products, product)) {
    return notPermitted(kid, 'product', product, submitter.products);
  }
  return undefined;
}

/** The signature check that the statement needs, with the key from the list; `unknown-key` when it is not there. */
export function signatureJob(statement: Statement, { byKid }: SubmitterList): VerifyJob {
  const kid = toHex(statement.kid);
  const submitter = byKid.get(kid);
  if (submitter === undefined) throw unknownKey(kid);
  return verifyJob(statement, submitter.key);
}

function inScope(allowed: readonly string[], value: string): boolean {
  return allowed.includes(value) || allowed.includes('*');
}

function submitterOf(row: Row): Submitter {
  try {
    return { ...row, key: parseCoseKey(fromHex(row.key)!) };
  } catch (cause) {
    throw new LimmatError('bad-config', `submitter list: key ${row.kid} is no COSE_Key`, { cause });
  }
}

const ADD_COMMAND = 'limmat submitter add KEY.pub.pem --issuer NAME --namespace NAMESPACE';

function unknownKey(kid: string): LimmatError {
  const command = ADD_COMMAND;
  return new LimmatError('unknown-key', `key ${kid} is not on this log's submitter list; to admit it: ${command}`, {
    details: { kid, command },
  });
}

/** The option of `limmat submitter add` that widens a field. */
const WIDEN = { iss: '', namespace: '', type: ' --type TYPE', product: ' --product PRODUCT' } as const;

function notPermitted(kid: string, field: keyof typeof WIDEN, value: string, allowed: readonly string[]): LimmatError {
  const listed = allowed.join(', ');
  const command = `${ADD_COMMAND}${WIDEN[field]}`;
  return new LimmatError(
    'not-permitted',
    `key ${kid} may not submit ${field} "${value}"; it may: ${listed}; to say anew all that it may: ${command}`,
    { details: { kid, field, value, allowed: listed, command } },
  );
}

function bad(message: string): LimmatError {
  return new LimmatError('bad-config', `submitter list: ${message}`);
}
