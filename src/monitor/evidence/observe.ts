// The observation: who came by the checkpoints, when and how. It is the observer's word and stands beside the proof,
// never in it; the observer signs it, so that nobody else can speak in its name.

import { LimmatError, isLimmatError } from '../../errors.ts';
import { formatNote } from '../../note/note.ts';
import type { MonitorSigner, MonitorVerifier } from '../monitor-key.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Evidence, Observation } from './evidence.ts';
import { observationJson, parseEvidence, formatEvidence } from './file.ts';
import type { SignedObservation } from './file.ts';

const FIRST_LINE = 'limmat/observation/v1';

/**
 * The text that an observer signs, as a note (C2SP signed-note) with its Ed25519 key:
 *
 *     limmat/observation/v1
 *     fork-prefix
 *     example.com/log
 *     <the evidence's id, 64 hex digits>
 *     {"atSeconds":1790000000,"observer":"monitor.example/m","sources":[{"atSeconds":1789999990,"checkpoint":0,"via":"log"}]}
 */
function observationText({ kind, origin, id }: Evidence, observation: Observation): string {
  return [FIRST_LINE, kind, origin, id, canonicalJson(observationJson(observation)), ''].join('\n');
}

/** Signs an observation of this evidence. RangeError when it names another observer or does not fit into a file. */
export async function signObservation(
  evidence: Evidence,
  observation: Observation,
  signer: MonitorSigner,
): Promise<SignedObservation> {
  if (observation.observer !== signer.name) {
    throw new RangeError(`the observer is ${observation.observer}, and the key is named ${signer.name}`);
  }
  const text = observationText(evidence, observation);
  const note = await signer.sign(text);
  const observed = Object.freeze({ observation, signature: note.slice(text.length + 1, -1) });
  return parseEvidence(formatEvidence(evidence, observed)).observed!;
}

/** What an observer's signature is worth to somebody who knows these observers. */
export type ObservationVerdict =
  /** It is the observer's. */
  | 'signed'
  /** Nobody here knows the observer's key: anyone may have written it. */
  | 'unknown-observer'
  /** It is in the name of a known observer, who did not sign it. */
  | 'forged';

/** Judges the signature under an observation of this evidence. Never throws: the proof stands without it. */
export async function verifyObservation(
  evidence: Evidence,
  { observation, signature }: SignedObservation,
  observers: readonly MonitorVerifier[],
): Promise<ObservationVerdict> {
  const named = observers.filter(({ name }) => name === observation.observer);
  const text = observationText(evidence, observation);
  let verdict: ObservationVerdict = 'unknown-observer';
  for (const observer of named) {
    try {
      if ((await observer.open(formatNote(text, [`${signature}\n`]))) === text) return 'signed';
      verdict = 'forged';
    } catch (error) {
      // A line by another key of that name says nothing about this one.
      if (isLimmatError(error, 'unknown-key')) continue;
      if (!(error instanceof LimmatError) && !(error instanceof RangeError)) throw error;
      verdict = 'forged';
    }
  }
  return verdict;
}
