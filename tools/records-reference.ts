// Writes the field tables of docs/records.md from the record types' JSON Schemas. Run: node tools/records-reference.ts
// (test/docs.test.ts fails when that would change the page). Only what stands between these lines is written:
//
//   <!-- fields of build -->          <!-- shared kinds -->
//   <!-- end -->                      <!-- end -->

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Json, Schema } from '../src/record/form.ts';
import { RECORD_TYPES } from '../src/record/index.ts';
import { recordSchema } from '../src/record/schema.ts';
import type { RecordType } from '../src/record/types.ts';

const BLOCK = /<!-- (fields of ([a-z-]+)|shared kinds) -->\n[^]*?<!-- end -->/g;
const HEAD = '| field | | value | meaning |\n| --- | --- | --- | --- |\n';
/** Lists have at most so many values unless they say otherwise. */
const USUAL_MAX = 64;

/** The page with its tables as the schemas are now. */
export function withReference(markdown: string): string {
  return markdown.replaceAll(BLOCK, (_block, what: string, type: string | undefined) => {
    const rows = type === undefined ? sharedRows() : typeRows(type);
    return `<!-- ${what} -->\n${HEAD}${rows.map(rowLine).join('')}<!-- end -->`;
  });
}

function rowLine(row: Row): string {
  return `|${row.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}\n`;
}

type Row = readonly [field: string, required: string, value: string, meaning: string];

function typeRows(name: string): Row[] {
  const type = RECORD_TYPES.find((candidate) => candidate === name);
  if (type === undefined) throw new Error(`docs/records.md: no record type ${name}`);
  const defs = defsOf(type);
  return fieldRows(defs['fields']!, '', defs);
}

/** Definitions with fields that several types have, in a table of their own; a digest stands among the simple kinds. */
function sharedRows(): Row[] {
  const all = Object.fromEntries(RECORD_TYPES.flatMap((type) => Object.entries(defsOf(type))));
  return Object.keys(all)
    .filter((name) => isShared(name) && name !== 'digest' && itemsOf(all[name]!)['properties'] !== undefined)
    .toSorted()
    .flatMap((name) => {
      const definition = all[name]!;
      const head: Row = [`**${name}**`, '', isList(definition) ? 'list' : '', meaningOf(definition)];
      return [head, ...fieldRows(itemsOf(definition), isList(definition) ? `${name}[]` : name, all)];
    });
}

function fieldRows(object: Schema, path: string, defs: Readonly<Record<string, Schema>>): Row[] {
  const required = listOf(object['required']);
  return Object.entries(asSchema(object['properties'])).flatMap(([name, value]) => {
    const schema = asSchema(value);
    const here = path === '' ? name : `${path}.${name}`;
    const inside = nested(schema, defs);
    const meaning = meaningOf(schema) || (inside === undefined ? '' : meaningOf(resolved(schema, defs)));
    const row: Row = [`\`${here}\``, required.includes(name) ? 'required' : '', valueOf(schema, defs), meaning];
    if (inside === undefined) return [row];
    return [row, ...fieldRows(inside, isList(resolved(schema, defs)) ? `${here}[]` : here, defs)];
  });
}

/** The object whose fields follow as rows of their own; undefined where there is none, or it is in the shared table. */
function nested(schema: Schema, defs: Readonly<Record<string, Schema>>): Schema | undefined {
  if (isShared(nameOf(schema))) return undefined;
  const value = resolved(schema, defs);
  if (isList(value)) return nested(asSchema(value['items']), defs);
  return value['properties'] === undefined ? undefined : value;
}

function valueOf(schema: Schema, defs: Readonly<Record<string, Schema>>): string {
  const name = nameOf(schema);
  const value = resolved(schema, defs);
  // Lists and objects that one type alone has are written out, even where they have a name.
  const isSimple = !isList(value) && value['properties'] === undefined;
  if (name !== undefined && (isSimple || isShared(name))) return name + boundsOf(schema);
  if (value['const'] !== undefined) return code(value['const']);
  if (Array.isArray(value['enum'])) return choice(value['enum'].map(code));
  if (isList(value)) {
    const max = Number(value['maxItems']);
    const kind = value['uniqueItems'] === true ? 'set' : 'list';
    const item = valueOf(asSchema(value['items']), defs);
    return `${kind} of ${max === USUAL_MAX ? '' : `up to ${max} `}${item === 'object' ? 'objects' : plural(item)}`;
  }
  if (value['properties'] !== undefined) return 'object';
  return `${Number(value['maxLength']) / 2} bytes`;
}

/** What narrows a kind that has a name: " from 1 to 64", " of 256 bytes". */
function boundsOf({ minimum, maximum, maxLength }: Schema): string {
  const from = typeof minimum === 'number' ? ` from ${minimum}` : '';
  const to = typeof maximum === 'number' ? ` ${from === '' ? 'up to' : 'to'} ${maximum}` : '';
  return from + to + (typeof maxLength === 'number' ? ` of ${maxLength} bytes` : '');
}

const users = new Map<string, Set<RecordType>>();
for (const type of RECORD_TYPES) {
  for (const name of Object.keys(defsOf(type))) users.set(name, (users.get(name) ?? new Set()).add(type));
}

function isShared(name: string | undefined): boolean {
  return name !== undefined && name !== 'fields' && users.get(name)!.size > 1;
}

function defsOf(type: RecordType): Readonly<Record<string, Schema>> {
  const defs = Object.entries(asSchema(recordSchema(type)['$defs']));
  return Object.fromEntries(defs.map(([name, definition]) => [name, asSchema(definition)]));
}

function nameOf(schema: Schema): string | undefined {
  const reference = schema['$ref'];
  return typeof reference === 'string' ? reference.slice('#/$defs/'.length) : undefined;
}

function resolved(schema: Schema, defs: Readonly<Record<string, Schema>>): Schema {
  const name = nameOf(schema);
  return name === undefined ? schema : resolved(defs[name]!, defs);
}

function isList(schema: Schema): boolean {
  return schema['type'] === 'array';
}

function itemsOf(schema: Schema): Schema {
  return isList(schema) ? asSchema(schema['items']) : schema;
}

function meaningOf(schema: Schema): string {
  const { description } = schema;
  return typeof description === 'string' ? description.replaceAll('|', '\\|') : '';
}

function code(value: Json): string {
  return `\`${JSON.stringify(value)}\``;
}

function choice(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function plural(words: string): string {
  return words.startsWith('`') ? words : words.replace(/^[a-z-]+/, '$&s');
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function asSchema(value: Json | undefined): Schema {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not a schema');
  return Object.fromEntries(Object.entries(value));
}

if (import.meta.main) {
  const file = join(import.meta.dirname, '..', 'docs', 'records.md');
  writeFileSync(file, withReference(readFileSync(file, 'utf8')));
}
