import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import { verifySigned } from '../../src/cose/index.ts';
import { utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { parseVerifierKey } from '../../src/note/key.ts';
import { generateStatementKey, loadStatementSigner, parsePublicKey, readPublicKey } from '../../tools/support/keys.ts';
import { answered, limmatHere, workbench } from './workbench.ts';

const dir = workbench();
const limmat = limmatHere(dir);
const message = utf8('a signing input');

async function signatureHolds(signer: ReturnType<typeof loadStatementSigner>): Promise<boolean> {
  const signature = await signer.sign(message);
  return verifySigned({ alg: signer.alg, toBeSigned: message, signature }, signer.key, portableCrypto);
}

/** Signs with node:crypto in another process, in the form that is asked for: an HSM's tool in miniature. */
function signingCommand(keyFile: string, form: 'raw' | 'base64' | 'hex' | 'der'): string {
  const script = join(dir, `sign-${form}.mjs`);
  writeFileSync(
    script,
    `import { createPrivateKey, sign } from 'node:crypto';
    import { readFileSync } from 'node:fs';
    const key = createPrivateKey(readFileSync(process.argv[2]));
    const ec = key.asymmetricKeyType === 'ec';
    const options = { key, ...(ec && ${form !== 'der'} ? { dsaEncoding: 'ieee-p1363' } : {}) };
    const signature = sign(ec ? 'sha256' : null, readFileSync(0), options);
    process.stdout.write(${form === 'raw' || form === 'der' ? 'signature' : `signature.toString('${form}') + '\\n'`});`,
  );
  return `exec:"${process.execPath}" "${script}" "${keyFile}"`;
}

describe.each(['ed25519', 'p256'] as const)('a %s key', (type) => {
  const file = join(dir, `${type}.pem`);
  const publicFile = join(dir, `${type}.pub.pem`);

  test('is made with mode 0600, and never replaces one', async () => {
    const made = await limmat('keygen', '--type', type, '--out', file, '--json');
    expect(made.code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readPublicKey(publicFile)).toEqual(loadStatementSigner(file).key);
    const before = readFileSync(file);
    const again = await limmat('keygen', '--type', type, '--out', file);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('is there already and is not replaced');
    expect(readFileSync(file)).toEqual(before);
  });

  test('signs from a file and from the environment', async () => {
    expect(await signatureHolds(loadStatementSigner(file))).toBe(true);
    process.env['LIMMAT_TEST_KEY'] = readFileSync(file, 'utf8');
    expect(await signatureHolds(loadStatementSigner('env:LIMMAT_TEST_KEY'))).toBe(true);
    delete process.env['LIMMAT_TEST_KEY'];
    expect(() => loadStatementSigner('env:LIMMAT_TEST_KEY')).toThrow(
      'LIMMAT_TEST_KEY that should hold a key is not set',
    );
  });

  test.each(type === 'p256' ? (['raw', 'base64', 'hex', 'der'] as const) : (['raw', 'base64', 'hex'] as const))(
    'signs by a command that answers in %s form',
    async (form) => {
      expect(await signatureHolds(loadStatementSigner(signingCommand(file, form), publicFile))).toBe(true);
    },
  );
});

describe('a key is refused', () => {
  test('when others can read its file', () => {
    const file = join(dir, 'open.pem');
    writeFileSync(file, generateStatementKey('ed25519').secretPem, { mode: 0o600 });
    for (const mode of [0o640, 0o604, 0o660, 0o601]) {
      chmodSync(file, mode);
      expect(() => loadStatementSigner(file)).toThrow(/others than its owner can reach it: chmod 600/);
    }
    chmodSync(file, 0o400);
    expect(loadStatementSigner(file).alg).toBe(-19);
  });

  test('when it is none', () => {
    const file = join(dir, 'none.pem');
    writeFileSync(file, 'not a key', { mode: 0o600 });
    expect(() => loadStatementSigner(file)).toThrow('is not a secret key in PKCS#8 PEM');
    expect(() => loadStatementSigner(join(dir, 'absent.pem'))).toThrow('no key file');
    expect(() => parsePublicKey('x', 'y')).toThrow('y is not a public key in SPKI PEM');
  });

  test('when a secret key is given for a public one', () => {
    expect(() => parsePublicKey(generateStatementKey('p256').secretPem, 'file')).toThrow('holds a secret key');
  });

  test('when its command fails, answers nothing, or has no public key', async () => {
    const { publicPem } = generateStatementKey('ed25519');
    const file = join(dir, 'command.pub.pem');
    writeFileSync(file, publicPem);
    await expect(loadStatementSigner('exec:exit 3', file).sign(message)).rejects.toThrow('ended with exit code 3');
    await expect(loadStatementSigner('exec:exit 0', file).sign(message)).rejects.toThrow('answered 0 bytes');
    expect(() => loadStatementSigner('exec:true')).toThrow('--public-key FILE');
  });
});

test('note keys are text as Go writes it', async () => {
  const made = await limmat(...'keygen --type note-ed25519 --name log.example/1 --out note.skey --json'.split(' '));
  expect(made.code).toBe(0);
  const { vkey } = answered(v.object({ vkey: v.string() }), made);
  expect(parseVerifierKey(vkey)).toMatchObject({ name: 'log.example/1', type: 1 });
  expect(readFileSync(join(dir, 'note.skey'), 'utf8')).toMatch(
    /^PRIVATE\+KEY\+log\.example\/1\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*\n$/,
  );
  expect((await limmat('keygen', '--type', 'note-ed25519', '--out', 'other.skey')).stderr).toContain('--name');
});
