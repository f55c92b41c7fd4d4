import { beforeAll, describe, expect, test } from 'vitest';

import { utf8 } from '../../../src/bytes.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { explainEvidence, explanationText } from '../../../src/monitor/evidence/explain.ts';
import { groupEvidence } from '../../../src/monitor/evidence/group.ts';
import { KINDS } from '../../../src/monitor/evidence/kinds.ts';
import {
  inadmissibleEntry,
  locationBreach,
  recordConflict,
  streamBreak,
  verdictConflict,
} from '../../../src/monitor/evidence/make-record.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { parseStatement } from '../../../src/record/statement.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { sign } from '../../support/admission-world.ts';
import { rfcLeafHash } from '../../support/rfc-tree.ts';
import { RecordLog, buildOf, digest, releaseOfMain, startedLog } from './record-log.ts';
import { NOON, promisingKeys, testKeys } from './support.ts';

const keys = promisingKeys();
const DAY = 86_400;

type Make = typeof inadmissibleEntry;
type MakePair = typeof recordConflict;

/** Accuses one entry, by these others; entry 0 is always one of them. */
async function accuse(log: RecordLog, make: Make, accused: number, ...deciding: readonly number[]): Promise<Evidence> {
  return make(log.keys.log, await log.head(), log.entry(accused), log.entries(0, ...deciding));
}

async function accusePair(log: RecordLog, make: MakePair, pair: readonly [number, number]): Promise<Evidence> {
  const [a, b] = pair;
  // Entries 1 and 2 bring the keys, 3 and 4 are the sites.
  return make(log.keys.log, await log.head(), [log.entry(a), log.entry(b)], log.entries(0, 1, 2, 3, 4));
}

const never = (run: Promise<Evidence>, message = ''): Promise<void> =>
  expect(run).rejects.toThrow(
    expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(message) }),
  );

/** What the evidence says is wrong, in one sentence. */
function why(evidence: Evidence): string {
  return explanationText(explainEvidence(evidence)).replaceAll(/\s+/g, ' ');
}

describe('an entry by a key that may not sign it', () => {
  let log: RecordLog;
  let stranger: number;

  beforeAll(async () => {
    log = await startedLog(keys);
    stranger = await log.add('stranger', 'log', 'build', buildOf('1', 1));
    await log.heartbeat();
    await log.site('log', 'ber-1', 'DE');
    await log.heartbeat({ size: 4 });
  });

  test('convicts the log, with the whole chain and what shows that it is whole', async () => {
    for (const closing of [stranger + 1, stranger + 2]) {
      const evidence = await accuse(log, inadmissibleEntry, stranger, 1, 2, 3, 4, closing);
      expect(why(evidence)).toMatch(/By rule D15, the entry at place 6 is refused: its kid is [0-9a-f]{64}/);
    }
  });

  test('convicts nobody where a link could be hidden', async () => {
    await never(accuse(log, inadmissibleEntry, stranger, 1, 2, 3, 4), 'whole chain');
    await never(accuse(log, inadmissibleEntry, stranger, 1, 2, 4, stranger + 1), 'whole chain');
    await never(accuse(log, inadmissibleEntry, stranger, 2, 3, 4, stranger + 1), 'whole chain');
    // Heartbeats that speak of a tree before it: the last links may have come after.
    await never(accuse(log, inadmissibleEntry, stranger, 1, 2, 3, 4, 5), 'whole chain');
    await never(accuse(log, inadmissibleEntry, stranger, 1, 2, 3, 4, stranger + 3), 'whole chain');
  });

  test('convicts nobody where a heartbeat names another head than the last link that is here', async () => {
    await never(accuse(log, inadmissibleEntry, stranger, 1, 2, 3, stranger + 1), 'whole chain');
  });

  test('is another one than the same entry by the vendor', async () => {
    const honest = await startedLog(keys);
    const build = await honest.add('vendor', 'log', 'build', buildOf('1', 1));
    const beat = await honest.heartbeat();
    await never(accuse(honest, inadmissibleEntry, build, 1, 2, 3, 4, beat), 'the rules admit it');
    // Of a type that is another role's.
    const rebuild = await honest.add('vendor', 'log', 'rebuild', { build: honest.hash(build), result: 'match' });
    const last = await honest.heartbeat();
    expect(why(await accuse(honest, inadmissibleEntry, rebuild, 1, 2, 3, 4, build, last))).toContain('By rule D15');
  });

  test('of the chain itself: a link closes its own chain', async () => {
    const bad = await startedLog(keys);
    const policy = await bad.add('vendor', 'log', 'policy', bad.place('log'));
    expect(why(await accuse(bad, inadmissibleEntry, policy, 1, 2, 3, 4))).toContain('By rule A05');
    await never(accuse(bad, inadmissibleEntry, policy, 1, 2, 3), 'the rules admit it');
    const good = await startedLog(keys);
    const own = await good.add('root', 'log', 'policy', good.place('log'));
    await never(accuse(good, inadmissibleEntry, own, 1, 2, 3, 4), 'the rules admit it');
  });

  test('is not judged by links that are refused themselves: they are what to accuse', async () => {
    const bad = await startedLog(keys);
    await bad.join('log', 'release', 'second', 'vendor');
    const build = await bad.add('second', 'log', 'build', buildOf('1', 1));
    const beat = await bad.heartbeat();
    await never(accuse(bad, inadmissibleEntry, build, 1, 2, 3, 4, 6, beat), 'entry 6, by which it would be judged');
    expect(why(await accuse(bad, inadmissibleEntry, 6, 1, 2, 3, 4))).toContain('By rule D15');
  });

  test('in a namespace that joined is judged by that namespace’s chain', async () => {
    const two = await startedLog(keys);
    const join = await two.admit('other', 'other-root');
    const policy = await two.add('other-root', 'other', 'policy', { sequence: 1 });
    const build = await two.add('vendor', 'other', 'build', buildOf('1', 1));
    const beat = await two.heartbeat();
    expect(why(await accuse(two, inadmissibleEntry, build, join, policy, beat))).toContain('By rule D15');
    await never(accuse(two, inadmissibleEntry, build, policy, beat), 'whole chain');
    const own = await two.add('other-root', 'other', 'build', buildOf('2', 1));
    const last = await two.heartbeat();
    await never(accuse(two, inadmissibleEntry, own, join, policy, last), 'the rules admit it');
  });
});

