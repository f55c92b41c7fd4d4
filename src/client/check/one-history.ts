// Whether all that a log shows in a run, and showed in earlier ones, is one history: a log that signs two may give each
// entry a proof under the tree that suits it. Each signed tree that is met has to be a prefix of the larger ones, by the
// log's own tiles.

import { equalBytes, toHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { Prover } from '../../merkle/prover.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import { advance, compareHeads } from '../state.ts';
import type { LogHead, RememberedHeads } from '../state.ts';

/** Trees that are known to be of one history: one for each second of a long run. */
const MAX_KNOWN = 4096;

/** A tree that a log has signed. */
type SignedTree = TreeHead & { readonly origin: string };

/** The trees of a run, compared with the largest one so far, which all others are prefixes of. */
export class OneHistory {
  readonly #prover: Prover;
  readonly #known = new Set<string>();
  #remembered: RememberedHeads;
  /** One comparison at a time: each is with what the one before it left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(prover: Prover, remembered: RememberedHeads) {
    this.#prover = prover;
    this.#remembered = remembered;
  }

  /** The largest head of each log that was met. */
  get remembered(): RememberedHeads {
    return this.#remembered;
  }

  /**
   * Takes a verified head. `fork` or `not-consistent` when it contradicts what was met; `bad-tile`, and what the reader
   * throws, when the log does not show whether it does.
   */
  async takeHead(head: LogHead): Promise<void> {
    // Times are compared each time: of one tree there are many heads.
    const held = this.#remembered.get(head.origin);
    if (held !== undefined) compareHeads(held, head);
    if (!this.#known.has(nameOf(head))) await this.#inTurn(() => this.#take(head, head));
    else this.#remembered = advance(this.#remembered, head);
  }

  /** As takeHead, for a tree that something else than a checkpoint names. */
  async takeTree(tree: SignedTree): Promise<void> {
    if (!this.#known.has(nameOf(tree))) await this.#inTurn(() => this.#take(tree));
  }

  #inTurn(take: () => Promise<void>): Promise<void> {
    const taken = this.#last.then(take);
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  async #take(tree: SignedTree, head?: LogHead): Promise<void> {
    const name = nameOf(tree);
    if (!this.#known.has(name)) await this.#compare(tree);
    if (head !== undefined) this.#remembered = advance(this.#remembered, head);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(name);
  }

  async #compare(tree: SignedTree): Promise<void> {
    const held = this.#remembered.get(tree.origin);
    if (held === undefined) return;
    const [smaller, larger] = tree.size < held.size ? [tree, held] : [held, tree];
    const rootHash =
      smaller.size === larger.size ? larger.rootHash : await this.#prover.rootHashAt(larger, smaller.size);
    if (equalBytes(rootHash, smaller.rootHash)) return;
    throw new LimmatError(
      smaller.size === larger.size ? 'fork' : 'not-consistent',
      `${tree.origin} signed a tree of ${smaller.size} entries with root ${toHex(smaller.rootHash)} and one of ${larger.size} entries that begins with ${toHex(rootHash)}`,
      { details: { origin: tree.origin, fromSize: smaller.size, toSize: larger.size } },
    );
  }
}

function nameOf({ origin, size, rootHash }: SignedTree): string {
  return `${size} ${toHex(rootHash)} ${origin}`;
}
