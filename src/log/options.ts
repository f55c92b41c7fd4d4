// What a log is made of and how it behaves: everything that its wiring decides.

import type { CryptoSuite } from '../crypto/suite.ts';
import type { Hasher } from '../merkle/hash.ts';
import type { CheckpointSigner } from '../note/signer.ts';
import type { LogStorage } from '../storage.ts';
import type { Clock } from './clock.ts';
import type { Cosigner } from './cosigner.ts';
import type { LogEvent } from './events.ts';
import type { Guard } from './guard.ts';
import type { IntakeLimits } from './intake.ts';
import type { QuotaLimits } from './quota.ts';

export interface LogOptions {
  readonly origin: string;
  /** Opens the store; called again after a failed write. */
  readonly openStorage: () => Promise<LogStorage>;
  readonly guard: Guard;
  /** True only when the log is made: writes the first guard state, and refuses a guard that was used before. */
  readonly create?: boolean;
  /** The log's own lines, all of them on every checkpoint: log note (Ed25519) and log head (ML-DSA-44). */
  readonly signers: readonly CheckpointSigner[];
  /**
   * `records`: leaves are signed statements, admitted by the policy that the log's own entries state (entry 0 is its
   * genesis). `open`: leaves are any bytes.
   */
  readonly admission: 'open' | 'records';
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
  readonly clock?: Clock;
  readonly limits?: Partial<IntakeLimits>;
  /** How much a key and a namespace may submit; asked of records only. */
  readonly quotas?: QuotaLimits;
  /** How far a statement's `iat` may be from now; default DEFAULT_IAT_WINDOW_SECONDS. */
  readonly iatWindowSeconds?: number;
  /** Shortest time between two checkpoints; 0 = every commit; default DEFAULT_CHECKPOINT_INTERVAL_MILLIS. */
  readonly checkpointIntervalMillis?: number;
  /** An idle log signs its head again after this; default DEFAULT_REFRESH_INTERVAL_MILLIS. */
  readonly refreshIntervalMillis?: number;
  /** Its witnesses: with a quorum of theirs a checkpoint is published; absent: without any. The log closes it. */
  readonly cosigner?: Cosigner;
  /** True: checkpoints are published without the quorum too, and shown as uncosigned. */
  readonly failOpen?: boolean;
  readonly probeStorage?: () => Promise<void>;
  readonly onEvent?: (event: LogEvent) => void;
}
