// limmat serve: runs the log of a data directory until it is told to stop.

import type { Command } from 'commander';

import { nodeCrypto } from '../src/adapters/node-crypto.ts';
import { LimmatError } from '../src/errors.ts';
import { dataPaths, holdsLog, readSettings, serveNode } from '../src/node.ts';
import type { ServedNodeLog, Settings } from '../src/node.ts';
import { loadChannelSigner } from '../src/node/channel-key.ts';
import { MAX_INITIAL_ENTRIES } from '../src/node/create-log.ts';
import { keysFingerprint } from '../src/note/fingerprint.ts';
import { logNamespace, namespaceInForce } from '../src/record/admission/in-force.ts';
import { startAdmin } from './support/admin.ts';
import { commandWords, shellWord, shownPath } from './support/command-name.ts';
import {
  DEFAULT_URL,
  configOfFlags,
  dataOption,
  identityOptions,
  jsonOption,
  serverOptions,
} from './support/config.ts';
import type { ServerFlags } from './support/config.ts';
import { FIRST_ISSUER, makeLog } from './support/new-log.ts';
import { createOutput, style } from './support/output.ts';
import type { Output } from './support/output.ts';
import { quietOnTerminal, stopSignal } from './support/service.ts';

interface ServeOptions extends ServerFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('serve')
    .summary('run the log')
    .description(
      'Runs the log of a data directory over HTTP. Flags override limmat.toml in it. ' +
        'SIGTERM or Ctrl-C stops intake, finishes and publishes what was taken, and ends.',
    )
    .addOption(dataOption())
    .option('--init', 'make the log first if there is none');
  for (const option of [...serverOptions(), ...identityOptions()]) command.addOption(option);
  command.addOption(jsonOption()).action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const output = createOutput(options);
  const { data } = options;
  const flags = configOfFlags(options);
  const isNew = !holdsLog(data);
  if (isNew) {
    if (options.init !== true) {
      throw new LimmatError(
        'bad-config',
        `there is no log in ${data}: add --init to make one, or name another with --data`,
      );
    }
    await makeLog({ dir: data, origin: options.origin, admission: options.admission });
  }
  const read = readSettings(data, flags);
  const settings = { ...read, config: quietOnTerminal(read.config) };
  const served = await serveNode(settings);
  try {
    const submitter = await firstSubmitter(served.log);
    const admin = await startAdmin(settings.paths.root, {
      url: served.url,
      backup: (to) => served.backup(to),
    });
    try {
      announce(output, served, settings, { isNew, submitter });
      await stopSignal(served.logger, 'finishing and publishing what was taken');
      output.line('stopping: what was taken is finished and published');
    } finally {
      await admin.close();
    }
  } finally {
    await served.close();
  }
  const { head } = served.log.status();
  served.logger.info({ size: head.size }, 'stopped');
}

/** Says where it is. Nothing here waits: whoever has read it may stop the log at once. */
function announce(
  output: Output,
  served: ServedNodeLog,
  { paths, meta }: Settings,
  { isNew, submitter }: { readonly isNew: boolean; readonly submitter: FirstSubmitter },
): void {
  const { log, url, metricsUrl } = served;
  const { size } = log.status().head;
  const channelKey = loadChannelSigner(paths, log.origin, nodeCrypto)?.vkey;
  const fingerprint = keysFingerprint([...log.vkeys, ...(channelKey === undefined ? [] : [channelKey])]);
  output.value({
    url,
    metricsUrl,
    origin: log.origin,
    vkeys: log.vkeys,
    fingerprint,
    size,
    data: paths.root,
    admission: meta.admission,
  });
  const made = isNew ? ', made just now' : '';
  output.line(`${style('bold', 'limmat')} serves ${style('bold', log.origin)} (${size} entries${made})`);
  output.line(`  page     ${style('underline', `${url}/`)}`);
  if (metricsUrl !== undefined) output.line(`  metrics  ${metricsUrl}`);
  output.line(`  data     ${shownPath(paths.root)}`);
  output.line(`  keys     fingerprint ${fingerprint}`);
  // Until something is in it: a first start may have ended at a port that was taken.
  if (size > (log.admission === 'open' ? 0 : MAX_INITIAL_ENTRIES)) return;
  for (const line of firstSteps(url, paths.root, size, submitter)) output.line(line);
}

/** Whose records keys/submitter.pem signs. */
interface FirstSubmitter {
  readonly namespace: string;
  readonly issuer: string;
}

/** What `limmat init` was told. */
async function firstSubmitter(log: ServedNodeLog['log']): Promise<FirstSubmitter> {
  const scan = log.admissionState.bind(log);
  const namespace = (await logNamespace(scan)) ?? FIRST_ISSUER;
  const found = await namespaceInForce(scan, namespace);
  return { namespace, issuer: found?.roles[0]?.issuers?.[0] ?? namespace };
}

/** Three lines for another terminal, to be copied as they are. */
function firstSteps(url: string, data: string, size: number, { namespace, issuer }: FirstSubmitter): string[] {
  const limmat = commandWords();
  const paths = dataPaths(shownPath(data));
  const key = shellWord(shownPath(paths.submitterKey));
  const trust = shellWord(shownPath(paths.trust));
  const by = issuer === namespace ? '' : ` --issuer ${shellWord(issuer)}`;
  const at = url === DEFAULT_URL ? '' : ` --url ${url}`;
  return [
    '',
    'Try it in another terminal, in this directory: sign and add a file, verify its proof, look at it.',
    '',
    `  echo hello > hello.txt && ${limmat} add hello.txt --key ${key} --namespace ${namespace}${by} --product hello --version 1.0${at}`,
    `  ${limmat} verify hello.txt --proof hello.txt.tlog-proof --trust ${trust}`,
    `  ${limmat} proof ${size} --out entry-${size}.tlog-proof${at}`,
    '',
  ];
}
