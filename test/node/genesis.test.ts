import { describe, expect, test, vi } from 'vitest';

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { Heartbeats, appendHeartbeat, publishedHeads } from '../../src/node/heartbeat.ts';
import { parseInitialPolicy } from '../../src/node/genesis.ts';
import { namespaceInForce } from '../../src/record/admission/in-force.ts';
import { createApproval, createStatement, parseStatement } from '../../src/record/index.ts';
import type { LimmatRecord } from '../../src/record/index.ts';
import { kid, publicKey, rootKeys, signer } from '../support/admission-world.ts';
import { AdmittedLog, genesisOptions, signed } from '../support/admitted-log.ts';
import { TestClock } from '../support/test-log.ts';

const T = 1_800_000_000;
const HOUR = 3_600_000;

const commitment = (number: number): LimmatRecord => ({
  type: 'commitment',
  namespace: 'acme',
  fields: { commitmentId: `c${number}`, kind: 'process', subject: 'every build is logged before it ships' },
});

/** What a log says of one entry: "taken", or the rule and field that refuse it. */
async function told(log: AdmittedLog, statement: Promise<Uint8Array>): Promise<string> {
  const [result] = await log.append([await statement]);
  if (result!.ok) return 'taken';
  const { rule, field } = result!.error.details;
  return `${String(rule)} ${String(field)}`;
}

