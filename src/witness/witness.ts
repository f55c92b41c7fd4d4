// A witness (C2SP tlog-witness): cosigns the heads of the logs it knows, each consistent with the one before. A request is
// opened and verified on its own; then the requests of a moment are decided one after another and committed together, and
// only what is committed is signed. What is not decided is refused.

import { concat, toHex, utf8 } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { parseAddCheckpoint } from '../note/add-checkpoint.ts';
import type { AddCheckpointRequest } from '../note/add-checkpoint.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../note/key.ts';
import { parseNote } from '../note/note.ts';
import type { CheckpointSigner } from '../note/signer.ts';
import { SigningClock } from '../signing-clock.ts';
import type { SigningTime } from '../signing-clock.ts';
import { decide } from './decide.ts';
import type { KnownHead, SignedHead } from './head.ts';
import { assertListable, growLogs, isUnsigned, openSignedHead } from './listed-log.ts';
import type { ListedLog, RefusedChange } from './listed-log.ts';
import type { StoredHead, WitnessGuard, WitnessStore } from './ports.ts';
import { WitnessState } from './state.ts';
import { suspicionOf } from './suspicion.ts';
import type { Suspicion } from './suspicion.ts';

export interface WitnessOptions {
  /** Cosigner keys of one name: Ed25519 (0x04), ML-DSA-44 (0x06), or both. */
  readonly signers: readonly CheckpointSigner[];
  readonly logs: readonly ListedLog[];
  readonly store: WitnessStore;
  readonly guard: WitnessGuard;
  readonly clock: SigningTime;
  readonly hasher: Hasher;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** True begins a new witness. */
  readonly init?: boolean;
  /** A head that smells of misbehaviour, kept for the first time. */
  readonly onSuspicion?: (suspicion: Suspicion) => void;
  /** Something that need not be durable could not be written. */
  readonly onTrouble?: (error: unknown) => void;
}

/** An answer by the specification's status. */
export type WitnessAnswer =
  /** `lines`: the cosignatures, each with its newline. */
  | { readonly status: 200; readonly lines: string }
  | { readonly status: 409; readonly size: number; readonly reason: string }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

/** How a log stands. */
export interface WitnessedLog {
  readonly origin: string;
  /** Lowercase hexadecimal SHA-256 of the origin. */
  readonly originHash: string;
  readonly vkeys: readonly string[];
  readonly head: KnownHead | undefined;
  readonly suspicions: number;
}

/** Requests that wait for their turn; more are refused with `queue-full`. */
const MAX_WAITING = 8192;
/** Requests that one commit settles. */
const MAX_GROUP = 256;
/** Cosigned notes that are not in the store yet, before they are written there; 8 kB each. */
const MAX_UNSAVED = 1024;
const SAVE_MILLIS = 10_000;
const WITNESS_TYPES: readonly number[] = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44];

