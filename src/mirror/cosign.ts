// The mirror's own word: that a checkpoint's tree is stored here and served (C2SP tlog-mirror). Its keys are cosigners of
// their own, with a name that no log and no witness here has.

import { readUint, toHex, utf8 } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError } from '../errors.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from '../note/key.ts';
import { MAX_NOTE_BYTES, MAX_SIGNATURES, formatNote, parseNote } from '../note/note.ts';
import type { NoteSignature } from '../note/note.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../note/signer.ts';
import { SigningClock } from '../signing-clock.ts';
import type { SigningTime } from '../signing-clock.ts';
import type { MirrorCheckpoint } from './mirrored-log.ts';

/** A cosignature is made again for the same checkpoint after this long, so that its age says that the mirror is there. */
const DEFAULT_REFRESH_SECONDS = 60 * 60;

export interface MirrorSignerOptions {
  /** One or more cosigner keys of one name: Ed25519 (0x04), ML-DSA-44 (0x06). */
  readonly signers: readonly CheckpointSigner[];
  readonly clock: SigningTime;
  readonly refreshSeconds?: number;
}

export class MirrorSigner {
  readonly name: string;
  readonly vkeys: readonly string[];
  readonly #signers: readonly CheckpointSigner[];
  readonly #nowMillis: () => number;
  readonly #clock: SigningClock;
  readonly #refreshSeconds: number;

  /** `bad-key` for no key, keys of different names, and one that is no cosigner's. */
  constructor({ signers, clock, refreshSeconds = DEFAULT_REFRESH_SECONDS }: MirrorSignerOptions) {
    const [first] = signers;
    if (first === undefined) throw new LimmatError('bad-key', 'a mirror has at least one key');
    for (const { name, type } of signers) {
      if (name !== first.name) {
        throw new LimmatError('bad-key', `the keys of a mirror have one name, not ${first.name} and ${name}`);
      }
      if (type !== SIGNATURE_TYPE.cosignatureEd25519 && type !== SIGNATURE_TYPE.mldsa44) {
        throw new LimmatError('bad-key', `the key of mirror ${name} is no cosigner's: types 0x04 and 0x06 are`);
      }
    }
    this.name = first.name;
    this.vkeys = signers.map(({ vkey }) => vkey);
    this.#signers = signers;
    this.#nowMillis = () => clock.nowMillis();
    this.#clock = new SigningClock(clock);
    this.#refreshSeconds = refreshSeconds;
  }

  /** True when `before` is of the same note as this head, and so recent that there is nothing to sign. */
  isFresh(head: LogHead, before: MirrorCheckpoint | undefined): boolean {
    if (before === undefined || before.size !== head.size) return false;
    if (!sameLines(this.#others(head.note), this.#others(before.note))) return false;
    return Math.floor(this.#nowMillis() / 1000) < this.timeOf(before.note) + this.#refreshSeconds;
  }

  /** The time to state: now, but none before one that was stated. `clock-behind` while the clock cannot be believed. */
  timeAfter(lastSeconds: number): number {
    return this.#clock.next(lastSeconds);
  }

  /**
   * The log's checkpoint with this mirror's lines behind its own. The caller has the whole tree on its disk. `logKeys`
   * are those whose lines stay where there is no room for everybody's.
   */
  async cosign(
    head: LogHead,
    logKeys: readonly CheckpointVerifier[],
    timestampSeconds: number,
  ): Promise<MirrorCheckpoint> {
    const { text } = parseNote(head.note);
    const others = this.#others(head.note);
    const own: string[] = [];
    for (const signer of this.#signers) own.push(await signer.sign(text, timestampSeconds));
    const lines = own.join('');
    // What others wrote is copied as it is, as long as there is room for the mirror's own word behind it.
    const fits =
      others.length + own.length <= MAX_SIGNATURES && head.note.length + utf8(lines).length <= MAX_NOTE_BYTES;
    const kept = fits
      ? others
      : others.filter(({ name, keyId }) => logKeys.some((key) => key.name === name && key.keyId === keyId));
    const { size, rootHash } = head;
    return { size, rootHash, note: utf8(formatNote(text, [...kept, ...own])), lines };
  }

  /** This mirror's lines of a note, as text. */
  ownLines(note: Uint8Array): string {
    return parseNote(note)
      .signatures.filter((line) => this.#isOwn(line))
      .map(({ line }) => line)
      .join('');
  }

  /** The largest time that this mirror's lines of its own note state. */
  timeOf(note: Uint8Array): number {
    const own = parseNote(note).signatures.filter((line) => this.#isOwn(line));
    return Math.max(0, ...own.map(({ signature }) => readUint(signature, 0, 8) ?? 0));
  }

  /** `bad-config` when a log, or a cosigner that the mirror hears of, has the mirror's name or one of its keys. */
  assertDistinct(origin: string, others: readonly CheckpointVerifier[]): void {
    const own = this.vkeys.map(publicText);
    const shared = others.find(({ name, vkey }) => name === this.name || own.includes(publicText(vkey)));
    if (origin !== this.name && shared === undefined) return;
    const what = shared?.name === this.name || origin === this.name ? 'name' : 'key';
    throw new LimmatError(
      'bad-config',
      `the ${what} of mirror ${this.name} is also that of ${shared?.name ?? origin}, which the list of log ${origin} names: ` +
        'a log, a witness and a mirror each have a name and keys of their own',
    );
  }

  #isOwn({ name }: NoteSignature): boolean {
    return name === this.name;
  }

  #others(note: Uint8Array): readonly NoteSignature[] {
    return parseNote(note).signatures.filter((line) => !this.#isOwn(line));
  }
}

function sameLines(a: readonly NoteSignature[], b: readonly NoteSignature[]): boolean {
  return a.length === b.length && a.every(({ line }, i) => line === b[i]!.line);
}

/** A public key as text, whatever name and type it is used under. */
function publicText(vkey: string): string {
  return toHex(parseVerifierKey(vkey).publicKey);
}
