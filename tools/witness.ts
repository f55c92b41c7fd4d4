// limmat witness: cosigns the heads of logs, each only if it extends the one before.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { Option, type Command } from 'commander';

import { nodeCrypto } from '../src/adapters/node-crypto.ts';
import { LimmatError } from '../src/errors.ts';
import { parseListen } from '../src/node/units.ts';
import { logPrefix } from '../src/client/http-reader.ts';
import type { WitnessConfig } from '../src/node/witness/config.ts';
import { SIGNATURE_TYPE } from '../src/note/key.ts';
import { DEFAULT_WITNESS_DIR, assertWitness, createWitness, witnessPaths } from '../src/node/witness/data.ts';
import { readLogs, readWitnessSettings } from '../src/node/witness/open.ts';
import { serveWitness } from '../src/node/witness/serve.ts';
import { shownPath } from './support/command-name.ts';
import { checked, jsonOption, repeated, wholeNumber } from './support/config.ts';
import { keysFingerprint } from '../src/note/fingerprint.ts';
import { createOutput, style } from './support/output.ts';
import { quietOnTerminal, stopSignal } from './support/service.ts';
import { operatingOptions } from './support/watch-options.ts';

interface WitnessFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly name?: string;
  readonly keys: keyof typeof KEY_CHOICES;
  readonly unusedKeys?: boolean;
  readonly logList?: string;
  readonly listen?: WitnessConfig['listen'];
  readonly metricsListen?: WitnessConfig['metrics-listen'];
  readonly monitor?: readonly string[];
  readonly perSource?: number;
  readonly perLog?: number;
  readonly logLevel?: WitnessConfig['log-level'];
  readonly json?: boolean;
}

const KEY_CHOICES = {
  both: undefined,
  ed25519: [SIGNATURE_TYPE.cosignatureEd25519],
  mldsa44: [SIGNATURE_TYPE.mldsa44],
} as const;

export function register(program: Command): void {
  const command = program
    .command('witness')
    .summary('cosign the heads of logs')
    .description(
      'Runs a witness (C2SP tlog-witness): a log sends it each new checkpoint with a proof that it extends the last one, ' +
        'and gets a cosignature back. What is signed is on the disk before, and under a guard, so that neither a crash nor ' +
        'a restored backup makes it sign backwards. Works for any C2SP log. Flags override witness.toml in --data.',
    )
    .option('--data <dir>', "the witness's directory", DEFAULT_WITNESS_DIR)
    .option('--init', 'begin: make the directory with fresh keys, and the guard beside it')
    .option('--name <name>', 'with --init: the name of its keys, a host or path of yours (default: a unique one)')
    .addOption(
      new Option('--keys <which>', 'with --init: the keys to make').choices(Object.keys(KEY_CHOICES)).default('both'),
    )
    .option('--unused-keys', 'with --init: take the keys that are in the directory; nothing was ever signed with them')
    .option('--log-list <file>', 'whose heads are cosigned: lines "log <vkey>", or a trust file')
    .addOption(
      new Option('--listen <host:port>', 'where to listen (default: 127.0.0.1:6982)').argParser(checked(parseListen)),
    )
    .addOption(
      new Option('--monitor <url>', 'a monitor that is told of refused heads; may be repeated').argParser(
        (url: string, before: readonly string[] | undefined) => repeated(checked(logPrefix)(url), before),
      ),
    )
    .addOption(
      new Option('--per-source <n>', 'requests a second of one address (default: 200)').argParser(wholeNumber(1)),
    )
    .addOption(
      new Option('--per-log <n>', 'requests a second of one address about one log (default: 5)').argParser(
        wholeNumber(1),
      ),
    )
    .action(witness);
  for (const option of [...operatingOptions(), jsonOption()]) command.addOption(option);
}

async function witness(flags: WitnessFlags): Promise<void> {
  const output = createOutput(flags);
  const { data, init = false, name, logList, unusedKeys = false } = flags;
  if (init) begin(flags);
  else assertWitness(data);
  if (!init && name !== undefined) throw new LimmatError('usage', '--name is for --init: a witness keeps its name');
  if (!init && unusedKeys) throw new LimmatError('usage', '--unused-keys is for --init');
  const settings = readWitnessSettings(data, {
    'log-list': logList === undefined ? undefined : resolve(logList),
    listen: flags.listen,
    'metrics-listen': flags.metricsListen,
    monitor: flags.monitor === undefined ? undefined : [...flags.monitor],
    'per-source': flags.perSource,
    'per-log': flags.perLog,
    'log-level': flags.logLevel,
  });
  const served = await serveWitness({ ...settings, config: quietOnTerminal(settings.config) }, { init });
  try {
    const { witness: running, url, metricsUrl } = served;
    const { logs } = running.status();
    const fingerprint = keysFingerprint(running.vkeys);
    output.value({ event: 'start', name: running.name, vkeys: running.vkeys, fingerprint, url, metricsUrl, logs });
    output.line(`${style('bold', 'limmat witness')} ${style('bold', running.name)} cosigns for ${logs} logs`);
    output.line(`  url      ${style('underline', `${url}/`)}`);
    if (metricsUrl !== undefined) output.line(`  metrics  ${metricsUrl}`);
    for (const vkey of running.vkeys) output.line(`  key      ${vkey}`);
    output.line(`  keys     fingerprint ${fingerprint}`);
    output.line(`  data     ${shownPath(settings.paths.root)}`);
    output.line(`  guard    ${shownPath(settings.config.guard ?? '')}`);
    await stopSignal(served.logger, 'answering what was asked');
    output.line('stopping');
  } finally {
    await served.close();
  }
  served.logger.info('stopped');
}

/** Makes the directory, once the list that is named has been read; in one that is there, its settings name the list. */
function begin({ data, name, keys, logList, unusedKeys }: WitnessFlags): void {
  const list = logList === undefined ? undefined : resolve(logList);
  const paths = witnessPaths(data);
  if (!existsSync(paths.config)) readLogs(list ?? paths.list, nodeCrypto);
  createWitness({ dir: data, name, list, keyTypes: KEY_CHOICES[keys], unusedKeys }, nodeCrypto);
}
