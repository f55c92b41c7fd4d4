import { describe, expect, it } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { formatEvidence } from '../../../src/monitor/evidence/file.ts';
import { EvidenceDesk } from '../../../src/monitor/gossip/evidence-desk.ts';
import type { GossipLog } from '../../../src/monitor/gossip/protocol.ts';
import { HeadBook } from '../../../src/monitor/heads.ts';
import type { LogIdentity } from '../../../src/monitor/watched-log.ts';
import { samples } from '../evidence/samples.ts';
import { promisingKeys, testKeys } from '../evidence/support.ts';

const { log } = promisingKeys();

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
