// Usage errors: what commander found wrong with a command line, as one sentence that says what was meant.

import { type Command, type CommanderError } from 'commander';

import { LimmatError } from '../../src/errors.ts';
import { didYouMean } from '../../src/node/did-you-mean.ts';

/** The whole name, as typed: "limmat submitter add". */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

/** What a stray word may have been meant as: an option of this command whose dashes, or whose name, were left out. */
function strayHint(command: Command, stray: string): string {
  const name = stray.split('=', 1)[0]!;
  const longs = command.options.map((option) => option.long ?? '').filter((long) => long !== '');
  if (longs.includes(`--${name}`)) return `: did you mean --${stray}?`;
  const dataOption = longs.includes('--data') && /[/\\.]/.test(stray);
  if (dataOption) return `: did you mean --data ${stray}?`;
  return didYouMean(`--${name}`, longs);
}

/** For a word where only a subcommand could stand: the one that was meant, or which there are. */
function unknownSubcommand(command: Command, word: string): string {
  const names = command.commands.map((child) => child.name());
  const guess = didYouMean(word, names) || strayHint(command, word);
  // All that the program itself has are too many for one line.
  const all = command.parent === null ? '' : `: "${commandPath(command)}" has ${names.join(', ')}`;
  return `unknown command '${word}'${guess === '' ? all : guess}`;
}

function strayMessage(command: Command): string {
  const taken = command.registeredArguments.length;
  const stray = command.args.slice(taken);
  if (taken === 0 && command.commands.length > 0) return unknownSubcommand(command, stray[0] ?? '');
  const takes = taken === 0 ? 'takes no arguments' : `takes ${taken} argument${taken === 1 ? '' : 's'}`;
  return `"${commandPath(command)}" ${takes}, and "${stray[0]}" is one too many${strayHint(command, stray[0] ?? '')}`;
}

/**
 * Fails with `usage` for a word before --help that names no subcommand: commander would show the help of the command
 * above it, as if the word meant something.
 */
export function assertNoStrayWord(command: Command): void {
  const [word] = command.args;
  if (command.commands.length === 0 || command.registeredArguments.length > 0) return;
  if (word === undefined || word.startsWith('-')) return;
  throw new LimmatError('usage', `${strayMessage(command)} (see "${commandPath(command)} --help")`);
}

/** The error to report for what commander threw at this command. */
export function usageError(error: CommanderError, command: Command): LimmatError {
  const said = error.message.replace(/^error: /, '').replace(/\s*\n\(Did you mean (.*)\?\)$/s, ': did you mean $1?');
  const message = error.code === 'commander.excessArguments' ? strayMessage(command) : said;
  return new LimmatError('usage', `${message} (see "${commandPath(command)} --help")`);
}
