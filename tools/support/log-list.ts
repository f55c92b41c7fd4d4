// The lists of logs that a command line names for a new directory, of a monitor or a mirror.

import { resolve } from 'node:path';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { LimmatError } from '../../src/errors.ts';
import { parseLogList } from '../../src/monitor/log-list.ts';
import { readLogs } from '../../src/node/monitor/lists.ts';
import { DEFAULT_URL } from './config.ts';

/** What a command line says of them. */
interface ListFlags {
  readonly trust?: readonly string[];
  readonly key?: readonly string[];
  readonly url?: string;
}

/** What a new directory is told of them. */
export interface NamedLists {
  /** Paths of lists; `logs.txt` is the directory's own. */
  readonly trust: readonly string[];
  readonly url: string | undefined;
  /** The content of the directory's own list. */
  readonly list: string | undefined;
}

/**
 * All of it read and checked, with what the settings in `root` name already. `usage` when nothing says what it is about
 * (`what`, in words); errors of readLogs.
 */
export function listsNamed(
  { trust = [], key = [], url }: ListFlags,
  config: { readonly trust?: readonly string[] | undefined; readonly url?: string | undefined },
  root: string,
  what: string,
): NamedLists {
  const known = config.trust ?? [];
  if (trust.length + key.length + known.length === 0) {
    throw new LimmatError('usage', `say ${what}: --trust FILE, or --key VKEY of one log`);
  }
  const list = key.length === 0 ? undefined : listOfKeys(key, url);
  const paths = trust.map((path) => resolve(path));
  const lists = trust.length + key.length === 0 ? known : paths;
  if (lists.length > 0) readLogs({ trust: lists, root, url: url ?? config.url ?? DEFAULT_URL, crypto: nodeCrypto });
  return {
    trust: [...paths, ...(list === undefined ? [] : ['logs.txt'])],
    url: trust.length === 0 ? undefined : url,
    list,
  };
}

/** A list of one log. `bad-trust-file` for keys that are none; `usage` for those of several logs. */
function listOfKeys(keys: readonly string[], url: string | undefined): string {
  const text = keys.map((vkey) => `log ${vkey}${url === undefined ? '' : ` ${url}`}\n`).join('');
  const logs = parseLogList(text);
  if (logs.length === 1) return text;
  throw new LimmatError(
    'usage',
    `the keys are of ${logs.length} logs, ${logs.map(({ origin }) => origin).join(', ')}: put them into a list and give it with --trust`,
  );
}
