// A process that watches a dozen logs, most of which do wrong at some step of a fixed course, until it is killed or
// through. Started again it goes on. Used by kill.test.ts. What it must never forget is in files: the step that it is at,
// the heads of clients that were taken, and a line for every alert that the notifier was given.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { openMonitorStore } from '../../src/adapters/monitor-store.ts';
import { LimmatError } from '../../src/errors.ts';
import { Monitor } from '../../src/monitor/round.ts';
import { CheapLog, CheapTree, cheapKey } from './cheap-log.ts';
import { COURSE, STEPS, T, sizeAt } from './kill-course.ts';

const dir = process.argv[2]!;
const file = (name: string): string => join(dir, name);
const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');

/** The note with another letter in its signature. */
function spoiled(note: Uint8Array): Uint8Array {
  const at = note.length - 10;
  return note.with(at, note[at] === 0x41 ? 0x42 : 0x41);
}

const honest = new CheapTree(sizeAt(STEPS));
const forked = new CheapTree(sizeAt(STEPS), 20);
const logs = COURSE.map(({ origin }) => new CheapLog(origin, honest, [cheapKey(origin, 'key', false)]));
const isFirst = !existsSync(file('store/monitor.json'));
let step = Number(read('step'));
const store = await openMonitorStore(file('store'), { hasher: nodeHasher });
const monitor = await Monitor.open(
  {
    store,
    logs: logs.map((log, i) => ({
      origin: log.origin,
      verifiers: log.verifiers,
      reader: {
        ...log.reader,
        read: async (paths) => {
          if (
            COURSE[i]!.wrong === 'withheld' &&
            step >= COURSE[i]!.step &&
            paths.some(({ kind }) => kind === 'entries')
          ) {
            throw new LimmatError('withheld', 'gone');
          }
          return log.reader.read(paths);
        },
      },
    })),
    notify: async ({ id }) => appendFileSync(file('told'), `${id}\n`),
    nowMillis: () => (T + 60 * step) * 1000,
    random: () => 0.5,
    hasher: nodeHasher,
    limits: { failures: 2 },
  },
  isFirst,
);
for (; step < STEPS; step++) {
  writeFileSync(file('step'), String(step));
  for (const [i, { origin, wrong, step: begin }] of COURSE.entries()) {
    const log = logs[i]!;
    const isWrong = step >= begin;
    log.size = sizeAt(step);
    log.tree = wrong === 'fork' && isWrong ? forked : honest;
    log.checkpoint = log.note(log.size, 0);
    if (wrong === 'bad-signature' && isWrong) log.checkpoint = spoiled(log.checkpoint);
    log.failing = wrong === 'unreachable' && isWrong ? 1_000_000 : 0;
    // A client shows its head once: when it was taken it must count for ever.
    if (wrong === 'client' && step === begin && !read('taken').includes(`${origin}\n`)) {
      await monitor.offer(await log.head(log.note(25 + i, 0, forked)), 'client');
      appendFileSync(file('taken'), `${origin}\n`);
    }
  }
  await monitor.round();
  process.stdout.write(`${step}\n`);
}
writeFileSync(file('step'), String(STEPS));
await monitor.close();
await store.close();
process.stdout.write('through\n');
