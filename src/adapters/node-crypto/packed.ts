// Verification jobs as one block of memory. A message between threads costs about 50 µs, and each object in it more;
// one transferred buffer for a hundred jobs costs next to nothing.

import type { AlgorithmName, VerifyJob } from '../../crypto/suite.ts';

const NAMES: readonly AlgorithmName[] = ['Ed25519', 'ECDSA-P256', 'ML-DSA-44'];

// Per job: algorithm (1 byte), three lengths (4 bytes each), then key, message and signature.
const HEAD = 13;

/** The jobs, one after another, in new memory that may be transferred. */
export function packJobs(jobs: readonly VerifyJob[]): ArrayBuffer {
  let length = 0;
  for (const job of jobs) length += HEAD + job.publicKey.length + job.message.length + job.signature.length;
  const buffer = new ArrayBuffer(length);
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let at = 0;
  for (const { algorithm, publicKey, message, signature } of jobs) {
    view.setUint8(at, NAMES.indexOf(algorithm));
    view.setUint32(at + 1, publicKey.length);
    view.setUint32(at + 5, message.length);
    view.setUint32(at + 9, signature.length);
    at += HEAD;
    for (const part of [publicKey, message, signature]) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return buffer;
}

/** The jobs in a packed block, as views of it. */
export function unpackJobs(buffer: ArrayBuffer): VerifyJob[] {
  const view = new DataView(buffer);
  const jobs: VerifyJob[] = [];
  let at = 0;
  const take = (length: number): Uint8Array => {
    const part = new Uint8Array(buffer, at, length);
    at += length;
    return part;
  };
  while (at < buffer.byteLength) {
    const head = at;
    at += HEAD;
    const algorithm = NAMES[view.getUint8(head)]!;
    const publicKey = take(view.getUint32(head + 1));
    const message = take(view.getUint32(head + 5));
    const signature = take(view.getUint32(head + 9));
    jobs.push({ algorithm, publicKey, message, signature });
  }
  return jobs;
}