describe('an entry by a dead key', () => {
  test('convicts the log with the entry that ended the key, and only after it', async () => {
    const log = await startedLog(keys);
    const before = await log.add('vendor', 'log', 'build', buildOf('1', 1));
    const end = await log.revoke('log', 'vendor');
    const after = await log.add('vendor', 'log', 'build', buildOf('2', 1));
    const approved = await log.add('root', 'log', 'build', buildOf('3', 1), { approvals: ['vendor'] });
    expect(why(await accuse(log, inadmissibleEntry, after, end))).toContain('By rule D16');
    expect(why(await accuse(log, inadmissibleEntry, approved, end))).toContain('its approvals[0].kid is');
    await never(accuse(log, inadmissibleEntry, before, end), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, after), 'the rules admit it');
    // A key is another one in each namespace.
    const join = await log.admit('other', 'vendor');
    const elsewhere = await log.add('vendor', 'other', 'build', buildOf('4', 1));
    await never(accuse(log, inadmissibleEntry, elsewhere, end, join), 'the rules admit it');
  });
});

describe('bytes that the log should not have taken', () => {
  let log: RecordLog;
  let build: number;
  beforeAll(async () => {
    log = await startedLog(keys);
    build = await log.add('vendor', 'log', 'build', buildOf('1', 1));
  });

  test('a signature that does not hold, with the key’s bytes', async () => {
    const forged = log.leaves[build]!.slice();
    forged[forged.length - 40]! ^= 1;
    const index = log.put(forged);
    expect(why(await accuse(log, inadmissibleEntry, index, 1))).toContain('A signature on the entry at place');
    await never(accuse(log, inadmissibleEntry, index, 2), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, build, 1), 'the rules admit it');
  });

  test('an approval that does not hold', async () => {
    const leaf = await sign('vendor', 'log', 'build', buildOf('7', 7), { approvals: ['rebuilder'] }, true);
    const good = log.put(leaf);
    await never(accuse(log, inadmissibleEntry, good, 1, 2), 'the rules admit it');
    // The same approval under another build.
    const bad = log.put(await withApprovalOf(leaf));
    expect(why(await accuse(log, inadmissibleEntry, bad, 2))).toContain('A signature on the entry');
  });

  test('what no version can read, but not what a later one may', async () => {
    const noise = log.put(utf8('hello'));
    expect(why(await accuse(log, inadmissibleEntry, noise))).toContain('no signed record at all');
    const latin = Buffer.from(log.leaves[build]!).toString('latin1').replace('limmat.build', 'limmat.guild');
    const later = log.put(Uint8Array.from(Buffer.from(latin, 'latin1')));
    await never(accuse(log, inadmissibleEntry, later, 1), 'none that this version reads');
  });

  test('the same leaf twice', async () => {
    const again = log.put(log.leaves[build]!);
    expect(why(await accuse(log, inadmissibleEntry, again, build))).toContain('byte for byte');
    await never(accuse(log, inadmissibleEntry, again), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, build, again), 'the rules admit it');
  });
});

