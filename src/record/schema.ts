// JSON Schemas (draft 2020-12) of the record types: what their fields' kinds say, put together.

import { formOf, type Schema } from './form.ts';
import { namespace } from './common.ts';
import { payloadKind, summaryOf, type RecordType } from './types.ts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** What a type's schema is called. It says what it is and leads nowhere: no schema has to be fetched to use another. */
export function schemaId(type: RecordType): string {
  return `urn:limmat:schema:${type}:v1`;
}

/**
 * The schema of a type's records in JSON, `{"type": …, "namespace": …, "fields": {…}}`. What is in `fields` alone, which
 * is what `limmat sign --fields` takes, is its definition `#/$defs/fields`.
 */
export function recordSchema(type: RecordType): Schema {
  const { form } = payloadKind(type);
  const { defs } = formOf({}, form, namespace.form);
  return {
    $schema: DIALECT,
    $id: schemaId(type),
    title: type,
    description: summaryOf(type),
    type: 'object',
    properties: {
      type: { const: type },
      namespace: { ...namespace.form.schema, description: 'Whose record it is.' },
      fields: { $ref: '#/$defs/fields' },
    },
    required: ['type', 'namespace', 'fields'],
    additionalProperties: false,
    $defs: { fields: form.schema, ...Object.fromEntries([...defs].toSorted(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

/** The file of a schema: JSON in ASCII, so that the invisible characters which texts may not have can be seen in it. */
export function schemaText(type: RecordType): string {
  const json = JSON.stringify(recordSchema(type), undefined, 2);
  return `${json.replaceAll(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