describe('a new log', () => {
  test('takes records of its first key, for the issuer that it was made for, and of no other', async () => {
    const log = await AdmittedLog.open();
    expect(await told(log, signed(commitment(1), 'submitter', T))).toBe('taken');
    expect(await told(log, signed(commitment(2), 'submitter', T, 'somebody'))).toBe('D15 iss');
    expect(await told(log, signed(commitment(3), 'stranger', T))).toBe('D15 kid');
    // A stolen submitter's key lets nobody else in.
    const found = (await namespaceInForce(log.admissionState.bind(log), 'acme'))!;
    const event: LimmatRecord = {
      type: 'key-event',
      namespace: 'acme',
      fields: { sequence: 3, prev: found.head!.leafHash, action: 'add', role: 'submitter', ...publicKey('stranger') },
    };
    expect(await told(log, signed(event, 'submitter', T))).toBe('D15 typ');
    expect(await told(log, signed(event, 'root', T))).toBe('taken');
    expect(await told(log, signed(commitment(3), 'stranger', T))).toBe('taken');
  });

  test("goes by its operator's first policy, whose first role its first key joins", async () => {
    const policy = parseInitialPolicy({
      roles: [
        { role: 'release', types: ['build'], products: ['Shield'] },
        { role: 'office', types: ['commitment'] },
      ],
      require: [{ type: 'build', fields: ['source'] }],
      parameters: { deltaLimit: 5 },
    });
    const log = await AdmittedLog.open(genesisOptions({ policy }));
    expect(await told(log, signed(commitment(1), 'submitter', T))).toBe('D15 typ');
    const found = (await namespaceInForce(log.admissionState.bind(log), 'acme'))!;
    expect(found.roles.map(({ role, keys }) => [role, keys.map((key) => key.kid)])).toEqual([
      ['release', [kid('submitter')]],
      ['office', []],
    ]);
    expect(found).toMatchObject({ isLogs: true, require: [{ type: 'build', fields: ['source'] }] });
    expect(found.head).toMatchObject({ sequence: 2, index: 1 });
    expect(found.policy).toMatchObject({ sequence: 1, index: 0 });
    expect(found.logKeys.map((key) => key.kid)).toEqual([kid('log')]);
  });

  test('may have a policy without roles, and then no key but the root key', async () => {
    const log = await AdmittedLog.open(genesisOptions({ policy: {} }));
    expect(log.leaves).toHaveLength(1);
    expect(await told(log, signed(commitment(1), 'submitter', T))).toBe('D15 kid');
    expect(await told(log, signed(commitment(1), 'root', T))).toBe('taken');
  });

  test.each([
    [{ root: {} }, 'bad-config', /entry 0 is signed by keys\/root\.pem alone/],
    [{ log: {} }, 'bad-config', /what it may say is roles, require, parameters/],
    [[], 'bad-config', /a JSON object/],
    [{ roles: [{ role: 'root', types: ['build'] }] }, 'bad-record', /role/],
  ])('has no policy that says %j', (value, code, message) => {
    expect(() => parseInitialPolicy(value)).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

/** A log, and heartbeats of it, by a clock that only moves when told. */
async function beating(intervalMillis = 24 * HOUR) {
  const log = await AdmittedLog.open();
  const clock = new TestClock();
  clock.wallMillis = T * 1000;
  const errors: unknown[] = [];
  const start = () =>
    new Heartbeats({
      log,
      signer: signer('log'),
      intervalMillis,
      clock,
      onBeat: () => undefined,
      onError: (error) => errors.push(error),
    });
  return { log, clock, start, errors };
}

async function beats(log: AdmittedLog): Promise<(readonly [number, readonly string[]])[]> {
  return log.leaves.flatMap((leaf) => {
    const { record } = parseStatement(leaf);
    const beat = record.type === 'log-event' ? record.fields.heartbeat : undefined;
    return beat === undefined ? [] : [[beat.size, beat.heads.map((h) => `${h.namespace} ${h.sequence}`)] as const];
  });
}

describe('heartbeats', () => {
  const admit: LimmatRecord = {
    type: 'membership',
    namespace: 'acme',
    fields: { sequence: 3, action: 'admit', namespace: 'zeta', vendor: 'Zeta', root: rootKeys(1, 'zeta') },
  };

  test('say the chain heads within a minute after one has grown, and nothing while none has', async () => {
    const { log, clock, start, errors } = await beating();
    const heartbeats = start();
    await clock.advance(61_000);
    expect(await beats(log)).toEqual([[2, ['acme 2']]]);
    await log.append([await signed(commitment(1), 'submitter', T)]);
    await clock.advance(10 * 60_000);
    expect(await beats(log)).toHaveLength(1);
    const head = (await publishedHeads(log))!.heads[0]!;
    await log.append([await signed({ ...admit, fields: { ...admit.fields, prev: head.leafHash } }, 'root', T)]);
    await clock.advance(61_000);
    expect((await beats(log)).slice(1)).toEqual([[5, ['acme 3']]]);
    const policy: LimmatRecord = { type: 'policy', namespace: 'zeta', fields: { sequence: 1 } };
    await log.append([await signed(policy, 'zeta', T)]);
    await clock.advance(61_000);
    expect((await beats(log)).slice(2)).toEqual([[7, ['acme 3', 'zeta 1']]]);
    await heartbeats.stop();
    await clock.advance(48 * HOUR);
    expect(await beats(log)).toHaveLength(3);
    expect(errors).toEqual([]);
  });

  test('come at least once an interval, counted from the last one in the log after a restart', async () => {
    const { log, clock, start, errors } = await beating();
    await appendHeartbeat(log, (await publishedHeads(log))!, signer('log'), clock.nowMillis());
    const first = start();
    await clock.advance(23 * HOUR);
    await first.stop();
    expect(await beats(log)).toHaveLength(1);
    const second = start();
    await clock.advance(59 * 60_000);
    expect(await beats(log)).toHaveLength(1);
    await clock.advance(2 * 60_000);
    expect(await beats(log)).toHaveLength(2);
    await second.stop();
    expect(errors).toEqual([]);
  });

  test('go on after one that failed', async () => {
    const { log, clock, start, errors } = await beating();
    const append = vi.spyOn(log, 'append').mockRejectedValueOnce(new Error('the log is full'));
    const heartbeats = start();
    await clock.advance(61_000);
    expect(errors).toHaveLength(1);
    await clock.advance(61_000);
    expect(await beats(log)).toHaveLength(1);
    expect(append).toHaveBeenCalledTimes(2);
    await heartbeats.stop();
  });

  test('end with the log', async () => {
    const { log, clock, start, errors } = await beating();
    await appendHeartbeat(log, (await publishedHeads(log))!, signer('log'), clock.nowMillis());
    const end: LimmatRecord = { type: 'log-event', namespace: 'acme', fields: { shutdown: { finalSize: 4 } } };
    const draft = { record: end, kid: kid('log'), iss: 'acme.example', iat: T };
    const approvals = [await createApproval(draft, signer('root'))];
    const content = { ...end, fields: { ...end.fields, approvals }, issuer: draft.iss, iatSeconds: T };
    expect(await told(log, createStatement(content, signer('log')))).toBe('taken');
    const append = vi.spyOn(log, 'append');
    const heartbeats = start();
    await clock.advance(72 * HOUR);
    expect([errors, append.mock.calls]).toEqual([[], []]);
    await heartbeats.stop();
  });

  test('of more namespaces than one entry takes are not said again after a restart', async () => {
    const { log, clock, start, errors } = await beating();
    let { leafHash: prev } = (await namespaceInForce(log.admissionState.bind(log), 'acme'))!.head!;
    const statements: Uint8Array[] = [];
    for (let i = 0; i < 257; i++) {
      const namespace = `n${i}`;
      const fields = { ...admit.fields, sequence: 3 + i, prev, namespace, root: rootKeys(1, 'zeta') };
      const joined = await signed({ ...admit, fields }, 'root', T);
      prev = nodeHasher.leafHash(joined);
      statements.push(joined, await signed({ type: 'policy', namespace, fields: { sequence: 1 } }, 'zeta', T));
    }
    for (const result of await log.append(statements)) expect(result.ok).toBe(true);
    const first = start();
    await clock.advance(61_000);
    await first.stop();
    expect((await beats(log)).map(([, heads]) => heads.length)).toEqual([256, 2]);
    const second = start();
    await clock.advance(10 * 60_000);
    await second.stop();
    expect(await beats(log)).toHaveLength(2);
    expect(errors).toEqual([]);
  });
});
