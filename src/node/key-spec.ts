// Where a key comes from: `FILE`, `env:NAME` or `exec:COMMAND`. With exec the secret never enters this process: the
// command gets the signing input on standard input and answers the signature on standard output, as an HSM's or a key
// management service's tool does.

import { spawn } from 'node:child_process';

import { fromBase64, fromHex, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { readSecretFile } from './secret-file.ts';

export type KeySpec =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'exec'; readonly command: string };

/** For --help texts. */
export const KEY_SPEC_HELP = 'FILE, env:NAME or exec:COMMAND (signing input on stdin, signature on stdout)';

/** A signing command that says nothing for this long hangs: an HSM that asks for a touch gets a minute. */
const EXEC_TIMEOUT_MILLIS = 60_000;
/** No signature that is supported here is longer (ML-DSA-44: 2,420 bytes, in hex twice that). */
const MAX_EXEC_OUTPUT = 16_384;

/** What a --key value names. Anything without a known prefix is a file. */
export function parseKeySpec(text: string): KeySpec {
  if (text.startsWith('env:')) return { kind: 'env', name: text.slice('env:'.length) };
  if (text.startsWith('exec:')) return { kind: 'exec', command: text.slice('exec:'.length) };
  return { kind: 'file', path: text };
}

/** The secret's text (PEM or skey) of a file that only its owner can read, or of an environment variable. */
export function readSecret(spec: Exclude<KeySpec, { kind: 'exec' }>): string {
  if (spec.kind === 'file') return readSecretFile(spec.path);
  const text = process.env[spec.name];
  if (text === undefined || text === '') {
    throw new LimmatError('bad-key', `the environment variable ${spec.name} that should hold a key is not set`);
  }
  return text;
}

/** Runs the command in a shell with this input; resolves to its standard output. `bad-key` when it fails. */
export function runSigningCommand(command: string, input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new LimmatError('bad-key', `the signing command "${command}" ${why}`));
    const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'], timeout: EXEC_TIMEOUT_MILLIS });
    const chunks: Uint8Array[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= MAX_EXEC_OUTPUT) chunks.push(chunk);
      else child.kill();
    });
    child.on('error', (error) => fail(`did not start: ${error.message}`));
    child.on('close', (code, signal) => {
      if (length > MAX_EXEC_OUTPUT) fail(`answered more than ${MAX_EXEC_OUTPUT} bytes`);
      else if (signal !== null) fail(`was stopped by ${signal} (it has ${EXEC_TIMEOUT_MILLIS / 1000} s)`);
      else if (code !== 0) fail(`ended with exit code ${code}`);
      else resolve(new Uint8Array(Buffer.concat(chunks)));
    });
    // A command that does not read its input closes the pipe; what it answers decides.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Signatures of a signing command: raw, or as one line of base64 or hexadecimal, or (P-256 alone) in DER. */
export function parseCommandSignature(output: Uint8Array, size: number, derAllowed: boolean): Uint8Array {
  if (output.length === size) return output;
  const text = (utf8Text(output) ?? '').trim();
  const decoded = text === '' ? output : (fromHex(text) ?? fromBase64(text) ?? output);
  if (decoded.length === size) return decoded;
  const fixed = derAllowed ? fixedFromDer(decoded, size / 2) : undefined;
  if (fixed !== undefined) return fixed;
  throw new LimmatError(
    'bad-key',
    `the signing command answered ${output.length} bytes, which is no signature of ${size} bytes in raw form, base64 or hex`,
  );
}

/** r ‖ s of an ECDSA signature in DER (SEQUENCE of two INTEGERs), or undefined when it is not one. */
function fixedFromDer(der: Uint8Array, half: number): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const out = new Uint8Array(2 * half);
  let offset = 2;
  for (const end of [half, 2 * half]) {
    const length = der[offset + 1];
    if (der[offset] !== 0x02 || length === undefined || offset + 2 + length > der.length) return undefined;
    let digits = der.subarray(offset + 2, offset + 2 + length);
    while (digits.length > half && digits[0] === 0) digits = digits.subarray(1);
    if (digits.length > half) return undefined;
    out.set(digits, end - digits.length);
    offset += 2 + length;
  }
  return offset === der.length ? out : undefined;
}
