// The lies that a log of records can tell: it takes what its own genesis says that it refuses. Each ends with a heartbeat,
// as an honest log would soon sign one, so that whoever reads the log can show which keys were in force.

import { freshStatementSigner } from './leaves.ts';
import type { LieMode, Stage } from './modes.ts';
import type { OwnRecords } from './own-records.ts';

/** A lie that is told by what is logged: everything that is served is true of the tree. */
function byLogging(log: (stage: Stage, records: OwnRecords) => Promise<void>): LieMode['begin'] {
  return async (stage) => {
    if (stage.records === undefined) throw new TypeError('bad math in byLogging: the log began without records');
    await log(stage, stage.records);
    await stage.append([await stage.records.heartbeat(stage.truth.head(), stage.nowSeconds())]);
    return ({ truth }) => truth();
  };
}

export const RECORD_ROWS = [
  {
    name: 'unauthorised',
    lie: 'logs a build that is signed by a key that no policy admits',
    begins: 'records',
    begin: byLogging(async (stage) => {
      await stage.append(await stage.makeLeaves(1, stage.nowSeconds(), freshStatementSigner()));
    }),
  },
  {
    name: 'revoked-key',
    lie: 'logs a build that is signed by a key after the entry that revokes it',
    begins: 'records',
    begin: byLogging(async (stage, records) => {
      const key = freshStatementSigner();
      const now = stage.nowSeconds();
      await stage.append([await records.joins(key, now), ...(await stage.makeLeaves(1, now, key))]);
      await stage.append([await records.revokes(key, now), ...(await stage.makeLeaves(1, now, key))]);
    }),
  },
  {
    name: 'broken-stream',
    lie: 'logs a database release that skips a number of its stream without stating a gap',
    begins: 'records',
    begin: byLogging(async (stage, records) => {
      for (const sequence of [1, 2, 4]) await stage.append([await records.release(sequence, stage.nowSeconds())]);
    }),
  },
] as const satisfies readonly LieMode[];
