// The state that a log keeps is the one that its entries lead to, whatever the batches, the failures and the restarts.

import { expect, it } from 'vitest';
import { memoryStorage } from '../../src/adapters/memory.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes, toHex } from '../../src/bytes.ts';
import type { AppendResult, Log } from '../../src/log/index.ts';
import { ADMISSION_SPACE } from '../../src/record/admission.ts';
import { replay } from '../../src/record/admission/replay.ts';
import { StateDigest } from '../../src/record/admission/state.ts';
import { Author } from '../support/admission-author.ts';
import { AdmissionModel } from '../support/admission-model.ts';
import { AdmissionWorld, genesis, publicKey, rootKeys, sign } from '../support/admission-world.ts';
import { rowsAfter, storedRows, writesOf } from '../support/derived-store.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import { openRecordsLog, words } from '../support/records-log.ts';
import type { RecordsLog } from '../support/records-log.ts';
import { TEST_ORIGIN, testSigners } from '../support/test-log.ts';

const seed = chooseSeed();
const PROPOSALS = 80;
const RUNS = process.env['LIMMAT_LONG'] === undefined ? 1 : 20;

/** Every signature holds: those of random histories are zeros. */
const crypto = { ...nodeCrypto, verifyMany: async (jobs: readonly unknown[]) => jobs.map(() => true) };

interface Proposal {
  readonly bytes: Uint8Array;
  /** Its index, or the rule that refuses it, when all before it were judged one by one. */
  readonly verdict: number | string;
}

/** A random history, the genesis of the test log first, and what is to become of each proposal in this order. */
async function history(random: Random): Promise<Proposal[]> {
  const world = new AdmissionWorld();
  const model = new AdmissionModel();
  const author = new Author(random, world, model);
  const log = {
    origin: TEST_ORIGIN,
    vkeys: testSigners().map(({ vkey }) => vkey),
    statementKeys: [publicKey('log')],
  };
  const proposals: Proposal[] = [];
  const indexes = new Map<string, number>();
  const propose = (bytes: Uint8Array): void => {
    const known = indexes.get(toHex(bytes));
    if (known !== undefined) {
      proposals.push({ bytes, verdict: known });
      return;
    }
    const index = world.size;
    const decision = world.append(bytes);
    proposals.push({ bytes, verdict: decision.admitted ? index : decision.rule });
    if (!decision.admitted) return;
    indexes.set(toHex(bytes), index);
    model.append(bytes);
  };
  propose(await sign('root', 'log', 'policy', genesis({ log, roles: author.roles() }, rootKeys(1, 'root'))));
  while (proposals.length < PROPOSALS) {
    const bytes = await author.propose();
    if (bytes !== undefined) propose(bytes);
    if (author.chance(0.05)) propose(author.pick(proposals).bytes);
  }
  return proposals;
}

/**
 * What became of an entry in the words of `Proposal`, given it and those after it. One that was refused is answered with
 * its index where the same comes again in the same request and gets in then.
 */
function verdictOf(result: AppendResult, [own, ...later]: readonly Proposal[]): unknown {
  const again = later.find(({ bytes, verdict }) => equalBytes(bytes, own!.bytes) && typeof verdict === 'number');
  if (result.ok && result.index === again?.verdict) return own!.verdict;
  return result.ok ? result.index : (result.error.details['rule'] ?? result.error.code);
}

async function checkState({ log, medium, clock }: RecordsLog): Promise<void> {
  await clock.advance(2000);
  const digest = new StateDigest(nodeHasher);
  for await (const { key, value } of log.admissionState(ADMISSION_SPACE)) digest.add(key, value);
  const entries = await log.entries(0, log.status().head.size);
  const replayed = await replay(entries, { hasher: nodeHasher });
  expect(replayed.findings).toEqual([]);
  expect(toHex(digest.digest)).toBe(toHex(replayed.digest));
  expect(replayed.size).toBe(log.status().head.size);
  await log.close();
  const storage = memoryStorage({ medium });
  expect(await storedRows(storage)).toEqual(rowsAfter(writesOf(entries).flat()));
  await storage.close();
}

/** The list in pieces of random length. */
function pieces<T>(random: Random, list: readonly T[], longest: number): T[][] {
  const all: T[][] = [];
  for (let at = 0; at < list.length; at += all.at(-1)!.length)
    all.push(list.slice(at, at + between(random, 1, longest + 1)));
  return all;
}

it(`batches cut anywhere come to what one by one comes to (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  for (const commitEntries of [1, 7, 4096]) {
    const proposals = await history(random);
    const test = await openRecordsLog({ first: [], crypto, limits: { commitEntries } });
    const results: AppendResult[] = [];
    for (const piece of pieces(random, proposals, 50)) {
      results.push(...(await test.log.append(piece.map(({ bytes }) => bytes))));
    }
    expect(results.map((result, i) => verdictOf(result, proposals.slice(i)))).toEqual(
      proposals.map(({ verdict }) => verdict),
    );
    await checkState(test);
  }
});

/** Appends each list at once, and again until each entry has its answer, however often the store fails. */
async function insist({ log, clock }: RecordsLog, lists: readonly (readonly Uint8Array[])[]): Promise<void> {
  let open = lists;
  for (let tries = 0; open.length > 0; tries++) {
    expect(tries).toBeLessThan(100);
    const left = await Promise.all(open.map((entries) => unanswered(log, entries)));
    open = left.filter(({ length }) => length > 0);
    if (open.length > 0) await clock.advance(200);
  }
}

async function unanswered(log: Log, entries: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  try {
    const answers = words(await log.append(entries));
    const left = entries.filter((_, i) => ['outcome-unknown', 'read-only'].includes(String(answers[i])));
    return [...new Set(left)];
  } catch {
    // It is read-only: nothing was taken.
    return entries;
  }
}

it(`so do batches that overlap, writes that fail, and restarts (seed ${seed})`, { timeout: 180_000 }, async () => {
  const random = seededRandom(seed + 1);
  for (let run = 0; run < RUNS; run++) {
    const proposals = await history(random);
    const options = { first: [], crypto, limits: { commitEntries: 2048 }, refreshIntervalMillis: 86_400_000 };
    let test = await openRecordsLog(options);
    // Copies of the genesis are answered with its index, and are enough for a batch to be prepared beside a write.
    const copies = Array.from({ length: 1024 }, () => proposals[0]!.bytes);
    await insist(test, [[proposals[0]!.bytes]]);
    for (const piece of pieces(random, proposals.slice(1), 30)) {
      test.faults.current = (step, moment) => {
        if (step !== 'commit' || random() > 0.2) return;
        throw new Error(`the disk is full ${moment}`);
      };
      const lists = pieces(random, piece, 10).map((list) => list.map(({ bytes }) => bytes));
      const overlapping = random() < 0.2 ? 2 : 0;
      await insist(
        test,
        lists.map((list, i) => (i < overlapping ? [...list, ...copies] : list)),
      );
      test.faults.current = undefined;
      if (random() < 0.2) {
        await test.log.close();
        test = await openRecordsLog({ ...options, medium: test.medium, guard: test.guard, clock: test.clock });
      }
    }
    await checkState(test);
  }
});
