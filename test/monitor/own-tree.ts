// A monitor's own tree for tests: a history of the oracle's, under a head that its log signed.

import type { LogHead } from '../../src/client/state.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { OwnTree } from '../../src/monitor/judge.ts';
import type { History } from './evidence/support.ts';

/** The tree of the history's first head.size entries. */
export function ownTree(head: LogHead, history: History): OwnTree {
  return {
    own: head,
    ownProver: {
      rootHashAt: (size) => Promise.resolve(history.root(size)),
      consistency: (fromSize, toSize) => {
        const isEmpty = fromSize === 0 || fromSize === toSize;
        return Promise.resolve(isEmpty ? [] : history.tree.proof(fromSize, toSize).map(asHash));
      },
    },
  };
}
