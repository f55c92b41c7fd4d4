// Random policies and histories, judged by admit and by a naive model that looks through the whole history each time.

import { describe, expect, test } from 'vitest';

import { toHex } from '../../../src/bytes.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { Author, TYPES } from '../../support/admission-author.ts';
import { AdmissionModel } from '../../support/admission-model.ts';
import { AdmissionWorld, genesis, kid, rootKeys, sign } from '../../support/admission-world.ts';
import { chooseSeed, seededRandom } from '../../support/random.ts';

const seed = chooseSeed();

describe(`admit and a naive model (seed ${seed})`, () => {
  test('agree on every entry of random histories under random policies', { timeout: 60_000 }, async () => {
    const random = seededRandom(seed);
    const tally = new Map<string, number>();
    for (let run = 0; run < 50; run++) {
      const world = new AdmissionWorld();
      const model = new AdmissionModel();
      const author = new Author(random, world, model);
      const roots = random() < 0.2 ? rootKeys(2, 'root', 'root2') : rootKeys(1, 'root');
      const approvals = roots.threshold === 2 ? ['root2'] : [];
      const entries = [await sign('root', 'log', 'policy', genesis({ roles: author.roles() }, roots), { approvals })];
      if (random() < 0.7) {
        const join = { action: 'admit', namespace: 'a', vendor: 'A', root: rootKeys(1, 'a-root') } as const;
        const prev = portableHasher.leafHash(entries[0]!);
        entries.push(await sign('root', 'log', 'membership', { sequence: 2, prev, ...join }, { approvals }));
      }
      for (let step = 0; step < 100; step++) {
        const bytes = entries[step] ?? (await author.propose());
        // A leaf that is logged already never reaches admission.
        const leaf = bytes && toHex(portableHasher.leafHash(bytes));
        if (bytes === undefined || model.history.some((e) => e.leaf === leaf)) continue;
        const broken = model.broken(bytes);
        const decision = world.append(bytes);
        const where = `seed ${seed}, run ${run}, step ${step}, model [${[...broken].join()}], ${JSON.stringify(decision.admitted || decision)}`;
        if (decision.admitted) {
          expect([...broken], where).toEqual([]);
          model.append(bytes);
        } else expect(broken.has(decision.rule), where).toBe(true);
        const what = decision.admitted ? 'admitted' : decision.rule;
        tally.set(what, (tally.get(what) ?? 0) + 1);
      }
    }
    // The histories are worth something only if they go on, and if they meet the rules.
    expect(tally.get('admitted') ?? 0).toBeGreaterThan(500);
    const met = ['A02', 'A03', 'A04', 'A05', 'A07', 'A08', 'D01', 'D03', 'D08', 'D15', 'D16', 'D23', 'D25'];
    expect(met.filter((rule) => !tally.has(rule))).toEqual([]);
  });
});

test(`1,000 attempts do not reach into another vendor's namespace (seed ${seed})`, { timeout: 60_000 }, async () => {
  const random = seededRandom(seed + 1);
  const world = new AdmissionWorld();
  const model = new AdmissionModel();
  let prev = await world.log('root', 'log', 'policy', genesis());
  for (const [i, namespace] of ['a', 'b'].entries()) {
    const root = rootKeys(1, `${namespace}-root`);
    const link = { sequence: i + 2, prev, action: 'admit' as const };
    prev = await world.log('root', 'log', 'membership', { ...link, namespace, vendor: namespace, root });
  }
  for (const name of ['a', 'b']) {
    const roles = [{ role: 'r1', types: TYPES, keys: [kid('k1')] }];
    await world.log(`${name}-root`, name, 'policy', { sequence: 1, ...(name === 'a' && { roles }) });
  }
  for (const leaf of world.leaves) model.append(leaf);
  const author = new Author(random, world, model);
  const before = world.state.pairs().length;
  let attempts = 0;
  while (attempts < 1000) {
    const type = author.pick(['policy', 'key-event', 'membership', ...TYPES] as const);
    const by = author.pick(['a-root', 'k1', 'k2', 'a-root'] as const);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- createStatement refuses what is none
    const bytes = await sign(by, 'b', type, author.fields('b', type) as FieldsOf<typeof type>).catch(() => undefined);
    if (bytes === undefined) continue;
    attempts += 1;
    const decision = world.append(bytes);
    expect(decision.admitted ? `admitted ${portableHasher.leafHash(bytes)[0]}` : decision.rule).toMatch(/^[AD]\d\d$/);
  }
  expect(world.state.pairs()).toHaveLength(before);
});
