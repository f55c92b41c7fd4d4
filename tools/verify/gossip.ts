// limmat verify --gossip: hands the signed head of the proof file to a monitor, and checks what the monitor holds against
// the log. Whatever the monitor says counts only as far as the log's own signatures bear it out.

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { fetchEvidence, handIn, headToHandIn } from '../../src/client/hand-in.ts';
import { parseTrust } from '../../src/client/trust.ts';
import type { ErrorCode, LimmatError } from '../../src/errors.ts';
import { asLimmatError } from '../../src/errors.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { KINDS } from '../../src/monitor/evidence/kinds.ts';
import { MAX_EVIDENCE_BYTES } from '../../src/monitor/evidence/limits.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { logIdentity, parseLogList } from '../../src/monitor/log-list.ts';
import type { LogIdentity } from '../../src/monitor/watched-log.ts';

/** What came of handing in. */
export interface GossipReport {
  readonly url: string;
  readonly handedIn: boolean;
  /** Evidence of the monitor's that holds by the trust file's keys. */
  readonly evidence: readonly { readonly id: string; readonly kind: Evidence['kind'] }[];
  /** Why the head, or the last piece of evidence that could not be checked, did not get through. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Hands in the head of this proof file. Never throws for what the monitor, the network or the proof file does. */
export async function gossip(proofFile: Uint8Array, trustFile: Uint8Array, url: string): Promise<GossipReport> {
  const evidence: { id: string; kind: Evidence['kind'] }[] = [];
  let handedIn = false;
  try {
    const note = await headToHandIn(proofFile, parseTrust(trustFile), nodeCrypto);
    const ids = await handIn(note, { url });
    handedIn = true;
    const logs = parseLogList(trustFile).map((listed) => logIdentity(listed, nodeCrypto));
    let last: LimmatError | undefined;
    for (const id of ids) {
      // One that cannot be checked, as its kind is newer than this program or the monitor is a liar, hides none that holds.
      try {
        const found = await checked(id, url, logs);
        // What issuers said and cannot both be true is nothing against the log.
        if (KINDS[found.kind].accuses === 'log') evidence.push(found);
      } catch (error) {
        last = asLimmatError(error);
      }
    }
    return {
      url,
      handedIn,
      evidence,
      ...(last !== undefined && { error: { code: last.code, message: last.message } }),
    };
  } catch (error) {
    const { code, message } = asLimmatError(error);
    return { url, handedIn, evidence, error: { code, message } };
  }
}

async function checked(
  id: string,
  url: string,
  logs: readonly LogIdentity[],
): Promise<{ readonly id: string; readonly kind: Evidence['kind'] }> {
  const file = await fetchEvidence(id, MAX_EVIDENCE_BYTES, { url });
  const { id: found, kind } = await verifyEvidence(parseEvidence(file), logs);
  return { id: found, kind };
}

/** What people are told. */
export function gossipLines({ url, handedIn, evidence, error }: GossipReport): readonly string[] {
  const lines = evidence.map(
    ({ id, kind }) =>
      `the log contradicts itself (${kind}), and its own signatures prove it: ${url.replace(/\/$/, '')}/gossip/v1/evidence/${id}`,
  );
  if (error !== undefined) {
    const evidenceOf =
      lines.length > 0 ? 'other evidence that the monitor names' : 'the evidence that the monitor names';
    const what = handedIn ? `${evidenceOf} could not be checked` : 'the head was not handed in';
    return [...lines, `${what}: ${error.message} (${error.code})`];
  }
  return lines.length > 0 ? lines : [`the head was handed to ${url}, which has nothing against the log`];
}
