// What limmat check says, for people and for programs.

import { FIT_TEXT } from '../../src/record/text.ts';
import { CHECK_WORDS, worstGrade } from '../../src/client/check/words.ts';
import type { CheckWord, Grade } from '../../src/client/check/words.ts';
import type { FileVerdict } from '../../src/client/check/judge.ts';
import { EXIT } from '../support/exit.ts';
import type { ExitCode } from '../support/exit.ts';
import { style } from '../support/output.ts';
import { formatCount } from '../support/progress.ts';

/** A file and what comes of it. */
export interface CheckedFile {
  readonly name: string;
  readonly verdict: FileVerdict;
}

/** Files that are told about one by one; of more only those with a finding are. */
const ALL_TOLD = 10;
/** Of the JSON, what is handed to the system at once. */
const PIECE_BYTES = 256 * 1024;

const COLOURS: Readonly<Record<Grade, 'green' | 'yellow' | 'red'>> = {
  fine: 'green',
  remark: 'green',
  trouble: 'yellow',
  suspicion: 'red',
  finding: 'red',
  proof: 'red',
};

const EXITS: Readonly<Record<Grade, ExitCode>> = {
  fine: EXIT.clean,
  remark: EXIT.clean,
  trouble: EXIT.operational,
  suspicion: EXIT.suspicion,
  finding: EXIT.finding,
  proof: EXIT.proof,
};

/** The exit code of the gravest verdict. */
export function exitOf(checked: readonly CheckedFile[]): ExitCode {
  return EXITS[worstGrade(checked.map(({ verdict }) => verdict.grade))];
}

/** How many files have each verdict. */
export function countsOf(checked: readonly CheckedFile[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { verdict } of checked) counts[verdict.verdict] = (counts[verdict.verdict] ?? 0) + 1;
  return counts;
}

/**
 * The same as one JSON document, in pieces of its UTF-8 that fill `pieceBytes` but for the last: `more`, how many files have
 * each verdict, and the files. Most files share what is said of them with others, and that is encoded once.
 */
export function* checkJson(
  checked: readonly CheckedFile[],
  more: object,
  pieceBytes: number = PIECE_BYTES,
): Generator<Uint8Array> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let used = 0;
  for (const part of jsonParts(checked, more)) {
    for (let at = 0; at < part.length;) {
      const count = part.copy(piece, used, at);
      at += count;
      used += count;
      if (used < pieceBytes) continue;
      yield piece;
      piece = Buffer.allocUnsafe(pieceBytes);
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

function* jsonParts(checked: readonly CheckedFile[], more: object): Generator<Buffer> {
  const known = new Map<unknown, Buffer>();
  yield Buffer.from(`${JSON.stringify({ ...more, verdicts: countsOf(checked) }).slice(0, -1)},"files":[`);
  for (const [i, { name, verdict }] of checked.entries()) {
    yield Buffer.from(`${i === 0 ? '' : ','}{"file":${JSON.stringify(name)},"sha256":"${verdict.sha256}",`);
    let text = known.get(verdict.says);
    if (text === undefined) {
      const { sha256: _, ...said } = verdict;
      text = Buffer.from(JSON.stringify(said).slice(1));
      known.set(verdict.says, text);
    }
    yield text;
  }
  yield Buffer.from(']}\n');
}

/** The lines about files; of many, those that are fine have none. */
export function checkLines(checked: readonly CheckedFile[]): string[] {
  const lines: string[] = [];
  for (const { name, verdict } of checked) {
    const isFine = verdict.grade === 'fine' || verdict.grade === 'remark';
    if (checked.length > ALL_TOLD && isFine) continue;
    lines.push(`${style(COLOURS[verdict.grade], verdict.verdict)} ${shownName(name)}`);
    for (const { index, description, issuer, keyId } of verdict.records) {
      lines.push(`  entry ${index}  ${description}`, `    signed by ${issuer} (key ${keyId})`);
    }
    for (const { code, detail } of verdict.says) {
      if (code === 'logged') continue;
      const { sentence, grade } = CHECK_WORDS[code];
      const said = `${sentence}${detail === undefined ? '' : `: ${detail}`}`;
      lines.push(`  ${grade === 'remark' ? said : style(COLOURS[grade], said)}`);
    }
  }
  lines.push(...summaryLines(checked));
  return lines;
}

/** A file may be named so that its line reads as one of another file: what is no plain text is escaped. */
function shownName(name: string): string {
  return FIT.test(name) ? name : JSON.stringify(name).replaceAll(UNPRINTED, escaped);
}

/** What JSON leaves as it is, and moves or hides the text around it all the same. */
const UNPRINTED = /[\p{C}\p{Zl}\p{Zp}]/gu;
const FIT = new RegExp(FIT_TEXT, 'u');

function escaped(character: string): string {
  return character.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What was said of how many files, where there are more than one. */
function summaryLines(checked: readonly CheckedFile[]): readonly string[] {
  if (checked.length < 2) return [];
  const verdicts = Object.entries(countsOf(checked)).map(([code, count]) => `${formatCount(count)} ${code}`);
  const says = new Map<CheckWord, number>();
  for (const { verdict } of checked) {
    for (const { code } of verdict.says) {
      if (CHECK_WORDS[code].grade === 'remark') says.set(code, (says.get(code) ?? 0) + 1);
    }
  }
  const remarks = [...says].map(([code, count]) => `${formatCount(count)} ${code}`);
  const first = `${formatCount(checked.length)} files: ${verdicts.join(', ')}`;
  return remarks.length === 0 ? [first] : [first, `  of them ${remarks.join(', ')}`];
}
