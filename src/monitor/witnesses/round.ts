// What a round over one log does about its witnesses (M07): asks those that say what they cosigned, looks at the quorum of
// what the log showed, and tells of what is the matter.

import type { LogHead } from '../../client/state.ts';
import { trimNote } from '../../client/state.ts';
import { equalBytes } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { openLogCheckpoint } from '../../note/open.ts';
import { plainFinding, proofFinding, troubleKey } from '../checks.ts';
import { MAX_HEAD_BYTES } from '../gossip/limits.ts';
import type { HeadBook } from '../heads.ts';
import type { OwnTree } from '../judge.ts';
import type { MonitorLimits } from '../limits.ts';
import type { SeenHead } from '../look.ts';
import { isReadError } from '../source.ts';
import type { Troubles } from '../troubles.ts';
import type { HeadSource, WatchedLog, WitnessReader } from '../watched-log.ts';
import { cosignaturesOn } from './cosigned.ts';
import type { WitnessDesk } from './desk.ts';
import { quorumTroubles, standingTroubles } from './judge.ts';
import { witnessName } from './standing.ts';

export interface WitnessRoundOptions {
  readonly log: WatchedLog;
  readonly desk: WitnessDesk;
  readonly troubles: Troubles;
  readonly limits: MonitorLimits;
  readonly book: HeadBook;
  /** The own tree as far as it is checked. */
  readonly tree: () => OwnTree | undefined;
  /** Brings a head to the branch, with a note that has more lines than its own. */
  readonly take: (head: LogHead, source: HeadSource, nowSeconds: number, note: Uint8Array) => Promise<unknown>;
}

export class WitnessRound {
  readonly #options: WitnessRoundOptions;
  /** By address: what it answered last, so that the same bytes are not verified again. */
  readonly #answers = new Map<string, Uint8Array>();

  constructor(options: WitnessRoundOptions) {
    this.#options = options;
  }

  /** What the log showed; undefined where it could not be read. */
  async run(seen: SeenHead | undefined, nowSeconds: number): Promise<void> {
    const { log, desk, limits, troubles, book, tree } = this.#options;
    if ((log.witnesses ?? []).length === 0) return;
    if (seen !== undefined) desk.take(seen.note, seen.cosignatures, true, nowSeconds);
    for (const reader of log.witnessReaders ?? []) await this.#ask(reader, nowSeconds);
    for (const evidence of await desk.judge(tree(), nowSeconds)) {
      if (!book.evidence.isNews(evidence)) continue;
      book.evidence.convict(evidence);
      await troubles.tell(proofFinding(evidence));
    }
    if (seen === undefined) return;
    const { quorums } = log;
    const { origin, size } = seen.head;
    if (quorums !== undefined) {
      const missing = quorumTroubles(origin, size, quorums, seen.cosignatures, limits, nowSeconds);
      // Whoever publishes first and collects after is given a round or two.
      for (const finding of missing) await troubles.holdFinding(finding, nowSeconds, true);
      await troubles.looked(['quorum-missing', 'strict-quorum-missing']);
    }
    for (const finding of standingTroubles(origin, desk.standings, limits, nowSeconds)) {
      await troubles.holdFinding(finding, nowSeconds);
    }
    for (const { vkey } of desk.standings) {
      for (const trouble of ['witness-lost', 'witness-spread'] as const) {
        await troubles.lookedFor(troubleKey(trouble, origin, witnessName(vkey)));
      }
    }
  }

  /** Takes what somebody handed in of this log, if witnesses that are known have cosigned it. */
  async takeNote(note: Uint8Array, nowSeconds: number): Promise<void> {
    const { log, desk } = this.#options;
    const { note: parsed } = await openLogCheckpoint(note, log);
    desk.take(note, await cosignaturesOn(parsed, log.witnesses ?? []), false, nowSeconds);
  }

  async #ask(reader: WitnessReader, nowSeconds: number): Promise<void> {
    const { log, troubles } = this.#options;
    const name = witnessName(reader.vkey);
    try {
      const bytes = await reader.checkpoint(log.origin);
      if (bytes !== undefined) await this.#takeAnswer(reader, bytes, nowSeconds);
    } catch (error) {
      if (!isReadError(error) && !isLimmatError(error)) throw error;
      const summary = `what ${name} has cosigned of ${log.origin} could not be read at ${reader.url}: ${error.message}`;
      const finding = plainFinding(
        'witness-unreachable',
        log.origin,
        summary,
        { witness: name, code: error.code },
        name,
      );
      await troubles.holdFinding(finding, nowSeconds);
    }
    await troubles.lookedFor(troubleKey('witness-unreachable', log.origin, name));
  }

  async #takeAnswer({ vkey, url }: WitnessReader, bytes: Uint8Array, nowSeconds: number): Promise<void> {
    const { log, desk, take } = this.#options;
    const known = this.#answers.get(url);
    if (known !== undefined && equalBytes(known, bytes)) return;
    const { checkpoint, note, timestampSeconds } = await openLogCheckpoint(bytes, log);
    const { verifiers, retired = [], witnesses = [] } = log;
    const cosignatures = await cosignaturesOn(note, witnesses);
    if (!cosignatures.some(({ witness }) => witness.vkey === vkey)) {
      throw new LimmatError('bad-response', `it serves a checkpoint that it has not cosigned`);
    }
    const own = trimNote(note, [...verifiers, ...retired]);
    if (own.length > MAX_HEAD_BYTES) {
      throw new LimmatError('bad-response', `its checkpoint has ${own.length} bytes, above ${MAX_HEAD_BYTES}`);
    }
    const whole = trimNote(note, [...verifiers, ...retired, ...witnesses]);
    const { origin, size, rootHash } = checkpoint;
    await take({ origin, size, rootHash, timestampSeconds, note: own }, 'witness', nowSeconds, whole);
    desk.take(whole, cosignatures, false, nowSeconds);
    this.#answers.set(url, bytes.slice());
  }
}
