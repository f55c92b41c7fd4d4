// The command line: finds the subcommand, loads only its file, and turns what it throws into one line and an exit code.

import { readFileSync } from 'node:fs';

import { Command, CommanderError } from 'commander';

import { asCommandError, EXIT, exitCodeFor } from './support/exit.ts';
import { reportError } from './support/output.ts';
import { assertNoStrayWord, usageError } from './support/usage.ts';

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ register(program: Command): void }>;
}

// Literal imports, so that the bundler finds the files; lazy, so that "limmat verify" does not load a database.
const GROUPS: readonly { readonly title: string; readonly commands: readonly Subcommand[] }[] = [
  {
    title: 'Running a log:',
    commands: [
      { name: 'init', summary: 'make a data directory with fresh keys', load: () => import('./init.ts') },
      { name: 'serve', summary: 'run the log', load: () => import('./serve.ts') },
      { name: 'submitter', summary: 'say which keys may submit what', load: () => import('./submitter.ts') },
      { name: 'namespace', summary: 'say which vendors share the log', load: () => import('./namespace.ts') },
      { name: 'backup', summary: 'copy a running log', load: () => import('./backup.ts') },
      { name: 'recover', summary: 'resume a restored log from public tiles', load: () => import('./recover.ts') },
      { name: 'export', summary: 'write the log as static files', load: () => import('./export.ts') },
      { name: 'fsck', summary: 're-hash and check a whole log', load: () => import('./fsck.ts') },
      { name: 'reindex', summary: 'make indexes and state again from the entries', load: () => import('./reindex.ts') },
    ],
  },
  {
    title: 'Submitting records:',
    commands: [
      { name: 'keygen', summary: 'make a key', load: () => import('./keygen.ts') },
      { name: 'sign', summary: 'sign a record', load: () => import('./sign.ts') },
      { name: 'schema', summary: 'print a record type as a JSON Schema', load: () => import('./schema.ts') },
      { name: 'add', summary: 'append files or signed records', load: () => import('./add.ts') },
      { name: 'import', summary: 'sign and append rows of JSON Lines', load: () => import('./import.ts') },
      { name: 'rebuild', summary: 'build a logged build again, log the verdict', load: () => import('./rebuild.ts') },
    ],
  },
  {
    title: 'Checking:',
    commands: [
      { name: 'trust', summary: 'make and explain trust files', load: () => import('./trust.ts') },
      { name: 'show', summary: 'say what a statement, a proof file or a key is', load: () => import('./show.ts') },
      { name: 'find', summary: 'look records up', load: () => import('./find.ts') },
      { name: 'proof', summary: 'fetch the proof file of an entry', load: () => import('./proof.ts') },
      { name: 'verify', summary: 'check a file against its proof file, offline', load: () => import('./verify.ts') },
      { name: 'check', summary: 'look files up in a log, and say what is known', load: () => import('./check.ts') },
      { name: 'channel-head', summary: 'fetch the signed head of a channel', load: () => import('./channel-head.ts') },
      { name: 'report', summary: 'say what the log’s records come to', load: () => import('./report.ts') },
      { name: 'monitor', summary: 'watch logs and say what is wrong with them', load: () => import('./monitor.ts') },
      { name: 'witness', summary: 'cosign the heads of logs', load: () => import('./witness.ts') },
      { name: 'mirror', summary: 'keep verified copies of logs and serve them', load: () => import('./mirror.ts') },
      { name: 'misbehave', summary: 'run a log that lies on purpose', load: () => import('./misbehave.ts') },
      { name: 'evidence', summary: 'check and explain files that convict a log', load: () => import('./evidence.ts') },
      { name: 'demo', summary: 'watch it work, in under a minute', load: () => import('./demo.ts') },
      { name: 'bench', summary: 'measure this machine', load: () => import('./bench.ts') },
    ],
  },
];

/** The package's version; the file is beside tools/ in a checkout and beside dist/ in a package. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '?';
}

/** The subcommand that is named: the first word that is no option, or the word after "help". */
function chosenName(argv: readonly string[]): string | undefined {
  const words = argv.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('limmat')
    .description('A transparency log for software vendors: signed records that anyone can check.')
    .version(version())
    .usage('<command> [options]')
    // After the command's name every option is the command's own: "limmat add --version 1.0" is about a product.
    .enablePositionalOptions()
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', '\n"limmat <command> --help" says more. Every command that a program may read takes --json.');
  const chosen = chosenName(argv);
  for (const group of GROUPS) {
    program.commandsGroup(group.title);
    for (const { name, summary, load } of group.commands) {
      // The others only have to be listed.
      if (name === chosen) (await load()).register(program);
      else program.command(name).summary(summary).description(summary);
    }
  }
  return program;
}

/** Makes commander throw instead of leaving, with the command that it was about. */
function throwUsage(command: Command): void {
  command.exitOverride((error) => {
    throw error.exitCode === 0 || error.code === 'commander.help' ? error : usageError(error, command);
  });
  command.on('beforeHelp', () => assertNoStrayWord(command));
  for (const child of command.commands) throwUsage(child);
}

/**
 * Runs one command line (without the interpreter and the script). Resolves to the exit code; whatever went wrong has
 * been said by then. A command ends with another code than 0 by throwing, or by setting process.exitCode.
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(argv);
    throwUsage(program);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? EXIT.clean);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
    const reported = asCommandError(error);
    reportError(reported, argv.includes('--json'));
    return exitCodeFor(reported);
  }
}

/** Runs one command line as the process's own: its exit code, and quiet when the reader of a pipe has gone. */
export async function run(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.clean);
    throw error;
  });
  process.exitCode = await main(argv);
}
