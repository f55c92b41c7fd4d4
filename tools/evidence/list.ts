// limmat evidence list: every file of a directory, checked, and those about one trouble together.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { groupEvidence } from '../../src/monitor/evidence/group.ts';
import type { EvidenceGroup } from '../../src/monitor/evidence/group.ts';
import { printable } from '../../src/monitor/evidence/words.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput, styleError } from '../support/output.ts';
import type { LimmatError } from '../../src/errors.ts';
import { judgeFile, logsOf, observersOf } from './judge.ts';
import type { JudgedFile, KeyFlags } from './judge.ts';
import { evidenceJson, exitCodeOf, headlineOf, isVerdict, verdictOn } from './report.ts';

/** Lists a directory; exit code 6 when any evidence is proof, else 5 when any holds, else 4 when any file does not, else 0. */
export async function listEvidence(dir: string, flags: KeyFlags): Promise<void> {
  const output = createOutput(flags);
  const [logs, observers] = [logsOf(flags), observersOf(flags)];
  const held = new Map<string, { readonly path: string; readonly judged: JudgedFile }[]>();
  const refused: { readonly path: string; readonly error: LimmatError }[] = [];
  for (const path of evidenceFiles(dir)) {
    try {
      const judged = await judgeFile(path, logs, observers);
      const { id } = judged.evidence;
      held.set(id, [...(held.get(id) ?? []), { path, judged }]);
    } catch (error) {
      if (!isVerdict(error)) throw error;
      refused.push({ path, error });
    }
  }
  const all = [...held.values()].flat();
  const groups = groupEvidence(all.map(({ judged }) => judged.evidence));
  const filesOf = ({ evidence }: EvidenceGroup): typeof all => evidence.flatMap(({ id }) => held.get(id)!);
  output.result(
    {
      groups: groups.map((group) => ({
        origin: group.origin,
        kinds: group.kinds,
        files: filesOf(group).map(({ path, judged }) => ({ file: path, ...evidenceJson(judged) })),
      })),
      refused: refused.map(({ path, error: { code, message } }) => ({ file: path, error: { code, message } })),
    },
    [
      ...groups.flatMap((group) => [
        `${verdictOn(group.evidence[0]!)} ${printable(group.origin)}: ${group.kinds.join(', ')}`,
        ...filesOf(group).flatMap(({ path, judged }) => [`  ${path}`, `    ${headlineOf(judged.evidence)}`]),
      ]),
      ...(all.length + refused.length === 0 ? ['no evidence files (*.json) here'] : []),
    ],
  );
  for (const { path, error } of refused) {
    output.note(`${styleError('yellow', 'refused')} ${path}: ${error.message} (${error.code})`);
  }
  const codes = all.map(({ judged }) => exitCodeOf(judged));
  process.exitCode = Math.max(EXIT.clean, ...codes, ...(refused.length > 0 ? [EXIT.finding] : []));
}

/** The paths of a directory's files that may be evidence, sorted. */
function evidenceFiles(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map(({ name }) => join(dir, name))
    .toSorted();
}
