// Runs a command line in this process and catches what it says.

import { vi } from 'vitest';
import { main } from '../../tools/cli.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `limmat …argv` ends with and prints. Not for two at a time: the streams are the process's. */
export async function limmat(...argv: readonly string[]): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[stream] += String(text);
      return true;
    }),
  );
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  try {
    return { code: await main(argv), ...said };
  } finally {
    process.exitCode = exitCode;
    for (const spy of spies) spy.mockRestore();
  }
}
