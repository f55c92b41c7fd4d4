// limmat sign build --provenance and --sbom: what is filled in, what is refused, and what is said not to be verified.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { thumbprintHex } from '../../src/cose/index.ts';
import { parseStatement, recordToJson } from '../../src/record/index.ts';
import { bundle, dsseSigner, envelope, statement } from '../client/provenance/samples.ts';
import type { Sample } from '../client/provenance/samples.ts';
import { limmat } from '../support/run-limmat.ts';
import { workbench } from './workbench.ts';

const dir = workbench();
const at = (name: string): string => join(dir, name);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const write = (name: string, value: unknown): void => writeFileSync(at(name), JSON.stringify(value));

const signer = dsseSigner('Ed25519', 1);
const stranger = dsseSigner('Ed25519', 2);
/** A public key in SPKI PEM (RFC 8410 §4). */
const pem = (publicKey: Uint8Array): string => {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
};

/** A provenance about these files' contents. */
const about = (...contents: readonly string[]): Sample => ({
  ...statement(),
  subject: contents.map((content) => ({ name: 'any name', digest: { sha256: sha256(content) } })),
});

const STATED = {
  builder: { id: 'https://ci.example/runner@v3' },
  buildType: 'https://ci.example/workflow/v1',
  startedAt: '2026-07-11T10:16:37Z',
  finishedAt: '2026-07-11T10:20:00Z',
  dependencies: [{ sha256: '12'.repeat(32) }],
};

beforeAll(async () => {
  await limmat('keygen', '--out', at('key.pem'));
  writeFileSync(at('app.bin'), 'the app');
  writeFileSync(at('app.txt'), 'its text');
  writeFileSync(at('sbom.json'), '{"bomFormat":"CycloneDX"}');
  writeFileSync(at('builder.pub.pem'), pem(signer.key.publicKey));
  writeFileSync(at('other.pub.pem'), pem(stranger.key.publicKey));
  const both = about('the app', 'its text');
  write('bare.json', both);
  write('dsse.json', await envelope(both, [signer]));
  write('bundle.json', bundle(await envelope(both, [signer])));
});

const BUILD = ['--product', 'app', '--version', '1', '--namespace', 'acme'];
const sign = (...args: readonly string[]): ReturnType<typeof limmat> =>
  limmat('sign', 'build', ...BUILD, '--key', at('key.pem'), '--out', at('out'), ...args);
const signApp = (...args: readonly string[]): ReturnType<typeof limmat> =>
  sign('--artifact', at('app.bin'), '--artifact', at('app.txt'), ...args);
const signed = (): { readonly fields: unknown } =>
  recordToJson(parseStatement(new Uint8Array(readFileSync(at('out')))).record);

describe('a build with its provenance', () => {
  test.each(['bare.json', 'dsse.json', 'bundle.json'])(
    'takes from %s what it states, and nothing else',
    async (file) => {
      expect(await signApp('--provenance', at(file))).toMatchObject({ code: 0, stderr: '' });
      const { product, version, channel, platform, artifacts, ...rest } = Object(signed().fields);
      expect({ product, version, channel, platform }).toEqual({
        product: 'app',
        version: '1',
        channel: 'stable',
        platform: 'any',
      });
      expect(artifacts).toHaveLength(2);
      expect(rest).toEqual(STATED);
    },
  );

  test('says what was not verified, and what was', async () => {
    const kid = thumbprintHex(signer.key);
    const cases: [args: string[], verified: string[], unverified: RegExp[]][] = [
      [[at('bare.json')], [], [/nobody signed it/]],
      [[at('dsse.json')], [], [/signature of the provenance/]],
      [[at('dsse.json'), '--provenance-key', at('builder.pub.pem')], [kid], []],
      [[at('bundle.json')], [], [/signature of the provenance/, /certificate, log entries and times/]],
      [
        [at('bundle.json'), '--provenance-key', at('other.pub.pem'), '--provenance-key', at('builder.pub.pem')],
        [kid],
        [/certificate/],
      ],
    ];
    for (const [args, verifiedBy, unverified] of cases) {
      const { stdout, code } = await signApp('--provenance', ...args, '--json');
      expect(code).toBe(0);
      const { provenance } = JSON.parse(stdout);
      expect(provenance).toMatchObject({ file: args[0], filled: Object.keys(STATED), verifiedBy });
      expect(provenance.unverified).toEqual(unverified.map((words) => expect.stringMatching(words)));
      expect(provenance.leftOut).toEqual([
        `dependencies without a SHA-256: 1, such as the git commit "${'9'.repeat(40)}"`,
      ]);
      const people = await signApp('--provenance', ...args);
      expect(people.stdout.match(/^not verified: /gm) ?? []).toHaveLength(unverified.length);
      expect(people.stdout.match(/^verified: its signature/gm) ?? []).toHaveLength(verifiedBy.length);
    }
  });

  test('may be told the same, or more of the builder, beside it', async () => {
    write('fields.json', { ...STATED, builder: { ...STATED.builder, version: '3.1' } });
    expect(await signApp('--provenance', at('bare.json'), '--fields', at('fields.json'))).toMatchObject({ code: 0 });
    expect(signed().fields).toMatchObject({ ...STATED, builder: { ...STATED.builder, version: '3.1' } });
  });

  test('leaves out dependencies that a record has no room for', async () => {
    const many = about('the app', 'its text');
    Object(many['predicate']).buildDefinition.resolvedDependencies = Array.from({ length: 257 }, (_, i) => ({
      digest: { sha256: sha256(String(i)) },
    }));
    write('many.json', many);
    const { stdout } = await signApp('--provenance', at('many.json'));
    expect(stdout).toContain('left out: 257 dependencies, more than the 256 of a record');
    expect(signed().fields).not.toHaveProperty('dependencies');
  });
});