/** The record of a build of version 9 with the approval that another leaf has. */
async function withApprovalOf(leaf: Uint8Array): Promise<Uint8Array> {
  const { approvals } = parseStatement(leaf).record.fields;
  return sign('vendor', 'log', 'build', { ...buildOf('9', 9), approvals: approvals! }, {}, true);
}

describe('what stands in another entry', () => {
  test('a namespace that is not in the log', async () => {
    const log = await startedLog(keys);
    const stray = await log.add('other-root', 'other', 'build', buildOf('1', 1));
    const beat = await log.heartbeat();
    const join = await log.admit('other', 'other-root');
    const member = await log.add('other-root', 'other', 'build', buildOf('2', 1));
    const leave = await log.add('root', 'log', 'membership', {
      ...log.place('log'),
      action: 'leave',
      namespace: 'other',
    });
    const gone = await log.add('other-root', 'other', 'build', buildOf('3', 1));
    expect(why(await accuse(log, inadmissibleEntry, stray, 1, 2, 3, 4, beat))).toContain('By rule A02');
    expect(why(await accuse(log, inadmissibleEntry, stray, join))).toContain('By rule A02');
    expect(why(await accuse(log, inadmissibleEntry, gone, leave))).toContain('By rule A02');
    await never(accuse(log, inadmissibleEntry, stray, 1, 2, 3, 4), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, member, join), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, member, leave), 'the rules admit it');
  });

  test('two links with one number', async () => {
    const log = await startedLog(keys);
    const place = log.place('log');
    const site: FieldsOf<'site'> = { ...place, siteId: 'a', kinds: ['build'], country: 'CH' };
    const first = await log.add('root', 'log', 'site', site);
    const second = await log.add('root', 'log', 'site', { ...site, siteId: 'b' });
    expect(why(await accuse(log, inadmissibleEntry, second, first))).toContain('By rule A03');
    await never(accuse(log, inadmissibleEntry, first, 4), 'the rules admit it');
  });

  test('other files under one version, a source of another version, a ref forward', async () => {
    const log = await startedLog(keys);
    const first = await log.add('vendor', 'log', 'build', buildOf('1', 1));
    const other = await log.add('vendor', 'log', 'build', buildOf('1', 2));
    const same = await log.add('vendor', 'log', 'build', buildOf('1', 1, { startedAt: NOON }));
    const source = { product: 'av', version: '2', treeDigest: digest(3) };
    const leaf = await sign('vendor', 'log', 'source-snapshot', source, {}, true);
    const early = await log.add('vendor', 'log', 'build', buildOf('2', 2, { source: rfcLeafHash(leaf) }));
    const snapshot = log.put(leaf);
    const wrong = await log.add('vendor', 'log', 'build', buildOf('3', 3, { source: log.hash(snapshot) }));
    const right = await log.add(
      'vendor',
      'log',
      'build',
      buildOf('2', 4, { source: log.hash(snapshot), channel: 'x' }),
    );
    expect(why(await accuse(log, inadmissibleEntry, other, first))).toContain('By rule D01');
    expect(why(await accuse(log, inadmissibleEntry, early, snapshot))).toContain('By rule D03');
    expect(why(await accuse(log, inadmissibleEntry, wrong, snapshot))).toContain('By rule D04');
    await never(accuse(log, inadmissibleEntry, other), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, same, first), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, right, snapshot), 'the rules admit it');
    await never(accuse(log, inadmissibleEntry, early), 'do not tell all');
  });
});

