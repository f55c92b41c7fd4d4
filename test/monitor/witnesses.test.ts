// The witnesses of a log (M07): which cosignatures are enough, who has fallen silent or behind, and who cosigned two
// histories.

import { describe, expect, test } from 'vitest';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { toHex, utf8, utf8Text } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { openHead } from '../../src/monitor/gossip/admission.ts';
import { identityOf } from '../../src/monitor/watched-log.ts';
import type { WatchedLog, WitnessReader } from '../../src/monitor/watched-log.ts';
import { witnessReader } from '../../src/monitor/witnesses/http-reader.ts';
import { namedQuorum, quorumOf } from '../../src/monitor/witnesses/quorum.ts';
import { witnessName } from '../../src/monitor/witnesses/standing.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { parsePolicy } from '../../src/note/policy.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { fixedSigner } from '../support/served-log.ts';
import type { ServedLog } from '../support/served-log.ts';
import { Desk, Stage, T, forkOf, grow, servedLog } from './support.ts';

const HOUR = 3600;
const { cosignatureEd25519, mldsa44 } = SIGNATURE_TYPE;
const a = fixedSigner('a.example/witness', cosignatureEd25519);
const b = fixedSigner('b.example/witness', cosignatureEd25519);
const c = fixedSigner('c.example/witness', mldsa44);
const witnesses = [a, b, c].map(({ vkey }) => checkpointVerifier(vkey, portableCrypto));

/** Two of three for users; a monitor of this test asks for all. */
const policy = parsePolicy(
  [...[a, b, c].map(({ vkey }, i) => `witness ${'ABC'[i]} ${vkey}`), 'group two 2 A B C', 'quorum two'].join('\n'),
);

/** A log that its witnesses cosign, shown on a stage, and a monitor that has looked at it once. */
async function cosignedLog(
  by: readonly CheckpointSigner[] = [a, b, c],
  more: Partial<WatchedLog> = {},
): Promise<{ log: ServedLog; stage: Stage; desk: Desk; watched: WatchedLog }> {
  const log = await servedLog(20);
  await log.publish(T, { signers: [...log.signers, ...by] });
  const stage = new Stage(log);
  const desk = new Desk();
  const quorums = { clients: quorumOf(policy)!, monitor: namedQuorum(policy, '3') };
  const watched = stage.watched({ witnesses, quorums, ...more });
  await desk.open([watched]);
  await desk.round();
  return { log, stage, desk, watched };
}

const publishBy = (log: ServedLog, seconds: number, by: readonly CheckpointSigner[], size?: number): Promise<void> =>
  log.publish(seconds, { signers: [...log.signers, ...by], ...(size !== undefined && { size }) });

function open(desk: Desk): readonly string[] {
  const { alerts } = desk.monitor.status();
  return alerts.filter(({ state, class: kind }) => state === 'open' && kind !== 'info').map(({ key }) => key);
}

/** The evidence that is kept: it verifies for whoever knows log and witnesses, and for nobody who does not. */
async function evidenceOf(desk: Desk, log: WatchedLog): Promise<readonly string[]> {
  const kinds: string[] = [];
  for (const file of desk.medium.evidence.values()) {
    const parsed = parseEvidence(file);
    const { kind, claim } = await verifyEvidence(parsed, [identityOf(log)]);
    kinds.push(kind);
    if (kind !== 'witness-conflict') continue;
    expect(claim.keys.length).toBe(1);
    const { witnesses: _known, ...stranger } = identityOf(log);
    await expect(verifyEvidence(parsed, [stranger])).rejects.toMatchObject({ code: 'bad-evidence' });
    // A witness of another log, or none at all, is not convicted by it.
    const others = witnesses.filter(({ vkey }) => !claim.keys.includes(vkey));
    await expect(verifyEvidence(parsed, [{ ...stranger, witnesses: others }])).rejects.toMatchObject({
      code: 'bad-evidence',
    });
  }
  return kinds.toSorted();
}

const met = (signers: readonly CheckpointSigner[]): ReadonlySet<string> => new Set(signers.map(({ vkey }) => vkey));

