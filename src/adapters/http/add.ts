// POST /add: one entry, and what its sender waits for. Shared by the Hono route and the raw Node listener.

import { LimmatError } from '../../errors.ts';
import type { AppendResult } from '../../log/intake.ts';
import { bodyLimit } from './body.ts';
import { MAX_ENTRY_BYTES } from './limits.ts';
import type { PublishLevel } from '../../log/publish.ts';
import type { ServedLog } from './served-log.ts';

/** The three levels of DESIGN §4: a durable index, a proof, a proof with a witness quorum. */
export const WAIT_LEVELS = ['sequenced', 'published', 'witnessed'] as const;

/** The bound on the body of /add: an entry's own. */
export const ENTRY_LIMIT = bodyLimit('entry-too-large', MAX_ENTRY_BYTES);

/** Appends one entry and gives its durable index; throws what the log has against it. Empty bodies are `malformed`. */
export async function addEntry(log: ServedLog, bytes: Uint8Array): Promise<AppendResult & { readonly ok: true }> {
  if (bytes.length === 0) {
    throw new LimmatError('malformed', 'the body is empty; send the bytes of one entry');
  }
  const [result] = await log.append([bytes]);
  if (result === undefined) throw new TypeError('bad math in append: no result for one entry');
  if (!result.ok) throw result.error;
  return result;
}

/** The proof file of a durable entry, or undefined: at the deadline, and also when waiting failed, because the entry is in. */
export async function waitForProof(
  log: ServedLog,
  index: number,
  waitMillis: number,
  level: PublishLevel,
): Promise<Uint8Array | undefined> {
  try {
    return await log.waitPublished(index, waitMillis, level);
  } catch {
    return undefined;
  }
}
