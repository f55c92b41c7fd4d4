// The demo of witnesses: a log and three of them, one and then two of which are switched off, a log that forks, and a
// proof file that grows old. Each line that claims something was checked before.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { commandWords, shellWord, shownPath } from '../support/command-name.ts';
import { style } from '../support/output.ts';
import { bad, good, mustBe, say, startStory, tell, tellBad, tellGood, tellMore, tellRefusal, until } from './tell.ts';
import { tellFork } from './witnesses/fork.ts';
import { UPDATES, openScene } from './witnesses/scene.ts';
import type { Scene, Witnessed } from './witnesses/scene.ts';

const DAY_SECONDS = 86_400;

/** Tells it, with everybody's data under `dir`. The trust file and a proof file go to `out`. */
export async function tellWitnesses(dir: string, out: string): Promise<void> {
  const { chapter, end } = startStory();
  const scene = await openScene(dir);
  const trust = join(out, 'trust.txt');
  const [artifact, proofFile] = [join(out, UPDATES[0]), join(out, `${UPDATES[0]}.tlog-proof`)];
  try {
    chapter('A log, and three witnesses that other people run');
    writeFileSync(trust, scene.trustText);
    meet(scene);

    chapter('An update is logged, and waits for its witnesses');
    const first = await scene.release(UPDATES[0]);
    writeFileSync(artifact, scene.fileOf(UPDATES[0]));
    writeFileSync(proofFile, first.proof!);
    await tellProof(scene, first);

    chapter('One witness is switched off');
    await scene.switchOff('third');
    await tellProof(scene, await scene.release(UPDATES[1]));
    tell('Two of three are enough, so nobody had to wait for the one that is gone.');

    chapter('Another one is switched off');
    await scene.switchOff('second');
    await tellStandstill(scene);

    chapter('One of them comes back');
    await scene.switchOn('second');
    await tellRecovery(scene);

    chapter('The log forks: its own keys sign another history');
    await scene.switchOn('third');
    await tellFork(scene, first);
    await tellProof(scene, await scene.release(UPDATES[3]));
    tell('What the log publishes itself is still one history, and the witnesses go on cosigning it.');

    chapter('The log and all witnesses are switched off. The proof file is still there');
    await scene.close();
    await tellAge(scene, first);

    const words = [artifact, '--proof', proofFile, '--trust', trust].map((word) =>
      word.startsWith('--') ? word : shellWord(shownPath(word)),
    );
    say('\n   See for yourself:');
    say(`   ${style('bold', `${commandWords()} verify ${words.join(' ')}`)}`);
    end('That was the whole of it', 'A witness of your own: docs/witness.md');
  } finally {
    await scene.close();
  }
}

function meet(scene: Scene): void {
  say(`   ${scene.origin} publishes nothing that two of three witnesses have not cosigned.`);
  for (const { name, url } of scene.witnesses()) say(`   ${name.padEnd(7)} ${style('dim', url)}`);
  tell("Each has the log's public keys from its own log list, and remembers the last checkpoint that it cosigned.");
}

/** Checks the proof as a customer does, and says whose cosignatures counted. */
async function tellProof(scene: Scene, { index, proof, name }: Witnessed): Promise<void> {
  if (proof === undefined) throw new Error(`the witnesses did not answer in time for ${name}`);
  const { cosignatures, head } = await scene.verify(name, proof);
  tellGood(`${name} is entry ${index} of ${head.size}; the proof file verifies under the trust file`);
  tellMore(`cosigned by ${cosignatures.map(({ witness }) => witness).join(', ')}: 2 are asked for`);
}

/** What the log does while it has no quorum: it takes entries, publishes nothing, and says so. */
async function tellStandstill(scene: Scene): Promise<void> {
  const before = await scene.published();
  const { index, proof } = await scene.release(UPDATES[2]);
  mustBe(proof === undefined, 'nothing is proven without a quorum');
  tellGood(`${UPDATES[2]} has its place, entry ${index}: that is durable, and needs no witness`);
  await until('the log to say so', () => scene.refusal() !== undefined);
  const after = await scene.published();
  mustBe(after.size === before.size && after.size <= index, 'nothing new was published');
  tellBad(`not published: the checkpoint that readers get still has ${after.size} entries`);
  tellMore(scene.refusal()!);
  mustBe((await scene.ready()) === 503, 'the log says that it is not ready');
  await scene.verify(UPDATES[1], await scene.proofOf(UPDATES[1]));
  tellGood('reads go on: what was published before is served and proven as it was');
}

async function tellRecovery(scene: Scene): Promise<void> {
  const proof = await scene.whenProven(UPDATES[2]);
  const { index } = await scene.verify(UPDATES[2], proof);
  tellGood(`two of three again: entry ${index} is published and proven, and nobody had to do anything`);
}

/** The file alone, today and later. */
async function tellAge(scene: Scene, { name, proof }: Witnessed): Promise<void> {
  const { head, cosignatures } = await scene.verify(name, proof!);
  say(`   ${good(`verified offline: ${cosignatures.length} witnesses cosigned a tree of ${head.size} entries`)}`);
  const { maxAgeSeconds } = scene.trust;
  mustBe(maxAgeSeconds !== undefined, 'the trust file has a limit');
  const days = maxAgeSeconds! / DAY_SECONDS;
  await tellRefusal(`the same file ${days} days and an hour later`, { code: 'too-old', says: /old/ }, () =>
    scene.verify(name, proof!, maxAgeSeconds! + 3600),
  );
  say(`   ${bad('an old proof does not say what the log holds today: get a fresh one with the next update')}`);
}
