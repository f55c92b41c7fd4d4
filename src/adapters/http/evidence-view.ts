// A piece of evidence as a monitor shows it: verified again from its bytes each time, so that what a page says never
// rests on what a store says.

import { LimmatError, isLimmatError } from '../../errors.ts';
import { explainEvidence } from '../../monitor/evidence/explain.ts';
import type { Explanation } from '../../monitor/evidence/explain.ts';
import { parseEvidence } from '../../monitor/evidence/file.ts';
import { verifyObservation } from '../../monitor/evidence/observe.ts';
import { verifyEvidence } from '../../monitor/evidence/verify.ts';
import type { ServedMonitor } from './served-monitor.ts';

/**
 * The explanation of an evidence file; undefined when nothing that is configured now bears it out: its log is not watched
 * any more, or has other keys or promises than when it was kept.
 */
export async function explainFile(monitor: ServedMonitor, file: Uint8Array): Promise<Explanation | undefined> {
  const parsed = parseEvidence(file);
  try {
    const evidence = await verifyEvidence(parsed, monitor.view().logs);
    const { observed } = parsed;
    if (observed === undefined) return explainEvidence(evidence);
    const verdict = await verifyObservation(evidence, observed, monitor.observers);
    return explainEvidence(evidence, { observation: observed.observation, verdict });
  } catch (error) {
    if (isLimmatError(error, 'unknown-log') || isLimmatError(error, 'bad-evidence')) return undefined;
    throw error;
  }
}

/** As explainFile; `not-found` for what cannot be explained any more. */
export async function mustExplainFile(monitor: ServedMonitor, file: Uint8Array): Promise<Explanation> {
  const explanation = await explainFile(monitor, file);
  if (explanation !== undefined) return explanation;
  throw new LimmatError(
    'not-found',
    'the log that this evidence is about is not watched here any more, or with other keys, so there is nothing to check it with',
  );
}
