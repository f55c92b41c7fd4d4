import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gossipApp } from '../../src/adapters/http/index.ts';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { History } from '../monitor/evidence/support.ts';
import { Network } from '../monitor/gossip/network.ts';
import type { SimMonitor } from '../monitor/gossip/network.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';
import { ARTIFACT, ship, trustText } from '../support/shipped.ts';
import type { Shipment } from '../support/shipped.ts';

let directory: string;
let shipment: Shipment;
let server: Server;
let url: string;
let monitor: SimMonitor;
const requests: string[] = [];
const path = (name: string): string => join(directory, name);
const now = (): number => Math.floor(Date.now() / 1000);

const verify = (...more: string[]): Promise<Ran> =>
  limmat('verify', path('app.bin'), '--trust', path('trust.txt'), '--gossip', url, ...more);

/** A monitor that watches the shipment's log, and was shown this history of it. */
async function watching(history: History, size: number): Promise<void> {
  const { origin, signers } = shipment.log;
  const verifiers = signers.map(({ vkey }) => checkpointVerifier(vkey, nodeCrypto));
  const network = new Network();
  network.nowSeconds = now();
  network.add(1, () => [{ keys: { signers, log: { origin, verifiers } }, history }], { crypto: nodeCrypto });
  monitor = network.monitors[0]!;
  await monitor.look(size, origin, now() - 50);
  const listener = getRequestListener(gossipApp(monitor.node).fetch);
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  url = `http://127.0.0.1:${address.port}`;
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'limmat-verify-gossip-'));
  shipment = await ship({ signedAt: now() - 100 });
  writeFileSync(path('app.bin'), ARTIFACT);
  writeFileSync(path('app.bin.tlog-proof'), shipment.options.proofFile);
  writeFileSync(path('trust.txt'), trustText(shipment.log));
  requests.length = 0;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

describe('limmat verify --gossip', () => {
  test('hands in the head of the proof file when all is well, and says so', async () => {
    await watching(new History(shipment.log.entries), 37);
    const people = await verify();
    expect(people.code).toBe(0);
    expect(people.stdout).toContain('verified');
    expect(people.stderr).toBe(`the head was handed to ${url}/, which has nothing against the log\n`);
    expect(requests).toEqual(['POST /gossip/v1/checkpoint']);
    expect(monitor.log().book.record(37, monitor.log().book.newest()!.rootHash)?.sources).toEqual(['log', 'client']);
    const programs = await verify('--json');
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verified: true,
      gossip: { url: `${url}/`, handedIn: true, evidence: [] },
    });
  });

  test('ends with exit code 6 when the log showed others another history', async () => {
    await watching(History.of(50), 45);
    const people = await verify();
    expect(people.code).toBe(6);
    expect(people.stdout).toContain('verified');
    const [id] = monitor.files.keys();
    expect(people.stderr).toContain(`the log contradicts itself (fork-prefix)`);
    expect(people.stderr).toContain(`${url}/gossip/v1/evidence/${id}`);
    const programs = await verify('--json');
    expect(programs.code).toBe(6);
    expect(JSON.parse(programs.stdout)).toMatchObject({ gossip: { evidence: [{ id, kind: 'fork-prefix' }] } });
  });

  test('hands in the head of what is refused, too', async () => {
    await watching(History.of(50), 45);
    writeFileSync(path('app.bin'), 'another file');
    const people = await verify();
    expect(people.code).toBe(6);
    expect(people.stderr).toContain('artifact-mismatch');
    expect(people.stderr).toContain('the log contradicts itself');
  });

  test('believes no monitor that says so without proof', async () => {
    await watching(new History(shipment.log.entries), 37);
    const id = 'ab'.repeat(32);
    monitor.log().book.evidence.convict({ id, kind: 'future', heads: [] });
    monitor.files.set(id, new TextEncoder().encode('{"format":"limmat/evidence/v1"}'));
    const people = await verify();
    expect(people.code).toBe(0);
    expect(people.stderr).toContain('the evidence that the monitor names could not be checked');
  });

  test('counts what holds, whatever else the monitor names', async () => {
    await watching(History.of(50), 45);
    const id = '00'.repeat(32);
    monitor.log().book.evidence.convict({ id, kind: 'future', heads: [] });
    monitor.files.set(id, new TextEncoder().encode('{"format":"limmat/evidence/v9"}'));
    const people = await verify();
    expect(people.code).toBe(6);
    const named = monitor.log().book.evidence.ids();
    expect(named).toEqual([id, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    const holds = named[1];
    expect(people.stderr).toContain(`/gossip/v1/evidence/${holds}`);
    expect(people.stderr).toContain('other evidence that the monitor names could not be checked');
    const programs = await verify('--json');
    expect(programs.code).toBe(6);
    const { gossip } = JSON.parse(programs.stdout);
    expect(gossip.evidence).toEqual([{ id: holds, kind: 'fork-prefix' }]);
    expect(gossip.error.message).not.toBe('');
  });

  test('changes no verdict when the monitor cannot be reached or does not know the log', async () => {
    await watching(History.of(5), 5);
    const unknown = await limmat(
      'verify',
      path('app.bin'),
      '--trust',
      path('trust.txt'),
      '--gossip',
      `${url}/elsewhere`,
    );
    expect(unknown.code).toBe(0);
    expect(unknown.stderr).toContain('the head was not handed in');
    server.close();
    server.closeAllConnections();
    const gone = await verify();
    expect(gone.code).toBe(0);
    expect(gone.stderr).toMatch(/the head was not handed in: .*\(network\)/);
    const programs = await verify('--json');
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verified: true,
      gossip: { handedIn: false, error: { code: 'network' } },
    });
  });

  test('takes a URL', async () => {
    await watching(History.of(5), 5);
    const wrong = await limmat('verify', path('app.bin'), '--trust', path('trust.txt'), '--gossip', 'nonsense');
    expect(wrong.code).toBe(2);
  });
});