interface Waiting {
  readonly request: Pick<AddCheckpointRequest, 'oldSize' | 'proof'>;
  readonly head: SignedHead;
  readonly resolve: (answer: WitnessAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** A cosigned head, as it was answered. */
interface Cosigned {
  readonly text: string;
  readonly timestampSeconds: number;
  readonly lines: string;
  readonly note: Uint8Array;
}

export class Witness {
  readonly name: string;
  readonly vkeys: readonly string[];
  readonly #options: WitnessOptions;
  readonly #state: WitnessState;
  readonly #clock: SigningClock;
  readonly #logs = new Map<string, ListedLog>();
  readonly #originByHash = new Map<string, string>();
  #waiting: Waiting[] = [];
  #isRunning = false;
  #isClosed = false;
  /** The last of the signings, which go one after another, so that no earlier time is signed after a later one. */
  #signing: Promise<void> = Promise.resolve();
  readonly #unsaved = new Map<string, Cosigned>();
  /** Suspicions that the store has not taken: written with whatever is written next. */
  readonly #unkept = new Set<Suspicion>();
  #savedMillis: number;
  readonly #idle: (() => void)[] = [];

  private constructor(options: WitnessOptions, state: WitnessState) {
    this.#options = options;
    this.#state = state;
    this.name = state.mark.name;
    this.vkeys = options.signers.map(({ vkey }) => vkey);
    this.#clock = new SigningClock(options.clock);
    this.#savedMillis = options.clock.monotonicMillis();
    this.addLogs(options.logs);
  }

  /** Opens a witness. Errors: `bad-key`, `bad-config` (assertListable), and those of WitnessState.open. */
  static async open(options: WitnessOptions): Promise<Witness> {
    const name = nameOf(options.signers);
    for (const log of options.logs) assertListable(log, options.signers);
    const { store, guard, hasher, random, init } = options;
    return new Witness(options, await WitnessState.open({ name, store, guard, hasher, random }, init));
  }

  /**
   * Takes the logs of a list that has changed: new ones join, and what would take one away or change its keys is answered
   * and not done. `bad-config` when a new one cannot be witnessed; then none joins.
   */
  addLogs(wanted: readonly ListedLog[]): { readonly added: number; readonly refused: readonly RefusedChange[] } {
    const { added, refused } = growLogs(this.#logs, wanted);
    for (const log of added) assertListable(log, this.#options.signers);
    for (const log of added) {
      this.#logs.set(log.origin, log);
      this.#originByHash.set(toHex(this.#options.hasher.sha256(utf8(log.origin))), log.origin);
    }
    return { added: added.length, refused };
  }

  /**
   * Answers an add-checkpoint request. `admit` is told the origin of a known log before anything is verified, and may
   * throw. Rejects with what admit threw, and with what is the witness's own trouble: `queue-full`, `clock-behind`,
   * `outcome-unknown`, `shutting-down`, and the store's errors: nothing was cosigned then, and the request may be repeated.
   */
  async addCheckpoint(body: Uint8Array, admit?: (origin: string) => void): Promise<WitnessAnswer> {
    let head: SignedHead;
    let request: AddCheckpointRequest;
    try {
      request = parseAddCheckpoint(body);
      const note = parseNote(request.checkpoint);
      const { origin } = parseCheckpoint(note.text);
      const log = this.#logs.get(origin);
      if (log === undefined) return { status: 404, reason: 'this witness does not know the log of that checkpoint' };
      admit?.(origin);
      head = await openSignedHead(note, log);
    } catch (error) {
      if (isUnsigned(error)) return { status: 403, reason: messageOf(error) };
      if (isLimmatError(error, 'malformed')) return { status: 400, reason: messageOf(error) };
      throw error;
    }
    return this.#enqueue(request, head);
  }

  /**
   * The last cosigned checkpoint of the log with that origin hash, with its own lines and this witness's. Undefined for a
   * log that is not known, or was never cosigned for.
   */
  async checkpoint(originHash: string): Promise<Uint8Array | undefined> {
    const origin = this.#originByHash.get(originHash);
    const known = origin === undefined ? undefined : this.#state.head(origin);
    if (origin === undefined || known === undefined) return undefined;
    const unsaved = this.#unsaved.get(origin);
    if (unsaved !== undefined) return unsaved.note;
    const { head, cosigned } = await this.#state.read(origin);
    if (head === undefined) return cosigned;
    const { text } = parseNote(head);
    if (cosigned !== undefined && parseNote(cosigned).text === text) return cosigned;
    // A crash came between the commit and the signature: what was promised is signed now, at a time of its own.
    const signed: SignedHead = { ...known, origin, text, note: head };
    await this.#enqueue({ oldSize: known.size, proof: [] }, signed);
    return this.#unsaved.get(origin)?.note ?? cosigned;
  }

  /** What is kept against the log with that origin hash; undefined for one that is not known. */
  suspicionsOf(originHash: string): readonly Suspicion[] | undefined {
    const origin = this.#originByHash.get(originHash);
    return origin === undefined ? undefined : this.#state.suspicions.of(origin);
  }

  /** Everything that is kept against any log. */
  suspicions(): readonly Suspicion[] {
    return this.#state.suspicions.all();
  }

  /** The logs in the order in which they joined. */
  logs(): readonly WitnessedLog[] {
    return [...this.#originByHash].map(([originHash, origin]) => ({
      origin,
      originHash,
      vkeys: this.#logs.get(origin)!.verifiers.map(({ vkey }) => vkey),
      head: this.#state.head(origin),
      suspicions: this.#state.suspicions.of(origin).length,
    }));
  }

  status(): {
    readonly logs: number;
    readonly waiting: number;
    readonly commits: number;
    readonly lastSeconds: number;
    readonly suspicions: number;
    readonly isSound: boolean;
  } {
    const { mark, isSound, suspicions } = this.#state;
    return {
      logs: this.#logs.size,
      waiting: this.#waiting.length,
      commits: mark.sequence,
      lastSeconds: mark.lastSeconds,
      suspicions: suspicions.size,
      isSound,
    };
  }

  /** Settles what is under way, refuses what comes, and lets go of store and guard. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isRunning) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#signing;
    await this.#save(true);
    await this.#state.close();
  }

  #enqueue(request: Waiting['request'], head: SignedHead): Promise<WitnessAnswer> {
    if (this.#isClosed) return Promise.reject(new LimmatError('shutting-down', 'the witness is closing'));
    if (this.#waiting.length >= MAX_WAITING) {
      const message = `${MAX_WAITING} checkpoints wait already; nothing was taken, send it again later`;
      return Promise.reject(new LimmatError('queue-full', message, { retryAfterSeconds: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, head, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let signing = this.#signing;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP);
      try {
        await this.#settle(group);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
      // One moment's requests are signed while the next one's are committed; meanwhile those of a third gather.
      await signing;
      signing = this.#signing;
    }
    this.#isRunning = false;
    for (const done of this.#idle.splice(0)) done();
  }

  /** Decides one moment's requests in order, commits what they come to, and has the rest signed. */
  async #settle(group: readonly Waiting[]): Promise<void> {
    await this.#state.recover();
    const timestampSeconds = this.#clock.next(this.#state.mark.lastSeconds);
    const changed = new Map<string, SignedHead>();
    const decided = group.map((waiting) => {
      const { request, head } = waiting;
      const known = changed.get(head.origin) ?? this.#state.head(head.origin);
      const verdict = decide(known, request, head, this.#options.hasher);
      const smell = suspicionOf(known, head, verdict);
      const against = smell === undefined ? undefined : changed.get(head.origin)?.note;
      if (verdict.status === 200 && isOther(known, head)) changed.set(head.origin, head);
      return { waiting, verdict, smell, against };
    });
    const suspects: Suspicion[] = [];
    for (const { waiting, smell, against } of decided) {
      if (smell === undefined) continue;
      const { origin, size, rootHash, note } = waiting.head;
      // Before the commit, after which the store has a later head.
      const remembered = against ?? (await this.#state.read(origin)).head;
      if (remembered === undefined) continue;
      suspects.push({ kind: smell, origin, size, rootHash, note, against: remembered, atSeconds: timestampSeconds });
    }
    // First: of a head that a larger one takes the place of, nobody may have the note any more.
    for (const suspect of suspects) await this.#keepSuspicion(suspect);
    const isSigning = decided.some(({ verdict }) => verdict.status === 200);
    // Durable before anything is answered, the time too: after a restart nothing earlier may be signed.
    if (isSigning && (changed.size > 0 || timestampSeconds > this.#state.mark.lastSeconds)) {
      await this.#state.commit(changed, timestampSeconds);
    }
    const accepted: Waiting[] = [];
    for (const { waiting, verdict } of decided) {
      if (verdict.status === 200) accepted.push(waiting);
      else waiting.resolve(verdict);
    }
    if (accepted.length === 0) return;
    // The next commit is under way while these are signed.
    this.#signing = this.#signing.then(() => this.#sign(accepted, timestampSeconds));
  }

  /** Signs each and answers it at once: what its sender asks next is read while the others are signed. */
  async #sign(accepted: readonly Waiting[], timestampSeconds: number): Promise<void> {
    // Of two heads of a log the one that was decided later is the larger, whichever is signed first.
    const latest = new Map(accepted.map(({ head }) => [head.origin, head]));
    const signOne = async ({ head, resolve, reject }: Waiting): Promise<void> => {
      try {
        const cosigned = await this.#cosign(head, timestampSeconds);
        if (latest.get(head.origin) === head) this.#unsaved.set(head.origin, cosigned);
        await this.#clearSuspicion(head);
        resolve({ status: 200, lines: cosigned.lines });
      } catch (error) {
        reject(error);
      }
    };
    await Promise.all(accepted.map(signOne));
    await this.#save(false);
  }

  async #cosign({ origin, text, note }: SignedHead, timestampSeconds: number): Promise<Cosigned> {
    const last = this.#unsaved.get(origin);
    if (last !== undefined && last.timestampSeconds === timestampSeconds && last.text === text) return last;
    const own = await Promise.all(this.#options.signers.map((signer) => signer.sign(text, timestampSeconds)));
    const lines = own.join('');
    // What was verified ends with the log's lines; taking it apart again costs as much as the rest of a request.
    return { text, timestampSeconds, lines, note: concat(note, utf8(lines)) };
  }

  async #keepSuspicion(suspicion: Suspicion): Promise<void> {
    const { taken, dropped } = this.#state.suspicions.add(suspicion);
    if (!taken) return;
    this.#unkept.add(suspicion);
    await this.#keep([], dropped === undefined ? [] : [dropped]);
    // Told even where it could not be written: the monitors keep it then.
    this.#options.onSuspicion?.(suspicion);
  }

  async #clearSuspicion(head: SignedHead): Promise<void> {
    const cleared = this.#state.suspicions.clear(head);
    if (cleared !== undefined) await this.#keep([], [cleared]);
  }

  /** Writes the cosigned notes down, now and then: a lost one is signed again when somebody asks. */
  async #save(isLast: boolean): Promise<void> {
    const nowMillis = this.#options.clock.monotonicMillis();
    const isDue = this.#unsaved.size >= MAX_UNSAVED || nowMillis - this.#savedMillis >= SAVE_MILLIS;
    if (this.#unsaved.size + this.#unkept.size === 0 || !(isDue || isLast)) return;
    this.#savedMillis = nowMillis;
    const taken = [...this.#unsaved];
    const cosigned = taken.map(([origin, { note }]): StoredHead => ({ origin, note }));
    if (!(await this.#keep(cosigned, []))) return;
    for (const [origin, one] of taken) if (this.#unsaved.get(origin) === one) this.#unsaved.delete(origin);
  }

  /** Writes these, and the suspicions that the store has not taken yet. True when it took them. */
  async #keep(cosigned: readonly StoredHead[], dropped: readonly Suspicion[]): Promise<boolean> {
    for (const one of dropped) this.#unkept.delete(one);
    const suspicions = [...this.#unkept];
    try {
      await this.#state.keep({ cosigned, suspicions, dropped });
      for (const one of suspicions) this.#unkept.delete(one);
      return true;
    } catch (error) {
      this.#options.onTrouble?.(error);
      return false;
    }
  }
}

/** True unless the head is the one that is remembered, as the log last signed it. */
function isOther(known: KnownHead | undefined, { size, logSeconds }: SignedHead): boolean {
  return known === undefined || known.size !== size || logSeconds > known.logSeconds;
}

function nameOf(signers: readonly CheckpointSigner[]): string {
  const [first] = signers;
  if (first === undefined) throw new LimmatError('bad-key', 'a witness has at least one key');
  for (const { name, type } of signers) {
    if (name !== first.name) {
      throw new LimmatError('bad-key', `the keys of a witness have one name, not ${first.name} and ${name}`);
    }
    if (!WITNESS_TYPES.includes(type)) {
      throw new LimmatError('bad-key', `the key ${name} is no cosigner's: types 0x04 and 0x06 are, not 0x0${type}`);
    }
  }
  return first.name;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
