// limmat submitter add | remove | list: which keys may submit what. A running log reads the list again by itself.

import type { Command } from 'commander';

import { formatIssuer } from '../src/client/trust.ts';
import { thumbprintHex } from '../src/cose/index.ts';
import { LimmatError } from '../src/errors.ts';
import { dataPaths, readMeta } from '../src/node/meta.ts';
import { readSubmitters, writeSubmitters } from '../src/node/submitter-file.ts';
import { addSubmitter, removeSubmitter } from '../src/record/submitters.ts';
import type { Submitter } from '../src/record/submitters.ts';
import { RECORD_TYPES } from '../src/record/types.ts';
import { dataOption, jsonOption, repeated } from './support/config.ts';
import { readPublicKey } from './support/keys.ts';
import { checkNamespace } from './support/names.ts';
import { createOutput } from './support/output.ts';
import { tableLines } from './support/table.ts';

interface CommonOptions {
  readonly data: string;
  readonly json?: boolean;
}

interface AddOptions extends CommonOptions {
  readonly issuer: string;
  readonly namespace: readonly string[];
  readonly type?: readonly string[];
  readonly product?: readonly string[];
}

export function register(program: Command): void {
  const submitter = program
    .command('submitter')
    .summary('say which keys may submit what')
    .description('Says which keys may submit what. A running log reads the list again within a second.');
  submitter
    .command('add')
    .argument('<public-key>', 'SPKI PEM file of an Ed25519 or P-256 key')
    .description('Adds a key, or replaces what is said about it.')
    .requiredOption('--issuer <name>', 'the issuer that its statements name')
    .requiredOption('--namespace <name>', 'a namespace that it may write to, "*" for all; may be repeated', repeated)
    .option('--type <type>', `a record type (${RECORD_TYPES.join(', ')}; default: all); may be repeated`, repeated)
    .option('--product <name>', 'a product (default: all); may be repeated', repeated)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(add);
  submitter
    .command('remove')
    .argument('<key-id>', 'the key id, or enough of its start')
    .description('Removes a key. What it has submitted stays in the log.')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(remove);
  submitter
    .command('list')
    .description('Lists the keys and what they may submit.')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(listAll);
}

function readList(data: string): { readonly path: string; readonly list: ReturnType<typeof readSubmitters> } {
  readMeta(data);
  const path = dataPaths(data).submitters;
  return { path, list: readSubmitters(path) };
}

function add(publicKey: string, options: AddOptions): void {
  const output = createOutput(options);
  const { path, list } = readList(options.data);
  const { issuer } = options;
  for (const namespace of options.namespace) checkNamespace(namespace, true);
  const key = readPublicKey(publicKey);
  const kid = thumbprintHex(key);
  const known = list.byKid.has(kid);
  const submitter: Submitter = {
    kid,
    name: issuer,
    key,
    types: options.type ?? ['*'],
    namespaces: options.namespace,
    products: options.product ?? ['*'],
    addedAt: Math.floor(Date.now() / 1000),
  };
  writeSubmitters(path, addSubmitter(list, submitter));
  const trustLine = formatIssuer({ iss: issuer, key });
  output.result({ kid, ...scopeOf(submitter), replaced: known, trustLine }, [
    `${known ? 'replaced' : 'added'} ${kid}`,
    'Whoever is to believe its records has this line in their trust file:',
    trustLine,
  ]);
}

function remove(start: string, options: CommonOptions): void {
  const output = createOutput(options);
  const { path, list } = readList(options.data);
  const matching = list.submitters.filter(({ kid }) => kid.startsWith(start.toLowerCase()));
  if (matching.length > 1)
    throw new LimmatError('usage', `${matching.length} key ids start with "${start}": give more of it`);
  const kid = matching[0]?.kid ?? start;
  writeSubmitters(path, removeSubmitter(list, kid));
  output.result({ kid, removed: true }, `removed ${kid}`);
}

function listAll(options: CommonOptions): void {
  const output = createOutput(options);
  const { submitters } = readList(options.data).list;
  const columns = ['key id', 'issuer', 'types', 'namespaces', 'products', 'added'].map((title) => ({ title }));
  const rows = submitters.map((submitter) => {
    const { issuer, types, namespaces, products, addedAt } = scopeOf(submitter);
    return [submitter.kid.slice(0, 16), issuer, types.join(' '), namespaces.join(' '), products.join(' '), addedAt];
  });
  output.result(
    submitters.map((submitter) => ({ kid: submitter.kid, ...scopeOf(submitter) })),
    submitters.length === 0 ? 'no submitters: "limmat submitter add" admits a key' : tableLines(columns, rows),
  );
}

function scopeOf({ name, types, namespaces, products, addedAt }: Submitter) {
  return { issuer: name, types, namespaces, products, addedAt: new Date(addedAt * 1000).toISOString() };
}
