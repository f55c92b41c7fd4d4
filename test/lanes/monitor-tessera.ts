// The monitor against a live Tessera log: it follows it, convicts it by its one key when it starts again, and notices a
// byte that changed on its disk.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import { freePort, runLimmat } from '../../tools/support/serve-process.ts';
import { EXIT } from '../../tools/support/exit.ts';
import type { Lane } from './report.ts';
import { buildTesseraLog, startTesseraLog, tesseraKey } from './tessera-log.ts';
import type { TesseraKey, TesseraLog } from './tessera-log.ts';

/** Full tiles on level 0, a partial one, and a partial one above them. */
const ENTRIES = 2 * 256 + 99;
const MORE = 40;

const REPORT = v.looseObject({
  evidence: v.array(v.string()),
  logs: v.tuple([v.looseObject({ verifiedSize: v.number(), counts: v.looseObject({ unknown: v.number() }) })]),
});

const numbered = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${what} ${i}`);

export async function monitorTessera(lane: Lane, dir: string): Promise<void> {
  const origin = 'tessera.invalid/log';
  const key = tesseraKey(origin);
  const files = join(dir, 'tessera');
  const data = join(dir, 'monitor');
  let log: TesseraLog | undefined;
  try {
    const binary = buildTesseraLog(dir);
    const port = await freePort();
    log = await startTesseraLog(binary, files, key, port);
    await lane.check('the monitor follows a live Tessera log, from its empty tree on', () => follow(log!, key, data));
    await log.stop();
    log = undefined;
    // Everything that the log knew is gone but its key: as after a restore from nothing.
    rmSync(files, { recursive: true });
    log = await startTesseraLog(binary, files, key, port);
    await lane.check('a Tessera log that begins again under its key is convicted by that one key', () =>
      convict(log!, key, data),
    );
    await lane.check('a byte that changed on the disk of a Tessera log is a suspicion', () =>
      suspect(log!, key, files, join(dir, 'second')),
    );
    await log.stop();
    log = undefined;
  } finally {
    await log?.stop();
  }
}

/** One look; throws unless it ends with that exit code. */
async function look(code: number, ...args: readonly string[]): Promise<v.InferOutput<typeof REPORT>> {
  const ran = await runLimmat(['monitor', '--once', '--json', ...args]);
  if (ran.code !== code) throw new Error(`it ended with ${ran.code}, not ${code}:\n${ran.stdout}${ran.stderr}`);
  return v.parse(REPORT, JSON.parse(ran.stdout));
}

async function follow(log: TesseraLog, { vkey }: TesseraKey, data: string): Promise<void> {
  expectSize(await look(EXIT.clean, '--data', data, '--init', '--key', vkey, '--url', log.url), 0);
  await log.add(numbered('entry', ENTRIES));
  expectSize(await look(EXIT.clean, '--data', data), ENTRIES);
  await log.add(numbered('later entry', MORE));
  expectSize(await look(EXIT.clean, '--data', data), ENTRIES + MORE);
}

/** Every entry was checked, and counted as one of which nothing more is known. */
function expectSize({ logs: [{ verifiedSize, counts }] }: v.InferOutput<typeof REPORT>, size: number): void {
  if (verifiedSize === size && counts.unknown === size) return;
  throw new Error(`${verifiedSize} entries were checked and ${counts.unknown} counted, not ${size}`);
}

async function convict(log: TesseraLog, { vkey }: TesseraKey, data: string): Promise<void> {
  await log.add(numbered('another entry', ENTRIES + 2 * MORE));
  const { evidence } = await look(EXIT.proof, '--data', data);
  if (evidence.length !== 1) throw new Error(`there are ${evidence.length} pieces of evidence, not 1`);
  const file = join(data, 'evidence', `${evidence[0]}.json`);
  const verified = await runLimmat(['evidence', 'verify', file, '--key', vkey]);
  if (verified.code !== EXIT.proof)
    throw new Error(`the evidence does not hold:\n${verified.stdout}${verified.stderr}`);
  const stranger = await runLimmat(['evidence', 'verify', file, '--key', tesseraKey('tessera.invalid/log').vkey]);
  if (stranger.code !== EXIT.finding) throw new Error(`the evidence holds by another key: ${stranger.code}`);
}

async function suspect(log: TesseraLog, { vkey }: TesseraKey, files: string, data: string): Promise<void> {
  const bundle = join(files, 'tile', 'entries', '001');
  const honest = readFileSync(bundle);
  const changed = Buffer.from(honest);
  changed[changed.length - 1]! ^= 1;
  writeFileSync(bundle, changed);
  await look(EXIT.suspicion, '--data', data, '--init', '--key', vkey, '--url', log.url);
}
