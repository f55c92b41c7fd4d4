// limmat submitter add | remove | list: which keys may submit what. What decides is in the log itself, so a change is one
// or two entries, signed by a root key of the namespace.

import type { Command } from 'commander';

import { toHex } from '../src/bytes.ts';
import { formatIssuer } from '../src/client/trust.ts';
import { thumbprint } from '../src/cose/index.ts';
import { LimmatError } from '../src/errors.ts';
import { SUBMITTED_TYPES } from '../src/node/genesis.ts';
import type { FieldsOf, LimmatRecord } from '../src/record/index.ts';
import { openDesk } from './support/admission-desk.ts';
import type { AdmissionDesk, NamespaceJson } from './support/admission-desk.ts';
import { rootSigners, signLink, writeForOthers } from './support/admission-sign.ts';
import type { SignedLink } from './support/admission-sign.ts';
import { commandWords } from './support/command-name.ts';
import { dataOption, jsonOption, optionalUrlOption, repeated, rootKeyOption } from './support/config.ts';
import { readPublicKey } from './support/keys.ts';
import { checkIssuer, checkNamespace } from './support/names.ts';
import { createOutput } from './support/output.ts';
import type { Output } from './support/output.ts';
import { grantChange, linkAfter, revocation } from './support/policy-change.ts';
import { tableLines } from './support/table.ts';

interface CommonOptions {
  readonly data: string;
  readonly url?: string;
  readonly json?: boolean;
}

interface ChangeOptions extends CommonOptions {
  readonly rootKey?: readonly string[];
}

interface AddOptions extends ChangeOptions {
  readonly issuer: string;
  readonly namespace: readonly string[];
  readonly role?: string;
  readonly type?: readonly string[];
  readonly product?: readonly string[];
}

interface RemoveOptions extends ChangeOptions {
  readonly namespace?: string;
}

export function register(program: Command): void {
  const submitter = program
    .command('submitter')
    .summary('say which keys may submit what')
    .description(
      'Says which keys may submit what. Each change is an entry of the log, signed by a root key of the namespace; ' +
        'it holds from that entry on.',
    );
  const add = submitter
    .command('add')
    .argument('<public-key>', 'SPKI PEM file of an Ed25519 or P-256 key')
    .description('Lets a key sign records: brings it into a role of the policy that allows just this, or adds one.')
    .requiredOption('--issuer <name>', 'the issuer that its statements name')
    .requiredOption('--namespace <name>', 'a namespace that it may write to; may be repeated', repeated)
    .option('--role <name>', 'the role of the policy that it joins, instead of types and products')
    .option(
      '--type <type>',
      `a record type (${SUBMITTED_TYPES.join(', ')}; default: all these); may be repeated`,
      repeated,
    )
    .option('--product <name>', 'a product (default: all); may be repeated', repeated);
  withLog(add, true).action(addKey);
  const remove = submitter
    .command('remove')
    .argument('<key-id>', 'the key id, or enough of its start')
    .description('Revokes a key, for ever. What it has submitted stays in the log.')
    .option('--namespace <name>', 'where (needed when several namespaces have the key)');
  withLog(remove, true).action(removeKey);
  const list = submitter.command('list').description('Lists the keys and what they may submit.');
  withLog(list, false).action(listAll);
}

function withLog(command: Command, changes: boolean): Command {
  if (changes) command.addOption(rootKeyOption());
  return command.addOption(dataOption()).addOption(optionalUrlOption()).addOption(jsonOption());
}

async function addKey(publicKey: string, options: AddOptions): Promise<void> {
  const output = createOutput(options);
  const { issuer, namespace: namespaces, role, type = SUBMITTED_TYPES, product: products } = options;
  for (const namespace of namespaces) checkNamespace(namespace);
  checkIssuer(issuer);
  if (role !== undefined && (options.type ?? products) !== undefined) {
    throw new LimmatError('usage', '--role says what the key may sign; --type and --product say it anew: one of both');
  }
  const key = readPublicKey(publicKey);
  const grant = { key, role, types: type, issuer, products };
  const kid = toHex(thumbprint(key));
  const answers: object[] = [];
  await withDesk(options, async (desk) => {
    for (const namespace of namespaces) {
      const found = await namespaceOf(desk, namespace);
      const change = grantChange(found, await policyOf(desk, found), grant);
      if (change === undefined) {
        output.line(`${kid} may sign this in ${namespace} already: nothing was appended`);
        answers.push({ kid, namespace, indexes: [] });
        continue;
      }
      const signers = rootSigners(found, options);
      const first = change.policy ?? change.keyEvent(found.chain);
      if (signers.length < found.root.threshold) {
        const { file, lines } = writeForOthers(first, found, signers, namespace);
        for (const line of lines) output.line(line);
        if (change.policy !== undefined)
          output.line('When that policy is in the log, run this command again for the key.');
        answers.push({ kid, namespace, role: change.role, file });
        continue;
      }
      const links = [await signLink(first, signers, namespace)];
      if (change.policy !== undefined) {
        const { sequence } = linkAfter(found.chain);
        const keyEvent = change.keyEvent({ sequence, leafHash: links[0]!.leafHash });
        links.push(await signLink(keyEvent, signers, namespace));
      }
      const indexes = await append(desk, links);
      output.line(`added ${kid} to role ${change.role} of ${namespace}: ${entriesOf(indexes)}`);
      answers.push({ kid, namespace, role: change.role, indexes });
    }
  });
  const trustLine = formatIssuer({ iss: issuer, key });
  output.line('Whoever is to believe its records has this line in their trust file:');
  output.line(trustLine);
  output.value({ kid, issuer, trustLine, namespaces: answers });
}

