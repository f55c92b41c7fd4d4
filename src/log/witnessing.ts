// The log's side of its witnesses (DESIGN §4): the last signed head is sent to them again before anything new is signed,
// every signed checkpoint goes to them before readers see it, and what they show of the log is searched for a signature
// of the log's own that it did not make.

import { equalBytes, toHex } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { formatNote } from '../note/note.ts';
import { openCheckpoint } from '../note/open.ts';
import type { OpenedCheckpoint } from '../note/open.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import type { Cosigner, Cosigned, WitnessStatus } from './cosigner.ts';
import type { LogEvent } from './events.ts';
import type { GuardState } from './guard.ts';
import type { Stop } from './stop.ts';

/** What the log says of its witnesses. */
export interface CosigningStatus {
  /** The rule for people; undefined where no cosignature is asked for. */
  readonly quorum: string | undefined;
  /** True when the operator has said in writing that checkpoints are published without the quorum. */
  readonly failOpen: boolean;
  readonly witnesses: readonly WitnessStatus[];
}

/** A checkpoint as the log signed it. */
export interface SignedHead {
  readonly head: TreeHead;
  readonly timestampSeconds: number;
  /** The checkpoint's text, with its final newline, and the log's own lines. */
  readonly text: string;
  readonly note: Uint8Array;
}

export interface WitnessingOptions {
  readonly origin: string;
  readonly cosigner: Cosigner;
  readonly failOpen: boolean;
  readonly stop: Stop;
  readonly verifiers: readonly CheckpointVerifier[];
  /** What the log promised to sign last. */
  readonly guarded: () => GuardState;
  /** From the store, as readers get it. */
  readonly rootHashAt: (head: TreeHead, size: number) => Promise<Hash>;
  readonly consistencyProof: (head: TreeHead, fromSize: number) => Promise<readonly Hash[]>;
  readonly onEvent: (event: LogEvent) => void;
}

export class Witnessing {
  readonly #options: WitnessingOptions;
  /** The size that was signed last when this process began; undefined until it was sent to the witnesses again. */
  #startSize: number | undefined;
  /** True once a quorum has cosigned what was signed last at the start. */
  #isProbed = false;
  /** True once more than that was cosigned by a quorum: by then one of two who went on from one signed state was refused. */
  #hasGrown = false;
  #refusal: string | undefined;

