// Evidence files, one each, named by their id; and the bytes that somebody should look at, of which the oldest go first.

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../bytes.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { MAX_EVIDENCE_BYTES } from '../../monitor/ports.ts';
import type { EvidenceStore } from '../../monitor/ports.ts';
import { makeDirectory, named, readIfThere, replaceFile } from './files.ts';

const NAME = /^([0-9a-f]{64})\.json$/;

/** Opens the evidence store in this directory, making it first. */
export function openEvidence(dir: string): Promise<EvidenceStore> {
  return named(dir, async () => {
    await makeDirectory(dir);
    const sizes = new Map<string, number>();
    for (const name of await readdir(dir)) {
      const id = NAME.exec(name)?.[1];
      if (id !== undefined) sizes.set(id, (await stat(join(dir, name))).size);
    }
    return new FileEvidence(dir, sizes);
  });
}

class FileEvidence implements EvidenceStore {
  readonly #dir: string;
  readonly #sizes: Map<string, number>;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(dir: string, sizes: Map<string, number>) {
    this.#dir = dir;
    this.#sizes = sizes;
  }

  async ids(): Promise<readonly string[]> {
    return [...this.#sizes.keys()].toSorted();
  }

  async get(id: string): Promise<Uint8Array | undefined> {
    // Only what was put here is looked for, so an id from elsewhere is never a path.
    if (!this.#sizes.has(id)) return undefined;
    return named(this.#path(id), () => readIfThere(this.#path(id)));
  }

  async put(id: string, file: Uint8Array): Promise<boolean> {
    if (!NAME.test(`${id}.json`)) throw new RangeError('an evidence id has 64 lowercase hex digits');
    const bytes = file.slice();
    const turn = this.#writes.then(async () => {
      if (this.#sizes.has(id)) return true;
      const total = [...this.#sizes.values()].reduce((sum, size) => sum + size, bytes.length);
      if (total > MAX_EVIDENCE_BYTES) return false;
      await named(this.#path(id), () => replaceFile(this.#path(id), bytes));
      this.#sizes.set(id, bytes.length);
      return true;
    });
    this.#writes = turn.catch(() => undefined);
    return turn;
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

/** Suspect bytes that are kept of one log: a bundle of the largest entries has 16 MiB. */
const MAX_SUSPECT_BYTES = 32 * 1024 * 1024;
const MAX_SUSPECTS = 64;

/**
 * Keeps suspect bytes in a directory, as `<name>-<start of their SHA-256>`; the same bytes once. The name is made safe.
 * Not made durable: they convince nobody, they help to find out.
 */
export function keepSuspect(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  return named(dir, async () => {
    if (bytes.length > MAX_SUSPECT_BYTES) return;
    await makeDirectory(dir);
    const safe = name.replaceAll(/[^a-z0-9-]+/g, '-').slice(0, 64);
    await replaceFile(join(dir, `${safe}-${toHex(portableHasher.sha256(bytes)).slice(0, 16)}`), bytes);
    const files = await Promise.all(
      (await readdir(dir)).map(async (file) => {
        const { size, mtimeMs } = await stat(join(dir, file));
        return { file, size, mtimeMs };
      }),
    );
    let total = 0;
    for (const [i, { file, size }] of files.toSorted((a, b) => b.mtimeMs - a.mtimeMs).entries()) {
      total += size;
      if (i >= MAX_SUSPECTS || total > MAX_SUSPECT_BYTES) await rm(join(dir, file));
    }
  });
}
