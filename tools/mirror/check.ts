// `limmat mirror --check`: hashes every copied entry again, computes every tile and the root, and compares them with what
// is stored and with what the log and the mirror signed. Of a mirror that is not running.

import { join } from 'node:path';

import { openLevelStorage } from '../../src/adapters/level.ts';
import { databaseExists } from '../../src/adapters/level/database.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { asLimmatError } from '../../src/errors.ts';
import { originHashOf } from '../../src/mirror/index.ts';
import { readMirrorKeys } from '../../src/node/mirror/data.ts';
import { explainMirrorLock, mirroredLogs } from '../../src/node/mirror/open.ts';
import type { MirrorSettings } from '../../src/node/mirror/open.ts';
import type { LocatedLog } from '../../src/node/monitor/lists.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { checkLog } from '../fsck/check.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { EXIT, exitCodeFor } from '../support/exit.ts';
import type { ExitCode } from '../support/exit.ts';
import { storageSource } from '../support/log-source.ts';
import { createOutput, style } from '../support/output.ts';
import { createProgress, formatCount } from '../support/progress.ts';
import type { MirrorFlags } from './options.ts';

interface Checked {
  readonly origin: string;
  readonly entries: number;
  readonly rootHash?: string;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
  readonly exitCode: ExitCode;
}

/** Checks every copy, and sets the exit code: 4 for damage. Errors: `bad-config`, `bad-key`, `store-locked`. */
export async function checkMirror(settings: MirrorSettings, flags: MirrorFlags): Promise<void> {
  const output = createOutput(flags);
  const progress = createProgress({ label: 'mirror --check', unit: 'entries', silent: output.json });
  const checked: Checked[] = [];
  for (const log of mirroredLogs(settings, DEFAULT_URL)) {
    checked.push(await checkCopy(settings, log, (done, total) => progress.update(done, total)));
  }
  progress.clear();
  let worst: ExitCode = EXIT.clean;
  for (const { exitCode } of checked) if (exitCode > worst) worst = exitCode;
  output.result(
    { logs: checked },
    checked.flatMap(({ origin, entries, findings }) => [
      `${style('bold', origin)}  ${formatCount(entries)} entries, ${findings.length === 0 ? style('green', 'clean') : style('red', `${findings.length} findings`)}`,
      ...findings.map(({ code, message }) => `  ${style('red', code)}: ${message}`),
    ]),
  );
  process.exitCode = worst;
}

async function checkCopy(
  { paths }: MirrorSettings,
  { origin, verifiers }: LocatedLog,
  onProgress: (done: number, total: number) => void,
): Promise<Checked> {
  const dir = join(paths.logs, originHashOf(origin, nodeHasher));
  if (!databaseExists(join(dir, 'db'))) return { origin, entries: 0, findings: [], exitCode: EXIT.clean };
  try {
    const storage = await openLevelStorage(dir, { create: false });
    try {
      const { published } = await storage.load();
      if (published === undefined) {
        const message = 'no checkpoint of it was mirrored yet: the next look goes on from what is here';
        const { head } = await storage.load();
        return {
          origin,
          entries: head.size,
          findings: [{ code: 'no-checkpoint', message }],
          exitCode: EXIT.operational,
        };
      }
      const report = await checkLog({
        source: storageSource(dir, storage),
        storage,
        origin,
        verifiers,
        hasher: nodeHasher,
        onProgress,
      });
      const own = readMirrorKeys(paths, nodeCrypto).map(({ vkey }) => checkpointVerifier(vkey, nodeCrypto));
      const { verified } = await openCheckpoint(published, own);
      if (verified.length < own.length) report.findings.add('bad-note', 'a cosignature of this mirror is missing');
      return {
        origin,
        entries: report.entries,
        rootHash: toHex(report.rootHash),
        findings: report.findings.kept,
        exitCode: report.findings.exitCode,
      };
    } finally {
      await storage.close();
    }
  } catch (thrown) {
    const error = asLimmatError(thrown);
    if (error.code === 'store-locked') throw explainMirrorLock(error, paths.root);
    return {
      origin,
      entries: 0,
      findings: [{ code: error.code, message: error.message }],
      exitCode: exitCodeFor(error),
    };
  }
}
