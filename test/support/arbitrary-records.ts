// Records of any type in their JSON form, generated from the types' schemas; what holds between fields is mended after.

import fc from 'fast-check';
import type { Json, Schema } from '../../src/record/form.ts';
import { payloadKind, recordSchema, RECORD_TYPES, type RecordType } from '../../src/record/index.ts';
import { ORIGIN, PUBLIC_KEYS, VKEY } from './records.ts';
import { toHex } from '../../src/bytes.ts';

type Fields = Record<string, Json>;

const KEYS = PUBLIC_KEYS.map(({ kid, key }) => ({ kid: toHex(kid), key: toHex(key) }));
const FIT = fc.string({
  unit: fc.constantFrom(...Array.from('abcZ019 _-./%:ä水é\u{1f600}')),
  minLength: 1,
  maxLength: 12,
});
const text = FIT.map((value) => value.trim()).filter((value) => value !== '');
const hex = (length: number): fc.Arbitrary<Json> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => toHex(bytes));

const namespaces = fc.stringMatching(/^[a-z0-9](?:[a-z0-9.-]{0,9}[a-z0-9])?$/);

/** Definitions for which the schema alone says too little, or too much. */
const BY_NAME: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  text,
  name: text,
  step: text.filter((value) => value !== '.' && value !== '..'),
  approvals: fc
    .uniqueArray(fc.record({ kid: hex(32), signature: hex(64) }), {
      minLength: 1,
      maxLength: 3,
      selector: (a) => a.kid,
    })
    .map((rows) => rows.toSorted((a, b) => (a.kid < b.kid ? -1 : 1))),
  time: fc.integer({ min: 0, max: 253_402_300_799 }).map((s) => `${new Date(s * 1000).toISOString().slice(0, 19)}Z`),
  ref: hex(32),
  kid: hex(32),
  'root-hash': hex(32),
  digest: hex(32).map((sha256) => ({ sha256 })),
  'cose-key': fc.constantFrom(...KEYS.map(({ key }) => key)),
  'public-key': fc.constantFrom(...KEYS),
  origin: fc.constant(ORIGIN),
  vkey: fc.constantFrom('AAAA', 'BBBB', 'CCCC').map((key) => VKEY.replace(/A{4}/, key)),
  namespace: namespaces,
  'role-name': fc
    .stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,9}[a-z0-9])?$/)
    .filter((name) => !/^(?:root|log)$/.test(name)),
  country: fc.constantFrom('CH', 'DE', 'BR'),
  region: fc.constantFrom('CH', '150', '003'),
};

function arbitraryOf(schema: Schema, defs: Fields): fc.Arbitrary<Json> {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const { $ref: _, ...rest } = schema;
    const name = reference.slice('#/$defs/'.length);
    return BY_NAME[name] ?? arbitraryOf({ ...object(defs[name]), ...rest }, defs);
  }
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (schema['enum'] !== undefined) return fc.constantFrom(...listOf(schema['enum']));
  if (schema['type'] === 'integer') {
    return fc.integer({ min: Number(schema['minimum']), max: Number(schema['maximum']) });
  }
  if (schema['type'] === 'array') {
    const item = arbitraryOf(object(schema['items']), defs);
    return schema['uniqueItems'] === true
      ? fc.uniqueArray(item, {
          minLength: 1,
          maxLength: 3,
          comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b),
        })
      : fc.array(item, { minLength: 1, maxLength: 3 });
  }
  if (schema['type'] === 'string') return hex(Number(schema['maxLength']) / 2);
  const members = Object.entries(object(schema['properties'])).map(([name, value]): [string, fc.Arbitrary<Json>] => [
    name,
    arbitraryOf(object(value), defs),
  ]);
  const requiredKeys = listOf(schema['required']).map(String);
  const values = fc.record(Object.fromEntries(members), { requiredKeys }).map((value) => ({ ...value }));
  // Where fields are alternatives, at least one has to be there.
  return schema['anyOf'] === undefined ? values : values.filter((value) => Object.keys(value).length > 0);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function object(value: Json | undefined): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no schema');
  return Object.fromEntries(Object.entries(value));
}

/** A record in JSON of this type, with any choice of its optional fields. */
export function arbitraryRecord(
  type: RecordType,
): fc.Arbitrary<{ type: RecordType; namespace: string; fields: Fields }> {
  const defs = object(recordSchema(type)['$defs']);
  return fc
    .tuple(namespaces, arbitraryOf(object(defs['fields']), defs))
    .map(([namespace, fields]) => ({ type, namespace, fields: mended(type, object(fields)) }));
}

/** A record in JSON of any type. */
export const anyRecord = fc.constantFrom(...RECORD_TYPES).chain(arbitraryRecord);

const REF = 'ab'.repeat(32);

/** The fields, with what other fields ask for put in and what they forbid taken out. */
function mended(type: RecordType, given: Fields): Fields {
  const fields = object(eachObject(given));
  if ('sequence' in fields && type !== 'avdb-release') {
    if (fields['sequence'] === 1) delete fields['prev'];
    else fields['prev'] = REF;
  }
  MEND[type]?.(fields);
  return fields;
}

