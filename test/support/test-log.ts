// A log for tests: in memory, fixed keys, and a clock that only moves when told. Nothing here checks anything.

import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import type { MemoryFaults, MemoryMedium } from '../../src/adapters/memory.ts';
import { utf8 } from '../../src/bytes.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { Log } from '../../src/log/index.ts';
import type { Clock, Guard, GuardState, LogEvent, LogOptions } from '../../src/log/index.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../src/note/key.ts';
import { noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';

export const TEST_ORIGIN = 'limmat.invalid/test';

/** 32 bytes that all have this value. */
export function fixedSeed(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

/** The two lines of a limmat log, from fixed seeds. */
export function testSigners(origin: string = TEST_ORIGIN): CheckpointSigner[] {
  const types = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44] as const;
  return types.map((type, i) =>
    noteSigner(
      generateSignerKey(origin, type, () => fixedSeed(i + 1)),
      nodeCrypto,
    ),
  );
}

/** A clock that stands still until `advance`; timers fire in order as it passes them. */
export class TestClock implements Clock {
  wallMillis = Date.parse('2026-01-01T00:00:00Z');
  #monotonicMillis = 0;
  #timers: { readonly atMillis: number; readonly callback: () => void }[] = [];

  nowMillis(): number {
    return this.wallMillis;
  }

  monotonicMillis(): number {
    return this.#monotonicMillis;
  }

  nextTurn(): Promise<void> {
    return Promise.resolve();
  }

  after(millis: number, callback: () => void): () => void {
    const timer = { atMillis: this.#monotonicMillis + millis, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Both clocks go on by so much; every timer on the way fires, and what it starts runs before the next. */
  async advance(millis: number): Promise<void> {
    const endMillis = this.#monotonicMillis + millis;
    for (;;) {
      await settle();
      const [next] = this.#timers
        .filter(({ atMillis }) => atMillis <= endMillis)
        .toSorted((a, b) => a.atMillis - b.atMillis);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#set(Math.max(this.#monotonicMillis, next.atMillis));
      next.callback();
    }
    this.#set(endMillis);
  }

  #set(monotonicMillis: number): void {
    this.wallMillis += monotonicMillis - this.#monotonicMillis;
    this.#monotonicMillis = monotonicMillis;
  }
}

/** Lets everything that waits for no timer run: promises, and what they start. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A guard in memory; give the same one to the next log to "restart". */
export class TestGuard implements Guard {
  state: GuardState | undefined;
  readonly written: GuardState[] = [];
  fail = false;
  stopped: string | undefined;

  stopReason(): Promise<string | undefined> {
    return Promise.resolve(this.stopped);
  }

  stop(reason: string): Promise<void> {
    if (this.fail) return Promise.reject(new Error('the guard does not write'));
    this.stopped ??= reason;
    return Promise.resolve();
  }

  read(): Promise<GuardState | undefined> {
    return Promise.resolve(this.state);
  }

  write(state: GuardState): Promise<void> {
    if (this.fail) return Promise.reject(new Error('the guard does not write'));
    this.state = state;
    this.written.push(state);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A log with all its parts within reach. */
export interface TestLog {
  readonly log: Log;
  readonly clock: TestClock;
  readonly guard: TestGuard;
  readonly medium: MemoryMedium;
  readonly events: LogEvent[];
  /** Fails writes when set. */
  readonly faults: { current: MemoryFaults | undefined };
}

type Overrides = Partial<LogOptions> & Partial<Pick<TestLog, 'clock' | 'guard' | 'medium'>>;

/** Opens a log; with a medium and a guard that were used before, it is the same log after a restart. */
export async function openTestLog(overrides: Overrides = {}): Promise<TestLog> {
  const { clock = new TestClock(), guard = new TestGuard(), medium = memoryMedium(), ...options } = overrides;
  const events: LogEvent[] = [];
  const faults: TestLog['faults'] = { current: undefined };
  const log = await Log.open({
    origin: TEST_ORIGIN,
    openStorage: async () => memoryStorage({ medium, faults: (step, moment) => faults.current?.(step, moment) }),
    guard,
    create: guard.state === undefined,
    signers: testSigners(options.origin),
    admission: 'open',
    crypto: nodeCrypto,
    hasher: nodeHasher,
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { log, clock, guard, medium, events, faults };
}

/** Distinct opaque entries number [start, end). */
export function opaqueEntries(start: number, end: number): Uint8Array[] {
  return Array.from({ length: end - start }, (_, i) => utf8(`entry ${start + i}`));
}