describe('a log that promised no rules', () => {
  test('is convicted by no entry: no genesis, or that of another log, or with other keys', async () => {
    const opens = new RecordLog(keys);
    await opens.add('vendor', 'log', 'build', buildOf('0', 1));
    const noise = opens.put(utf8('hello'));
    await never(accuse(opens, inadmissibleEntry, noise), 'not a genesis');
    const other = new RecordLog(testKeys('log.example/b', undefined, 30));
    await other.start();
    const copied = new RecordLog(keys);
    copied.put(other.leaves[0]!);
    copied.put(utf8('hello'));
    await never(accuse(copied, inadmissibleEntry, 1), 'is that of log log.example/b');
    const strange = new RecordLog(keys);
    await strange.start(
      {},
      testKeys(keys.log.origin, undefined, 40).log.verifiers.map(({ vkey }) => vkey),
    );
    strange.put(utf8('hello'));
    await never(accuse(strange, inadmissibleEntry, 1), 'names none of the keys');
  });

  test('nor by a claim without entry 0, or with an entry in two parts', async () => {
    const log = await startedLog(keys);
    const noise = log.put(utf8('hello'));
    const { log: identity } = keys;
    await never(inadmissibleEntry(identity, await log.head(), log.entry(noise), log.entries(1)), 'not entry 0');
    const evidence = await accuse(log, inadmissibleEntry, noise, 1);
    const [genesis, key, last] = evidence.claim.entries!;
    for (const entries of [
      [key!, genesis!, last!],
      [genesis!, genesis!, last!],
      [genesis!, key!, key!],
    ]) {
      const file = { ...evidence, claim: { ...evidence.claim, entries } };
      await expect(verifyEvidence(file, [identity])).rejects.toMatchObject({ code: 'bad-evidence' });
    }
  });
});

describe('releases that do not follow one another', () => {
  let log: RecordLog;
  let first: number;
  let second: number;

  beforeAll(async () => {
    log = await startedLog(keys);
    first = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1));
    second = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(2, { prev: log.hash(first) }));
  });

  const release = (sequence: number, prev: number, more: Partial<FieldsOf<'avdb-release'>> = {}): Promise<number> =>
    log.add('vendor', 'log', 'avdb-release', releaseOfMain(sequence, { prev: log.hash(prev), ...more }));

  test.each<[string, string, () => Promise<number>]>([
    ['one number twice', 'D08', () => release(2, first, { contentDigest: digest(9) })],
    ['a number that is left out', 'D08', () => release(4, second)],
    ['another release before it than the newest', 'D08', () => release(3, first)],
    ['what is no release before it', 'D08', () => release(3, 1)],
    ['rules that do not add up', 'D12', () => release(3, second, { counts: { total: 9, added: 1, removed: 1 } })],
    ['a delta to another one', 'D10', () => release(3, second, { kind: 'delta', baseSequence: 1 })],
    ['a way back to what was not', 'D13', () => release(3, second, { rollback: { toSequence: 1, reason: 'r' } })],
  ])('%s', async (_, rule, add) => {
    const bad = await add();
    const evidence = await accuse(log, streamBreak, bad, 1, first, second);
    expect(why(evidence)).toContain(`By rule ${rule}`);
    expect(KINDS[evidence.kind].accuses).toBe('log');
    await never(accuse(log, inadmissibleEntry, bad, 1, first, second), 'that is a stream-break');
    log.leaves.pop();
  });

  test.each<[string, () => Promise<number>]>([
    ['the next one', () => release(3, second)],
    ['a gap that it states', () => release(6, second, { gap: { from: 3, to: 5, reason: 'r' } })],
    ['counts that add up', () => release(3, second, { counts: { total: 103, added: 2, removed: 1 } })],
    ['a delta to the one before', () => release(3, second, { kind: 'delta', baseSequence: 2 })],
    [
      'a way back to what was',
      () => release(3, second, { contentDigest: digest(1), rollback: { toSequence: 1, reason: 'r' } }),
    ],
  ])('but not %s', async (_, add) => {
    await never(accuse(log, streamBreak, await add(), 1, first, second), 'the rules admit it');
    log.leaves.pop();
  });

  test('nor with a stream of another channel, nor where the release before it is not shown', async () => {
    const bad = await release(4, second);
    const other = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1, { channel: 'beta' }));
    await never(accuse(log, streamBreak, bad, 1), 'not among the entries');
    await never(accuse(log, streamBreak, bad, 1, first), 'not among the entries');
    await never(accuse(log, streamBreak, other, 1, first, second), 'the rules admit it');
    const stranger = await log.add('stranger', 'log', 'avdb-release', releaseOfMain(1, { channel: 'x' }));
    const beat = await log.heartbeat();
    await never(accuse(log, streamBreak, stranger, 1, 2, 3, 4, beat), 'inadmissible-entry');
  });
});

