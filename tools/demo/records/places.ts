// Where things happen: a signing site that was said to have moved, the monitor that sees it move back, and the question
// where the data of a region is on a day.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { fromBase64, equalBytes } from '../../../src/bytes.ts';
import { fetchEvidence } from '../../../src/client/hand-in.ts';
import { httpReader } from '../../../src/client/http-reader.ts';
import { verifyProofFile } from '../../../src/client/verify.ts';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { MAX_EVIDENCE_BYTES } from '../../../src/monitor/evidence/limits.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { logIdentity, parseLogList } from '../../../src/monitor/log-list.ts';
import { describe } from '../../../src/record/index.ts';
import type { FieldsOf, LimmatRecord } from '../../../src/record/index.ts';
import { parseTime } from '../../../src/record/time.ts';
import { readFromLog } from '../../support/log-api.ts';
import { formatBytes } from '../../support/progress.ts';
import type { DemoMonitor } from '../monitors.ts';
import { mustBe, say, tell, tellBad, tellGood, tellMore, tellRefusal, until } from '../tell.ts';
import { releaseRecord, tellLogged } from './admission.ts';
import { TORONTO, VENDOR, ZURICH } from './scene.ts';
import type { Logged, Scene } from './scene.ts';

type RelocationFields = FieldsOf<'relocation'>;

function relocation(fields: RelocationFields): LimmatRecord {
  return { type: 'relocation', namespace: VENDOR, fields };
}

function day(text: string): number {
  return parseTime(`${text}T00:00:00Z`)!;
}

/** Signing moves to Zurich, it is said; then a release is signed in Toronto. Gives the release. */
export async function tellMovedBack(
  scene: Scene,
  monitor: DemoMonitor,
  before: Logged,
): Promise<{ readonly release: Logged; readonly evidence: Uint8Array }> {
  const moved = await scene.add(
    relocation({
      relocationId: 'signing',
      action: 'complete',
      activity: 'sign',
      subject: 'releases',
      from: [{ site: TORONTO }],
      to: [{ site: ZURICH }],
      effectiveAt: day('2020-11-12'),
    }),
  );
  tellLogged(moved);
  await until('the first round', () => monitor.entries() > moved.index);
  mustBe(monitor.complaints().length === 0, `the monitor has nothing to say: ${monitor.complaints().join('; ')}`);
  tellGood(`${monitor.place}, a monitor, judged all ${moved.index + 1} entries again and has nothing to say`);
  await tellRefusal(
    'a release signed at a site that the policy does not name',
    { code: 'not-admitted', says: /signSite is "basement-1"/ },
    () => scene.add(releaseRecord(5, before, 4_200, { signSite: 'basement-1' })),
  );
  const producedAt = Math.floor(Date.now() / 1000);
  const release = await scene.add(releaseRecord(5, before, 4_200, { signSite: TORONTO, producedAt }));
  tellLogged(release);
  tellMore('The policy names both sites, so the log takes it: whether the vendor may, is not for the log to say.');
  await reported(monitor, 'what moved back', /toronto-1/);
  return { release, evidence: await takeEvidence(scene, monitor) };
}

/** Waits until the monitor has told its operator, and repeats it. */
export async function reported(monitor: DemoMonitor, what: string, pattern: RegExp): Promise<void> {
  const find = (): string | undefined => monitor.complaints().find((summary) => pattern.test(summary));
  await until(`the report of ${what}`, () => find() !== undefined);
  tellBad(`${monitor.place} reports:`);
  tellMore(find()!);
}

/** Fetches the evidence that the monitor has made of it, and checks it with the log's keys alone. */
async function takeEvidence(scene: Scene, monitor: DemoMonitor): Promise<Uint8Array> {
  await until('the evidence', () => monitor.proof() !== undefined);
  const [id] = await monitor.served.monitor.evidenceIds();
  const file = await fetchEvidence(id!, MAX_EVIDENCE_BYTES, { url: monitor.served.url });
  const log = logIdentity(parseLogList(scene.trustText)[0]!, nodeCrypto);
  const { kind, claim } = await verifyEvidence(parseEvidence(file), [log], nodeHasher);
  mustBe(kind === 'location-breach', `the monitor's evidence is a location-breach, and not a ${kind}`);
  tellGood(
    `and has ${formatBytes(file.length)} of evidence (${kind}): ${claim.entries!.length} entries with their proofs. It holds ` +
      "by the log's keys alone; with nothing in the log between them that explains it, it convicts the vendor, not the log",
  );
  return file;
}

