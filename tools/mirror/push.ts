// `limmat mirror push`: hands a log's newest checkpoint and the entries that a mirror lacks to that mirror, and prints its
// cosignatures. Whoever may read a log may do this: a mirror believes the log's signature, and nobody else.

import { Option } from 'commander';
import type { Command } from 'commander';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { httpReader, logPrefix } from '../../src/client/http-reader.ts';
import { readHead } from '../../src/client/follow.ts';
import { pushToMirror } from '../../src/client/mirror-client.ts';
import { LimmatError } from '../../src/errors.ts';
import { nodeGet } from '../../src/node/http-get.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { checked, jsonOption, parseUrl, repeated, urlOption } from '../support/config.ts';
import { keysFor } from '../support/log-keys.ts';
import { urlSource } from '../support/log-source.ts';
import { createOutput } from '../support/output.ts';
import { createProgress, formatCount } from '../support/progress.ts';

interface PushFlags {
  readonly url: string;
  readonly to: string;
  readonly mirrorKey?: readonly string[];
  readonly trust?: string;
  readonly vkey?: readonly string[];
  readonly json?: boolean;
}

export function registerPush(mirror: Command): void {
  mirror
    .command('push')
    .summary("bring somebody's mirror up to a log")
    .description(
      "Hands a log's newest checkpoint, and the entries that it lacks, to a mirror (tlog-mirror), and prints the mirror's " +
        'cosignatures once they hold.',
    )
    .addOption(urlOption())
    .addOption(new Option('--to <url>', "the mirror's address").argParser(checked(parseUrl)).makeOptionMandatory())
    .addOption(
      new Option('--mirror-key <vkey>', 'a key of the mirror; may be repeated, and all have to sign').argParser(
        repeated,
      ),
    )
    .option('--trust <file>', 'a trust file that names the log')
    .option('--vkey <key...>', "the log's keys, all of which have to have signed")
    .addOption(jsonOption())
    .action(push);
}

async function push(flags: PushFlags): Promise<void> {
  const output = createOutput(flags);
  const { mirrorKey = [] } = flags;
  if (mirrorKey.length === 0) throw new LimmatError('usage', "give the mirror's keys with --mirror-key VKEY");
  const url = logPrefix(flags.url);
  const { origin, verifiers, selfClaimed } = await keysFor(urlSource(url), flags);
  if (selfClaimed) {
    output.note('the keys are those that the log names itself: --trust FILE or --vkey KEY say which log it has to be');
  }
  const reader = httpReader({ url, get: nodeGet() });
  const head = await readHead({ reader, origin, verifiers });
  const progress = createProgress({ label: 'mirror push', unit: 'entries', silent: output.json });
  const lines = await pushToMirror({
    url: logPrefix(flags.to),
    verifiers: mirrorKey.map((vkey) => checkpointVerifier(vkey, nodeCrypto)),
    head,
    reader,
    fetch: (to, init) => fetch(to, init),
    hasher: nodeHasher,
    onProgress: (done, total) => progress.update(done, total),
  });
  progress.clear();
  output.result({ origin, size: head.size, cosignatures: lines.trimEnd().split('\n') }, [
    `${origin}: ${formatCount(head.size)} entries are mirrored`,
    lines.trimEnd(),
  ]);
}
