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

function strayMessage(command: Command): string {
  const taken = command.registeredArguments.length;
  const stray = command.args.slice(taken);
  const takes = taken === 0 ? 'takes no arguments' : `takes ${taken} argument${taken === 1 ? '' : 's'}`;
  return `"${commandPath(command)}" ${takes}, and "${stray[0]}" is one too many${strayHint(command, stray[0] ?? '')}`;
}

/** The error to report for what commander threw at this command. */
export function usageError(error: CommanderError, command: Command): LimmatError {
  const said = error.message.replace(/^error: /, '').replace(/\s*\n\(Did you mean (.*)\?\)$/s, ': did you mean $1?');
  const message = error.code === 'commander.excessArguments' ? strayMessage(command) : said;
  return new LimmatError('usage', `${message} (see "${commandPath(command)} --help")`);
}
