// The demo of a fork: a log that shows one customer another history, three monitors, and the file that is left when
// everything else is switched off.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { fetchEvidence, handIn, headToHandIn } from '../../src/client/hand-in.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { LimmatError } from '../../src/errors.ts';
import { explainEvidence, explanationSvg, explanationText } from '../../src/monitor/evidence/explain.ts';
import type { Explanation } from '../../src/monitor/evidence/explain.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { MAX_EVIDENCE_BYTES } from '../../src/monitor/evidence/limits.ts';
import { verifyObservation } from '../../src/monitor/evidence/observe.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { logIdentity, logsOfKeys } from '../../src/monitor/log-list.ts';
import { monitorVerifier } from '../../src/monitor/monitor-key.ts';
import type { LogIdentity } from '../../src/monitor/watched-log.ts';
import { parseVerifierKey } from '../../src/note/key.ts';
import { freshSigners } from '../misbehave/keys.ts';
import { startLyingLog } from '../misbehave/lying-log.ts';
import type { LyingLog } from '../misbehave/lying-log.ts';
import { commandWords, shellWord, shownPath } from '../support/command-name.ts';
import { style } from '../support/output.ts';
import { formatBytes } from '../support/progress.ts';
import { releaseUpdate, UPDATE, VICTIM } from './customers.ts';
import type { Bought } from './customers.ts';
import { startMonitors } from './monitors.ts';
import type { DemoMonitor } from './monitors.ts';
import { bad, good, say, startStory, until } from './tell.ts';

const ORIGIN = 'vendor.example/releases';
const PLACES = ['Zurich', 'Toronto', 'Nairobi'] as const;
/** Releases before the update that the story is about, and after it. */
const RELEASES_BEFORE = 40;
const RELEASES_AFTER = 5;

/** Tells it, with the monitors' directories under `dir`. The trust file, the evidence and its drawing go to `out`. */
export async function tellFork(dir: string, out: string): Promise<void> {
  const { chapter, end } = startStory();
  const log = await startLyingLog({ mode: 'targeted', origin: ORIGIN, size: RELEASES_BEFORE, victim: VICTIM });
  const trustPath = join(out, 'trust.txt');
  writeFileSync(trustPath, log.trustFile);
  let monitors: readonly DemoMonitor[] = [];
  let isOn = true;
  const switchOff = async (): Promise<void> => {
    if (isOn) await log.close();
    isOn = false;
  };
  try {
    chapter('A log that everybody can read, and three monitors that read it');
    monitors = await startMonitors(dir, trustPath, PLACES);
    await meet(log, monitors);

    chapter('An update comes out, and one customer gets another one');
    const { ben } = await tellOfUpdate(log, monitors);

    chapter("The log is switched off. Ben's computer tells one monitor what it was shown");
    await switchOff();
    await tellMonitor(ben, log, monitors);

    chapter('What is left is a file');
    const path = await takeAway(monitors, out);
    await Promise.all(monitors.map(({ served }) => served.close()));
    const observers = monitors.map(({ vkey }) => vkey);
    monitors = [];
    const explanation = await checkOffline(path.bytes, log, observers);
    writeFileSync(join(out, 'fork.svg'), explanationSvg(explanation));

    chapter('What the file says');
    for (const line of explanationText(explanation).trimEnd().split('\n')) say(indented(line));
    say('\n   See for yourself (the drawing is in fork.svg, beside the file):');
    const [file, trust] = [path.file, trustPath].map((name) => shellWord(shownPath(name)));
    say(`   ${style('bold', `${commandWords()} evidence verify ${file} --trust ${trust}`)}`);
    end('That was the whole of it', 'A monitor of your own: limmat monitor --help');
  } finally {
    await Promise.all(monitors.map(({ served }) => served.close()));
    await switchOff();
  }
}

async function meet(log: LyingLog, monitors: readonly DemoMonitor[]): Promise<void> {
  say(`   ${log.origin} has ${RELEASES_BEFORE} releases of a vendor's product in it, each signed by the vendor.`);
  await until('the first round', () => monitors.every((monitor) => monitor.entries() === RELEASES_BEFORE));
  for (const { place, served } of monitors) {
    say(`   ${place.padEnd(7)}  ${good(`hashed all ${RELEASES_BEFORE} entries`)}   ${style('dim', served.url)}`);
  }
  say('   Each keeps every head that the log ever signed, and tells the others which ones it has seen.');
}

