// limmat schema: the record types, or the JSON Schema of one.

import { Argument, type Command } from 'commander';

import { RECORD_TYPES, recordSchema, schemaText, summaryOf } from '../src/record/index.ts';
import type { RecordType } from '../src/record/index.ts';
import { jsonOption } from './support/config.ts';
import { createOutput } from './support/output.ts';
import { tableLines } from './support/table.ts';

export function register(program: Command): void {
  program
    .command('schema')
    .summary('print a record type as a JSON Schema')
    .description(
      'Prints the JSON Schema (draft 2020-12) of a record type; without a type, what the types are for. The schema is of ' +
        'the whole record; its definition #/$defs/fields is of what "limmat sign --fields" takes.',
    )
    .addArgument(new Argument('[type]', 'record type').choices(RECORD_TYPES))
    .addOption(jsonOption())
    .action(schema);
}

function schema(type: RecordType | undefined, options: { readonly json?: boolean }): void {
  const output = createOutput(options);
  if (type !== undefined) {
    output.result(recordSchema(type), schemaText(type).trimEnd());
    return;
  }
  const rows = RECORD_TYPES.map((name) => [name, summaryOf(name)]);
  output.result(
    { types: RECORD_TYPES.map((name) => ({ type: name, description: summaryOf(name) })) },
    tableLines([{ title: 'type' }, { title: 'what it says' }], rows),
  );
}