async function removeKey(start: string, options: RemoveOptions): Promise<void> {
  const output = createOutput(options);
  await withDesk(options, async (desk) => {
    const names = options.namespace === undefined ? await desk.names() : [options.namespace];
    const places: { readonly found: NamespaceJson; readonly kid: string }[] = [];
    for (const name of names) {
      const found = await namespaceOf(desk, name);
      if (found.leftAt !== undefined) continue;
      const kids = new Set(found.roles.flatMap(({ keys }) => keys.map(({ kid }) => kid)));
      for (const kid of kids) if (kid.startsWith(start.toLowerCase())) places.push({ found, kid });
    }
    const kids = new Set(places.map(({ kid }) => kid));
    if (kids.size === 0)
      throw new LimmatError('usage', `no submitter's key id starts with "${start}": "limmat submitter list" has them`);
    if (kids.size > 1) throw new LimmatError('usage', `${kids.size} key ids start with "${start}": give more of it`);
    if (places.length > 1) {
      const where = places.map(({ found }) => found.namespace).join(', ');
      throw new LimmatError('usage', `several namespaces have this key (${where}): say which with --namespace`);
    }
    const { found, kid } = places[0]!;
    await appendOne(desk, revocation(found, kid), found, options, output, `removed ${kid} from ${found.namespace}`);
  });
}

/** Signs one record with the root keys and appends it, or writes it for the others to sign. */
export async function appendOne(
  desk: AdmissionDesk,
  record: LimmatRecord,
  found: NamespaceJson,
  options: ChangeOptions,
  output: Output,
  done: string,
): Promise<void> {
  const { namespace } = found;
  const signers = rootSigners(found, options);
  if (signers.length < found.root.threshold) {
    const { file, lines } = writeForOthers(record, found, signers, namespace);
    output.result({ namespace, file }, lines);
    return;
  }
  const indexes = await append(desk, [await signLink(record, signers, namespace)]);
  output.result({ namespace, indexes }, `${done}: ${entriesOf(indexes)}`);
}

async function listAll(options: CommonOptions): Promise<void> {
  const output = createOutput(options);
  const rows: { readonly kid: string; readonly namespace: string; readonly role: NamespaceJson['roles'][number] }[] =
    [];
  await withDesk(options, async (desk) => {
    for (const name of await desk.names()) {
      const found = await namespaceOf(desk, name);
      if (found.leftAt !== undefined) continue;
      for (const role of found.roles) for (const { kid } of role.keys) rows.push({ kid, namespace: name, role });
    }
  });
  const columns = ['key id', 'issuers', 'types', 'namespace', 'products', 'role'].map((title) => ({ title }));
  const cells = rows.map(({ kid, namespace, role }) => [
    kid.slice(0, 16),
    (role.issuers ?? ['any']).join(', '),
    role.types.join(' '),
    namespace,
    (role.products ?? ['any']).join(', '),
    role.role,
  ]);
  output.result(
    rows.map(({ kid, namespace, role: { role, types, issuers, products, sites, threshold } }) => ({
      kid,
      namespace,
      role,
      types,
      issuers,
      products,
      sites,
      threshold,
    })),
    rows.length === 0 ? 'no submitters: "limmat submitter add" admits a key' : tableLines(columns, cells),
  );
}

/** Runs with a desk, which is closed afterwards. */
export async function withDesk(options: CommonOptions, run: (desk: AdmissionDesk) => Promise<void>): Promise<void> {
  const desk = await openDesk(options);
  try {
    await run(desk);
  } finally {
    await desk.close();
  }
}

/** What is in force in the namespace; `usage` with the command that lets it in where it is not in the log. */
export async function namespaceOf(desk: AdmissionDesk, name: string): Promise<NamespaceJson> {
  const found = await desk.namespace(name);
  if (found !== undefined) return found;
  throw new LimmatError(
    'usage',
    `the namespace ${name} is not in this log; its vendor joins with root keys of its own: ` +
      `${commandWords()} namespace add ${name} --vendor NAME --root ROOT.pub.pem`,
  );
}

/** The fields of the policy in force; undefined before the first. */
export async function policyOf(
  desk: AdmissionDesk,
  { policy }: NamespaceJson,
): Promise<FieldsOf<'policy'> | undefined> {
  const record = policy && (await desk.statement(policy.index)).record;
  return record?.type === 'policy' ? record.fields : undefined;
}

async function append(desk: AdmissionDesk, links: readonly SignedLink[]): Promise<number[]> {
  const results = await desk.append(links.map(({ bytes }) => bytes));
  return results.map((result) => {
    if ('error' in result) throw result.error;
    return result.index;
  });
}

function entriesOf(indexes: readonly number[]): string {
  return indexes.length === 1 ? `entry ${indexes[0]}` : `entries ${indexes.join(' and ')}`;
}