const MEND: Partial<Record<RecordType, (fields: Fields) => void>> = {
  policy(fields) {
    if (fields['log'] !== undefined) {
      delete fields['prev'];
      const log = object(fields['log']);
      const channelHead = 'channelHead' in log ? { channelHead: VKEY.replace('+', '/channel+') } : {};
      Object.assign(fields, { sequence: 1, rules: 'v1', log: { ...log, ...channelHead } });
      fields['root'] ??= { threshold: 1, keys: KEYS };
    }
    unique(fields, 'roles', 'role');
    unique(fields, 'require', 'type');
  },
  'key-event'(fields) {
    const joins = fields['action'] === 'add' || fields['action'] === 'rotate';
    if (joins) Object.assign(fields, KEYS[0], { role: fields['role'] ?? 'release' });
    else
      for (const name of ['key', 'role', 'site', 'validFrom', 'validUntil', 'hsmAttestationDigest'])
        delete fields[name];
    if (fields['action'] === 'rotate') fields['previousKid'] ??= REF;
    else delete fields['previousKid'];
    if (fields['action'] !== 'compromised') delete fields['compromisedSince'];
    inOrder(fields, 'validFrom', 'validUntil');
  },
  site: (fields) => inOrder(fields, 'openedAt', 'closedAt'),
  'source-snapshot': (fields) => (fields['treeDigest'] ??= { sha256: REF }),
  'avdb-release'(fields) {
    const sequence = Number(fields['sequence']);
    if (sequence === 1) {
      delete fields['prev'];
      delete fields['first'];
    } else if (fields['first'] === undefined) fields['prev'] = REF;
    else delete fields['prev'];
    if (fields['prev'] === undefined || sequence < 3) delete fields['gap'];
    if (fields['gap'] !== undefined) fields['gap'] = { ...object(fields['gap']), from: 2, to: sequence - 1 };
    if (fields['kind'] !== 'delta' || sequence === 1) delete fields['baseSequence'];
    else if (fields['baseSequence'] !== undefined) fields['baseSequence'] = 1;
    if (sequence === 1) delete fields['rollback'];
    else if (fields['rollback'] !== undefined) fields['rollback'] = { ...object(fields['rollback']), toSequence: 1 };
  },
  commitment(fields) {
    if (fields['fulfilledBy'] !== undefined && 'action' in object(fields['fulfilledBy'])) {
      fields['fulfilledBy'] = { ...object(fields['fulfilledBy']), type: 'relocation' };
    }
  },
  rebuild: (fields) => inOrder(fields, 'startedAt', 'finishedAt'),
  supervision(fields) {
    if (fields['range'] === undefined) fields['refs'] ??= [REF];
    else delete fields['refs'];
  },
  review: (fields) => inOrder(fields, 'startedAt', 'endedAt'),
  retraction(fields) {
    if (fields['kind'] === 'retract') delete fields['replacement'];
    else if (fields['kind'] !== 'recall') fields['replacement'] ??= REF;
  },
  membership(fields) {
    if (fields['action'] === 'admit') {
      fields['vendor'] ??= 'Vendor';
      fields['root'] ??= { threshold: 1, keys: KEYS };
    } else for (const name of ['vendor', 'root', 'bylawsDigest', 'from', 'until']) delete fields[name];
    inOrder(fields, 'from', 'until');
  },
  'log-event'(fields) {
    const events = Object.keys(payloadKind('log-event').fields).filter((name) => name !== 'approvals');
    const kept = events.find((name) => name in fields);
    if (kept === undefined) fields['keyRotation'] = { vkeys: [VKEY] };
    for (const name of events) if (name !== (kept ?? 'keyRotation')) delete fields[name];
  },
};

/** Rules of the kinds that several types have, at any depth. */
function eachObject(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => eachObject(item));
  if (typeof value !== 'object') return value;
  const fields: Fields = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, eachObject(item)]));
  if (fields['kind'] === 'own' || fields['kind'] === 'all') return { kind: fields['kind'] };
  if (fields['kind'] === 'segment') return { segment: 'beta', reason: 'trial', ...fields };
  if (fields['kind'] === 'exact' || fields['kind'] === 'no') return { kind: fields['kind'] };
  if ('threshold' in fields && Array.isArray(fields['keys'])) {
    fields['threshold'] = Math.min(Number(fields['threshold']), fields['keys'].length);
  }
  if (Array.isArray(fields['heads'])) unique(fields, 'heads', 'namespace');
  if ('rootHash' in fields && 'to' in fields) {
    const [from, to, size] = [fields['from'], fields['to'], fields['size']].map(Number).toSorted((a, b) => a - b);
    Object.assign(fields, { from, to: Math.max(to!, from! + 1), size: Math.max(size!, from! + 1) });
  }
  if ('fields' in fields && typeof fields['type'] === 'string') fields['fields'] = requirableOf(fields['type']);
  inOrder(fields, 'from', 'until');
  return fields;
}

function requirableOf(name: string): Json {
  const type = RECORD_TYPES.find((candidate) => candidate === name)!;
  return Object.entries(payloadKind(type).fields)
    .filter(([field, { required }]) => !required && field !== 'approvals')
    .map(([field]) => field)
    .slice(0, 2);
}

/** Leaves one row for each value of a member, sorted by it. */
function unique(fields: Fields, list: string, member: string): void {
  const rows = fields[list];
  if (!Array.isArray(rows)) return;
  const byMember = new Map(rows.map((row: Json): [string, Json] => [JSON.stringify(object(row)[member]), row]));
  fields[list] = [...byMember].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function inOrder(fields: Fields, first: string, second: string): void {
  const [start, end] = [fields[first], fields[second]];
  if (typeof start === 'string' && typeof end === 'string' && end < start) fields[second] = start;
}
