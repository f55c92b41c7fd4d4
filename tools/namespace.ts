// limmat namespace add | policy | leave | list: which vendors share the log, each with root keys of its own. A namespace joins by an
// entry that the log's root keys signed, and from then on they decide nothing in it.

import type { Command } from 'commander';

import { LimmatError } from '../src/errors.ts';
import type { AdmissionDesk, NamespaceJson } from './support/admission-desk.ts';
import { commandWords } from './support/command-name.ts';
import { dataOption, jsonOption, optionalUrlOption, repeated, rootKeyOption, wholeNumber } from './support/config.ts';
import { readPublicKey } from './support/keys.ts';
import { checkNamespace } from './support/names.ts';
import { readFields } from './support/record-options.ts';
import { createOutput } from './support/output.ts';
import { admission, leaving, nextPolicy, policyInForce } from './support/policy-change.ts';
import { tableLines } from './support/table.ts';
import { appendOne, namespaceOf, policyOf, withDesk } from './submitter.ts';

interface CommonOptions {
  readonly data: string;
  readonly url?: string;
  readonly rootKey?: readonly string[];
  readonly json?: boolean;
}

interface AddOptions extends CommonOptions {
  readonly vendor: string;
  readonly root: readonly string[];
  readonly threshold: number;
}

interface LeaveOptions extends CommonOptions {
  readonly own?: boolean;
}

export function register(program: Command): void {
  const namespace = program
    .command('namespace')
    .summary('say which vendors share the log')
    .description('Says which vendors share the log: each has a namespace with root keys of its own.');
  namespace
    .command('add')
    .argument('<namespace>', 'the namespace that joins')
    .description("Lets a vendor's namespace in. Signed by the log's root keys; what it may log, its own root keys say.")
    .requiredOption('--vendor <name>', 'the organisation whose namespace it is')
    .requiredOption('--root <file>', 'one of its root keys (SPKI PEM of the public key); may be repeated', repeated)
    .option('--threshold <number>', 'how many of them sign together', wholeNumber(1), 1)
    .addOption(rootKeyOption())
    .addOption(dataOption())
    .addOption(optionalUrlOption())
    .addOption(jsonOption())
    .action(add);
  namespace
    .command('policy')
    .argument('<namespace>', 'the namespace')
    .argument('[file]', 'the policy that is to follow: roles, require, parameters, root as JSON')
    .description(
      'Prints the policy in force as JSON, or logs the one in a file, signed by the root keys. A role that states no ' +
        'keys keeps those that it has; what the file leaves out is no longer in force.',
    )
    .addOption(rootKeyOption())
    .addOption(dataOption())
    .addOption(optionalUrlOption())
    .addOption(jsonOption())
    .action(policy);
  namespace
    .command('leave')
    .argument('<namespace>', 'the namespace that leaves, for ever')
    .description('Closes a namespace. What it logged stays in the log.')
    .option('--own', "said by the namespace itself, signed by its own root keys and not by the log's")
    .addOption(rootKeyOption())
    .addOption(dataOption())
    .addOption(optionalUrlOption())
    .addOption(jsonOption())
    .action(leave);
  namespace
    .command('list')
    .description('Lists the namespaces, with their policy and keys.')
    .addOption(dataOption())
    .addOption(optionalUrlOption())
    .addOption(jsonOption())
    .action(listAll);
}

async function add(name: string, options: AddOptions): Promise<void> {
  const output = createOutput(options);
  const { vendor, root, threshold } = options;
  checkNamespace(name);
  const keys = root.map(readPublicKey);
  await withDesk(options, async (desk) => {
    const known = await desk.namespace(name);
    if (known !== undefined) {
      const was = known.leftAt === undefined ? 'is in this log already' : `left this log with entry ${known.leftAt}`;
      throw new LimmatError('usage', `the namespace ${name} ${was}: a namespace joins once`);
    }
    const own = await logsOwn(desk);
    const record = admission(own, { namespace: name, vendor, root: keys, threshold });
    const next = `its root keys let keys in: ${commandWords()} submitter add KEY.pub.pem --namespace ${name} --issuer NAME --root-key ROOT.pem`;
    await appendOne(desk, record, own, options, output, `${name} of ${vendor} joined; ${next}`);
  });
}

async function policy(name: string, file: string | undefined, options: CommonOptions): Promise<void> {
  const output = createOutput(options);
  const fields = file === undefined ? undefined : readFields(file);
  await withDesk(options, async (desk) => {
    const found = await namespaceOf(desk, name);
    if (fields === undefined) {
      const inForce = policyInForce(found, await policyOf(desk, found));
      output.result(inForce, JSON.stringify(inForce, undefined, 2));
      return;
    }
    await appendOne(desk, nextPolicy(found, fields), found, options, output, `${name} has another policy`);
  });
}

async function leave(name: string, options: LeaveOptions): Promise<void> {
  const output = createOutput(options);
  await withDesk(options, async (desk) => {
    await namespaceOf(desk, name);
    const speaker = options.own === true ? await namespaceOf(desk, name) : await logsOwn(desk);
    await appendOne(desk, leaving(speaker, name), speaker, options, output, `${name} left the log`);
  });
}

async function logsOwn(desk: AdmissionDesk): Promise<NamespaceJson> {
  for (const name of await desk.names()) {
    const found = await namespaceOf(desk, name);
    if (found.isLogs) return found;
  }
  throw new LimmatError('bad-response', 'this log has no namespace of its own');
}

async function listAll(options: CommonOptions): Promise<void> {
  const output = createOutput(options);
  const found: NamespaceJson[] = [];
  await withDesk(options, async (desk) => {
    for (const name of await desk.names()) found.push(await namespaceOf(desk, name));
  });
  const columns = ['namespace', 'root keys', 'roles', 'chain', 'state'].map((title) => ({ title }));
  const rows = found.map(({ namespace, isLogs, root, roles, chain, leftAt }) => [
    namespace,
    `${root.threshold} of ${root.keys.length}`,
    roles.map(({ role, keys }) => `${role} (${keys.length})`).join(', ') || 'none',
    chain === undefined ? 'empty' : `${chain.sequence}, entry ${chain.index}`,
    leftAt === undefined ? (isLogs ? "the log's own" : '') : `left with entry ${leftAt}`,
  ]);
  output.result(found, tableLines(columns, rows));
}
