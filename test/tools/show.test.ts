import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test } from 'vitest';

import { toHex } from '../../src/bytes.ts';
import { formatCoseKey, thumbprintHex } from '../../src/cose/index.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { formatTlogProof } from '../../src/note/index.ts';
import { createStatement, describe as inWords, recordToJson } from '../../src/record/index.ts';
import { readPublicKey } from '../../tools/support/keys.ts';
import { FULL_RECORDS, SIGNER } from '../support/records.ts';
import { limmatHere, workbench } from './workbench.ts';

const LAUNCHER = fileURLToPath(new URL('../../tools/limmat.mjs', import.meta.url));
const dir = workbench();
const limmat = limmatHere(dir);
const CHECKPOINT = new TextEncoder().encode(
  `log.example/a\n7\n${Buffer.alloc(32, 1).toString('base64')}\n\n— log.example/a ${Buffer.alloc(68, 2).toString('base64')}\n`,
);

const write = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(dir, name), bytes);

beforeAll(async () => {
  for (const record of FULL_RECORDS) {
    const content = { ...record, issuer: 'Vendor AG', iatSeconds: 1_783_765_031 };
    write(record.type, await createStatement(content, SIGNER));
  }
  const extra = new Uint8Array(readFileSync(join(dir, 'build')));
  const parts = { index: 3, proof: [new Uint8Array(32), new Uint8Array(32)], checkpoint: CHECKPOINT };
  write('build.tlog-proof', formatTlogProof({ ...parts, extra }));
  write('bare.tlog-proof', formatTlogProof(parts));
  write('opaque.tlog-proof', formatTlogProof({ ...parts, extra: Uint8Array.of(1, 2, 3) }));
  await limmat('keygen', '--out', 'key.pem');
});

describe('a statement', () => {
  test.each(FULL_RECORDS)('of type $type is told in words, with every fact', async (record) => {
    const bytes = new Uint8Array(readFileSync(join(dir, record.type)));
    const { code, stdout } = await limmat('show', record.type);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe(inWords(record));
    expect(stdout).toContain(`\n  leaf hash  ${toHex(portableHasher.leafHash(bytes))}\n`);
    expect(stdout).toMatch(/\n {2}issuer +Vendor AG\n/);
    expect(stdout).toContain("2026-07-11T10:17:11Z (by the signer's own clock)");
    const texts = JSON.stringify(recordToJson(record).fields).match(/(?<=:)"[^"]+"|(?<=:)[0-9]+/g)!;
    for (const text of texts) expect(stdout).toContain(text.replaceAll('"', ''));
    const { stdout: json } = await limmat('show', record.type, '--json');
    expect(JSON.parse(json)).toMatchObject({
      kind: 'statement',
      description: inWords(record),
      ...recordToJson(record),
      issuer: 'Vendor AG',
      keyId: toHex(SIGNER.kid),
      size: bytes.length,
    });
  });

  test('may come from standard input', async () => {
    const input = readFileSync(join(dir, 'retraction'));
    const { status, stdout } = spawnSync(process.execPath, [LAUNCHER, 'show', '-'], { input, encoding: 'utf8' });
    const said = inWords(FULL_RECORDS.find(({ type }) => type === 'retraction')!);
    expect([status, stdout.split('\n')[0]]).toEqual([0, said]);
  });
});

describe('a proof file', () => {
  test('is told with the statement that it carries, and that nothing of it was checked', async () => {
    const { code, stdout } = await limmat('show', 'build.tlog-proof');
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe(inWords(FULL_RECORDS[0]!));
    expect(stdout).toContain('entry 3 of 7 of the log log.example/a');
    expect(stdout).toContain('log.example/a (not checked)');
    const { stdout: json } = await limmat('show', 'build.tlog-proof', '--json');
    expect(JSON.parse(json)).toMatchObject({
      kind: 'proof',
      index: 3,
      hashes: 2,
      checkpoint: { origin: 'log.example/a', size: 7, rootHash: '01'.repeat(32), signatures: ['log.example/a'] },
      statement: { type: 'build', issuer: 'Vendor AG' },
    });
  });

  test.each(['bare', 'opaque'])('may carry no statement: %s', async (name) => {
    const { code, stdout } = await limmat('show', `${name}.tlog-proof`);
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'A proof file that carries no statement.']);
    const { stdout: json } = await limmat('show', `${name}.tlog-proof`, '--json');
    expect(Object.keys(Object(JSON.parse(json)))).not.toContain('statement');
  });
});

test('names that a stranger chose cannot move the text on a terminal', async () => {
  const origin = 'a\u009b2J\u202eb';
  const note = `${origin}\n7\n${Buffer.alloc(32).toString('base64')}\n\n— ${origin} ${Buffer.alloc(68).toString('base64')}\n`;
  write('odd.tlog-proof', formatTlogProof({ index: 0, proof: [], checkpoint: new TextEncoder().encode(note) }));
  const { code, stdout } = await limmat('show', 'odd.tlog-proof');
  expect([code, stdout]).toEqual([0, expect.stringContaining('of the log a\\u{9b}2J\\u{202e}b')]);
  expect(stdout).not.toMatch(/[\u009b\u202e]/);
});

test('a public key is told as policies and key events name it', async () => {
  const key = readPublicKey(join(dir, 'key.pub.pem'));
  const { stdout } = await limmat('show', 'key.pub.pem', '--json');
  expect(JSON.parse(stdout)).toEqual({ kind: 'key', kid: thumbprintHex(key), key: toHex(formatCoseKey(key)) });
});

describe('anything else is refused', () => {
  const refused: readonly (readonly [
    file: string,
    content: Uint8Array | string | undefined,
    line: string,
    code: number,
  ])[] = [
    ['text', 'hello', 'text is neither a statement nor a proof file nor a public key in PEM', 4],
    ['empty', '', 'empty is neither a statement', 4],
    ['cut', Uint8Array.of(0xd2, 0x84, 0x40), 'COSE_Sign1 unprotected header', 4],
    ['large', new Uint8Array(400_000), 'large is larger than any proof file', 4],
    ['half.tlog-proof', 'c2sp.org/tlog-proof@v1\nindex 1\n', 'proof file has no empty line', 4],
    ['key.pem', undefined, 'key.pem holds a secret key', 2],
    ['missing', undefined, 'missing: no such file', 2],
  ];
  test.each(refused)('%s', async (file, content, line, wanted) => {
    if (content !== undefined) write(file, content);
    const { code, stderr } = await limmat('show', file);
    expect([code, stderr]).toEqual([wanted, expect.stringContaining(line)]);
  });
});
