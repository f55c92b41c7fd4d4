// limmat add --spool: takes entries into a spool, sends what waits there, and says how far everything is.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { replaceFile } from '../../src/adapters/monitor-store/files.ts';
import { LimmatError } from '../../src/errors.ts';
import { describe } from '../../src/record/index.ts';
import type { AddOptions } from '../add.ts';
import { exitCodeFor } from '../support/exit.ts';
import { addToLog, describeLog } from '../support/log-api.ts';
import { createOutput, reportError, style } from '../support/output.ts';
import type { Output } from '../support/output.ts';
import { provenanceLines } from '../support/provenance.ts';
import type { ProvenanceReport } from '../support/provenance.ts';
import { sendSpool, type SendOptions, type Stopped } from '../support/spool-sender.ts';
import { openSpool, readSpool } from '../support/spool.ts';
import type { Spool, SpoolContent, SpoolEntry, SpoolState } from '../support/spool.ts';
import { readStatements, signBuild, statementIn } from './entries.ts';

/** An entry that this run was given, and the files that its proof belongs beside. */
interface Given {
  readonly number: number;
  readonly proofFiles: readonly string[];
  readonly provenance: ProvenanceReport | undefined;
}

/** As `limmat add`, by way of the spool in this directory. Ends with the exit code of what stopped it. */
export async function addWithSpool(
  files: readonly string[],
  options: AddOptions,
  dir: string,
  retryMillis: number,
): Promise<void> {
  const output = createOutput(options);
  if (options.spoolStatus === true) {
    if (files.length > 0 || options.key !== undefined || options.setAside !== undefined)
      throw new LimmatError('usage', '--spool-status only looks: it takes no files, no --key and no --set-aside');
    sayStatus(output, dir, await readSpool(dir));
    return;
  }
  // With a wrong file nothing is to be made, and with a wrong key nothing is to wait.
  const statements = options.key === undefined ? readStatements(files, options) : [];
  if (options.key !== undefined && files.length === 0) throw new LimmatError('usage', 'name the files to sign');
  // Only an entry that comes in makes a spool: a mistyped directory is told apart from an empty one.
  if (files.length === 0) await readSpool(dir);
  const spool = await openSpool(dir, retryMillis);
  try {
    if (options.setAside !== undefined) {
      const { number } = await spool.setAside(options.setAside);
      output.line(`entry ${number} is set aside in ${dir}`);
    }
    const before = spool.entries.filter(({ state }) => state !== 'set-aside').map(({ bytes }) => bytes);
    const entries = options.key === undefined ? statements : [await signBuild(files, options, options.key, before)];
    const given: Given[] = [];
    for (const { bytes, proofFiles, provenance } of entries) {
      const { number } = await spool.put(bytes);
      given.push({ number, proofFiles, provenance });
    }
    const undone = new Set(spool.entries.filter(({ state }) => state !== 'proven').map(({ number }) => number));
    const stopped = await sendSpool(spool, sendOptions(options, spool, retryMillis, output));
    const concerned = spool.entries.filter(
      ({ number, state }) =>
        given.some((one) => one.number === number) || (undone.has(number) && state !== 'set-aside'),
    );
    await writeProofs(concerned, given);
    say(output, options.url, spool, concerned, given, stopped);
  } finally {
    await spool.close();
  }
}

function sendOptions(options: AddOptions, spool: Spool, retryMillis: number, output: Output): SendOptions {
  return {
    wait: options.wait,
    retryMillis,
    add: (entry, wait) => addToLog(options.url, entry, wait),
    origin: async () => (await describeLog(options.url)).origin,
    nowMillis: () => performance.now(),
    sleep,
    random: Math.random,
    onPause: ({ message }, pauseMillis) =>
      output.note(
        `${message}; trying again in ${(pauseMillis / 1000).toFixed(1)} s (${counts(spool)} in ${spool.dir})`,
      ),
  };
}

/** Puts the proofs of what this run was given beside the files too, as without a spool. */
async function writeProofs(entries: readonly SpoolEntry[], given: readonly Given[]): Promise<void> {
  for (const { number, proofFile } of entries) {
    if (proofFile === undefined) continue;
    const proof = new Uint8Array(readFileSync(proofFile));
    for (const file of copiesOf(number, given)) await replaceFile(file, proof);
  }
}

function copiesOf(number: number, given: readonly Given[]): readonly string[] {
  return [...new Set(given.filter((one) => one.number === number).flatMap(({ proofFiles }) => proofFiles))];
}

