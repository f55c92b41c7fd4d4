// A list of one log out of the keys that a command line names.

import { LimmatError } from '../../src/errors.ts';
import { parseLogList } from '../../src/monitor/log-list.ts';

/** A list of one log. `bad-trust-file` for keys that are none; `usage` for those of several logs. */
export function listOfKeys(keys: readonly string[], url: string | undefined): string {
  const text = keys.map((vkey) => `log ${vkey}${url === undefined ? '' : ` ${url}`}\n`).join('');
  const logs = parseLogList(text);
  if (logs.length === 1) return text;
  throw new LimmatError(
    'usage',
    `the keys are of ${logs.length} logs, ${logs.map(({ origin }) => origin).join(', ')}: put them into a list and give it with --trust`,
  );
}
