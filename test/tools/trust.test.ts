import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { parseTrust } from '../../src/client/trust.ts';
import { createLog } from '../../src/node/create-log.ts';
import { generateStatementKey } from '../../src/node/statement-key.ts';
import { keysFingerprint } from '../../src/note/fingerprint.ts';
import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import type { SignatureTypeByte } from '../../src/note/key.ts';
import { quorumMet } from '../../src/note/policy.ts';
import { quorumNumbers } from '../../src/note/quorum.ts';
import { testKey } from '../support/notes.ts';
import { limmat } from '../support/run-limmat.ts';
import { ServedLog } from '../support/served-log.ts';
import { trustText } from '../support/shipped.ts';

const vkey = (name: string, type: SignatureTypeByte, fill: number): string =>
  verifierKeyOf(testKey(name, type, fill)).vkey;
const ORIGIN = 'pin.example/log';
const logKeys = [vkey(ORIGIN, SIGNATURE_TYPE.ed25519, 1), vkey(ORIGIN, SIGNATURE_TYPE.mldsa44, 2)];
const channelKey = vkey(`${ORIGIN}/channel`, SIGNATURE_TYPE.ed25519, 3);
const witnessKeys = [
  vkey('pin.example/w', SIGNATURE_TYPE.cosignatureEd25519, 4),
  vkey('pin.example/w', SIGNATURE_TYPE.mldsa44, 5),
];
const logPrint = keysFingerprint([...logKeys, channelKey]);
const witnessPrint = keysFingerprint(witnessKeys);

