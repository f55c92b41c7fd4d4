// The package's verifier as one script for a browser, and the delivery that it is to judge.

import { join } from 'node:path';

import { build } from 'esbuild';

import { toBase64 } from '../../src/bytes.ts';
import { NOW, ship, trustText } from './shipped.ts';
import type { BrowserJob } from './browser-entry.ts';

export interface BrowserBundle {
  /** A classic script that defines `verifier`. */
  readonly script: string;
  /** Every file that is in it, from the project's directory on. */
  readonly files: readonly string[];
}

/** Fails when anything in it needs a module that no browser has. */
export async function browserBundle(): Promise<BrowserBundle> {
  const result = await build({
    absWorkingDir: join(import.meta.dirname, '..', '..'),
    entryPoints: ['test/support/browser-entry.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'verifier',
    target: 'es2023',
    metafile: true,
    logLevel: 'silent',
  });
  return { script: result.outputFiles[0]!.text, files: Object.keys(result.metafile.inputs) };
}

/** A delivery that is in order, cosigned by A and B. */
export async function browserJob(): Promise<BrowserJob> {
  const { options, log } = await ship();
  if (options.artifactSha256 === 'none') throw new TypeError('bad math in browserJob');
  return {
    proofFile: toBase64(options.proofFile),
    artifactSha256: toBase64(options.artifactSha256),
    trust: trustText(log),
    nowSeconds: NOW,
  };
}

/** What has to come out, wherever it runs. */
export const EXPECTED_VERDICTS: Readonly<Record<string, string>> = {
  'as it is': 'verified',
  aged: 'too-old',
  'from the future': 'from-the-future',
  'another file': 'artifact-mismatch',
  'a changed signature': 'bad-note',
  'a witness too few': 'quorum-not-met',
  'a remembered head': 'verified',
  'a fork': 'fork',
};
