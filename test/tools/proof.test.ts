import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64, toHex } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { limmat } from '../support/run-limmat.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';
import { ship } from '../support/shipped.ts';
import type { Shipment } from '../support/shipped.ts';

let directory: string;
let shipment: Shipment;
let server: Server;
let url: string;

const leafHash = (): string => toHex(portableHasher.leafHash(shipment.statement));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'limmat-proof-'));
  shipment = await ship();
  server = createServer((request, response) => {
    const target = new URL(request.url!, 'http://log.example');
    const found = shipment.log.entries.findIndex(
      (entry) => toHex(portableHasher.leafHash(entry)) === target.searchParams.get('hash'),
    );
    const body =
      target.pathname === '/api/v1/proof/inclusion'
        ? found < 0
          ? null
          : JSON.stringify({ index: found })
        : shipment.log.resource(target.pathname.slice(1));
    response.writeHead(body === null ? 404 : 200).end(body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

describe('limmat proof', () => {
  test('gives the proof file on standard output, byte for byte, with a summary beside it', async () => {
    const ran = await limmat('proof', '20', '--url', url);
    expect(ran.code).toBe(0);
    expect(Buffer.from(ran.stdout)).toEqual(Buffer.from(shipment.options.proofFile));
    expect(ran.stderr).toContain('Acme Shield 7.1.2');
    expect(ran.stderr).toContain(leafHash());
  });

  test('writes a file, and finds an entry by its leaf hash', async () => {
    const out = join(directory, 'p.tlog-proof');
    const ran = await limmat('proof', leafHash(), '--url', url, '--out', out, '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      index: 20,
      leafHash: leafHash(),
      out,
      record: { type: 'build' },
      log: { origin: shipment.log.origin, size: 37 },
    });
    expect(new Uint8Array(readFileSync(out))).toEqual(shipment.options.proofFile);
  });

  test('takes the leaf hash in base64 too', async () => {
    const hash = toBase64(portableHasher.leafHash(shipment.statement));
    const ran = await limmat('proof', hash, '--url', url, '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ index: 20, leafHash: leafHash() });
    expect((await limmat('proof', hash.slice(4), '--url', url)).code).toBe(2);
  });

  test('proves entries that are no records too', async () => {
    const ran = await limmat('proof', '0', '--url', url, '--json');
    const answer: unknown = JSON.parse(ran.stdout);
    expect(answer).not.toHaveProperty('record');
    expect(answer).toHaveProperty('proofFile');
    expect((await limmat('proof', '0', '--url', url)).stderr).toContain('no record');
  });

  test('reads the static files of an export', async () => {
    const log = new ServedLog(numberedEntries(300));
    await log.publish(1);
    for (const path of [
      'checkpoint',
      'tile/entries/000',
      'tile/entries/001.p/44',
      'tile/0/000',
      'tile/0/001.p/44',
      'tile/1/000.p/1',
    ]) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), log.resource(path)!);
    }
    const ran = await limmat('proof', '299', '--files', directory);
    expect(ran.code).toBe(0);
    expect(parseTlogProof(Buffer.from(ran.stdout))).toMatchObject({ index: 299, proof: log.inclusionProof(299) });
    expect((await limmat('proof', leafHash(), '--files', directory)).code).toBe(2);
  });

  test('says what is not there, and with which exit code', async () => {
    expect(await limmat('proof', '37', '--url', url)).toMatchObject({ code: 3, stderr: expect.stringContaining('37') });
    expect((await limmat('proof', '0'.repeat(64), '--url', url)).code).toBe(3);
    expect((await limmat('proof', '0', '--url', 'http://127.0.0.1:1')).code).toBe(3);
    for (const argv of [
      ['proof'],
      ['proof', 'x', '--url', url],
      ['proof', '-1', '--url', url],
      ['proof', '0', '--url', 'nowhere'],
      ['proof', '0', '--url', url, '--files', directory],
    ]) {
      expect((await limmat(...argv)).code, argv.join(' ')).toBe(2);
    }
  });

  test('gives nothing when the log’s answers do not fit together', async () => {
    const forged = shipment.log.entries.with(20, shipment.statement.with(9, 0));
    const honest = shipment.log;
    const lying = new ServedLog(forged);
    lying.checkpoint = honest.checkpoint;
    shipment = { ...shipment, log: lying };
    expect(await limmat('proof', '20', '--url', url)).toMatchObject({ code: 4, stdout: '' });
  });
});
