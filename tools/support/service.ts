// What commands share that run until they are told to stop.

import type { Logger } from '../../src/node/logger.ts';
import { EXIT } from './exit.ts';

/** One signal may arrive twice, from the terminal and from a parent that passes it on; a later one is impatience. */
const SAME_SIGNAL_MILLIS = 1_000;

/**
 * Resolves at the first SIGTERM, SIGINT or SIGHUP; a second one, a while later, ends the process at once. That is as
 * safe as a crash: whatever was acknowledged is on the disk.
 */
export function stopSignal(logger: Pick<Logger, 'info'>, ending: string): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        logger.info({ signal }, `stopping: ${ending}`);
        resolve();
      } else if (performance.now() - firstAt > SAME_SIGNAL_MILLIS) {
        process.exit(EXIT.operational);
      }
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

/** A person at a terminal reads what is announced; the operator's log there starts at warnings, unless it is asked for. */
export function quietOnTerminal<T extends { readonly 'log-level'?: string | undefined }>(
  config: T,
): T & { readonly 'log-level'?: T['log-level'] | 'warn' } {
  if (!process.stderr.isTTY || config['log-level'] !== undefined) return config;
  return { ...config, 'log-level': 'warn' };
}
