// Evidence as the command line says it, to people and to programs.

import { toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { explainEvidence } from '../../src/monitor/evidence/explain.ts';
import { KINDS } from '../../src/monitor/evidence/kinds.ts';
import { entriesInWords, keyInWords, printable, timeInWords } from '../../src/monitor/evidence/words.ts';
import { EXIT } from '../support/exit.ts';
import { style } from '../support/output.ts';
import type { JudgedFile } from './judge.ts';

/** A verdict about a file, unlike a check that could not be made. */
export function isVerdict(error: unknown): error is LimmatError {
  return error instanceof LimmatError && (error.code === 'bad-evidence' || error.code === 'unknown-log');
}

/** What this evidence shows, in one sentence without a full stop. */
export function headlineOf(evidence: Evidence): string {
  return explainEvidence(evidence).headline;
}

/** 6, or 5 where a third entry in between could explain what the evidence shows: then it takes the log to tell. */
export function exitCodeOf({ evidence }: JudgedFile): number {
  return KINDS[evidence.kind].needsReplay === true ? EXIT.suspicion : EXIT.proof;
}

export function evidenceJson({ evidence, observed }: JudgedFile): Readonly<Record<string, unknown>> {
  const { kind, origin, id, heads } = evidence;
  return {
    verified: true,
    kind,
    origin,
    id,
    accuses: KINDS[kind].accuses,
    ...(KINDS[kind].needsReplay === true && { needsReplay: true }),
    heads: heads.map(({ size, rootHash, signatures, missing }) => ({
      size,
      rootHash: toHex(rootHash),
      signatures: signatures.map(({ vkey, timestampSeconds }) => ({
        key: vkey,
        ...(timestampSeconds !== 0 && { timestampSeconds }),
      })),
      missing,
    })),
    ...(observed !== undefined && { observation: observed.observation, observationSignature: observed.verdict }),
  };
}

const VERDICTS: Readonly<Record<NonNullable<JudgedFile['observed']>['verdict'], string>> = {
  signed: 'signed by it',
  'unknown-observer': 'not checked: give its key with --observer',
  forged: 'FORGED: its signature does not hold',
};

const CONVICTS = {
  log: 'the log',
  issuer: 'who signed the records; the log keeps what was said',
  witness: 'the witness',
} as const;

/** What stands before the headline. */
export function verdictOn({ kind }: Evidence): string {
  return KINDS[kind].needsReplay === true ? style('yellow', 'shown') : style('red', 'proven');
}

export function evidenceLines(path: string, { evidence, observed }: JudgedFile): readonly string[] {
  const { id, kind, heads } = evidence;
  return [
    `${verdictOn(evidence)} ${path}: ${headlineOf(evidence)}`,
    `  kind        ${kind}`,
    `  convicts    ${CONVICTS[KINDS[kind].accuses]}`,
    `  id          ${id}`,
    ...heads.flatMap(({ size, rootHash, signatures, missing }, i) => [
      `  checkpoint  ${i + 1}: ${entriesInWords(size)}, root ${toHex(rootHash)}`,
      ...signatures.map(
        ({ vkey, timestampSeconds }) =>
          `              signed with ${keyInWords(vkey)}${timestampSeconds === 0 ? '' : `, as of ${timeInWords(timestampSeconds)}`}`,
      ),
      ...missing.map((vkey) => `              not signed with ${keyInWords(vkey)}`),
    ]),
    ...(observed === undefined
      ? []
      : [
          `  observer    ${printable(observed.observation.observer)}, ${timeInWords(observed.observation.atSeconds)} (${VERDICTS[observed.verdict]}; no part of the proof)`,
        ]),
  ];
}
