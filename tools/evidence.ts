// limmat evidence verify | explain | list | make: files that convict a log, checked offline with the log's keys alone. Exit
// code 6 = the evidence holds, 5 = it does and is proof only for who has the whole log, 4 = it does not.

import { writeFileSync } from 'node:fs';

import type { Command } from 'commander';

import { explainEvidence, explanationSvg, explanationText } from '../src/monitor/evidence/explain.ts';
import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { listEvidence } from './evidence/list.ts';
import { makeEvidence } from './evidence/make.ts';
import { evidenceJson, evidenceLines, exitCodeOf, isVerdict } from './evidence/report.ts';
import { judgeFile, keyOptions, logsOf, observersOf } from './evidence/judge.ts';
import type { JudgedFile, KeyFlags } from './evidence/judge.ts';
import { jsonOption } from './support/config.ts';
import { EXIT } from './support/exit.ts';
import { createOutput, styleError } from './support/output.ts';

interface ExplainFlags extends KeyFlags {
  readonly svg?: string;
}

export function register(program: Command): void {
  const evidence = program
    .command('evidence')
    .summary('check and explain files that convict a log')
    .description(
      'Evidence is a file with statements that a log signed and that cannot all be true. It is checked offline, with the ' +
        "log's keys and nothing else: take them from where the log's users have them, not from the file.",
    );
  withKeys(evidence.command('verify'))
    .argument('<file>', 'the evidence file')
    .description(
      'Checks evidence. Exit code 6: it holds, and the line says whom it convicts; 5: it holds, and takes a look at the rest of ' +
        'the log to be proof; 4: it does not hold, and the line says why.',
    )
    .action(verify);
  withKeys(evidence.command('explain'))
    .argument('<file>', 'the evidence file')
    .description(
      'Checks evidence, and says in plain words who signed what, why it cannot be true, and what it does not show.',
    )
    .option('--svg <file>', 'write the drawing of the trees to this file')
    .action(explain);
  withKeys(evidence.command('list'))
    .argument('<dir>', 'a directory of evidence files (*.json)')
    .description('Checks every evidence file of a directory, and lists those that are about one trouble together.')
    .action(listEvidence);
  withKeys(evidence.command('make'))
    .argument('<file>', 'a proof file, or a checkpoint')
    .argument('<other>', 'another one, of the same log')
    .description(
      'Makes evidence of two proof files, or checkpoints, that contradict each other. Exit code 6: they do; 0: nothing in ' +
        'these two files shows that they do.',
    )
    .option('--out <file>', 'where the evidence goes (default: its id and ".json"); never replaced')
    .action(makeEvidence);
}

function withKeys(command: Command): Command {
  for (const option of keyOptions()) command.addOption(option);
  return command.addOption(jsonOption());
}

async function verify(path: string, flags: KeyFlags): Promise<void> {
  const output = createOutput(flags);
  const judged = await judgeOrRefuse(path, flags);
  if (judged === undefined) return;
  output.result({ file: path, ...evidenceJson(judged) }, evidenceLines(path, judged));
  process.exitCode = exitCodeOf(judged);
}

async function explain(path: string, flags: ExplainFlags): Promise<void> {
  const output = createOutput(flags);
  const judged = await judgeOrRefuse(path, flags);
  if (judged === undefined) return;
  const explanation = explainEvidence(judged.evidence, judged.observed, nodeHasher);
  if (flags.svg !== undefined) writeFileSync(flags.svg, explanationSvg(explanation));
  const { headline, sections } = explanation;
  output.result(
    { file: path, ...evidenceJson(judged), headline, sections },
    explanationText(explanation).trimEnd().split('\n'),
  );
  if (flags.svg !== undefined) output.note(`the drawing is in ${flags.svg}`);
}

/** The file's evidence; undefined after it was said that, and why, there is none. */
async function judgeOrRefuse(path: string, flags: KeyFlags): Promise<JudgedFile | undefined> {
  const output = createOutput(flags);
  const [logs, observers] = [logsOf(flags), observersOf(flags)];
  try {
    return await judgeFile(path, logs, observers);
  } catch (error) {
    if (!isVerdict(error)) throw error;
    const { code, message, details } = error;
    output.value({ file: path, verified: false, error: { code, message, details } });
    output.note(`${styleError('red', 'refused')} ${path}: ${message} (${code})`);
    process.exitCode = EXIT.finding;
    return undefined;
  }
}
