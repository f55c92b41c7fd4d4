// Validates JSON against a JSON Schema (draft 2020-12): the keywords that the record types' schemas use, transcribed from
// the specification one by one, and an error for any other. An oracle for tests, slow and plain.

import type { Json, Schema } from '../../src/record/form.ts';

/** Where the value does not fit the schema, and by which keyword: `/fields/size maximum`. Empty when it is valid. */
export function schemaErrors(schema: Schema, value: unknown): string[] {
  return errorsAt(schema, value, '', schema);
}

type Keyword = (argument: Json, value: unknown, here: Place) => string[] | boolean;

interface Place {
  readonly path: string;
  readonly schema: Schema;
  readonly root: Schema;
}

function errorsAt(schema: Json | undefined, value: unknown, path: string, root: Schema): string[] {
  if (schema === true || schema === undefined) return [];
  if (schema === false) return [`${path} false`];
  if (!isObject(schema)) throw new TypeError(`${path}: no schema`);
  return Object.entries(schema).flatMap(([name, argument]) => {
    if (ANNOTATIONS.includes(name)) return [];
    const keyword = KEYWORDS[name];
    if (keyword === undefined) throw new TypeError(`${path}: unknown keyword ${name}`);
    const found = keyword(argument, value, { path, schema, root });
    if (typeof found === 'boolean') return found ? [] : [`${path} ${name}`];
    return found;
  });
}

const ANNOTATIONS = ['$schema', '$id', '$defs', 'title', 'description', 'format', 'then', 'else'];

const fits = (schema: Json | undefined, value: unknown, { path, root }: Place): boolean =>
  errorsAt(schema, value, path, root).length === 0;
const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: Json): readonly Json[] => (Array.isArray(value) ? value : []);
const word = (value: Json): string => {
  if (typeof value !== 'string') throw new TypeError('keyword argument is no text');
  return value;
};
const has = (value: unknown, name: Json): boolean => isObject(value) && Object.hasOwn(value, word(name));
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
/** Characters as JSON Schema counts them. */
const lengthOf = (text: string): number => Array.from(text).length;

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $ref: (argument, value, { path, root }) => {
    const name = /^#\/\$defs\/([a-z-]+)$/.exec(word(argument))?.[1];
    const defs = root['$defs'];
    if (name === undefined || !isObject(defs) || defs[name] === undefined) throw new TypeError(`no ${word(argument)}`);
    return errorsAt(defs[name], value, path, root);
  },
  type: (argument, value) =>
    argument === 'object'
      ? isObject(value)
      : argument === 'array'
        ? Array.isArray(value)
        : argument === 'integer'
          ? Number.isInteger(value)
          : typeof value === argument,
  const: (argument, value) => same(argument, value),
  enum: (argument, value) => list(argument).some((item) => same(item, value)),
  minimum: (argument, value) => typeof value !== 'number' || value >= Number(argument),
  maximum: (argument, value) => typeof value !== 'number' || value <= Number(argument),
  minLength: (argument, value) => typeof value !== 'string' || lengthOf(value) >= Number(argument),
  maxLength: (argument, value) => typeof value !== 'string' || lengthOf(value) <= Number(argument),
  pattern: (argument, value) => typeof value !== 'string' || new RegExp(word(argument), 'u').test(value),
  minItems: (argument, value) => !Array.isArray(value) || value.length >= Number(argument),
  maxItems: (argument, value) => !Array.isArray(value) || value.length <= Number(argument),
  uniqueItems: (_argument, value) =>
    !Array.isArray(value) || value.every((item, i) => value.findIndex((other) => same(item, other)) === i),
  items: (argument, value, { path, root }) =>
    Array.isArray(value) ? value.flatMap((item, i) => errorsAt(argument, item, `${path}/${i}`, root)) : [],
  properties: (argument, value, { path, root }) =>
    isObject(value) && isObject(argument)
      ? Object.entries(argument).flatMap(([name, schema]) =>
          has(value, name) ? errorsAt(schema, value[name], `${path}/${name}`, root) : [],
        )
      : [],
  additionalProperties: (_argument, value, { path, schema }) =>
    isObject(value)
      ? Object.keys(value)
          .filter((name) => !has(schema['properties'], name))
          .map((name) => `${path}/${name} additionalProperties`)
      : [],
  required: (argument, value, { path }) =>
    isObject(value)
      ? list(argument).flatMap((name) => (has(value, name) ? [] : [`${path}/${word(name)} required`]))
      : [],
  dependentRequired: (argument, value) =>
    !isObject(argument) ||
    Object.entries(argument).every(([name, needs]) => !has(value, name) || list(needs).every((n) => has(value, n))),
  dependentSchemas: (argument, value, here) =>
    !isObject(argument) ||
    Object.entries(argument).every(([name, schema]) => !has(value, name) || fits(schema, value, here)),
  anyOf: (argument, value, here) => list(argument).some((schema) => fits(schema, value, here)),
  oneOf: (argument, value, here) => list(argument).filter((schema) => fits(schema, value, here)).length === 1,
  allOf: (argument, value, { path, root }) => list(argument).flatMap((schema) => errorsAt(schema, value, path, root)),
  not: (argument, value, here) => !fits(argument, value, here),
  if: (argument, value, here) => fits(here.schema[fits(argument, value, here) ? 'then' : 'else'], value, here),
};
