// The chapter in which the log forks: whoever has its keys signs a tree in which one update is another file, and asks each
// witness to cosign it, with the proof that such a tree has of itself.

import * as v from 'valibot';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { fromBase64, utf8 } from '../../../src/bytes.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import type { Hash } from '../../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../../src/note/add-checkpoint.ts';
import { loadLogSigners } from '../../../src/node/log-keys.ts';
import { nodeClock } from '../../../src/node/open-log.ts';
import { openBranch } from '../../misbehave/branch.ts';
import type { Branch } from '../../misbehave/branch.ts';
import { mustBe, tellBad, tellGood, tellMore, tellRefusal } from '../tell.ts';
import { buildOf } from './scene.ts';
import type { Scene, Witnessed } from './scene.ts';

/** What the log's keys sign in the place of the update. */
const INSTEAD = utf8('endpoint-security, and what somebody wanted one customer to have\n');
const CONSISTENCY = v.object({ proof: v.array(v.string()) });

/** Entries that a log of records begins with. */
const OWN_RECORDS = 3;

export async function tellFork(scene: Scene, { name, index }: Witnessed): Promise<void> {
  const { size } = await scene.published();
  const leaves = [...(await scene.leaves(size))];
  leaves[index] = await buildOf(name, INSTEAD, scene.paths.submitterKey);
  const signers = loadLogSigners(scene.paths, scene.origin, {}, nodeCrypto);
  const branch = await openBranch({ origin: scene.origin, signers, clock: nodeClock, records: OWN_RECORDS }, leaves);
  try {
    await branch.append([await buildOf(name, utf8('what comes next\n'), scene.paths.submitterKey)]);
    const head = branch.head();
    tellBad(`a checkpoint of ${head.size} entries, signed by both keys of the log: its entry ${index} is another file`);
    await askAll(scene, branch, size);
    const forged = await proofIn(branch, index);
    await tellRefusal('a customer who gets that file with its proof', { code: 'quorum-not-met', says: /witness/ }, () =>
      scene.verifyFile(INSTEAD, forged),
    );
  } finally {
    await branch.close();
  }
}

/** Sends the forged head to each witness: none signs, and each keeps the checkpoint as it was signed. */
async function askAll(scene: Scene, branch: Branch, size: number): Promise<void> {
  for (const { name, url, served } of scene.witnesses()) {
    const ask = async (oldSize: number): Promise<{ readonly status: number; readonly answer: string }> => {
      const { size: newSize, note: checkpoint } = branch.head();
      const body = formatAddCheckpoint({ oldSize, proof: await consistencyIn(branch, oldSize, newSize), checkpoint });
      const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: new Uint8Array(body) });
      return { status: response.status, answer: await response.text() };
    };
    let { status, answer } = await ask(size);
    // One that was away says what it knows, and is asked again from there, as an honest log does.
    if (status === 409) ({ status, answer } = await ask(Number(answer)));
    mustBe(status === 422 && !answer.includes('— '), `the witness ${name} refuses to cosign another history`);
    const kept = served.witness.suspicions().filter(({ origin }) => origin === scene.origin);
    mustBe(kept.length > 0, `the witness ${name} keeps what it was asked to sign`);
    tellGood(`${name} does not sign (${status}), and keeps the checkpoint for the monitors`);
    tellMore(answer.trim());
  }
}

async function consistencyIn(branch: Branch, from: number, to: number): Promise<readonly Hash[]> {
  const answer = await branch.answer(new Request(`http://log/api/v1/proof/consistency?from=${from}&to=${to}`));
  const { proof } = v.parse(CONSISTENCY, await answer.json());
  return proof.map((hash) => asHash(fromBase64(hash)!));
}

async function proofIn(branch: Branch, index: number): Promise<Uint8Array> {
  const answer = await branch.answer(new Request(`http://log/api/v1/entries/${index}/proof`));
  mustBe(answer.ok, 'the branch proves its entries');
  return new Uint8Array(await answer.arrayBuffer());
}
