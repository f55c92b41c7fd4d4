// One checkpoint on its way to a quorum: whose lines are there, whose may still come, and when to stop waiting.

import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { quorumMet } from '../note/policy.ts';
import type { Policy } from '../note/policy.ts';
import type { CosignClock } from './cosign.ts';

/** What is to be cosigned: the log's CosignRequest. */
export interface RoundRequest {
  readonly origin: string;
  readonly head: TreeHead;
  readonly text: string;
  readonly note: Uint8Array;
  readonly prove: (oldSize: number) => Promise<readonly Hash[]>;
  readonly isProbe: boolean;
  readonly onShown: (witness: string, note: Uint8Array) => Promise<void>;
}

/** What the witnesses have said so far. */
export interface Cosignatures {
  readonly lines: readonly string[];
  readonly isQuorum: boolean;
}

/** The first answer that can be gone by, and the last. */
export interface Cosigned extends Cosignatures {
  readonly why: string;
  readonly late: Promise<Cosignatures>;
}

export interface RoundOptions {
  readonly policy: Policy;
  readonly clock: CosignClock;
  readonly request: RoundRequest;
  readonly deadlineMillis: number;
  readonly graceMillis: number;
}

type Phase = 'open' | 'grace' | 'over';

export class CosignRound {
  readonly request: RoundRequest;
  /** The first result; see Cosigner.cosign. */
  readonly cosigned: Promise<Cosigned>;
  readonly #options: RoundOptions;
  readonly #lines = new Map<string, string>();
  /** Names of witnesses that are being asked, or will be once they are free. */
  readonly #awaited = new Set<string>();
  readonly #failures = new Map<string, string>();
  readonly #late: Promise<Cosignatures>;
  #resolve!: (cosigned: Cosigned) => void;
  #resolveLate!: (cosignatures: Cosignatures) => void;
  #phase: Phase = 'open';
  #hasBegun = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.request = options.request;
    this.cosigned = new Promise((resolve) => (this.#resolve = resolve));
    this.#late = new Promise((resolve) => (this.#resolveLate = resolve));
  }

  /** True while a line would still be of use. */
  get isOpen(): boolean {
    return this.#phase !== 'over';
  }

  /** Waits for these witnesses too, until `settled`. */
  await(names: readonly string[]): void {
    for (const name of names) this.#awaited.add(name);
  }

  /** Lines by witness, and for the others why there is none. */
  settled(lines: ReadonlyMap<string, string>, failures: ReadonlyMap<string, string>): void {
    for (const [name, line] of lines) {
      this.#awaited.delete(name);
      this.#lines.set(name, line);
    }
    for (const [name, why] of failures) {
      this.#awaited.delete(name);
      this.#failures.set(name, why);
    }
    this.#judge();
  }

  /** Every witness that can be asked is awaited: from here on the round may end. */
  begin(): void {
    this.#hasBegun = true;
    this.#cancelTimer = this.#options.clock.after(this.#options.deadlineMillis, () => this.#first());
    this.#judge();
  }

  /** Nothing is waited for any more. */
  end(): void {
    if (this.#phase === 'open') this.#first();
    this.#last();
  }

  #judge(): void {
    if (!this.#hasBegun) return;
    const isMet = this.#isMet(this.#lines.keys());
    if (this.#phase === 'open') {
      // It is also sent to find out whether somebody else signs: everyone is heard out.
      if (isMet && !(this.request.isProbe && this.#awaited.size > 0)) this.#first();
      else if (!isMet && !this.#isMet([...this.#lines.keys(), ...this.#awaited])) this.#first();
    }
    if (this.#phase === 'grace' && this.#awaited.size === 0) this.#last();
  }

  #first(): void {
    this.#cancelTimer?.();
    if (this.#phase !== 'open') return;
    this.#phase = 'grace';
    this.#cancelTimer = this.#options.clock.after(this.#options.graceMillis, () => this.#last());
    this.#resolve({ ...this.#soFar(), why: this.#why(), late: this.#late });
    if (this.#awaited.size === 0) this.#last();
  }

  #last(): void {
    this.#cancelTimer?.();
    this.#phase = 'over';
    this.#resolveLate(this.#soFar());
  }

  #soFar(): Cosignatures {
    const lines = this.#options.policy.witnesses.flatMap(({ name }) => this.#lines.get(name) ?? []);
    return { lines, isQuorum: this.#isMet(this.#lines.keys()) };
  }

  #isMet(names: Iterable<string>): boolean {
    return quorumMet(this.#options.policy, new Set(names));
  }

  #why(): string {
    const { witnesses } = this.#options.policy;
    const missing = witnesses.flatMap(({ name }) => {
      if (this.#lines.has(name)) return [];
      const why = this.#failures.get(name) ?? (this.#awaited.has(name) ? 'no answer yet' : 'it has no address');
      return [`${name}: ${why}`];
    });
    const some = missing.slice(0, 5).join('; ');
    const more = missing.length > 5 ? `; and ${missing.length - 5} more` : '';
    return `${this.#lines.size} of ${witnesses.length} witnesses cosigned size ${this.request.head.size} (${some}${more})`;
  }
}
