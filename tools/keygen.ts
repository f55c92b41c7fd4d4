// limmat keygen: a key for signing statements, or for a log, a witness or a channel (note keys).

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

import { Option, type Command } from 'commander';

import { thumbprintHex } from '../src/cose/index.ts';
import { LimmatError } from '../src/errors.ts';
import { writeSecretFile } from '../src/node/secret-file.ts';
import { keysFingerprint } from '../src/note/fingerprint.ts';
import { SIGNATURE_TYPE, formatSignerKey, generateSignerKey, verifierKeyOf } from '../src/note/key.ts';
import { STATEMENT_KEY_TYPES, generateStatementKey, parsePublicKey } from './support/keys.ts';
import type { StatementKeyType } from './support/keys.ts';
import { createOutput } from './support/output.ts';

const NOTE_TYPES = {
  'note-ed25519': SIGNATURE_TYPE.ed25519,
  'note-mldsa44': SIGNATURE_TYPE.mldsa44,
  'witness-ed25519': SIGNATURE_TYPE.cosignatureEd25519,
} as const;
type NoteKeyType = keyof typeof NOTE_TYPES;

interface KeygenOptions {
  readonly type: StatementKeyType | NoteKeyType;
  readonly out: string;
  readonly name?: string;
  readonly json?: boolean;
}

const isStatementType = (type: string): type is StatementKeyType => STATEMENT_KEY_TYPES.some((known) => known === type);

export function register(program: Command): void {
  program
    .command('keygen')
    .summary('make a key')
    .description(
      'Makes a key. Statement keys (ed25519, p256) sign records: PKCS#8 PEM, with the public key beside it. ' +
        'Note keys (note-ed25519, note-mldsa44; witness-ed25519 for a witness or a mirror) sign checkpoints: one line of ' +
        "text each, as Go's sumdb/note writes them.",
    )
    .requiredOption('--out <file>', 'where the secret key goes; never replaced, mode 0600')
    .addOption(
      new Option('--type <type>', 'kind of key')
        .choices([...STATEMENT_KEY_TYPES, ...Object.keys(NOTE_TYPES)])
        .default('ed25519'),
    )
    .option('--name <name>', 'name of a note key (a log: its origin)')
    .option('--json', 'answer as JSON')
    .action(keygen);
}

function keygen(options: KeygenOptions): void {
  const output = createOutput(options);
  const { type, out, name } = options;
  if (isStatementType(type)) {
    if (name !== undefined)
      throw new LimmatError('usage', `--name belongs to note keys; a statement key of type ${type} has none`);
    const publicFile = publicFileOf(out);
    const { secretPem, publicPem } = generateStatementKey(type);
    writeSecretFile(out, secretPem);
    writeFileSync(publicFile, publicPem);
    const kid = thumbprintHex(parsePublicKey(publicPem, publicFile));
    output.result({ type, kid, secretKey: out, publicKey: publicFile }, [
      `secret key   ${out}`,
      `public key   ${publicFile}`,
      `key id       ${kid}`,
      `A log takes its records after: limmat submitter add ${publicFile} --issuer NAME --namespace NAMESPACE`,
    ]);
    return;
  }
  if (name === undefined)
    throw new LimmatError('usage', `a key of type ${type} needs the name that its signatures carry: --name`);
  const key = generateSignerKey(name, NOTE_TYPES[type], (length) => new Uint8Array(randomBytes(length)));
  writeSecretFile(out, `${formatSignerKey(key)}\n`);
  const { vkey } = verifierKeyOf(key);
  const fingerprint = keysFingerprint([vkey]);
  output.result({ type, name, vkey, fingerprint, secretKey: out }, [
    `secret key   ${out}`,
    `public key   ${vkey}`,
    `fingerprint  ${fingerprint} (of this key alone)`,
  ]);
}

/** "keys/a.pem" → "keys/a.pub.pem" */
export function publicFileOf(secretFile: string): string {
  return secretFile.endsWith('.pem') ? secretFile.replace(/\.pem$/, '.pub.pem') : `${secretFile}.pub.pem`;
}
