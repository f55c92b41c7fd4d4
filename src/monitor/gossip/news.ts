// What one monitor tells another: the newest head of each log, all that waits to be judged, a few older ones, and which
// evidence there is. Chance decides where not everything fits, so that nobody can time what is told and what is not.

import type { LogHead } from '../../client/state.ts';
import type { HeadBook } from '../heads.ts';
import { MAX_EXCHANGE_IDS, MAX_HEAD_BYTES, RANDOM_HEADS_PER_CALL } from './limits.ts';
import type { Exchange } from './message.ts';
import { ExchangePacker } from './packer.ts';
import type { PackedExchange } from './packer.ts';
import type { Peer } from './peer.ts';
import type { GossipLog } from './protocol.ts';

interface Moment {
  readonly nowSeconds: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** The messages of a call: what the peer is not known to have, of every watched log. */
export function newsFor(
  peer: Peer,
  logs: ReadonlyMap<string, GossipLog>,
  options: Moment & { readonly maxMessages: number },
): readonly PackedExchange[] {
  const packer = new ExchangePacker(options.maxMessages);
  const books = shuffled(
    [...logs.values()].map(({ book }) => book),
    options.random,
  );
  for (const book of books) packer.name(book.origin, latestIds(book), []);
  addHeads(packer, peer, books, options);
  addOlder(packer, peer, books, options);
  return packer.messages();
}

/**
 * The answer to a message: heads of the logs that it names which the peer is not known to have, evidence that it did not
 * name, and the evidence that it named and is wanted.
 */
export function answerTo(
  peer: Peer,
  message: Exchange,
  logs: ReadonlyMap<string, GossipLog>,
  options: Moment & { readonly wants: (book: HeadBook, ids: readonly string[]) => readonly string[] },
): Exchange {
  const packer = new ExchangePacker(1);
  const books: HeadBook[] = [];
  for (const { origin, evidence } of message.logs) {
    const book = logs.get(origin)?.book;
    if (book === undefined) continue;
    const named = new Set(evidence);
    const missing = book.evidence.ids().filter((id) => !named.has(id));
    if (packer.name(origin, missing.slice(-MAX_EXCHANGE_IDS), options.wants(book, evidence))) books.push(book);
  }
  addHeads(packer, peer, shuffled(books, options.random), options);
  return packer.messages()[0]!.exchange;
}

/** True for a head that the peer is not known to have, and that fits into a message. */
function isNewsTo(peer: Peer, head: LogHead | undefined, nowSeconds: number): head is LogHead {
  return head !== undefined && head.note.length <= MAX_HEAD_BYTES && !peer.has.hasHead(head, nowSeconds);
}

/** First the newest head of each log, then what waits: the smallest and the largest before the others. */
function addHeads(packer: ExchangePacker, peer: Peer, books: readonly HeadBook[], moment: Moment): void {
  const isNews = (head: LogHead | undefined): head is LogHead => isNewsTo(peer, head, moment.nowSeconds);
  for (const book of books) {
    const newest = book.newest();
    if (isNews(newest)) packer.add(newest);
  }
  for (const book of books) {
    const waiting = book.unresolved().filter(isNews);
    const [smallest, ...rest] = waiting;
    const largest = rest.pop();
    for (const head of [smallest, largest, ...shuffled(rest, moment.random)]) {
      if (head !== undefined && !packer.add(head)) break;
    }
  }
}

function addOlder(packer: ExchangePacker, peer: Peer, books: readonly HeadBook[], moment: Moment): void {
  let room = RANDOM_HEADS_PER_CALL;
  for (const book of books) {
    // Not more than a few a log, so that a log with a long past does not silence the others.
    for (const head of book.sample(Math.ceil(RANDOM_HEADS_PER_CALL / books.length))) {
      if (room === 0) return;
      if (!isNewsTo(peer, head, moment.nowSeconds) || !packer.add(head)) continue;
      room--;
    }
  }
}

function latestIds(book: HeadBook): readonly string[] {
  return book.evidence.ids().slice(-MAX_EXCHANGE_IDS);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.min(i, Math.floor(random() * (i + 1)));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