const move = (more: Partial<FieldsOf<'relocation'>> = {}): FieldsOf<'relocation'> => ({
  relocationId: 'move',
  action: 'complete',
  activity: 'assemble',
  effectiveAt: NOON,
  to: [{ site: 'zrh-1', country: 'CH' }],
  ...more,
});

describe('what an issuer said', () => {
  let log: RecordLog;
  const relocation = (more: Partial<FieldsOf<'relocation'>>, issuer = 'Vendor AG'): Promise<number> =>
    log.add('vendor', 'log', 'relocation', move(more), { issuer });
  const build = (version: string, fill: number, more: Partial<FieldsOf<'build'>> = {}): Promise<number> =>
    log.add('vendor', 'log', 'build', buildOf(version, fill, more));

  const at = (buildSite: string, finishedAt: number, version: string): Promise<number> =>
    build(version, 1, { buildSite, finishedAt });

  beforeAll(async () => {
    log = await startedLog(keys);
  });

  test('twice and differently, about one build, release or step of a relocation', async () => {
    const pairs: (readonly [number, number])[] = [
      [await build('1', 1), await build('1', 2)],
      [await relocation({}), await relocation({ effectiveAt: NOON + DAY })],
      [
        await relocation({ action: 'plan', relocationId: 'p', deadline: NOON }),
        await relocation({ action: 'plan', relocationId: 'p', deadline: NOON + DAY }),
      ],
      [await relocation({ relocationId: 'q' }), await relocation({ relocationId: 'q', to: [{ country: 'DE' }] })],
      [
        await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1)),
        await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1, { contentDigest: digest(9) })),
      ],
    ];
    for (const pair of pairs) {
      const evidence = await accusePair(log, recordConflict, pair);
      expect(KINDS[evidence.kind].accuses).toBe('issuer');
      expect(why(evidence)).toContain('It is not the log that is convicted here');
    }
  });

  test('is no conflict where it can both be true', async () => {
    const first = await relocation({ relocationId: 'r' });
    const reported = { kind: 'reported', documentName: 'a.txt', documentDigest: digest(1) } as const;
    for (const other of [
      await relocation({ relocationId: 'r', phase: 'two', effectiveAt: NOON + DAY }),
      await relocation({ relocationId: 'r', action: 'change', effectiveAt: NOON + DAY }),
      await relocation({ relocationId: 'r', activity: 'sign', effectiveAt: NOON + DAY }),
      await relocation({ relocationId: 'r', effectiveAt: NOON + DAY }, 'Reporter'),
      await relocation({ relocationId: 'r', effectiveAt: NOON + DAY, basis: reported }),
      await relocation({ relocationId: 's', effectiveAt: NOON + DAY }),
      await relocation({ relocationId: 'r', to: [{ name: 'Zurich' }] }),
    ]) {
      await never(accusePair(log, recordConflict, [first, other]), 'can be true');
    }
  });

  test('has to be signed by whom it says: the keys are in the claim, and hold', async () => {
    const [a, b] = [await build('5', 1), await build('5', 2)];
    const head = await log.head();
    const pair = [log.entry(a), log.entry(b)] as const;
    await never(recordConflict(keys.log, head, pair, log.entries(0, 2)), 'brings key');
    const forged = log.leaves[b]!.slice();
    forged[forged.length - 40]! ^= 1;
    await never(accusePair(log, recordConflict, [a, log.put(forged)]), 'does not hold');
  });

  test('a place that it had left', async () => {
    const done = await relocation({ relocationId: 'm' });
    const back = await at('muc-1', NOON + DAY, '10');
    expect(why(await accusePair(log, locationBreach, [done, back]))).toContain('done at muc-1');
    const from = await relocation({
      relocationId: 'n',
      from: [{ country: 'RU' }],
      to: [{ country: 'DE' }],
      effectiveAt: NOON + DAY,
    });
    expect(why(await accusePair(log, locationBreach, [done, from]))).toContain('where it was not any more');
    for (const fine of [
      await at('zrh-1', NOON + DAY, '11'),
      await at('muc-1', NOON - DAY, '12'),
      await build('13', 1, { signSite: 'muc-1', finishedAt: NOON + DAY }),
      await build('14', 1, { buildSite: 'muc-1' }),
      await relocation({
        relocationId: 'o',
        from: [{ site: 'zrh-1' }],
        to: [{ country: 'DE' }],
        effectiveAt: NOON + DAY,
      }),
      await relocation({ relocationId: 'o', from: [{ country: 'RU' }], activity: 'sign', effectiveAt: NOON + DAY }),
    ]) {
      await never(accusePair(log, locationBreach, [done, fine]), 'can be true');
    }
    for (const unfinished of [
      await relocation({ relocationId: 't', scopePercent: 90 }),
      await relocation({ relocationId: 'u', dualRunUntil: NOON + 2 * DAY }),
      await relocation({ relocationId: 'v', action: 'start' }),
    ]) {
      const later = await at('muc-1', NOON + DAY, String(20 + unfinished));
      await never(accusePair(log, locationBreach, [unfinished, later]), 'can be true');
    }
  });

  test('verdicts on a build that exclude each other', async () => {
    const made = await build('30', 30);
    const say = (result: FieldsOf<'rebuild'>['result'], fill?: number, issuer = 'Rebuilder Org'): Promise<number> =>
      log.add(
        'rebuilder',
        'log',
        'rebuild',
        { build: log.hash(made), result, ...(fill !== undefined && { obtained: [{ digest: digest(fill) }] }) },
        { issuer },
      );
    const mismatch = await say('mismatch', 31);
    const match = await say('match', 30, 'Second Lab');
    // Whoever says another thing later corrects itself.
    const corrected = await say('match', 30);
    await never(accusePair(log, verdictConflict, [mismatch, corrected]), 'can be true');
    expect(why(await accusePair(log, verdictConflict, [made, mismatch]))).toContain('got other files');
    expect(why(await accusePair(log, verdictConflict, [mismatch, match]))).toContain('One says that the same files');
    expect(why(await accusePair(log, verdictConflict, [made, await say('match', 31)]))).toContain('the build has not');
    const other = await build('31', 31);
    for (const fine of [
      match,
      await say('match-normalised', 31),
      await say('inconclusive'),
      await say('not-buildable'),
    ]) {
      await never(accusePair(log, verdictConflict, [made, fine]), 'can be true');
      await never(accusePair(log, verdictConflict, [match, await say('match')]), 'can be true');
    }
    await never(
      accusePair(log, verdictConflict, [Math.min(other, mismatch), Math.max(other, mismatch)]),
      'can be true',
    );
  });
});

