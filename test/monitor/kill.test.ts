// kill -9 at random points: no alert is lost, none is doubled, and what is mirrored is the tree.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openMonitorStore } from '../../src/adapters/monitor-store.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { Prover } from '../../src/merkle/prover.ts';
import { AlertBook } from '../../src/monitor/alerts.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { parseLogState } from '../../src/monitor/log-state.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { cheapKey } from './cheap-log.ts';
import { COURSE, STEPS, alertOf, sizeAt } from './kill-course.ts';

const CHILD = fileURLToPath(new URL('monitor-until-killed.ts', import.meta.url));
const KILLS = process.env['LIMMAT_LONG'] === undefined ? 5 : 20;

/** When to kill a monitor: so long after it was started, or after its first round. */
interface Kill {
  readonly after: 'start' | 'round';
  readonly millis: number;
}

/** Runs the monitor, and kills it where that is asked for. True when it got through. */
async function run(dir: string, kill: Kill | undefined): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let output = '';
  let timer: NodeJS.Timeout | undefined;
  const begin = (now: Kill['after']): void => {
    if (kill?.after === now) timer ??= setTimeout(() => child.kill('SIGKILL'), kill.millis);
  };
  begin('start');
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    begin('round');
  });
  await exited;
  clearTimeout(timer);
  if (child.signalCode !== 'SIGKILL') expect(child.exitCode, output).toBe(0);
  return output.endsWith('through\n');
}

test(
  `a monitor that is killed ${KILLS} times tells of everything, and of nothing twice`,
  { timeout: 240_000 },
  async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const dir = await mkdtemp(join(tmpdir(), 'limmat-kill-'));
    try {
      let kills = 0;
      for (let isThrough = false; !isThrough;) {
        // A start takes a few hundred milliseconds, a round ten to twenty.
        const kill: Kill =
          random() < 0.3
            ? { after: 'start', millis: between(random, 100, 500) }
            : { after: 'round', millis: between(random, 0, 50) };
        isThrough = await run(dir, kills < KILLS ? kill : undefined);
        if (!isThrough) kills++;
      }
      expect(kills).toBe(KILLS);
      const told = (await readFile(join(dir, 'told'), 'utf8')).trimEnd().split('\n');
      const expected = COURSE.flatMap((course) => alertOf(course) ?? []);
      const ids = [...new Set(told)].filter((id) => !id.startsWith('log-added'));
      expect(ids.toSorted(), `LIMMAT_SEED=${seed}, ${kills} kills`).toEqual(
        expected.map((key) => `${key}#1`).toSorted(),
      );
      // The same id again only where a kill came between telling and noting it down.
      expect(told.length - new Set(told).size).toBeLessThanOrEqual(kills);

      const store = await openMonitorStore(join(dir, 'store'), { hasher: nodeHasher });
      const book = await AlertBook.open(store.alerts);
      const alerts = book.list().filter((alert) => alert.class !== 'info');
      expect(alerts.map(({ key }) => key).toSorted()).toEqual(expected.toSorted());
      expect(alerts.every(({ occurrence, notified, state }) => occurrence === 1 && notified && state === 'open')).toBe(
        true,
      );
      const identities = COURSE.map(({ origin }) => ({ origin, verifiers: [cheapKey(origin, 'key', false).verifier] }));
      for (const id of alerts.flatMap(({ evidence }) => evidence)) {
        const evidence = await verifyEvidence(parseEvidence((await store.evidence.get(id))!), identities);
        expect(evidence).toMatchObject({ kind: 'fork-prefix', id });
      }
      for (const { origin, wrong, step } of COURSE) {
        const log = await store.log(origin);
        const { head, settled, cursor } = parseLogState((await log.state.load())!);
        const last = ['fork', 'bad-signature', 'unreachable'].includes(wrong) ? step - 1 : STEPS - 1;
        expect(head!.size, origin).toBe(sizeAt(last));
        expect(settled).toEqual(head);
        expect(cursor).toBe(head!.size);
        expect(log.mirror.size).toBe(cursor);
        const root = await new Prover({ read: log.mirror.read, hasher: nodeHasher }).rootHashAt(head!, head!.size);
        expect(toHex(root)).toBe(toHex(head!.rootHash));
      }
      await store.close();
    } finally {
      await rm(dir, { recursive: true });
    }
  },
);
