// Puts what is to be said into as few exchanges as hold it. What is added first goes into the first one.

import { utf8, utf8Text } from '../../bytes.ts';
import type { LogHead } from '../../client/state.ts';
import { canonicalJson } from '../evidence/canonical-json.ts';
import { MAX_EXCHANGE_BYTES, MAX_EXCHANGE_LOGS, MAX_EXCHANGE_NOTES } from './limits.ts';
import { GOSSIP_FORMAT } from './message.ts';
import type { Exchange, LogNews } from './message.ts';

/** A message, and the heads whose notes are in it. */
export interface PackedExchange {
  readonly exchange: Exchange;
  readonly heads: readonly LogHead[];
}

interface Draft {
  bytes: number;
  readonly heads: LogHead[];
  readonly logs: Map<string, { readonly news: LogNews; readonly notes: string[] }>;
}

/** Bytes of a message about no log. */
const EMPTY_BYTES = utf8(canonicalJson({ format: GOSSIP_FORMAT, logs: [] })).length;

const NOTHING = { evidence: [], wanted: [], notes: [] } as const;

/** Fills up to maxMessages exchanges. */
export class ExchangePacker {
  readonly #maxMessages: number;
  readonly #drafts: Draft[] = [];

  constructor(maxMessages: number) {
    this.#maxMessages = maxMessages;
  }

  /** Names a log, with ids of evidence. False when no message has room for it. */
  name(origin: string, evidence: readonly string[], wanted: readonly string[]): boolean {
    return this.#place({ origin, evidence, wanted, notes: [] }) !== undefined;
  }

  /** Adds a head, once. False when no message has room for it. */
  add(head: LogHead): boolean {
    if (this.#drafts.some(({ heads }) => heads.includes(head))) return true;
    const note = utf8Text(head.note);
    if (note === undefined) throw new TypeError('a note that is not UTF-8');
    const bytes = utf8(canonicalJson(note)).length + 1;
    const { origin } = head;
    for (const draft of this.#drafts) {
      const named = draft.logs.get(origin);
      if (named === undefined || named.notes.length >= MAX_EXCHANGE_NOTES) continue;
      if (draft.bytes + bytes > MAX_EXCHANGE_BYTES) continue;
      named.notes.push(note);
      draft.heads.push(head);
      draft.bytes += bytes;
      return true;
    }
    const draft = this.#place({ ...NOTHING, origin }, bytes);
    if (draft === undefined) return false;
    draft.logs.get(origin)!.notes.push(note);
    draft.heads.push(head);
    draft.bytes += bytes;
    return true;
  }

  /** The messages, at least one. */
  messages(): readonly PackedExchange[] {
    if (this.#drafts.length === 0) return [{ exchange: { logs: [] }, heads: [] }];
    return this.#drafts.map(({ logs, heads }) => ({
      exchange: { logs: [...logs.values()].map(({ news, notes }) => ({ ...news, notes })) },
      heads,
    }));
  }

  /** The first message with room for this log, which it does not name yet, and for so many more bytes. */
  #place(news: LogNews, moreBytes: number = 0): Draft | undefined {
    const { origin, evidence, wanted, notes } = news;
    const bytes = utf8(canonicalJson({ origin, evidence, wanted, notes })).length + 1;
    let draft = this.#drafts.find(
      ({ logs, bytes: used }) =>
        !logs.has(origin) && logs.size < MAX_EXCHANGE_LOGS && used + bytes + moreBytes <= MAX_EXCHANGE_BYTES,
    );
    if (draft === undefined) {
      if (this.#drafts.length >= this.#maxMessages || EMPTY_BYTES + bytes + moreBytes > MAX_EXCHANGE_BYTES)
        return undefined;
      draft = { bytes: EMPTY_BYTES, heads: [], logs: new Map() };
      this.#drafts.push(draft);
    }
    draft.logs.set(origin, { news, notes: [] });
    draft.bytes += bytes;
    return draft;
  }
}