describe('evidence about records', () => {
  test('stands for itself: each accused entry is a group, whoever found it with whatever else', async () => {
    const log = await startedLog(keys);
    const [one, two] = [log.put(utf8('one')), log.put(utf8('two'))];
    const found = [
      await accuse(log, inadmissibleEntry, one),
      await accuse(log, inadmissibleEntry, one, 1),
      await accuse(log, inadmissibleEntry, two),
    ];
    expect(groupEvidence(found).map(({ evidence }) => evidence.length)).toEqual([2, 1]);
  });

  test('has room for long chains, and says so where there is none', async () => {
    const log = await startedLog(keys);
    for (let i = 0; i < 118; i++) await log.join('log', 'release', 'vendor');
    const stranger = await log.add('stranger', 'log', 'build', buildOf('1', 1));
    const beat = await log.heartbeat();
    const links = Array.from({ length: stranger }, (_, i) => i).filter((i) => i > 0 && i !== 5);
    expect(why(await accuse(log, inadmissibleEntry, stranger, ...links, beat))).toContain('By rule D15');
    const more = [...links, ...Array.from({ length: 8 }, () => log.put(utf8(`${log.size}`)))];
    await never(accuse(log, inadmissibleEntry, stranger, ...more, beat), 'room for 126');
  }, 30_000);
});
