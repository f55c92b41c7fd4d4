import { expect, it } from 'vitest';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { T0 } from '../support/admission-world.ts';
import { opaqueEntries, openTestLog } from '../support/test-log.ts';

it('an open log does not begin with a genesis that names it, which a stranger could have signed', async () => {
  const { log } = await openTestLog();
  const [genesis] = await firstStatements(genesisOptions(), T0);
  const [, opaque] = opaqueEntries(0, 2);
  expect(await log.append([genesis!, opaque!])).toMatchObject([
    { ok: false, error: { code: 'not-admitted', details: { rule: 'A01' } } },
    { ok: true, index: 0 },
  ]);
  // Behind another first entry it is bytes like any.
  expect(await log.append([genesis!])).toMatchObject([{ ok: true, index: 1 }]);
});

it('an open log of another name takes it', async () => {
  const { log } = await openTestLog({ origin: 'limmat.invalid/another' });
  const [genesis] = await firstStatements(genesisOptions(), T0);
  expect(await log.append([genesis!])).toMatchObject([{ ok: true, index: 0 }]);
});
