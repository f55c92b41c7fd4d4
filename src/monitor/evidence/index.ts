// Public names of the evidence part.

export type {
  Claim,
  ClaimEntry,
  Evidence,
  EvidenceHead,
  EvidenceKind,
  HeadSignature,
  Observation,
} from './evidence.ts';
export { explainEvidence, explanationSvg, explanationText } from './explain.ts';
export type { Explanation, ExplanationSection, JudgedObservation } from './explain.ts';
export { EVIDENCE_FORMAT, formatEvidence, parseEvidence } from './file.ts';
export type { EvidenceFile, SignedObservation } from './file.ts';
export { admissionEvidence, issuerEvidence } from './gather.ts';
export type { AdmissionSource } from './gather.ts';
export { groupEvidence } from './group.ts';
export type { EvidenceGroup } from './group.ts';
export {
  backdatedEntry,
  contradiction,
  falseChannelHead,
  forkPrefix,
  forkSameSize,
  futureEntry,
  proofContradicted,
  rollback,
  windowSecondsOf,
} from './make.ts';
export { inadmissibleEntry, locationBreach, recordConflict, streamBreak, verdictConflict } from './make-record.ts';
export type { IncludedEntry, PrefixProof, SignedHead } from './make.ts';
export { signObservation, verifyObservation } from './observe.ts';
export type { ObservationVerdict } from './observe.ts';
export { verifyEvidence } from './verify.ts';
