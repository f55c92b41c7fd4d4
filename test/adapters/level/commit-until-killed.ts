// A process that commits to a store, and writes its guard, until it is killed; it says on standard output which sizes it
// was promised. Used by kill.test.ts.

import { openGuard } from '../../../src/adapters/guard.ts';
import { openLevelStorage } from '../../../src/adapters/level.ts';
import { GrowingTree } from '../../contract/growing-tree.ts';

const dir = process.argv[2]!;
const guard = await openGuard(`${dir}.guard`);
const storage = await openLevelStorage(dir);
const tree = new GrowingTree();
const { head } = await storage.load();
if (head.size > 0) tree.grow(head.size);
for (let round = 0; ; round++) {
  await storage.commit(tree.grow(1 + ((round * 37) % 90)));
  await guard.write({ origin: 'limmat.invalid/test', ...tree.head(), timestampSeconds: round });
  process.stdout.write(`${tree.size}\n`);
}
