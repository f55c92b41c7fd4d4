// How a mirror stands, for people and as an exit code.

import { mirrorJson } from '../../src/adapters/http/index.ts';
import type { MirrorJson } from '../../src/adapters/http/index.ts';
import type { Mirror, MirroredLogView } from '../../src/mirror/index.ts';
import { EXIT, exitCodeFor } from '../support/exit.ts';
import type { ExitCode } from '../support/exit.ts';
import { LimmatError } from '../../src/errors.ts';
import { style } from '../support/output.ts';
import { formatCount } from '../support/progress.ts';

/** A line a log, and what is wrong with it. */
export function logLines(log: MirroredLogView): string[] {
  const { origin, size, lag, stopped, trouble, contradictions } = log;
  const held = size === undefined ? 'nothing yet' : `${formatCount(size)} entries`;
  const lines = [`${style('bold', origin)}  ${held}${lag === 0 ? '' : `, ${formatCount(lag)} behind`}`];
  if (stopped !== undefined) {
    lines.push(`  ${style('red', 'followed no more')}: ${stopped}`);
    lines.push(`  ${formatCount(contradictions)} signed notes that convict it are kept, verbatim`);
  } else if (trouble !== undefined) {
    lines.push(`  ${style('red', trouble.code)}: ${trouble.message}`);
  }
  return lines;
}

/** The report of a whole mirror: JSON and lines. */
export function report(mirror: Mirror): { readonly json: MirrorJson; readonly lines: readonly string[] } {
  const json = mirrorJson(mirror);
  return {
    json,
    lines: [`${style('bold', 'limmat mirror')} ${json.name}`, ...json.logs.flatMap(logLines)],
  };
}

/** The worst that stands against any log: 6 when it contradicts itself, else that of its trouble. */
export function exitOf(mirror: Mirror): ExitCode {
  let worst: ExitCode = EXIT.clean;
  for (const { stopped, trouble } of mirror.logs.map((log) => log.view())) {
    const code =
      stopped === undefined ? trouble && exitCodeFor(new LimmatError(trouble.code, trouble.message)) : EXIT.proof;
    if (code !== undefined && code > worst) worst = code;
  }
  return worst;
}
