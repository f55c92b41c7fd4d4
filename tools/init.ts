// limmat init: makes a data directory with fresh keys, and says what is in it.

import type { Command } from 'commander';

import { dataPaths } from '../src/node/meta.ts';
import { commandWords, shellWord, shownPath } from './support/command-name.ts';
import { dataOption, identityOptions, jsonOption } from './support/config.ts';
import { FIRST_ISSUER, makeLog } from './support/new-log.ts';
import { createOutput } from './support/output.ts';

interface InitOptions {
  readonly data: string;
  readonly origin?: string;
  readonly admission?: 'records' | 'open';
  readonly issuer: string;
  readonly namespace: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('init')
    .summary('make a data directory with fresh keys')
    .description('Makes a log: a data directory with fresh keys, an empty tree, and one submitter key that it trusts.')
    .addOption(dataOption());
  for (const option of identityOptions()) command.addOption(option);
  command
    .option('--issuer <name>', 'whose records the first submitter key signs', FIRST_ISSUER)
    .option('--namespace <name>', 'the namespace that they are in', FIRST_ISSUER)
    .addOption(jsonOption())
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  const output = createOutput(options);
  const { meta, vkeys } = await makeLog({ dir: options.data, ...options });
  const paths = dataPaths(options.data);
  output.result({ ...meta, data: paths.root, vkeys, trust: paths.trust, submitterKey: paths.submitterKey }, [
    `log           ${meta.origin} (admission: ${meta.admission})`,
    `data          ${paths.root}`,
    `guard         ${meta.guard}: never restore or delete it together with the data`,
    `settings      ${paths.config}`,
    `trust file    ${paths.trust}: give it to whoever is to verify`,
    `submitter key ${paths.submitterKey}: signs records of ${options.issuer} in namespace ${options.namespace}`,
    `Run it with: ${commandWords()} serve --data ${shellWord(shownPath(paths.root))}`,
  ]);
}
