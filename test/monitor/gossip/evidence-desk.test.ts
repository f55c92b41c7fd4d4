import { describe, expect, it } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { utf8 } from '../../../src/bytes.ts';
import { formatEvidence } from '../../../src/monitor/evidence/file.ts';
import { inadmissibleEntry, recordConflict } from '../../../src/monitor/evidence/make-record.ts';
import { EvidenceDesk } from '../../../src/monitor/gossip/evidence-desk.ts';
import type { GossipLog } from '../../../src/monitor/gossip/protocol.ts';
import { HeadBook } from '../../../src/monitor/heads.ts';
import { MAX_CONFLICTS } from '../../../src/monitor/known-evidence.ts';
import type { LogIdentity } from '../../../src/monitor/watched-log.ts';
import { buildOf, startedLog } from '../evidence/record-log.ts';
import { samples } from '../evidence/samples.ts';
import { promisingKeys, testKeys } from '../evidence/support.ts';

const { log } = promisingKeys();
const keys = testKeys();

function listing(identity: LogIdentity): ReadonlyMap<string, GossipLog> {
  const book = new HeadBook({ origin: log.origin, random: Math.random });
  return new Map([[log.origin, { log: identity, book, tree: () => undefined }]]);
}

describe('evidence that was refused', () => {
  const { origin, verifiers, iatWindowSeconds = 0, channelVerifiers = [] } = log;
  it.each([
    ['a promise', 'backdated', { origin, verifiers, channelVerifiers }],
    ['a larger promise', 'future', { ...log, iatWindowSeconds: 2 * iatWindowSeconds }],
    ['a channel key', 'false-channel-head', { origin, verifiers, iatWindowSeconds }],
    ['the keys', 'fork-same-size', { ...log, verifiers: testKeys(undefined, undefined, 9).log.verifiers }],
  ])('for want of %s is looked at again once the log has it, and not before', async (_, kind, before: LogIdentity) => {
    const evidence = (await samples()).find((sample) => sample.kind === kind)!;
    const file = formatEvidence(evidence);
    const desk = new EvidenceDesk({ onEvidence: () => Promise.resolve(), crypto: nodeCrypto });
    const logs = listing(before);
    await expect(desk.take(file, logs)).rejects.toMatchObject({ code: 'malformed' });
    desk.refuseFrom('peer', evidence.id);
    desk.follow(listing(before));
    await expect(desk.take(file, logs)).rejects.toThrow('refused before');
    const now = listing(log);
    const { book } = now.get(origin)!;
    expect(desk.wanted(book, [evidence.id], 'peer')).toEqual([]);
    desk.follow(now);
    expect(desk.wanted(book, [evidence.id], 'peer')).toEqual([evidence.id]);
    expect(await desk.take(file, now)).toMatchObject({ isNew: true, evidence: { id: evidence.id } });
  });
});

describe('evidence that two records contradict each other', () => {
  it('is kept once, under whatever head somebody made it, and leaves room for what is against the log', async () => {
    const records = await startedLog(keys);
    const conflict = async (version: string): Promise<{ readonly file: Uint8Array; readonly id: string }> => {
      const pair = [1, 2].map((fill) => records.add('vendor', 'log', 'build', buildOf(version, fill)));
      const [a, b] = (await Promise.all(pair)).toSorted((x, y) => x - y);
      return made(a!, b!);
    };
    const made = async (a: number, b: number): Promise<{ readonly file: Uint8Array; readonly id: string }> => {
      const parts = [records.entry(a), records.entry(b)] as const;
      const evidence = await recordConflict(keys.log, await records.head(), parts, records.entries(0, 1));
      return { file: formatEvidence(evidence), id: evidence.id };
    };
    const logs = listing(keys.log);
    const { book } = logs.get(keys.log.origin)!;
    const kept: string[] = [];
    const desk = new EvidenceDesk({ onEvidence: async ({ id }) => void kept.push(id), crypto: nodeCrypto });
    const first = await conflict('0');
    expect(await desk.take(first.file, logs)).toMatchObject({ isNew: true });
    await records.add('vendor', 'log', 'build', buildOf('x', 1));
    const again = await made(records.size - 3, records.size - 2);
    expect(again.id).not.toBe(first.id);
    expect(await desk.take(again.file, logs)).toMatchObject({ isNew: false });
    for (let i = 1; i < MAX_CONFLICTS; i++) {
      expect(await desk.take((await conflict(String(i))).file, logs)).toMatchObject({ isNew: true });
    }
    await expect(desk.take((await conflict('more')).file, logs)).rejects.toMatchObject({ code: 'queue-full' });
    expect([book.evidence.convictions, kept.length]).toEqual([0, MAX_CONFLICTS]);
    const stray = records.put(utf8('no statement'));
    const against = await inadmissibleEntry(
      keys.log,
      await records.head(),
      records.entry(stray),
      records.entries(0, 1),
    );
    expect(await desk.take(formatEvidence(against), logs)).toMatchObject({ isNew: true });
    expect([book.evidence.convictions, book.evidence.convictionIds(), book.evidence.ids().at(-1)]).toEqual([
      1,
      [against.id],
      against.id,
    ]);
  });
});
