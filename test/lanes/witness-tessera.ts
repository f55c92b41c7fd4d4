// A witness of ours beside a live Tessera log: it cosigns each head as the log grows, across a restart, and neither a head
// without its proof nor what the log signs after it began again.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { concat, utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/index.ts';
import { Prover } from '../../src/merkle/prover.ts';
import {
  checkpointVerifier,
  formatAddCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
} from '../../src/note/index.ts';
import { freePort } from '../../tools/support/serve-process.ts';
import { startWitness } from '../../tools/support/witness-process.ts';
import type { WitnessProcess } from '../../tools/support/witness-process.ts';
import type { Lane } from './report.ts';
import { buildTesseraLog, startTesseraLog, tesseraKey } from './tessera-log.ts';
import type { TesseraLog } from './tessera-log.ts';

const ORIGIN = 'tessera.invalid/witnessed';
/** Heads inside a tile, at its end, and over tiles of two levels. */
const GROWTH = [1, 6, 249, 1, 300];

const numbered = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${what} ${i}`);

export async function witnessTessera(lane: Lane, dir: string): Promise<void> {
  const key = tesseraKey(ORIGIN);
  const files = join(dir, 'witnessed-tessera');
  const logList = join(dir, 'tessera-logs.txt');
  writeFileSync(logList, `log ${key.vkey}\n`);
  const home = join(dir, 'tessera-witness');
  let log: TesseraLog | undefined;
  let witness: WitnessProcess | undefined;
  try {
    const binary = buildTesseraLog(dir);
    const port = await freePort();
    log = await startTesseraLog(binary, files, key, port);
    witness = await startWitness({ dir: home, logList, name: 'interop.invalid/tessera-witness' });
    let size = 0;
    await lane.check('limmat witness cosigns a Tessera log with both keys as it grows', async () => {
      for (const [step, count] of GROWTH.entries()) {
        await log!.add(numbered(`step ${step}`, count));
        size = await cosigned(log!, witness!, key.vkey, size);
      }
    });
    await witness.stop();
    witness = await startWitness({ dir: home, logList, init: false });
    await lane.check('and goes on after a restart', async () => {
      await log!.add(numbered('later', 40));
      size = await cosigned(log!, witness!, key.vkey, size);
    });
    await log.stop();
    log = undefined;
    rmSync(files, { recursive: true });
    log = await startTesseraLog(binary, files, key, port);
    await lane.check('it does not cosign what the log signs after it began again from nothing', async () => {
      await log!.add(numbered('another', size + 7));
      const { status, text } = await send(log!, witness!, size);
      if (status !== 422) throw new Error(`answered ${status}: ${text}`);
    });
    await log.stop();
    log = undefined;
  } finally {
    await witness?.stop();
    await log?.stop();
  }
}

/** Has the log's newest head cosigned from that size, and opens it with all keys; the head's size. */
async function cosigned(log: TesseraLog, witness: WitnessProcess, vkey: string, oldSize: number): Promise<number> {
  const { status, text, checkpoint } = await send(log, witness, oldSize);
  if (status !== 200) throw new Error(`answered ${status} from ${oldSize}: ${text}`);
  const verifiers = [vkey, ...witness.vkeys].map((one) => checkpointVerifier(one, nodeCrypto));
  const opened = await openCheckpoint(concat(checkpoint, utf8(text)), verifiers);
  if (opened.verified.length !== verifiers.length)
    throw new Error(`${opened.verified.length} of ${verifiers.length} keys signed`);
  return opened.checkpoint.size;
}

/** Sends the log's newest head with the proof that its own tiles give, verified by nobody. */
async function send(
  { url }: TesseraLog,
  witness: WitnessProcess,
  oldSize: number,
): Promise<{ readonly status: number; readonly text: string; readonly checkpoint: Uint8Array }> {
  const reader = httpReader({ url });
  const checkpoint = await reader.checkpoint();
  const head = parseCheckpoint(parseNote(checkpoint).text);
  const prover = new Prover({ read: (paths) => reader.read(paths), hasher: nodeHasher });
  const proof = oldSize === 0 ? [] : await prover.consistencyProof(head, oldSize);
  const body = new Uint8Array(formatAddCheckpoint({ oldSize, proof, checkpoint }));
  const answer = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body });
  return { status: answer.status, text: await answer.text(), checkpoint };
}
