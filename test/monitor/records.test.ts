// A monitor judges the records of a log that begins with its genesis.

import { describe, expect, test } from 'vitest';
import { memoryMonitorStore, monitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import type { CryptoSuite } from '../../src/crypto/suite.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { formatEvidence, parseEvidence } from '../../src/monitor/evidence/file.ts';
import { KINDS } from '../../src/monitor/evidence/kinds.ts';
import { locationBreach } from '../../src/monitor/evidence/make-record.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import type { LogState } from '../../src/monitor/log-state.ts';
import { Monitor } from '../../src/monitor/round.ts';
import type { FieldsOf, RecordType } from '../../src/record/types.ts';
import { genesis, publicKey, rootKeys, sign, type SignOptions } from '../support/admission-world.ts';
import { ServedLog } from '../support/served-log.ts';
import { History } from './evidence/support.ts';
import { Desk, T, watched } from './support.ts';

const HOUR = 3600;
const verifyMany: CryptoSuite['verifyMany'] = (jobs) => nodeCrypto.verifyMany(jobs);
const sha256 = (text: string): { sha256: Uint8Array } => ({ sha256: portableHasher.sha256(utf8(text)) });

/** A log of records, signed for real, and the monitor that watches it. */
class RecordLog {
  readonly log = new ServedLog([], 'log.example/records');
  readonly desk = new Desk();
  seconds = T;
  /** False: signatures are zeros, and are taken to hold; for long logs. */
  readonly #isSigned: boolean;

  constructor(isSigned = true) {
    this.#isSigned = isSigned;
  }

  static async begin(parameters?: FieldsOf<'policy'>['parameters'], isSigned = true): Promise<RecordLog> {
    const self = new RecordLog(isSigned);
    const { origin, verifiers } = self.log;
    await self.add('root', 'policy', {
      ...genesis({
        roles: [{ role: 'pipeline', types: ['build', 'avdb-release', 'retraction'], keys: [publicKey('ci').kid] }],
        ...(parameters !== undefined && { parameters }),
      }),
      log: { origin, vkeys: verifiers.map(({ vkey }) => vkey), statementKeys: [publicKey('log')] },
      root: rootKeys(1, 'root'),
    });
    const prev = self.leaf(0);
    const ci = publicKey('ci');
    await self.add('root', 'key-event', { sequence: 2, prev, action: 'add', role: 'pipeline', ...ci });
    return self;
  }

  leaf(index: number): Uint8Array {
    return portableHasher.leafHash(this.log.entries[index]!);
  }

  async statement<R extends RecordType>(by: string, type: R, fields: FieldsOf<R>, options: SignOptions = {}) {
    return sign(by, 'acme', type, fields, { iat: this.seconds, ...options }, this.#isSigned);
  }

  async add<R extends RecordType>(by: string, type: R, fields: FieldsOf<R>, options: SignOptions = {}): Promise<void> {
    this.log.entries.push(await this.statement(by, type, fields, options));
  }

  release(sequence: number, more: Partial<FieldsOf<'avdb-release'>> = {}): FieldsOf<'avdb-release'> {
    return {
      product: 'Shield',
      database: 'main',
      channel: 'stable',
      sequence,
      ...(sequence > 1 && { prev: this.leaf(this.log.entries.length - 1) }),
      contentDigest: sha256(`content ${sequence}`),
      counts: { total: 100 },
      ...more,
    };
  }

  build(version: string): FieldsOf<'build'> {
    const artifacts = [{ digest: sha256(`file of ${version}`) }];
    return { product: 'Shield', version, channel: 'stable', platform: 'linux', artifacts };
  }

  async round(seconds = 0) {
    this.seconds += seconds;
    await this.log.publish(this.seconds);
    return this.desk.round(this.seconds);
  }

  /** The log says what time it is, so many seconds after the last one or after `from`; and the monitor looks. */
  async beat(seconds: number, from = this.seconds) {
    const iat = from + seconds;
    const size = this.log.entries.length;
    const heads = [{ namespace: 'acme', sequence: 2, leafHash: this.leaf(1) }];
    await this.add('log', 'log-event', { heartbeat: { size, rootHash: this.log.rootHash(size), heads } }, { iat });
    return this.round(Math.max(0, iat - this.seconds));
  }

  get verifyMany(): CryptoSuite['verifyMany'] {
    return this.#isSigned ? verifyMany : async (jobs) => jobs.map(() => true);
  }

  open(): Promise<unknown> {
    return this.desk.open([watched(this.log)], { verifyMany: this.verifyMany });
  }

  reopen(): Promise<unknown> {
    return this.desk.reopen([watched(this.log)], { verifyMany: this.verifyMany });
  }

  /** The evidence that is kept and convinces anyone: of one entry against the log, of two against who signed them. */
  async evidence(): Promise<string[]> {
    const { origin, verifiers } = this.log;
    const found: string[] = [];
    for (const file of this.desk.medium.evidence.values()) {
      const { kind, claim } = await verifyEvidence(parseEvidence(file), [{ origin, verifiers }]);
      const accused = claim.entries!.slice(KINDS[kind].accuses === 'log' ? -1 : -2);
      found.push([kind, ...accused.map(({ index }) => index)].join(' '));
    }
    return found.toSorted();
  }

  /** The entries that convict the log. */
  async proven(): Promise<number[]> {
    const against = (await this.evidence()).filter((one) => one.startsWith('inadmissible-entry '));
    return against.map((one) => Number(one.split(' ')[1]));
  }

  get records() {
    return this.desk.monitor.status().logs[0]!.records;
  }
}

/** What the log's watch remembers. */
async function stateOf({ desk, log }: RecordLog): Promise<LogState> {
  return desk.monitor.watch(log.origin)!.state;
}

/** An honest log, in which one issuer moves back what it moved, a rebuild finds other files, and a move has two dates. */
async function contradicting(): Promise<RecordLog> {
  const log = await RecordLog.begin();
  const moved = { relocationId: 'r1', action: 'complete', activity: 'process', to: [{ country: 'CH' }] } as const;
  await log.add('root', 'relocation', moved);
  const back = { relocationId: 'r2', action: 'start', activity: 'process' } as const;
  const places = { from: [{ country: 'CA' }], to: [{ country: 'US' }] };
  await log.add('root', 'relocation', { ...back, ...places }, { iat: T + 1 });
  await log.add('ci', 'build', log.build('1'));
  await log.add('root', 'rebuild', { build: log.leaf(4), result: 'mismatch' }, { issuer: 'lab.example' });
  // After what was said in between it is no contradiction, but a finding.
  const again = { ...back, relocationId: 'r3', from: [{ country: 'DE' }], to: [{ country: 'FR' }] };
  await log.add('root', 'relocation', again, { iat: T + 2 });
  for (const effectiveAt of [T + 100, T + 200]) {
    await log.add('root', 'relocation', { relocationId: 'r4', action: 'complete', activity: 'sign', effectiveAt });
  }
  return log;
}

const CONTRADICTIONS = ['location-breach 2 3', 'record-conflict 7 8', 'verdict-conflict 4 5'];

describe('the records of a log', () => {
  test('are admitted again, batch by batch and round by round, and nothing is found about honest ones', async () => {
    const log = await RecordLog.begin();
    for (let i = 1; i <= 260; i++) await log.add('ci', 'avdb-release', log.release(i));
    await log.open();
    expect(await log.round(60)).toMatchObject({ backlog: 0, worst: undefined });
    for (let i = 261; i <= 280; i++) await log.add('ci', 'avdb-release', log.release(i));
    await log.reopen();
    expect(log.records).toMatchObject({ size: 262 });
    expect(await log.round(60)).toMatchObject({ backlog: 0, worst: undefined });
    expect(log.records).toMatchObject({
      size: 282,
      types: { policy: 1, 'key-event': 1, 'avdb-release': 280 },
      findings: {},
    });
  });

  test('are judged as soon as entry 0 can be read: what was withheld at first does not turn the judge off', async () => {
    const log = await RecordLog.begin();
    await log.add('stranger', 'build', log.build('1'));
    const { reader, ...more } = watched(log.log);
    let isWithheld = true;
    const read: typeof reader.read = (paths) => {
      if (isWithheld && paths.some(({ kind }) => kind === 'entries')) throw new LimmatError('withheld', 'gone');
      return reader.read(paths);
    };
    await log.desk.open([{ ...more, reader: { ...reader, read } }], { verifyMany });
    await log.round();
    expect(log.desk.keys()).toEqual(['withheld log.example/records']);
    isWithheld = false;
    await log.round(60);
    expect(log.desk.keys()).toContain('inadmissible log.example/records D15 2');
  });

  test('that should not be there are found, each by its rule, and change nothing for those after them', async () => {
    const log = await RecordLog.begin();
    await log.add('ci', 'avdb-release', log.release(1));
    const first = log.leaf(2);
    await log.add('ci', 'build', log.build('1'));
    await log.add('ci', 'build', { ...log.build('1'), artifacts: [{ digest: sha256('another file') }] });
    await log.add('stranger', 'build', log.build('2'));
    log.log.entries.push(log.log.entries[3]!);
    const forged = (await log.statement('ci', 'build', log.build('3'))).slice();
    forged[forged.length - 1]! ^= 1;
    log.log.entries.push(forged);
    log.log.entries.push(utf8('no statement'));
    await log.add('ci', 'avdb-release', log.release(2, { prev: first }));
    await log.open();
    expect((await log.round()).worst).toBe('proof');
    expect(log.desk.keys()).toEqual([
      'inadmissible log.example/records D01 4',
      'inadmissible log.example/records D15 5',
      'repeated-entry log.example/records repeated 6',
      'invalid-entry log.example/records signature 7',
      'not-a-statement log.example/records',
      'inadmissible-entry log.example/records',
      'record-conflict log.example/records 3 4',
    ]);
    expect(log.desk.told.find(({ key }) => key.includes('D15'))?.details).toMatchObject({
      rule: 'D15',
      index: 5,
      severity: 'critical',
      field: 'kid',
    });
    expect(log.records).toMatchObject({
      size: 10,
      types: { 'avdb-release': 2, build: 1 },
      findings: { D01: 1, D15: 1, repeated: 1, signature: 1, D26: 1 },
      unreadable: 1,
      accused: [5],
    });
    expect(await log.proven()).toEqual([4, 6, 7]);
    // Who may sign can be shown once the log has said where the chain ends.
    const { origin } = log.log;
    const heads = [{ namespace: 'acme', sequence: 2, leafHash: log.leaf(1) }];
    const heartbeat = { size: 10, rootHash: log.log.rootHash(10), heads };
    await log.reopen();
    await log.round(60);
    expect(await log.proven()).toEqual([4, 6, 7]);
    await log.add('log', 'log-event', { heartbeat });
    await log.round(60);
    expect(await log.proven()).toEqual([4, 5, 6, 7]);
    expect(log.records!.accused).toEqual([]);
    expect(log.desk.keys().filter((key) => key === `inadmissible-entry ${origin}`)).toHaveLength(1);
  });

  test('are judged from the first on by a monitor that has the entries and no state of them', async () => {
    const log = await RecordLog.begin(undefined, false);
    for (let i = 1; i <= 260; i++) await log.add('ci', 'avdb-release', log.release(i));
    await log.add('stranger', 'build', log.build('1'));
    await log.open();
    await log.round();
    const before = log.records;
    const keys = log.desk.keys();
    const medium = log.desk.medium.logs.get(log.log.origin)!;
    // As an earlier version leaves it.
    medium.state = medium.state!.replace('"hasGenesis":true,', '');
    medium.records.clear();
    await log.reopen();
    expect(log.records).toBeUndefined();
    expect(await log.round(60)).toMatchObject({ backlog: 0 });
    expect(log.records).toEqual(before);
    expect(log.desk.keys()).toEqual(keys);
  });

  test('are not lost when a write of their state fails: what was not kept is judged again, and told of once', async () => {
    const log = await RecordLog.begin(undefined, false);
    for (let i = 1; i <= 260; i++) await log.add('ci', 'avdb-release', log.release(i));
    await log.add('stranger', 'build', log.build('1'));
    let fails = 0;
    const medium = monitorMedium();
    const told: string[] = [];
    await log.log.publish(T);
    for (const failAt of [1, 2, 3]) {
      let writes = 0;
      const store = memoryMonitorStore({
        medium,
        hasher: nodeHasher,
        faults: (step, moment) => {
          if (step !== 'records' || moment !== 'before' || ++writes !== failAt) return;
          fails++;
          throw new Error('the disk is full');
        },
      });
      const monitor = await Monitor.open(
        {
          store,
          logs: [watched(log.log)],
          notify: async ({ key }) => void told.push(key),
          nowMillis: () => T * 1000,
          random: () => 0.5,
          hasher: nodeHasher,
          verifyMany: log.verifyMany,
        },
        failAt === 1,
      );
      await monitor.round();
      await monitor.round();
      if (failAt === 3) expect(monitor.status().logs[0]).toMatchObject({ verifiedSize: 263, records: { size: 263 } });
      await monitor.close();
      await store.close();
    }
    expect(fails).toBeGreaterThan(0);
    expect(told.filter((key) => key.startsWith('inadmissible'))).toEqual(['inadmissible log.example/records D15 262']);
  });

  test('that a key signed since it was compromised are counted, also those of the same batch', async () => {
    const log = await RecordLog.begin();
    for (let i = 1; i <= 3; i++) await log.add('ci', 'avdb-release', log.release(i), { iat: T + 10 * i });
    const prev = log.leaf(4);
    const spare = publicKey('spare');
    await log.add('root', 'key-event', { sequence: 3, prev: log.leaf(1), action: 'add', role: 'pipeline', ...spare });
    const { kid } = publicKey('ci');
    const compromised = { action: 'compromised', kid, compromisedSince: T + 20 } as const;
    await log.add('root', 'key-event', { sequence: 4, prev: log.leaf(5), ...compromised });
    await log.add('spare', 'avdb-release', { ...log.release(4), prev }, { iat: T + 40 });
    await log.open();
    await log.round(60);
    expect(log.desk.keys()).toEqual(['rule-critical log.example/records D16 6']);
    expect(log.desk.told.at(-1)?.details).toMatchObject({ entries: 2, first: 3, last: 4 });
    expect(log.records).toMatchObject({ size: 8, types: { 'avdb-release': 4, 'key-event': 3 }, findings: { D16: 1 } });
  });

  test('that cannot both be true become evidence against who signed them, and nothing against the log', async () => {
    const log = await contradicting();
    await log.open();
    expect((await log.round(60)).worst).toBe('proof');
    expect(await log.evidence()).toEqual(CONTRADICTIONS);
    expect(log.records).toMatchObject({
      findings: { D19: 2, D06: 1, D28: 1 },
      accused: [],
      disputes: [],
      disputed: { D19: 1, D06: 1, D28: 1 },
    });
    const { book } = log.desk.monitor.watch(log.log.origin)!;
    expect([book.evidence.convictions, book.evidence.convictionIds(), book.evidence.isForked]).toEqual([0, [], false]);
    expect(book.evidence.ids().toSorted()).toEqual([...log.desk.medium.evidence.keys()].toSorted());
    expect(log.desk.keys().slice(-3)).toEqual([
      'location-breach log.example/records 2 3',
      'verdict-conflict log.example/records 4 5',
      'record-conflict log.example/records 7 8',
    ]);
    // One that somebody took note of hides no other.
    for (const key of log.desk.keys()) await log.desk.monitor.acknowledge(key);
    await log.add('root', 'rebuild', { build: log.leaf(4), result: 'mismatch' }, { issuer: 'other.example' });
    expect((await log.round(60)).worst).toBe('proof');
    expect(log.desk.keys().at(-1)).toBe('verdict-conflict log.example/records 4 9');
    // What the log does itself is against it, beside that.
    await log.add('ci', 'build', { ...log.build('1'), artifacts: [{ digest: sha256('another file') }] });
    await log.reopen();
    await log.round(60);
    expect(await log.evidence()).toContain('inadmissible-entry 10');
    expect(log.desk.monitor.watch(log.log.origin)!.book.evidence.convictions).toBe(1);
  });

  test('that somebody else says cannot both be true are proof only where judging the records came to the same', async () => {
    const log = await contradicting();
    // r3 is placed elsewhere than r1 said; a step of r2 lies between, which a file of two entries does not have.
    await log.open();
    await log.round(60);
    const head = (await stateOf(log)).head!;
    const history = new History(log.log.entries);
    const identity = log.desk.monitor.watch(log.log.origin)!.identity;
    const make = (later: number): Promise<Evidence> =>
      locationBreach(identity, head, [history.entry(2), history.entry(later)], [history.entry(0)]);
    const explained = await make(6);
    const told = log.desk.keys();
    await log.desk.monitor.takeEvidence(explained, formatEvidence(explained));
    const { origin } = log.log;
    expect(log.desk.keys()).toEqual([...told, `unexplained ${origin} location-breach 2 6`]);
    expect(log.desk.told.at(-1)).toMatchObject({ class: 'suspicion', evidence: [] });
    // What it found itself is proof, whoever brings it.
    const same = await make(3);
    await log.desk.monitor.takeEvidence(same, formatEvidence(same));
    expect(log.desk.keys()).toEqual([...told, `unexplained ${origin} location-breach 2 6`]);
    // One that has judged nothing yet has a suspicion, which ends when it comes to the same.
    const other = new Desk();
    await other.open([watched(log.log)], { verifyMany });
    await other.monitor.takeEvidence(same, formatEvidence(same));
    expect(other.keys()).toEqual([`unexplained ${origin} location-breach 2 3`]);
    await other.round(log.seconds);
    expect(other.keys()).toContain(`location-breach ${origin} 2 3`);
    const open = other.monitor.status().alerts.filter(({ state }) => state === 'open');
    expect(open.some(({ key }) => key.startsWith('unexplained'))).toBe(false);
    await other.reopen([watched(log.log)], { verifyMany });
    expect(other.keys().filter((key) => key.startsWith('unexplained'))).toHaveLength(1);
  });

  test('of which one was taken back are held against nobody', async () => {
    const log = await contradicting();
    const retracted = { kind: 'retract', reason: 'wrong' } as const;
    for (const index of [2, 4, 7]) {
      await log.add('root', 'retraction', { target: log.leaf(index), ...retracted });
    }
    await log.open();
    await log.round(60);
    expect(await log.evidence()).toEqual([]);
    expect(log.records).toMatchObject({ disputes: [], disputedPairs: [], disputed: { D19: 1, D06: 1, D28: 1 } });
    const identity = log.desk.monitor.watch(log.log.origin)!.identity;
    const history = new History(log.log.entries);
    const pair = [history.entry(2), history.entry(3)] as const;
    const evidence = await locationBreach(identity, (await stateOf(log)).head!, pair, [history.entry(0)]);
    const told = log.desk.keys();
    await log.desk.monitor.takeEvidence(evidence, formatEvidence(evidence));
    expect(log.desk.keys()).toEqual(told);
  });

  test('become one file and one alert, whenever the monitor is killed on the way', async () => {
    const log = await contradicting();
    await log.open();
    await log.log.publish(log.seconds);
    const medium = log.desk.medium.logs.get(log.log.origin)!;
    await log.round(60);
    const keys = log.desk.keys();
    // As after a kill: the files and the alerts are there, and nobody noted that they are. The tree has grown since.
    medium.records.clear();
    await log.add('ci', 'build', log.build('2'));
    await log.reopen();
    await log.round(60);
    expect(await log.evidence()).toEqual(CONTRADICTIONS);
    expect(log.desk.keys()).toEqual(keys);
    // The file is there, and its alert is not.
    const told = keys.findIndex((key) => key.startsWith('verdict-conflict'));
    const { alerts } = log.desk.medium;
    alerts.splice(0, alerts.length, ...alerts.filter((line) => !line.includes('verdict-conflict')));
    await log.reopen();
    await log.round(60);
    expect(log.desk.keys()).toEqual([...keys, keys[told]]);
    expect(await log.evidence()).toEqual(CONTRADICTIONS);
  });

  test('of a log without a genesis are nobody’s affair', async () => {
    const log = new RecordLog();
    await log.add('ci', 'build', log.build('1'));
    await log.open();
    expect((await log.round()).worst).toBeUndefined();
    expect(log.records).toBeUndefined();
    expect(log.desk.medium.logs.get(log.log.origin)!.records.size).toBe(0);
  });

  test('of a log that begins with another log’s genesis are not judged by it, which is a finding where it promised', async () => {
    for (const promise of [{}, { iatWindowSeconds: 10 * 365 * 86_400 }]) {
      const log = new RecordLog();
      log.log.entries.push(await sign('root', 'acme', 'policy', genesis(), { iat: T }, true));
      await log.desk.open([watched(log.log, promise)]);
      await log.round();
      const isPromised = 'iatWindowSeconds' in promise;
      expect(log.desk.keys()).toEqual(isPromised ? ['inadmissible log.example/records A01 0'] : []);
      expect(log.records).toBeUndefined();
    }
  });

  test('are measured against the time of the log’s heartbeats: a stream that is silent, and a build that nobody rebuilt', async () => {
    const log = await RecordLog.begin({ cadenceSeconds: 6 * HOUR, rebuildDays: 2 });
    await log.add('ci', 'avdb-release', log.release(1));
    await log.add('ci', 'build', log.build('1'));
    const released = log.seconds;
    await log.open();
    await log.beat(18 * HOUR);
    expect(log.desk.keys()).toEqual([]);
    // The head of a tree says when it was signed; which entries came by then, only the entries say.
    await log.round(10 * HOUR);
    expect(log.desk.keys()).toEqual([]);
    await log.beat(1, released + 18 * HOUR);
    expect(log.desk.keys()).toEqual(['rule-warning log.example/records D11 2']);
    await log.beat(48 * HOUR, released);
    expect(log.desk.keys().length).toBe(1);
    await log.reopen();
    await log.beat(48 * HOUR + 1, released);
    expect(log.desk.keys().slice(1)).toEqual(['rule-error log.example/records D05 3']);
    expect(log.records!.findings).toEqual({ D11: 1, D05: 1 });
    await log.beat(30 * HOUR);
    expect(log.desk.keys().length).toBe(2);
    // A stream that was silent and goes on is waited for again.
    let prev = log.leaf(2);
    for (const sequence of [2, 3]) {
      await log.add('ci', 'avdb-release', log.release(sequence, { prev }));
      prev = log.leaf(log.log.entries.length - 1);
      await log.beat(60);
      await log.beat(19 * HOUR);
      expect(log.records!.findings).toMatchObject({ D11: sequence });
    }
  });

  test('are found the same by whoever was there all the time and by whoever reads them years later', async () => {
    const early = await RecordLog.begin({ cadenceSeconds: 6 * HOUR, rebuildDays: 2 });
    await early.open();
    const promise = { commitmentId: 'p1', kind: 'process', subject: 'somebody reviews it' } as const;
    const kept = { fulfilledBy: { type: 'review' } } as const;
    const deadline = early.seconds + 20 * HOUR;
    await early.add('root', 'commitment', { ...promise, ...kept, deadline });
    await early.add('root', 'relocation', { relocationId: 'r1', action: 'plan', activity: 'sign', deadline });
    await early.add('ci', 'build', early.build('1'));
    await early.add('ci', 'avdb-release', early.release(1));
    let prev = early.leaf(early.log.entries.length - 1);
    await early.beat(18 * HOUR);
    // Silent for a day, and nobody says that the deadline is another before it is over.
    await early.beat(6 * HOUR);
    await early.add('root', 'commitment', { ...promise, ...kept, deadline: deadline + 100 * HOUR });
    const completed = { relocationId: 'r1', action: 'complete', activity: 'sign', effectiveAt: early.seconds } as const;
    await early.add('root', 'relocation', completed);
    for (const sequence of [2, 3, 4]) {
      await early.add('ci', 'avdb-release', early.release(sequence, { prev }));
      prev = early.leaf(early.log.entries.length - 1);
      await early.beat(sequence === 3 ? HOUR : 19 * HOUR);
    }
    await early.add('root', 'rebuild', { build: early.leaf(4), result: 'match' }, { issuer: 'lab.example' });
    await early.beat(HOUR);
    await early.beat(40 * 24 * HOUR);
    const { findings, size } = early.records!;
    expect(findings).toMatchObject({ D05: 1, D11: 3, D18: 4, D27: 1 });
    const late = new Desk();
    await late.open([watched(early.log)], { verifyMany });
    await late.round(early.seconds + 1);
    const records = late.monitor.status().logs[0]!.records!;
    expect(records).toEqual(early.records);
    expect(records.size).toBe(size);
    expect(late.keys()).toEqual(early.desk.keys());
    // Also where a kill comes while it judges what was due: it goes on with that, before the entries after it.
    const medium = monitorMedium();
    const told: string[] = [];
    for (let failAt = 1; ; failAt++) {
      let writes = 0;
      const store = memoryMonitorStore({
        medium,
        hasher: nodeHasher,
        faults: (step, moment) => {
          if (step === 'records' && moment === 'before' && ++writes === failAt) throw new Error('the disk is full');
        },
      });
      const options = {
        notify: async ({ key }: { key: string }) => void told.push(key),
        nowMillis: () => early.seconds * 1000,
      };
      const monitor = await Monitor.open(
        { store, logs: [watched(early.log)], random: () => 0.5, hasher: nodeHasher, verifyMany, ...options },
        failAt === 1,
      );
      await monitor.round();
      const after = monitor.status().logs[0]!.records;
      await monitor.close();
      await store.close();
      if (writes >= failAt) continue;
      expect(after).toEqual(early.records);
      break;
    }
    expect(told.filter((key) => key.startsWith('rule')).toSorted()).toEqual(
      early.desk
        .keys()
        .filter((key) => key.startsWith('rule'))
        .toSorted(),
    );
  });

  test('that may rest on withheld ones are not held against the log, and what cannot rest on them is', async () => {
    const log = await RecordLog.begin(undefined, false);
    for (let i = 1; i <= 300; i++) await log.add('ci', 'avdb-release', log.release(i));
    // Entries 256 to 511 will be gone: releases 255 to 300 among them.
    for (let i = 1; log.log.entries.length < 512; i++) await log.add('ci', 'build', log.build(String(i)));
    const last = log.leaf(301);
    await log.add('ci', 'avdb-release', log.release(301, { prev: last }));
    await log.add('stranger', 'build', log.build('by a stranger'));
    const size = log.log.entries.length;
    const heads = [{ namespace: 'acme', sequence: 2, leafHash: log.leaf(1) }];
    await log.add('log', 'log-event', { heartbeat: { size, rootHash: log.log.rootHash(size), heads } });
    await log.add('stranger', 'build', log.build('by a stranger, known'));
    await log.add('ci', 'avdb-release', log.release(302, { prev: log.leaf(512) }));
    await log.add('root', 'rebuild', { build: log.leaf(400), result: 'match' }, { issuer: 'lab.example' });
    await log.add('ci', 'build', log.build('x'));
    await log.add('ci', 'build', { ...log.build('x'), artifacts: [{ digest: sha256('another file') }] });
    const { reader, ...more } = watched(log.log);
    const read: typeof reader.read = (paths) => {
      if (paths.some((path) => path.kind === 'entries' && path.index === 1)) throw new LimmatError('withheld', 'gone');
      return reader.read(paths);
    };
    await log.desk.open([{ ...more, reader: { ...reader, read } }], { verifyMany: log.verifyMany });
    await log.round();
    await log.round(60);
    const { origin } = log.log;
    expect(log.desk.keys().filter((key) => !key.startsWith('inadmissible-entry'))).toEqual([
      `withheld ${origin}`,
      `unjudged ${origin} unjudged 512`,
      `unjudged ${origin} unjudged 513`,
      `inadmissible ${origin} D15 515`,
      `unjudged ${origin} unjudged more`,
      `inadmissible ${origin} D01 519`,
    ]);
    expect(log.records).toMatchObject({ size: 520, findings: { unjudged: 4, D15: 1, D01: 1 }, withheld: 256 });
  });
});
