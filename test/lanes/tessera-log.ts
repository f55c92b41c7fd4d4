// A live Tessera log in a process of its own (test/interop/tesseralog), for the lanes.

import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { portableCrypto } from '../../src/crypto/index.ts';
import { formatSignerKey, generateSignerKey, SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/index.ts';

const moduleDir = fileURLToPath(new URL('../interop', import.meta.url));

/** A log's one key, as Go's note writes it: the skey, and the vkey that others trust. */
export interface TesseraKey {
  readonly skey: string;
  readonly vkey: string;
}

export interface TesseraLog {
  readonly url: string;
  /** Appends these; resolves once all of them are published. */
  add(entries: readonly string[]): Promise<void>;
  /** SIGTERM; rejects unless it ends cleanly. */
  stop(): Promise<void>;
}

/** Compiles the program; its path. Throws with what the compiler said. */
export function buildTesseraLog(dir: string): string {
  const binary = join(dir, 'tesseralog');
  const { status, stderr } = spawnSync('go', ['build', '-o', binary, './tesseralog'], {
    encoding: 'utf8',
    cwd: moduleDir,
  });
  if (status !== 0) throw new Error(`go build ended with ${status}: ${stderr}`);
  return binary;
}

export function tesseraKey(origin: string): TesseraKey {
  const key = generateSignerKey(
    origin,
    SIGNATURE_TYPE.ed25519,
    (length) => new Uint8Array(randomBytes(length)),
    portableCrypto,
  );
  return { skey: formatSignerKey(key), vkey: verifierKeyOf(key, portableCrypto).vkey };
}

/** Starts a log over what is in `dir`, or an empty one, on that port of loopback. Throws with what it printed when it does not get there. */
export async function startTesseraLog(
  binary: string,
  dir: string,
  { skey }: TesseraKey,
  port: number,
): Promise<TesseraLog> {
  const child = spawn(binary, ['-dir', dir, '-skey', skey, '-listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-8_192)));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const first: Promise<string[]> = once(createInterface({ input: child.stdout }), 'line');
  const [url] = await Promise.race([first, exited.then((code) => Promise.reject(new Error(`${code}: ${printed}`)))]);
  if (url === undefined) throw new Error(`tesseralog said nothing: ${printed}`);
  return {
    url,
    add: async (entries) => {
      // All at once: each answer waits for a checkpoint.
      await Promise.all(
        entries.map(async (body) => {
          const { status } = await fetch(`${url}/add`, { method: 'POST', body });
          if (status !== 200) throw new Error(`tesseralog answered ${status}: ${printed}`);
        }),
      );
    },
    stop: async () => {
      child.kill('SIGTERM');
      const code = await exited;
      if (code !== 0) throw new Error(`tesseralog ended with ${code}: ${printed}`);
    },
  };
}