/** The evidence as a file, and what it says to whoever has nothing else. */
export function keepEvidence(out: string, evidence: Uint8Array): string {
  const path = join(out, 'location-breach.json');
  writeFileSync(path, evidence);
  return path;
}

const STEPS: readonly RelocationFields[] = [
  {
    relocationId: 'files-of-europe',
    action: 'start',
    activity: 'process',
    category: 'suspicious-file',
    regions: ['150'],
    from: [{ site: TORONTO, country: 'CA' }],
    to: [{ site: ZURICH, country: 'CH' }],
    effectiveAt: day('2018-11-13'),
    scopePercent: 40,
  },
  {
    relocationId: 'files-of-europe',
    action: 'complete',
    activity: 'process',
    category: 'suspicious-file',
    regions: ['150'],
    from: [{ site: TORONTO, country: 'CA' }],
    to: [{ site: ZURICH, country: 'CH' }],
    effectiveAt: day('2019-12-31'),
  },
  {
    relocationId: 'files-of-north-america',
    action: 'complete',
    activity: 'process',
    category: 'suspicious-file',
    regions: ['021'],
    from: [{ site: TORONTO, country: 'CA' }],
    to: [{ site: ZURICH, country: 'CH' }],
    effectiveAt: day('2020-11-12'),
  },
];

const ANSWER = v.object({
  size: v.number(),
  items: v.array(
    v.object({
      index: v.number(),
      leafHash: v.string(),
      proof: v.string(),
      state: v.string(),
      since: v.string(),
      regionMatch: v.string(),
    }),
  ),
});

/** Asks where the suspicious files of a country are processed on some days, and verifies each answer. */
export async function tellWhere(scene: Scene): Promise<void> {
  for (const step of STEPS) await scene.add(relocation(step));
  tell(`The vendor logs ${STEPS.length} more steps: the files of Europe (region 150) and of North America (021).`);
  await answer(scene, 'DE', '2018-06-30', undefined);
  await answer(scene, 'DE', '2019-06-30', 'started');
  await answer(scene, 'DE', '2020-06-30', 'completed');
  await answer(scene, 'US', '2020-06-30', undefined);
  await answer(scene, 'US', '2020-12-31', 'completed');
}

async function answer(scene: Scene, region: string, asOf: string, expected: string | undefined): Promise<void> {
  const query = new URLSearchParams({ region, asOf, category: 'suspicious-file', activity: 'process' });
  const { size, items } = await readFromLog(`${scene.url}/api/v1/relocations?${query}`, ANSWER);
  const question = `Suspicious files of ${region}, as of ${asOf}`;
  mustBe(items.length === (expected === undefined ? 0 : 1), `there is one answer to: ${question}`);
  if (expected === undefined) {
    say(`   ${question}: the log names none of its ${size} entries`);
    return;
  }
  for (const { index, leafHash, proof, state, since, regionMatch } of items) {
    const proofFile = await httpReader({ url: scene.url }).resource(proof.slice(1), 1024 * 1024);
    const verified = await verifyProofFile({
      proofFile,
      artifactSha256: 'none',
      trust: scene.trust,
      expected: { type: ['relocation'], namespace: [VENDOR] },
      crypto: nodeCrypto,
      hasher: nodeHasher,
    });
    const isSame = verified.index === index && equalBytes(verified.leafHash, fromBase64(leafHash) ?? new Uint8Array());
    mustBe(isSame && state === expected, `entry ${index} is what the log answered to: ${question}`);
    tellGood(`${question}: ${state} since ${since.slice(0, 10)} (its region ${regionMatch} ${region})`);
    tellMore(
      `entry ${index} of ${verified.head.size}, proven, signed by ${verified.issuer.iss}: ${describe(verified.statement.record)}`,
    );
  }
}