describe('a quorum', () => {
  test('is the policy’s, a name of it, or a number of its witnesses', () => {
    expect(quorumOf(policy)!.isMet(met([a, c]))).toBe(true);
    expect(quorumOf(policy)!.isMet(met([c]))).toBe(false);
    expect(quorumOf({ ...policy, quorum: 'none' })).toBeUndefined();
    expect(namedQuorum(policy, 'A').isMet(met([b, c]))).toBe(false);
    expect(namedQuorum(policy, 'A').isMet(met([a]))).toBe(true);
    expect(namedQuorum(policy, '3').isMet(met([a, b]))).toBe(false);
    expect(namedQuorum(policy, '3').isMet(met([a, b, c]))).toBe(true);
    for (const name of ['4', '0', 'nobody', '-1', ''])
      expect(() => namedQuorum(policy, name), name).toThrow(RangeError);
  });
});

describe('cosignatures on what a log shows', () => {
  test('that are enough are nothing to tell of', async () => {
    const { log, desk } = await cosignedLog();
    for (let round = 1; round <= 4; round++) await desk.round(T + round);
    expect(desk.keys()).toEqual([]);
    const names = [a, b, c].map(({ vkey }) => witnessName(vkey));
    expect(desk.monitor.status().logs[0]!.witnessed).toEqual(
      names.map((witness) => ({ witness, size: 20, timestampSeconds: T, isLost: false, isBehind: false })),
    );
    expect(names[0]).toMatch(/^a\.example\/witness\+[0-9a-f]{8}$/);
    expect(log.entries.length).toBe(20);
  });

  test('that are too few for the monitor are told of before those that are too few for users, and end', async () => {
    const { log, desk } = await cosignedLog([a, b]);
    for (let round = 1; round <= 3; round++) await desk.round(T + round);
    expect(desk.keys()).toEqual([`strict-quorum-missing ${log.origin}`]);
    await publishBy(log, T + 10, [c]);
    for (let round = 10; round <= 13; round++) await desk.round(T + round);
    expect(desk.keys()).toEqual([`strict-quorum-missing ${log.origin}`, `quorum-missing ${log.origin}`]);
    expect(desk.classes()).toEqual(['suspicion', 'suspicion']);
    await publishBy(log, T + 20, [a, b, c]);
    await desk.round(T + 20);
    expect(open(desk)).toEqual([]);
  });

  test('that are missing for a round are waited for', async () => {
    const { log, desk } = await cosignedLog();
    for (let i = 1; i <= 3; i++) {
      await publishBy(log, T + 10 * i, []);
      await desk.round(T + 10 * i);
      await publishBy(log, T + 10 * i + 5, [a, b, c]);
      await desk.round(T + 10 * i + 5);
    }
    expect(desk.keys()).toEqual([]);
  });

  test('that are old do not count, however fresh the log’s own line is', async () => {
    const { log, desk } = await cosignedLog();
    const text = utf8Text(await log.note(T, { signers: [] }).catch(() => log.note(T)))!.split('\n\n')[0]!;
    const lines = await Promise.all([
      ...log.signers.map((signer) => signer.sign(`${text}\n`, T + 2 * HOUR)),
      ...[a, b, c].map((signer) => signer.sign(`${text}\n`, T)),
    ]);
    log.checkpoint = utf8(`${text}\n\n${lines.join('')}`);
    for (let i = 0; i < 3; i++) await desk.round(T + 2 * HOUR + i);
    expect(desk.keys()).toEqual([`quorum-missing ${log.origin}`, `strict-quorum-missing ${log.origin}`]);
    expect(desk.told[1]!.summary + desk.told.at(-1)!.summary).toContain('with older ones than 3600 s it would');
  });

  test('that do not hold count for nothing and accuse nobody', async () => {
    const { log, desk } = await cosignedLog();
    await publishBy(log, T + 1, [a, b, c]);
    // The last line is c's: another signature under its name.
    const note = utf8Text(log.checkpoint!)!;
    const [body, rest] = note.split('\n\n');
    const lines = rest!.trimEnd().split('\n');
    const stolen = (await c.sign(`${body!.replace('\n20\n', '\n19\n')}\n`, T + 1)).trimEnd();
    log.checkpoint = utf8(`${body}\n\n${[...lines.slice(0, -1), stolen].join('\n')}\n`);
    for (let round = 1; round <= 4; round++) await desk.round(T + round);
    expect(desk.keys()).toEqual([`strict-quorum-missing ${log.origin}`]);
  });

  test('of a witness that is gone for long are missed, also over restarts; those that never came are not', async () => {
    const { log, desk, watched } = await cosignedLog([a, b], { quorums: { clients: namedQuorum(policy, 'A') } });
    const lost = `witness-lost ${log.origin} ${witnessName(b.vkey)}`;
    for (let hour = 1; hour <= 6; hour++) {
      await publishBy(log, T + HOUR * hour, [a]);
      if (hour === 3) await desk.reopen([watched]);
      await desk.round(T + HOUR * hour);
    }
    expect(desk.keys()).toEqual([]);
    await publishBy(log, T + 6 * HOUR + 1, [a]);
    await desk.round(T + 6 * HOUR + 1);
    expect(desk.keys()).toEqual([lost]);
    const isLost = (): boolean[] => desk.monitor.status().logs[0]!.witnessed!.map((one) => one.isLost);
    // The third never came.
    expect(isLost()).toEqual([false, true, false]);
    await publishBy(log, T + 7 * HOUR, [a, b]);
    await desk.round(T + 7 * HOUR);
    expect(open(desk)).toEqual([]);
    expect(isLost()).toEqual([false, false, false]);
  });
});

