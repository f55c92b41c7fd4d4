// What a monitor says: one finding, in one of the classes that are never mixed. A finding of class proof always carries
// evidence that a third party can check without the monitor; every other class never does.

import type { ErrorDetails } from '../errors.ts';
import type { Evidence } from './evidence/evidence.ts';

/** The checks, by number; src/monitor/checks.ts says in a row each what they look at. */
export type CheckId = 'M01' | 'M02' | 'M03' | 'M04' | 'M05' | 'M06' | 'M07' | 'M08' | 'M09' | 'M10' | 'M11';

/**
 * What kind of trouble a finding is.
 *
 * - `proof`: the log, or who signed its records, contradicts itself in its own hand, and the evidence convinces anyone
 *   who has the log's keys.
 * - `suspicion`: something that an honest log does not do, which the material at hand does not prove.
 * - `operational`: the monitor could not look: network, limits, its own disk. Says nothing about the log.
 * - `record`: something about records; the log is not accused.
 * - `info`: a change that people should know of; nobody is accused.
 */
export type FindingClass = 'proof' | 'suspicion' | 'operational' | 'record' | 'info';

interface FindingParts {
  readonly check: CheckId;
  /** The log's origin; empty where the finding is about the monitor's own surroundings (its peers). */
  readonly origin: string;
  /**
   * Names the trouble, not the occasion: the same trouble seen again, by the same monitor after a restart too, has the
   * same key. At most 256 characters.
   */
  readonly key: string;
  /** One sentence, lower-case, with both numbers where two are compared. */
  readonly summary: string;
  readonly details: ErrorDetails;
}

export interface ProofFinding extends FindingParts {
  readonly class: 'proof';
  readonly evidence: Evidence;
}

export interface PlainFinding extends FindingParts {
  readonly class: Exclude<FindingClass, 'proof'>;
}

export type Finding = ProofFinding | PlainFinding;