const answers = new Map<string, string>();
const server = createServer((request, response) => {
  const answer = answers.get(request.url ?? '');
  if (answer === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
});
let url = '';
let directory: string;
const path = (name: string): string => join(directory, name);
const read = (name: string): string => readFileSync(path(name), 'utf8');

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'limmat-trust-'));
  answers.clear();
  answers.set('/api/v1/log', JSON.stringify({ origin: ORIGIN, vkeys: logKeys, channelKey, size: 7 }));
  answers.set('/witness/api/v1/witness', JSON.stringify({ name: 'pin.example/w', vkeys: witnessKeys }));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('limmat trust add', () => {
  test('pins nothing without a fingerprint: it shows the keys and what their fingerprint is', async () => {
    const { code, stdout, stderr } = await limmat('trust', 'add', url, '--trust', path('trust.txt'));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(logPrint);
    expect(stderr).toContain(logKeys[0]);
    expect(existsSync(path('trust.txt'))).toBe(false);
    const asJson = await limmat('trust', 'add', url, '--json');
    expect(asJson.code).toBe(2);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'usage', details: { fingerprint: logPrint } } });
  });

  test('pins nothing when the keys are others than the fingerprint says', async () => {
    const old = trustText(new ServedLog([]));
    writeFileSync(path('trust.txt'), old);
    for (const wrong of [witnessPrint, keysFingerprint(logKeys)]) {
      const ran = await limmat('trust', 'add', url, '--fingerprint', wrong, '--trust', path('trust.txt'), '--json');
      expect(ran.code).toBe(4);
      expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: 'fingerprint-mismatch' } });
    }
    expect(read('trust.txt')).toBe(old);
    for (const no of ['', 'abc', `${logPrint}0`]) {
      expect((await limmat('trust', 'add', url, '--fingerprint', no, '--trust', path('trust.txt'))).code).toBe(2);
    }
  });

  test('prints the lines, or puts them into the file and keeps what was there', async () => {
    const printed = await limmat('trust', 'add', url, '--fingerprint', logPrint.toUpperCase());
    expect(printed.code).toBe(0);
    expect(printed.stdout.trimEnd().split('\n')).toEqual([
      ...logKeys.map((key) => `log ${key} ${url}/`),
      `channel-key ${channelKey}`,
    ]);
    const old = trustText(new ServedLog([]), '# my own remark');
    writeFileSync(path('trust.txt'), old, { mode: 0o640 });
    symlinkSync(path('trust.txt'), path('link.txt'));
    const added = await limmat('trust', 'add', url, '--fingerprint', logPrint, '--trust', path('link.txt'));
    expect([added.code, added.stdout]).toEqual([0, expect.stringContaining(`pinned`)]);
    expect(read('trust.txt').replace(printed.stdout, '')).toBe(old);
    expect(parseTrust(read('trust.txt')).logs.get(ORIGIN)!.mldsa44.vkey).toBe(logKeys[1]);
    expect(lstatSync(path('link.txt')).isSymbolicLink()).toBe(true);
    expect((lstatSync(path('trust.txt')).mode & 0o777).toString(8)).toBe('640');
    expect(readdirSync(directory).toSorted()).toEqual(['link.txt', 'trust.txt']);
    const again = await limmat('trust', 'add', url, '--fingerprint', logPrint, '--trust', path('trust.txt'));
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('already')]);
  });

  test('makes a file where there is none, and says what it still needs', async () => {
    const ran = await limmat('trust', 'add', url, '--fingerprint', logPrint, '--trust', path('new.txt'));
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('issuer')]);
    expect(read('new.txt')).toContain('\nquorum none\n');
    const more = ['--fingerprint', witnessPrint, '--trust', path('new.txt'), '--name', 'W'];
    expect((await limmat('trust', 'add', `${url}/witness`, ...more)).code).toBe(0);
    const issuer = trustText(new ServedLog([]))
      .split('\n')
      .find((line) => line.startsWith('issuer '))!;
    const { policy } = parseTrust(`${read('new.txt').replace('quorum none', 'quorum W')}\n${issuer}\n`);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['W/ed25519', 'W/ml-dsa-44']);
    expect(quorumMet(policy, new Set(['W/ml-dsa-44']))).toBe(true);
  });

  test('leaves a file as it is that would not be a trust file any more', async () => {
    const old = trustText(new ServedLog([])).replace('witness A', 'witness W').replaceAll(' A', ' W');
    writeFileSync(path('trust.txt'), old);
    const more = ['--fingerprint', witnessPrint, '--trust', path('trust.txt'), '--name', 'W'];
    const ran = await limmat('trust', 'add', `${url}/witness`, ...more);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('"W"')]);
    expect(read('trust.txt')).toBe(old);
  });

  test('believes no answer that describes nobody, or somebody else', async () => {
    answers.set('/api/v1/log', JSON.stringify({ origin: 'x', vkeys: logKeys }));
    expect((await limmat('trust', 'add', url, '--fingerprint', logPrint)).code).toBe(3);
    answers.set('/api/v1/log', 'x'.repeat(70_000));
    expect((await limmat('trust', 'add', url, '--fingerprint', logPrint)).code).toBe(3);
    expect((await limmat('trust', 'add', `${url}/nothing`, '--fingerprint', logPrint)).code).toBe(3);
    expect((await limmat('trust', 'add', 'ftp://log.example/', '--fingerprint', logPrint)).code).toBe(2);
    expect((await limmat('trust', 'add', `${url}/?x`, '--fingerprint', logPrint)).code).toBe(2);
    answers.set('/api/v1/log', JSON.stringify({ origin: ORIGIN, vkeys: logKeys, channelKey }));
    expect((await limmat('trust', 'add', url, '--fingerprint', logPrint, '--name', 'L')).code).toBe(2);
  });
});

const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'trust');