async function tellOfUpdate(log: LyingLog, monitors: readonly DemoMonitor[]): Promise<{ readonly ben: Bought }> {
  const { ada, ben } = await releaseUpdate(log);
  for (const [name, { digest, index, size }] of [
    ['Ada', ada],
    ['Ben', ben],
  ] as const) {
    say(
      `   ${name}  ${UPDATE}  SHA-256 ${style('bold', `${digest.slice(0, 8)}…`)}  ` +
        good(`verified: entry ${index} of ${size}, signed by the vendor and by the log`),
    );
  }
  say('   Two files, and both proofs hold. Nothing that either of them has shows that the other got something else.');
  await log.grow(RELEASES_AFTER);
  const { size } = log.head();
  await until('the next round', () => monitors.every((monitor) => monitor.entries() === size));
  const [complaint] = monitors.flatMap((monitor) => monitor.proof()?.summary ?? monitor.complaints());
  if (complaint !== undefined) throw new Error(`a monitor found something too early: ${complaint}`);
  say(
    `   The log goes on. The monitors have hashed ${size} entries by now and found nothing wrong: they see what Ada sees.`,
  );
  return { ben };
}

/**
 * Ben's computer hands the head of its proof to the first monitor, as `limmat verify --gossip` does; all three hold the
 * evidence when this resolves.
 */
async function tellMonitor({ proofFile }: Bought, log: LyingLog, monitors: readonly DemoMonitor[]): Promise<void> {
  const [first] = monitors;
  const note = await headToHandIn(proofFile, parseTrust(log.trustFile), nodeCrypto);
  say(
    `   To ${first!.place}: the signed head in its proof, ${formatBytes(note.length)}. No name, no product, no file.`,
  );
  const startMillis = performance.now();
  await handIn(note, { url: first!.served.url });
  await until('the evidence', () => monitors.every((monitor) => monitor.proof() !== undefined));
  for (const [i, monitor] of monitors.entries()) {
    const after = `after ${Math.max(1, Math.round(monitor.proof()!.atMillis - startMillis))} ms`;
    const how =
      i === 0 ? 'made from its own hashes; nobody had to ask the log' : `sent by ${first!.place}, checked here`;
    say(`   ${monitor.place.padEnd(7)}  ${bad('proof')} ${after.padStart(12)}   ${how}`);
  }
  say(`   ${style('dim', first!.proof()!.summary)}`);
}

/** Fetches the evidence from the last monitor, and puts it into a file. */
async function takeAway(
  monitors: readonly DemoMonitor[],
  out: string,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> {
  const last = monitors.at(-1)!;
  const [id] = await last.served.monitor.evidenceIds();
  const bytes = await fetchEvidence(id!, MAX_EVIDENCE_BYTES, { url: last.served.url });
  const file = join(out, 'fork.json');
  writeFileSync(file, bytes);
  say(`   fork.json, ${formatBytes(bytes.length)}, from ${last.place}. The monitors are switched off now, too.`);
  return { file, bytes };
}

/** Verifies the file with the log's keys and nothing else, then tries to get something else past the verification. */
async function checkOffline(bytes: Uint8Array, log: LyingLog, observers: readonly string[]): Promise<Explanation> {
  const logs = identities(log.verifiers);
  const file = parseEvidence(bytes);
  const evidence = await verifyEvidence(file, logs, nodeHasher);
  say(`   ${good('it holds')}, by the log's two public keys and nothing else (kind: ${evidence.kind})`);
  const text = utf8Text(bytes)!;
  await refused('one digit of a head changed', text.replace('\\n41\\n', '\\n42\\n'), logs);
  await refused('one character of the proof changed', text.replace(/(?<="prefixRoot":")./, otherCharacter), logs);
  await refused('the same file held against another log', text, identities(freshSigners('other.example/log')));
  if (file.observed === undefined) return explainEvidence(evidence, undefined, nodeHasher);
  const known = observers.map((vkey) => monitorVerifier(vkey, nodeCrypto));
  const verdict = await verifyObservation(evidence, file.observed, known);
  return explainEvidence(evidence, { observation: file.observed.observation, verdict }, nodeHasher);
}

/** The logs of these keys, as somebody knows them who has nothing else. */
function identities(keys: readonly { readonly vkey: string }[]): readonly LogIdentity[] {
  return logsOfKeys(keys.map(({ vkey }) => parseVerifierKey(vkey))).map((one) => logIdentity(one, nodeCrypto));
}

async function refused(what: string, file: string, logs: readonly LogIdentity[]): Promise<void> {
  try {
    await verifyEvidence(parseEvidence(utf8(file)), logs, nodeHasher);
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    say(`   ${what}: ${bad(error.code)}: ${error.message}`);
    return;
  }
  throw new Error(`${what}, and nothing noticed`);
}

function otherCharacter(character: string): string {
  return character === 'A' ? 'B' : 'A';
}

/** A line of the explanation, headings in bold. */
function indented(line: string): string {
  if (line === '') return '';
  return `   ${/^[ -]/.test(line) ? line : style('bold', line)}`;
}