describe('is refused', () => {
  const cases: readonly (readonly [why: string, args: () => string[], message: string | RegExp, code: number])[] = [
    [
      'without a subject of an artifact',
      () => ['--provenance', at('one.json')],
      `is not about app.txt: none of its subjects (1) has the SHA-256 ${sha256('its text')}`,
      4,
    ],
    [
      'with the signature of another key',
      () => ['--provenance', at('dsse.json'), '--provenance-key', at('other.pub.pem')],
      'no signature of the DSSE envelope is of this key',
      4,
    ],
    [
      'unsigned, where a key has to have signed',
      () => ['--provenance', at('bare.json'), '--provenance-key', at('builder.pub.pem')],
      'which nobody signed',
      4,
    ],
    [
      'that contradicts a field',
      () => ['--provenance', at('bare.json'), '--set', 'buildType=mine'],
      'buildType is "mine" in the fields given, and "https://ci.example/workflow/v1" in the provenance',
      4,
    ],
    [
      'of another builder than the one that is given',
      () => ['--provenance', at('bare.json'), '--set', 'builder.id=else'],
      /builder is .*else.* in the fields given/,
      4,
    ],
    ['that is something else', () => ['--provenance', at('app.bin')], 'the provenance is not JSON', 4],
    [
      'that is too large',
      () => ['--provenance', at('large.json')],
      'large.json has 4194305 bytes, and a provenance at most 4194304',
      4,
    ],
    ['whose builder has too long a name', () => ['--provenance', at('long.json')], 'builder.id', 4],
    [
      'a key without a provenance',
      () => ['--provenance-key', at('builder.pub.pem')],
      '--provenance-key is for a provenance',
      2,
    ],
    ['that is not there', () => ['--provenance', at('none.json')], 'none.json: no such file', 2],
  ];

  beforeAll(() => {
    write('one.json', about('the app'));
    writeFileSync(at('large.json'), ' '.repeat(4 * 1024 * 1024 + 1));
    const long = about('the app', 'its text');
    Object(long['predicate']).runDetails.builder.id = 'x'.repeat(257);
    write('long.json', long);
  });

  test.each(cases)('a provenance %s', async (_why, args, message, code) => {
    const ran = await signApp(...args());
    expect(ran.stderr).toMatch(
      message instanceof RegExp ? message : new RegExp(message.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)),
    );
    expect([ran.code, ran.stdout]).toEqual([code, '']);
  });

  test('a provenance of another record than a build', async () => {
    const args = ['--namespace', 'acme', '--key', at('key.pem'), '--set', 'commitmentId=c', '--out', at('out')];
    const { code, stderr } = await limmat('sign', 'commitment', ...args, '--provenance', at('bare.json'));
    expect([code, stderr]).toEqual([2, expect.stringContaining('--provenance describes a build')]);
    const sbom = await limmat('sign', 'commitment', ...args, '--sbom', at('sbom.json'));
    expect([sbom.code, sbom.stderr]).toEqual([2, expect.stringContaining('not to a commitment')]);
  });
});

describe('a bill of materials', () => {
  const digest = sha256('{"bomFormat":"CycloneDX"}');

  test('joins the artifacts of a build, and the provenance need not know it', async () => {
    expect(await signApp('--provenance', at('bare.json'), '--sbom', at('sbom.json'))).toMatchObject({ code: 0 });
    const { artifacts } = Object(signed().fields);
    expect(artifacts).toHaveLength(3);
    expect(artifacts[2]).toEqual({ name: 'sbom.json', size: 25, digest: { sha256: digest } });
  });

  test('has its field in a source snapshot', async () => {
    const args = ['--namespace', 'acme', '--key', at('key.pem'), '--out', at('out')];
    const snapshot = (...more: string[]): ReturnType<typeof limmat> =>
      limmat('sign', 'source-snapshot', ...args, '--fields', at('source.json'), ...more);
    write('source.json', { product: 'app', version: '1', treeDigest: { sha256: 'ab'.repeat(32) } });
    expect(await snapshot('--sbom', at('sbom.json'))).toMatchObject({ code: 0, stderr: '' });
    expect(signed().fields).toMatchObject({ sbomDigest: { sha256: digest } });
    const two = await snapshot('--sbom', at('sbom.json'), '--sbom', at('sbom.json'));
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('one bill of materials')]);
  });
});
