import { expect, test } from 'vitest';

import { portableHasher } from '../../../src/merkle/hash.ts';
import { admissionEvidence } from '../../../src/monitor/evidence/gather.ts';
import { utf8 } from '../../../src/bytes.ts';
import { Replay } from '../../../src/record/admission/replay.ts';
import { RecordLog, buildOf, releaseOfMain, startedLog } from './record-log.ts';
import { promisingKeys } from './support.ts';

const keys = promisingKeys();

/** What a monitor that replays the log finds, entry by entry, and has evidence for: the kind and the rule, or "none". */
async function gathered(log: RecordLog, heartbeat?: number): Promise<readonly (readonly [number, string])[]> {
  const replay = new Replay();
  const found: number[] = [];
  for (const leaf of log.leaves) {
    const finding = await replay.entry(leaf);
    if (finding !== undefined) found.push(finding.index);
  }
  const head = await log.head();
  const said: (readonly [number, string])[] = [];
  for (const index of found) {
    const evidence = await admissionEvidence(
      log.keys.log,
      head,
      index,
      {
        get: (wanted) => Promise.resolve(wanted.map((key) => replay.get(key))),
        entry: (at) => Promise.resolve(log.entry(at)),
        ...(heartbeat !== undefined && { heartbeat }),
      },
      portableHasher,
    );
    said.push([index, evidence?.kind ?? 'none']);
  }
  return said;
}

test('the entries that decide are found in the state of whoever replayed the log', async () => {
  const log = await startedLog(keys);
  const build = await log.add('vendor', 'log', 'build', buildOf('1', 1));
  const first = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1));
  const join = await log.admit('other', 'other-root');
  await log.add('other-root', 'other', 'policy', { sequence: 1 });
  const bad = [
    await log.add('stranger', 'log', 'build', buildOf('2', 2)),
    await log.add('vendor', 'log', 'build', buildOf('1', 9)),
    await log.add('vendor', 'log', 'avdb-release', releaseOfMain(3, { prev: log.hash(first) })),
    await log.add('vendor', 'other', 'build', buildOf('3', 3)),
    await log.add('vendor', 'nowhere', 'build', buildOf('4', 4)),
    log.put(utf8('noise')),
    log.put(log.leaves[build]!),
    await log.add('rebuilder', 'log', 'build', buildOf('1', 1)),
  ];
  const end = await log.revoke('log', 'vendor');
  bad.push(await log.add('vendor', 'log', 'build', buildOf('5', 5)));
  const beat = await log.heartbeat();
  expect(end).toBeGreaterThan(join);
  expect(await gathered(log, beat)).toEqual(
    bad.map((index) => [index, index === bad[2] ? 'stream-break' : 'inadmissible-entry']),
  );
});

test('before the log says where its chains stand, it may have a link that nobody was shown', async () => {
  const log = await startedLog(keys);
  const stranger = await log.add('stranger', 'log', 'build', buildOf('2', 2));
  expect(await gathered(log)).toEqual([[stranger, 'none']]);
  expect(await gathered(log, await log.heartbeat())).toEqual([[stranger, 'inadmissible-entry']]);
});
