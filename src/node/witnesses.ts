// The witnesses of a log of this process: the policy file that its settings name, asked over HTTP with connections that are
// kept.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { nodeCrypto, nodeHasher } from '../adapters/node-crypto.ts';
import { toHex, utf8Text } from '../bytes.ts';
import { openWitnesses } from '../client/cosign.ts';
import { parseTrust } from '../client/trust.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Clock, LogEvent } from '../log/index.ts';
import type { Cosigner } from '../log/cosigner.ts';
import { parseVerifierKey } from '../note/key.ts';
import { parsePolicy } from '../note/policy.ts';
import type { Policy } from '../note/policy.ts';
import type { Settings } from './settings.ts';

export interface NodeWitnessesOptions {
  /** The log's own public keys. */
  readonly vkeys: readonly string[];
  readonly clock: Clock;
  readonly onEvent: ((event: LogEvent) => void) | undefined;
}

/** The cosigner that these settings describe; undefined where they name no policy. Errors: `bad-config`. */
export function nodeWitnesses(settings: Settings, options: NodeWitnessesOptions): Cosigner | undefined {
  const { paths, meta, config } = settings;
  if (config['witness-policy'] === undefined) {
    if (config['fail-open'] !== true) return undefined;
    throw new LimmatError('bad-config', 'fail-open means nothing without a witness-policy: leave it out');
  }
  const file = resolve(paths.root, config['witness-policy']);
  const policy = readPolicyFile(file);
  const fail = (why: string): LimmatError => new LimmatError('bad-config', `${file}: ${why}`, { details: { file } });
  assertOwnPolicy(policy, meta.origin, options.vkeys, fail);
  const deadlineMillis = config['witness-deadline'];
  const graceMillis = config['witness-grace'];
  try {
    return openWitnesses({
      policy,
      crypto: nodeCrypto,
      hasher: nodeHasher,
      fetch,
      clock: options.clock,
      ...(deadlineMillis !== undefined && { deadlineMillis }),
      ...(graceMillis !== undefined && { graceMillis }),
      onTrouble: ({ witness, reason, isAlarm }) => {
        options.onEvent?.({ kind: isAlarm ? 'witness-alarm' : 'witness-failed', witness, reason });
      },
    });
  } catch (error) {
    throw isLimmatError(error) ? fail(error.message) : error;
  }
}

/** The policy in a tlog-policy or a trust file. */
function readPolicyFile(file: string): Policy {
  const fail = (why: string, cause: unknown): LimmatError =>
    new LimmatError('bad-config', `witness-policy ${file}: ${why}`, { details: { file }, cause });
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  // The keyword that every trust file has, and no policy.
  const isTrustFile = /^[ \t]*issuer[ \t]/m.test(utf8Text(bytes) ?? '');
  try {
    return isTrustFile ? parseTrust(bytes).policy : parsePolicy(bytes);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw fail(error.message.replace(/^policy /, ''), error);
  }
}

/** A policy that names logs has to name this one as it is, and nobody witnesses for himself. */
function assertOwnPolicy(
  { logs, witnesses }: Policy,
  origin: string,
  vkeys: readonly string[],
  fail: (why: string) => LimmatError,
): void {
  const stranger = logs.find(({ key }) => key.name === origin && !vkeys.includes(key.vkey));
  if (stranger !== undefined)
    throw fail(`it names a key of ${origin} that this log does not have: ${stranger.key.vkey}`);
  if (logs.length > 0 && logs.every(({ key }) => key.name !== origin)) {
    throw fail(`it names other logs, and not ${origin}`);
  }
  const own = new Set(vkeys.map((vkey) => toHex(parseVerifierKey(vkey).publicKey)));
  const self = witnesses.find(({ key }) => own.has(toHex(key.publicKey)));
  if (self !== undefined) throw fail(`witness ${self.name} has a key of this log's, which cannot witness itself`);
}