describe('the examples of trust files', () => {
  const examples = readdirSync(EXAMPLES);
  const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8');

  test('are read, and are all in docs/trust.md', () => {
    const page = readFileSync(join(EXAMPLES, '..', 'trust.md'), 'utf8');
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const name of examples) {
      expect(parseTrust(example(name)).logs.size).toBe(1);
      expect(page).toContain(`](trust/${name})`);
    }
  });

  test('two-regions wants two of three here and one of two elsewhere', () => {
    const { policy } = parseTrust(example('two-regions.txt'));
    const met = (...names: string[]): boolean => quorumMet(policy, new Set(names));
    const [here, there] = ['here', 'elsewhere'].map((region) =>
      policy.witnesses.map(({ name }) => name).filter((name) => name.startsWith(`${region}-`)),
    );
    expect([here!.length, there!.length]).toEqual([3, 2]);
    expect(met(here![0]!, here![2]!, there![1]!)).toBe(true);
    expect(met(...here!)).toBe(false);
    expect(met(here![0]!, ...there!)).toBe(false);
    expect(quorumNumbers(policy)).toMatchObject({ needed: 3, missing: 2, shared: 1 });
  });

  test('are filled with the keys of a log, an issuer and witnesses, and nothing of the example’s is left', async () => {
    const dataDir = path('data');
    const { vkeys } = await createLog({ dir: dataDir, namespace: 'acme', issuer: 'Acme' });
    writeFileSync(path('vendor.pub.pem'), generateStatementKey('p256').publicPem);
    for (const name of examples) {
      const { policy, logs, issuers } = parseTrust(example(name));
      const given = policy.witnesses.map(
        (one, i) => `${one.name}=${vkey(`w${i}`, SIGNATURE_TYPE.cosignatureEd25519, 20 + i)}`,
      );
      const flags = [
        ...vkeys.flatMap((key) => ['--log', key]),
        ...given.flatMap((item) => ['--witness', item]),
        '--issuer',
        `${path('vendor.pub.pem')}=Acme AG`,
        '--iat-window',
        '1d',
        '--out',
        path(name),
      ];
      expect(await limmat('trust', 'fill', join(EXAMPLES, name), ...flags)).toMatchObject({ code: 0 });
      const filled = parseTrust(read(name));
      expect([...filled.logs.values()].flatMap(({ ed25519, mldsa44 }) => [ed25519.vkey, mldsa44.vkey])).toEqual(vkeys);
      expect(filled.issuers.map(({ iss }) => iss)).toEqual(['Acme AG']);
      expect(filled.policy).toMatchObject({ groups: policy.groups, quorum: policy.quorum });
      expect([...filled.iatWindows.values()]).toEqual([86_400]);
      for (const [origin] of logs) expect(read(name)).not.toContain(origin);
      for (const { key } of policy.witnesses) expect(read(name)).not.toContain(key.vkey);
      expect(read(name)).not.toContain(issuers[0]!.iss);
      expect((await limmat('trust', 'fill', join(EXAMPLES, name), ...flags)).stderr).toContain('already');
      const shown = await limmat('trust', 'show', path(name));
      expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining(policy.quorum)]);
    }
    const flags = [...vkeys.flatMap((key) => ['--log', key]), '--issuer', `${path('vendor.pub.pem')}=Acme AG`];
    const three = join(EXAMPLES, 'three-witnesses.txt');
    expect((await limmat('trust', 'fill', three, ...flags)).stderr).toContain('witness first is given no key');
    const alone = join(EXAMPLES, 'log-alone.txt');
    expect((await limmat('trust', 'fill', alone, ...flags, '--witness', `W=${witnessKeys[0]!}`)).code).toBe(2);
    expect((await limmat('trust', 'fill', alone, ...flags, '--witness', 'W')).code).toBe(2);
  });
});

describe('limmat trust show', () => {
  test('warns of what its author may not have meant', async () => {
    const log = new ServedLog([]);
    const warnings = async (text: string): Promise<string> => {
      writeFileSync(path('trust.txt'), text);
      const { code, stdout } = await limmat('trust', 'show', path('trust.txt'), '--json');
      expect(code).toBe(0);
      return JSON.parse(stdout).warnings.join('\n');
    };
    expect(await warnings(trustText(log, 'max-age 7d'))).toBe('');
    expect(await warnings(trustText(log))).toContain('max-age');
    expect(await warnings(trustText(log).replace('quorum two', 'quorum none'))).toContain('quorum none');
    expect(await warnings(trustText(log).replace('two 2', 'two any'))).toMatch(
      /one witness alone[^]*no witness in common/,
    );
    expect(await warnings(trustText(log).replace('two 2', 'two all'))).toContain('one witness that is down');
    expect(await warnings(trustText(log).replace('2 A B C', '2 A B'))).toContain('not part of the quorum: C');
    const [one, other] = witnessKeys;
    const double = `witness D ${one}\nwitness E ${other}\ngroup q 2 D E two\nquorum q`;
    expect(await warnings(trustText(log).replace('quorum two', double))).toContain('pin.example/w has two keys');
    const single = `witness D ${one}\nwitness E ${other}\ngroup W any D E\ngroup q 2 W two\nquorum q`;
    expect(await warnings(trustText(log).replace('quorum two', single))).not.toContain('two keys');
    writeFileSync(path('trust.txt'), 'quorum none\n');
    expect((await limmat('trust', 'show', path('trust.txt'))).code).toBe(2);
  });
});
