// What runs in a browser, and in a context that has no more than one: the verifier on a delivery and on what is wrong with
// it. The answers are compared with those of Node. Only src/index.ts and Web APIs are used here.

import * as limmat from '../../src/index.ts';

/** A delivery as text; `expected` are the answers that verifying it and its changes have to give. */
export interface BrowserJob {
  /** Base64. */
  readonly proofFile: string;
  readonly artifactSha256: string;
  readonly trust: string;
  readonly nowSeconds: number;
}

export interface BrowserAnswers {
  /** By what was done to the delivery: 'verified' or the refusal's code. */
  readonly verdicts: Readonly<Record<string, string>>;
  /** Names that the package exports here. */
  readonly names: readonly string[];
  readonly witnesses: readonly string[];
  /** Milliseconds of one verification, the fastest of some. */
  readonly millis: number;
}

const RUNS = 20;

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = copy[at] === 0x41 ? 0x42 : 0x41;
  return copy;
}

/** Verifies the delivery, and refuses each change of it. */
export async function check(job: BrowserJob): Promise<BrowserAnswers> {
  const proofFile = bytesOf(job.proofFile);
  const given = {
    proofFile,
    artifactSha256: bytesOf(job.artifactSha256),
    trust: limmat.parseTrust(job.trust),
    nowSeconds: job.nowSeconds,
  };
  const verdicts: Record<string, string> = {};
  const judge = async (name: string, options: limmat.VerifyOptions): Promise<void> => {
    try {
      await limmat.verifyProofFile(options);
      verdicts[name] = 'verified';
    } catch (error) {
      verdicts[name] = limmat.isLimmatError(error) ? error.code : String(error);
    }
  };
  await judge('as it is', given);
  await judge('aged', { ...given, trust: { ...given.trust, maxAgeSeconds: 60 } });
  await judge('from the future', { ...given, nowSeconds: job.nowSeconds - 100_000 });
  await judge('another file', { ...given, artifactSha256: changed(given.artifactSha256, 0) });
  await judge('a changed signature', { ...given, proofFile: changed(proofFile, proofFile.length - 60) });
  const stricter = limmat.parseTrust(job.trust.replace('group two 2 ', 'group two 3 '));
  await judge('a witness too few', { ...given, trust: stricter });
  const { head, remembered, cosignatures } = await limmat.verifyProofFile(given);
  const state = limmat.parseState(limmat.formatState(remembered));
  await judge('a remembered head', { ...given, remembered: state });
  const other = { ...head, rootHash: limmat.asHash(changed(head.rootHash, 3)) };
  await judge('a fork', { ...given, remembered: new Map([[head.origin, other]]) });
  let millis = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const startedAt = performance.now();
    await limmat.verifyProofFile(given);
    millis = Math.min(millis, performance.now() - startedAt);
  }
  return { verdicts, names: Object.keys(limmat), witnesses: cosignatures.map(({ witness }) => witness), millis };
}