  constructor(options: WitnessingOptions) {
    this.#options = options;
    if (this.#isFailingClosed) this.#refusal = 'the witnesses have not answered yet';
  }

  /** Why nothing new is published; undefined when all is well, or where no quorum is needed for it. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  get hasQuorum(): boolean {
    return this.#options.cosigner.quorum !== undefined;
  }

  status(): CosigningStatus {
    const { cosigner, failOpen } = this.#options;
    return { quorum: cosigner.quorum, failOpen, witnesses: cosigner.status() };
  }

  /** True when the note's lines are a quorum. */
  async isCosigned(note: Uint8Array): Promise<boolean> {
    return (await this.#options.cosigner.look(note)).isQuorum;
  }

  /**
   * Sends what was signed last to the witnesses, as `again` makes it: the same size, root and time, so that nothing new is
   * said. Resolves once a quorum has cosigned it, which is when new heads may be signed. A log that fails open signs on
   * without that, and asks again before each head until there was a quorum. Errors: `not-witnessed`, `signed-elsewhere`.
   */
  async probe(again: () => Promise<SignedHead>): Promise<void> {
    const { size, timestampSeconds } = this.#options.guarded();
    this.#startSize ??= size;
    // What never signed anything has nothing to send again.
    this.#isProbed ||= timestampSeconds === 0;
    if (this.#isProbed) return;
    const cosigned = await this.#send(await again(), true);
    this.#assertQuorum(cosigned, 'what was signed last');
    this.#isProbed = cosigned.isQuorum;
  }

  /**
   * The cosignatures of a checkpoint that was just signed. Errors: `not-witnessed` where it must not be published without
   * them, `signed-elsewhere`.
   */
  async cosign(signed: SignedHead): Promise<Cosigned> {
    const isFirst = !this.#hasGrown && signed.head.size > (this.#startSize ?? 0);
    // Each witness takes one of two heads: where two quorums share one, only one of them meets its quorum.
    const cosigned = await this.#send(signed, isFirst && this.#options.cosigner.hasDisjointQuorums);
    this.#assertQuorum(cosigned, 'the new checkpoint');
    this.#hasGrown ||= isFirst && cosigned.isQuorum;
    this.#refusal = undefined;
    return cosigned;
  }

  close(): void {
    this.#options.cosigner.close();
  }

  get #isFailingClosed(): boolean {
    return this.hasQuorum && !this.#options.failOpen;
  }

  async #send({ head, text, note }: SignedHead, isProbe: boolean): Promise<Cosigned> {
    const { origin, cosigner, consistencyProof, stop } = this.#options;
    // What came while it was signed: nobody gets to see a head of a log that is stopped.
    stop.assertNot();
    const cosigned = await cosigner.cosign({
      origin,
      head,
      text,
      note,
      prove: (oldSize) => consistencyProof(head, oldSize),
      isProbe,
      onShown: (witness, shown) => this.#look(witness, shown),
    });
    stop.assertNot();
    return cosigned;
  }

  #assertQuorum({ isQuorum, why }: Cosigned, what: string): void {
    if (isQuorum || !this.#isFailingClosed) return;
    this.#refusal = why;
    throw new LimmatError('not-witnessed', `${what} is not cosigned by the quorum, so it is not published: ${why}`, {
      retryAfterSeconds: 5,
    });
  }

  /** Stops the log, durably, when the checkpoint carries its signature and is none that it made. Anything else counts for nothing. */
  async #look(witness: string, shown: Uint8Array): Promise<void> {
    for (const verifier of this.#options.verifiers) {
      const opened = await openQuietly(shown, verifier);
      if (opened === undefined || opened.checkpoint.origin !== this.#options.origin) continue;
      const foreign = await this.#foreign(opened);
      if (foreign === undefined || this.#options.stop.reason !== undefined) continue;
      const reason =
        `witness ${witness} holds a checkpoint of size ${opened.checkpoint.size} with this log's own signature, which ` +
        `this log did not make: ${foreign}. Another process signs with its keys, or its data were set back: nothing is ` +
        'signed any more; find the other one, or close this log and start a successor';
      const settled = this.#options.stop.set(reason);
      this.#options.onEvent({ kind: 'stopped', reason, witness, checkpoint: ownLines(opened, verifier) });
      await settled;
    }
  }

  /** Why the log cannot have signed this; undefined when it may have. */
  async #foreign({ checkpoint, verified }: OpenedCheckpoint): Promise<string | undefined> {
    // Read after the note was there: whatever this process signs stands in the guard first.
    const { size, rootHash, timestampSeconds } = this.#options.guarded();
    if (checkpoint.size > size) return `it has signed no more than ${size} entries`;
    const root = await this.#options.rootHashAt({ size, rootHash }, checkpoint.size);
    if (!equalBytes(root, checkpoint.rootHash)) {
      return `its own root there is ${toHex(root)}, and not ${toHex(checkpoint.rootHash)}`;
    }
    const latest = Math.max(...verified.map((one) => one.timestampSeconds));
    return latest > timestampSeconds
      ? `it is of second ${latest}, and the last one of this log of ${timestampSeconds}`
      : undefined;
  }
}

/** The note when this key signed it; undefined when it did not, or when it is no checkpoint. */
async function openQuietly(note: Uint8Array, verifier: CheckpointVerifier): Promise<OpenedCheckpoint | undefined> {
  try {
    return await openCheckpoint(note, [verifier]);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

/** The note with the lines of this key alone. */
function ownLines({ note }: OpenedCheckpoint, { name, keyId }: CheckpointVerifier): string {
  return formatNote(
    note.text,
    note.signatures.filter((line) => line.name === name && line.keyId === keyId),
  );
}
