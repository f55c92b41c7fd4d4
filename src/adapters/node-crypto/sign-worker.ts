// A thread that signs: a block of messages in, their signatures out.

import { sign } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { SigningBlock } from './signing.ts';

parentPort?.on('message', ({ keys, jobs }: SigningBlock) => {
  const signatures = jobs.map(({ key, message }) => new Uint8Array(sign(null, message, keys[key]!)));
  parentPort?.postMessage(
    signatures,
    signatures.map(({ buffer }) => buffer),
  );
});
