// The demo of records that refer to each other: what a log refuses, what a monitor reports, what a laboratory finds out,
// and what a customer can tell from it, with the log and without. Each line that claims something was checked before.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { commandWords, shellWord, shownPath } from '../support/command-name.ts';
import { loadStatementSigner } from '../support/keys.ts';
import { style } from '../support/output.ts';
import { startMonitors } from './monitors.ts';
import type { DemoMonitor } from './monitors.ts';
import { tellKeys, tellLogged, tellReleases, tellSource } from './records/admission.ts';
import { releaseTampered, tellCheck, tellRebuilds } from './records/laboratory.ts';
import { recall, tellOffline } from './records/offline.ts';
import { keepEvidence, tellMovedBack, tellWhere } from './records/places.ts';
import { Scene, TORONTO, ZURICH, admitLab, site } from './records/scene.ts';
import { say, startStory, tell } from './tell.ts';

/** Tells it, with the log's and the monitor's data under `dir`. The trust file and the evidence go to `out`. */
export async function tellRecords(dir: string, out: string): Promise<void> {
  const { chapter, end } = startStory();
  const scene = await Scene.open(dir);
  const monitors: DemoMonitor[] = [];
  try {
    chapter('A log that says in its own entries who may log what');
    tellLogged(await scene.decide(site(TORONTO, 'Toronto', 'CA')));
    tellLogged(await scene.decide(site(ZURICH, 'Zurich', 'CH')));
    tellLogged(await scene.decide(admitLab(loadStatementSigner(scene.labKey).key)));
    await tellPolicy(scene);

    chapter('A build without its source');
    const first = await tellSource(scene);

    chapter('Keys that may not sign');
    await tellKeys(scene, first);

    chapter('A database release that skips a number');
    const fourth = await tellReleases(scene);

    chapter('Signing moved to Zurich, and then a release is signed in Toronto');
    const trust = join(out, 'trust.txt');
    writeFileSync(trust, scene.trustText);
    monitors.push(...(await startMonitors(dir, trust, ['Nairobi'], scene.url)));
    const [monitor] = monitors;
    const { release: fifth, evidence } = await tellMovedBack(scene, monitor!, fourth);

    chapter('Somebody else builds it again');
    const second = await releaseTampered(scene);
    await tellRebuilds(scene, [first, second], monitor!);

    chapter('Is this file all right?');
    await tellCheck(scene, [first, second]);

    chapter('Where is the data of a region, as of a day?');
    await tellWhere(scene);

    chapter('A release is recalled. Then the log is switched off');
    const customer = await recall(scene, fourth, fifth);
    for (const { served } of monitors.splice(0)) await served.close();
    await scene.close();
    await tellOffline(scene, customer);

    const [file, list] = [keepEvidence(out, evidence), trust].map((path) => shellWord(shownPath(path)));
    say('\n   What the release from Toronto shows, without the log:');
    say(`   ${style('bold', `${commandWords()} evidence explain ${file} --trust ${list}`)}`);
    end('That was the whole of it', 'The rules: docs/admission.md');
  } finally {
    for (const { served } of monitors) await served.close();
    await scene.close();
  }
}

/** What the vendor's policy asks for, as the log says it. */
async function tellPolicy(scene: Scene): Promise<void> {
  const { policy, require, roles } = await scene.inForce();
  for (const { role, types } of roles) tell(`By entry ${policy!.index}, the role ${role} signs ${types.join(', ')},`);
  for (const { type, fields } of require) tell(`and every ${type} names its ${fields.join(' and ')}.`);
}
