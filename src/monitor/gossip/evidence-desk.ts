// Evidence that others bring: verified before it is stored, shown or passed on; what was refused once is not looked at
// again.

import { toHex } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { parseEvidence } from '../evidence/file.ts';
import { KINDS } from '../evidence/kinds.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import type { HeadBook } from '../heads.ts';
import { MAX_CONVICTIONS } from '../known-evidence.ts';
import type { LogIdentity } from '../watched-log.ts';
import { MAX_EXCHANGE_IDS, MAX_REFUSED_FILES } from './limits.ts';
import type { GossipLog } from './protocol.ts';

export interface EvidenceDeskOptions {
  readonly onEvidence: (evidence: Evidence, file: Uint8Array) => Promise<void>;
  readonly crypto: CryptoSuite;
}

/** Takes evidence in. */
export class EvidenceDesk {
  readonly #options: EvidenceDeskOptions;
  /** Hashes of files that were refused, and ids beside the peer that gave something else for them; oldest first. */
  readonly #refused = new Set<string>();
  /** The keys and promises of the logs that they were refused by. */
  #judgedBy = '';

  constructor(options: EvidenceDeskOptions) {
    this.#options = options;
  }

  /**
   * Forgets all refusals when these logs have other keys or promises than those that the files were judged by: what did
   * not hold then may hold now.
   */
  follow(logs: ReadonlyMap<string, GossipLog>): void {
    const now = JSON.stringify([...logs.values()].map(({ log }) => partsThatJudge(log)));
    if (now === this.#judgedBy) return;
    this.#refused.clear();
    this.#judgedBy = now;
  }

  /** Which of these ids of evidence against the book's log are worth asking this peer for. */
  wanted(book: HeadBook, ids: readonly string[], peer: string): readonly string[] {
    const room = book.evidence.convictions < MAX_CONVICTIONS ? MAX_EXCHANGE_IDS : 0;
    return ids.filter((id) => !book.evidence.has(id) && !this.#refused.has(`${id} ${peer}`)).slice(0, room);
  }

  /** Remembers that what this peer has under this id is no good; another one may have the evidence of that id. */
  refuseFrom(peer: string, id: string): void {
    this.#refuse(`${id} ${peer}`);
  }

  #refuse(name: string): void {
    this.#refused.add(name);
    if (this.#refused.size <= MAX_REFUSED_FILES) return;
    for (const oldest of this.#refused) {
      this.#refused.delete(oldest);
      break;
    }
  }

  /**
   * Takes an evidence file. LimmatError `malformed` when it does not hold, is of a kind that this version does not know, or
   * was refused before; `not-found` for a log that is not watched; `queue-full` when there is so much evidence against
   * the log that more would say nothing.
   */
  async take(
    file: Uint8Array,
    logs: ReadonlyMap<string, GossipLog>,
  ): Promise<{ readonly evidence: Evidence; readonly isNew: boolean }> {
    this.follow(logs);
    const hash = toHex(this.#options.crypto.sha256(file));
    if (this.#refused.has(hash)) throw new LimmatError('malformed', 'this evidence was refused before');
    try {
      return await this.#take(file, logs);
    } catch (error) {
      if (isLimmatError(error, 'bad-evidence')) {
        this.#refuse(hash);
        throw new LimmatError('malformed', error.message, { details: error.details, cause: error });
      }
      throw error;
    }
  }

  async #take(
    file: Uint8Array,
    logs: ReadonlyMap<string, GossipLog>,
  ): Promise<{ readonly evidence: Evidence; readonly isNew: boolean }> {
    const parsed = parseEvidence(file);
    const watched = logs.get(parsed.origin);
    if (watched === undefined) {
      throw new LimmatError('not-found', 'this monitor does not watch the log that the evidence is about');
    }
    const { log, book } = watched;
    const isAgainstLog = KINDS[parsed.kind].accuses === 'log';
    if (isAgainstLog ? book.evidence.convictions >= MAX_CONVICTIONS : book.evidence.isFullOf(parsed.kind)) {
      throw new LimmatError(
        'queue-full',
        `enough evidence of what is wrong with that log, or with records in it, is kept already`,
      );
    }
    const evidence = await verifyEvidence(parsed, [log]);
    // Of records that contradict each other every monitor makes a file of its own; one says it all.
    const isNew = isAgainstLog ? !book.evidence.has(evidence.id) : book.evidence.isNews(evidence);
    if (isNew) {
      await this.#options.onEvidence(evidence, file);
      book.evidence.convict(evidence);
    }
    return { evidence, isNew };
  }
}

/** What of a log decides whether evidence against it holds: every list of keys it has, and its numbers. */
function partsThatJudge(log: LogIdentity): unknown {
  const { origin, verifiers, channelVerifiers = [], retired = [], witnesses = [], iatWindowSeconds } = log;
  return [
    origin,
    iatWindowSeconds,
    ...[verifiers, channelVerifiers, retired, witnesses].map((keys) => keys.map(({ vkey }) => vkey)),
  ];
}
