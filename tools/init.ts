// limmat init: makes a data directory with fresh keys, and says what is in it.

import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { nodeCrypto } from '../src/adapters/node-crypto.ts';
import { LimmatError } from '../src/errors.ts';
import { loadChannelSigner } from '../src/node/channel-key.ts';
import { parseInitialPolicy } from '../src/node/genesis.ts';
import type { InitialPolicy } from '../src/node/genesis.ts';
import { dataPaths } from '../src/node/meta.ts';
import { keysFingerprint } from '../src/note/fingerprint.ts';
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
  readonly policy?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('init')
    .summary('make a data directory with fresh keys')
    .description(
      'Makes a log: a data directory with fresh keys. Entry 0 is its genesis, which says who decides and who may log ' +
        'what; entry 1 brings the first key that may.',
    )
    .addOption(dataOption());
  for (const option of identityOptions()) command.addOption(option);
  command
    .option('--issuer <name>', 'whose records the first submitter key signs', FIRST_ISSUER)
    .option('--namespace <name>', "the log's own namespace, which they are in", FIRST_ISSUER)
    .option(
      '--policy <file>',
      'JSON with roles, require, parameters of the first policy (default: one role for that key)',
    )
    .addOption(jsonOption())
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  const output = createOutput(options);
  const policy = options.policy === undefined ? undefined : readPolicy(options.policy);
  const { meta, vkeys } = await makeLog({ dir: options.data, ...options, policy });
  const paths = dataPaths(options.data);
  const { root: data, config, trust, submitterKey, rootKey } = paths;
  const channelKey = loadChannelSigner(paths, meta.origin, nodeCrypto)?.vkey;
  const fingerprint = keysFingerprint([...vkeys, ...(channelKey === undefined ? [] : [channelKey])]);
  const isOpen = meta.admission === 'open';
  output.result({ ...meta, data, vkeys, fingerprint, trust, submitterKey, ...(isOpen ? {} : { rootKey }) }, [
    `log           ${meta.origin} (admission: ${meta.admission})`,
    `fingerprint   ${fingerprint}: of its public keys, for "limmat trust add"`,
    `data          ${data}`,
    `guard         ${meta.guard}: never restore or delete it together with the data`,
    `settings      ${config}`,
    `trust file    ${trust}: give it to whoever is to verify`,
    `submitter key ${submitterKey}: signs records of ${options.issuer} in namespace ${options.namespace}`,
    ...(isOpen
      ? []
      : [`root key      ${rootKey}: decides who may log what; move it to another machine, and keep a copy`]),
    `Run it with: ${commandWords()} serve --data ${shellWord(shownPath(data))}`,
  ]);
}

function readPolicy(path: string): InitialPolicy {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LimmatError('bad-config', `${path} is not JSON: ${error.message}`, { cause: error });
  }
  return parseInitialPolicy(value);
}