describe('a witness that says what it cosigned', () => {
  /** An endpoint that answers what it is told to. */
  class Endpoint implements WitnessReader {
    readonly vkey = b.vkey;
    readonly url = 'http://b.example/';
    answer: () => Promise<Uint8Array | undefined> = async () => undefined;
    checkpoint = (): Promise<Uint8Array | undefined> => this.answer();
  }

  test('is asked at its address, with the hash of the origin, and may never have cosigned', async () => {
    const asked: string[] = [];
    const fetch = async (url: string): Promise<Response> => {
      asked.push(url);
      return new Response('', { status: 404 });
    };
    const reader = witnessReader({ vkey: b.vkey, url: 'http://b.example/w/', fetch });
    expect(await reader.checkpoint('log.example/test')).toBeUndefined();
    const hash = toHex(portableHasher.sha256(utf8('log.example/test')));
    expect(asked).toEqual([`http://b.example/w/${hash}/checkpoint`]);
    const down = witnessReader({
      vkey: b.vkey,
      url: 'http://b.example/',
      fetch: async () => new Response('', { status: 500 }),
    });
    await expect(down.checkpoint('x')).rejects.toMatchObject({ code: 'bad-response' });
  });

  test('brings a larger head that the log did not show here', async () => {
    const endpoint = new Endpoint();
    const { log, desk } = await cosignedLog([a, b, c], { witnessReaders: [endpoint] });
    await grow(log, 10, T + 5);
    const larger = await log.note(T + 5, { signers: [...log.signers, b] });
    endpoint.answer = async () => larger;
    await publishBy(log, T + 6, [a, b, c], 20);
    await desk.round(T + 6);
    expect(desk.monitor.watch(log.origin)!.book.record(30, log.rootHash())?.sources).toEqual(['witness']);
    await desk.round(T + 7);
    expect(desk.monitor.status().logs[0]).toMatchObject({ head: { size: 30 } });
  });

  test('and does not answer, or with what it has not cosigned, is an operational trouble', async () => {
    const endpoint = new Endpoint();
    const { log, desk } = await cosignedLog([a, b, c], { witnessReaders: [endpoint] });
    const key = `witness-unreachable ${log.origin} ${witnessName(b.vkey)}`;
    endpoint.answer = () => log.note(T, { signers: [...log.signers, a] });
    for (let round = 1; round <= 3; round++) await desk.round(T + round);
    expect(desk.keys()).toEqual([key]);
    expect(desk.classes()).toEqual(['operational']);
    endpoint.answer = async () => undefined;
    await desk.round(T + 4);
    expect(open(desk)).toEqual([]);
  });

  test('and stands still while others go on is told of', async () => {
    const endpoint = new Endpoint();
    const { log, desk } = await cosignedLog([a, b, c], { witnessReaders: [endpoint], quorums: {} });
    const old = await log.note(T, { signers: [...log.signers, b] });
    endpoint.answer = async () => old;
    for (let hour = 1; hour <= 8; hour++) {
      await grow(log, 1, T + HOUR * hour);
      await publishBy(log, T + HOUR * hour, [a, c]);
      await desk.round(T + HOUR * hour);
    }
    const name = witnessName(b.vkey);
    expect(desk.keys()).toEqual([`witness-lost ${log.origin} ${name}`, `witness-spread ${log.origin} ${name}`]);
    expect(desk.monitor.status().logs[0]!.witnessed).toMatchObject([
      { isLost: false, isBehind: false, size: 28 },
      { isLost: true, isBehind: true, size: 20 },
      { isLost: false, isBehind: false, size: 28 },
    ]);
    expect(desk.told.at(-1)!.summary).toMatch(
      /stands at size 20 of log\.example\/test for 25200 s, and others cosigned 28/,
    );
  });

  test('and cosigned another history is convicted, and the log for its fork', async () => {
    const endpoint = new Endpoint();
    const { log, desk, watched } = await cosignedLog([a, b, c], { witnessReaders: [endpoint] });
    const other = forkOf(log, 12, 15);
    const note = await other.note(T + 1, { signers: [...other.signers, b] });
    endpoint.answer = async () => note;
    await desk.round(T + 1);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`, `witness-conflict ${log.origin} ${witnessName(b.vkey)}`]);
    expect(desk.classes()).toEqual(['proof', 'proof']);
    expect(await evidenceOf(desk, watched)).toEqual(['fork-prefix', 'witness-conflict']);
    // It is against the witness, and takes no room from what there is against the log.
    expect(desk.monitor.watch(log.origin)!.book.evidence.convictions).toBe(1);
    for (let round = 2; round <= 4; round++) await desk.round(T + round);
    await desk.reopen([watched]);
    await desk.round(T + 5);
    expect(desk.medium.evidence.size).toBe(2);
    expect(desk.keys().length).toBe(2);
  });
});

describe('a witness that cosigns two histories', () => {
  test('is convicted by two heads that the log shows, of one size or of two, also after a restart in between', async () => {
    for (const [size, kind] of [
      [20, 'fork-same-size'],
      [17, 'fork-prefix'],
    ] as const) {
      const { log, stage, desk, watched } = await cosignedLog([a, c]);
      stage.shown = forkOf(log, 12, size);
      await publishBy(stage.shown, T + 1, [c], size);
      await desk.reopen([watched]);
      await desk.round(T + 1);
      expect(desk.keys()).toContain(`witness-conflict ${log.origin} ${witnessName(c.vkey)}`);
      expect(await evidenceOf(desk, watched)).toContain('witness-conflict');
      expect(desk.keys()).toContain(`${kind} ${log.origin}`);
    }
  });

  test('is convicted once it has cosigned so much of this branch, where the other one is larger', async () => {
    const { log, stage, desk, watched } = await cosignedLog([a, b]);
    const other = forkOf(log, 12, 26);
    stage.shown = other;
    await publishBy(other, T + 1, [a, b]);
    await desk.round(T + 1);
    expect(await evidenceOf(desk, watched)).toEqual(['fork-prefix']);
    stage.shown = log;
    await grow(log, 10, T + 2);
    await publishBy(log, T + 2, [a]);
    await desk.round(T + 2);
    await desk.round(T + 3);
    expect(desk.keys().filter((key) => key.startsWith('witness-conflict'))).toEqual([
      `witness-conflict ${log.origin} ${witnessName(a.vkey)}`,
    ]);
  });

  test('is not one that cosigned older heads, the same again, or with a line without a time', async () => {
    const { log, stage, desk, watched } = await cosignedLog([a, b, c]);
    for (const [seconds, size] of [
      [1, 18],
      [2, 20],
      [3, 11],
    ] as const) {
      await publishBy(log, T + seconds, [a, b, c], size);
      await desk.round(T + seconds);
    }
    stage.shown = forkOf(log, 12, 16);
    const text = utf8Text(await stage.shown.note(T + 9))!.split('\n\n')[0]!;
    const lines = await Promise.all([
      ...log.signers.map((signer) => signer.sign(`${text}\n`, T + 9)),
      c.sign(`${text}\n`, 0),
    ]);
    stage.shown.checkpoint = utf8(`${text}\n\n${lines.join('')}`);
    await desk.round(T + 9);
    expect((await evidenceOf(desk, watched)).filter((kind) => kind === 'witness-conflict')).toEqual([]);
  });

  test('is convicted by what somebody hands in', async () => {
    const { log, desk, watched } = await cosignedLog([a, b, c]);
    const other = forkOf(log, 12, 15);
    const note = utf8Text(await other.note(T + 1, { signers: [...other.signers, fixedSigner('x.example', 0x04), b] }))!;
    const { book } = desk.monitor.watch(log.origin)!;
    const { head, cosigned } = await openHead(note, watched, book);
    // A stranger's line does not travel.
    expect(utf8Text(cosigned!)).not.toContain('x.example');
    await desk.monitor.offer(head, 'client', cosigned);
    await desk.round(T + 2);
    expect(await evidenceOf(desk, watched)).toEqual(['fork-prefix', 'witness-conflict']);
  });
});