function say(
  output: Output,
  url: string,
  spool: Spool,
  concerned: readonly SpoolEntry[],
  given: readonly Given[],
  stopped: Stopped | undefined,
): void {
  const shown = concerned.map((entry) => ({
    ...entryJson(entry, url, copiesOf(entry.number, given)),
    ...provenanceOf(entry.number, given),
  }));
  const error = stopped === undefined ? undefined : sentence(stopped, spool);
  const { code, message, details } = error ?? {};
  output.value({
    spool: spool.dir,
    ...(spool.origin !== undefined && { origin: spool.origin }),
    entries: shown,
    ...countOf(spool.entries),
    ...(error !== undefined && { error: { code, message, details } }),
  });
  for (const entry of concerned) {
    const { provenance } = provenanceOf(entry.number, given);
    output.line(`${stateWords(entry)}: ${inWords(entry)}`);
    for (const line of provenance === undefined ? [] : provenanceLines(provenance)) output.line(line);
    if (entry.index !== undefined) output.line(`page   ${url}/log/${entry.index}`);
    if (entry.proofFile !== undefined)
      for (const file of [entry.proofFile, ...copiesOf(entry.number, given)]) output.line(`proof  ${file}`);
  }
  output.line(`${spool.dir}: ${counts(spool)}`);
  if (error === undefined) return;
  if (!output.json) reportError(error, false);
  process.exitCode = exitCodeFor(error);
}

function sayStatus(output: Output, dir: string, { origin, entries }: SpoolContent): void {
  const open = entries.filter(({ state }) => state !== 'proven');
  output.result(
    {
      spool: dir,
      ...(origin !== undefined && { origin }),
      entries: open.map((entry) => entryJson(entry)),
      ...countOf(entries),
    },
    [
      ...open.map((entry) => `${stateWords(entry)}: ${inWords(entry)}`),
      `${dir}${origin === undefined ? '' : ` for ${origin}`}: ${counts({ entries })}`,
    ],
  );
}

/** Says what became of the entries, and what to do. */
function sentence({ error, refused }: Stopped, { dir, entries }: Spool): LimmatError {
  const { waiting, sequenced } = countOf(entries);
  const { code, message, details } = error;
  const kept = `${waiting} to send and ${sequenced} to prove stay in ${dir}`;
  const advice =
    refused === undefined
      ? `${kept}: "limmat add --spool ${dir}" goes on`
      : `mend that and run "limmat add --spool ${dir}", or go on without it: --set-aside ${refused.number}; ${kept}`;
  const what = refused === undefined ? message : `the log refuses entry ${refused.number} of the spool: ${message}`;
  const more = refused === undefined ? {} : { number: refused.number };
  return new LimmatError(code, `${what}; ${advice}`, { details: { ...details, ...more }, cause: error });
}

const STATES = ['waiting', 'sequenced', 'proven', 'set-aside'] as const satisfies readonly SpoolState[];

function countOf(entries: readonly SpoolEntry[]): {
  waiting: number;
  sequenced: number;
  proven: number;
  setAside: number;
} {
  const [waiting = 0, sequenced = 0, proven = 0, setAside = 0] = STATES.map(
    (wanted) => entries.filter(({ state }) => state === wanted).length,
  );
  return { waiting, sequenced, proven, setAside };
}

function counts({ entries }: { readonly entries: readonly SpoolEntry[] }): string {
  const { waiting, sequenced, proven, setAside } = countOf(entries);
  const aside = setAside === 0 ? '' : `, ${setAside} set aside`;
  return `${waiting} waiting, ${sequenced} without proof, ${proven} proven${aside}`;
}

function stateWords({ number, state, index }: SpoolEntry): string {
  if (state === 'waiting') return `${number} ${style('yellow', 'waits')}`;
  if (state === 'set-aside') return `${number} ${style('yellow', 'set aside')}`;
  const added = `${number} ${style('green', 'added')} as entry ${index}`;
  return state === 'proven' ? added : `${added}, no proof yet`;
}

function inWords({ bytes }: SpoolEntry): string {
  const statement = statementIn(bytes);
  return statement === undefined ? `${bytes.length} bytes` : describe(statement.record);
}

function provenanceOf(number: number, given: readonly Given[]): { readonly provenance?: ProvenanceReport } {
  const provenance = given.find((one) => one.number === number)?.provenance;
  return provenance === undefined ? {} : { provenance };
}

function entryJson(entry: SpoolEntry, url?: string, copies: readonly string[] = []): Record<string, unknown> {
  const { number, state, leafHash, index, proofFile } = entry;
  return {
    number,
    state,
    leafHash,
    says: inWords(entry),
    ...(index !== undefined && { index, ...(url !== undefined && { page: `${url}/log/${index}` }) }),
    proofFiles: proofFile === undefined ? [] : [proofFile, ...copies],
  };
}
