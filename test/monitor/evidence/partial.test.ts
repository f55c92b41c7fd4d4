// What a claim does not have: without every link of a chain nobody knows how many root keys have to sign, nor with which
// limits a key came. An honest log is convicted by no part of its entries; with all of them, one that is not is.

import { beforeAll, describe, expect, test } from 'vitest';

import type { OpenedEntry } from '../../../src/monitor/evidence/kind-row.ts';
import type { LoggedRecord } from '../../../src/monitor/evidence/records/claim.ts';
import type { Wrong } from '../../../src/monitor/evidence/records/judge.ts';
import { judgeByRules } from '../../../src/monitor/evidence/records/judge.ts';
import { CHAIN_TYPES } from '../../../src/record/chain.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { genesis, kid, publicKey, rootKeys, T0 } from '../../support/admission-world.ts';
import { build, digest, entry, Past, signed, type Entry } from '../../support/boundary.ts';
import { claimOf, logged, opened } from './claims.ts';

/** Signs with this key, and the others of a root of which three have to sign. */
const ROOT = ['r2', 'r3'];
const ACME = ['a2'];

const LIMITS = { site: 'zrh', validFrom: T0, validUntil: T0 + 10 };

const add = (name: string, role: string, more: Partial<FieldsOf<'key-event'>> = {}) =>
  ({ action: 'add', role, ...publicKey(name), ...more }) as const;

/** A log with three of four root keys to sign, a vendor with two of three, a role with two, and keys with limits. */
async function honest(): Promise<Past> {
  const past = new Past();
  const root = (more: object): Entry => entry('r1', 'policy', { ...past.link(), ...more }, { approvals: ROOT });
  const event = (fields: Omit<FieldsOf<'key-event'>, 'sequence' | 'prev'>, by = 'clerk', approvals: string[] = []) =>
    past.log(entry(by, 'key-event', { ...past.link(), ...fields }, { approvals }));
  const roles: FieldsOf<'policy'>['roles'] = [
    { role: 'office', types: ['key-event', 'site'] },
    { role: 'release', types: ['build', 'avdb-release', 'retraction'], sites: ['zrh'] },
    { role: 'pair', types: ['build', 'source-snapshot'], threshold: 2 },
  ];
  await past.log(root({ ...genesis({ roles }, rootKeys(3, 'r1', 'r2', 'r3', 'r4')) }));
  await event(add('clerk', 'office'), 'r1', ROOT);
  await past.log(entry('clerk', 'site', { ...past.link(), siteId: 'zrh', kinds: ['build', 'signing'], country: 'CH' }));
  await event(add('limited', 'release', LIMITS));
  // Once more into a role, with the limits that it has, and with nothing said of them; and as a root key.
  await event(add('limited', 'pair', LIMITS));
  await event(add('partner', 'pair', { validUntil: T0 + 99 }));
  await event({ ...add('partner', 'office', { validUntil: T0 + 99 }), action: 'rotate', previousKid: kid('clerk') });
  await event(add('r5', 'root', { validFrom: T0 }), 'r1', ROOT);
  await event(add('limited', 'root', LIMITS), 'r1', ROOT);
  await event({ action: 'revoke', kid: kid('r4') }, 'r1', ROOT);
  const built = await past.log(entry('limited', 'build', build('1', 1, { signSite: 'zrh' })));
  await past.log(entry('partner', 'build', build('2', 2), { approvals: ['limited'] }));
  await past.log(entry('r1', 'build', build('3', 3), { approvals: ROOT }));
  await past.log(entry('r1', 'retraction', { target: built, kind: 'recall' }, { approvals: ROOT }));
  const join = { action: 'admit', namespace: 'acme', vendor: 'Acme', root: rootKeys(2, 'a1', 'a2', 'a3') } as const;
  await past.log(entry('r1', 'membership', { ...past.link(), ...join }, { approvals: ROOT }));
  const acme = { namespace: 'acme', approvals: ACME };
  await past.log(entry('a1', 'policy', past.link('acme'), acme));
  await past.log(entry('a1', 'source-snapshot', { product: 'av', version: '1', treeDigest: digest(5) }, acme));
  // From here on one key of one decides: what it signs alone, and what three signed before, is the same log's.
  await past.log(root({ root: rootKeys(1, 'r1'), roles }));
  await past.log(entry('r1', 'build', build('4', 4)));
  await event(add('late', 'release', { validFrom: T0 - 5 }), 'r1');
  await past.log(entry('log', 'log-event', { shutdown: { finalSize: 1000 } }, { approvals: ['r1'] }));
  await past.log(entry('log', 'log-event', heartbeat(past)));
  return past;
}

function heartbeat(past: Past): FieldsOf<'log-event'> {
  const { size, roots } = past.world;
  const heads = ['acme', 'log'].map((namespace) => {
    const { sequence, prev } = past.link(namespace);
    return { namespace, sequence: sequence - 1, leafHash: prev! };
  });
  return { heartbeat: { size, rootHash: roots.at(size), heads } };
}

let past: Past;
beforeAll(async () => {
  past = await honest();
});

/** What the entry at a place is found guilty of by those of the log that are chosen, beside the genesis. */
function judge(
  records: readonly LoggedRecord[],
  accused: OpenedEntry,
  isChosen: (index: number) => boolean,
): Wrong | string {
  const chosen = records.filter(({ index }) => index === 0 || (index !== accused.index && isChosen(index)));
  return judgeByRules(claimOf(chosen, accused), accused);
}

/** Whether a claim has the entry at one place, by a number that is gone through. */
const CHOICES = {
  'with no entry but': (one: number, n: number) => one === n,
  'with all entries but': (one: number, n: number) => one !== n,
  'with the entries up to': (one: number, n: number) => one <= n,
  'with the entries from': (one: number, n: number) => one >= n,
} as const;

describe('a log that goes by its rules', () => {
  test('is convicted of nothing by whatever part of its entries', () => {
    const { leaves, size } = past.world;
    const records = logged(leaves);
    let [admitted, judged] = [0, 0];
    for (let index = 1; index < size; index++) {
      const accused = opened(leaves[index]!, index);
      for (const [words, isChosen] of Object.entries(CHOICES)) {
        for (let n = 0; n < size; n++) {
          const wrong = judge(records, accused, (one) => isChosen(one, n));
          expect(typeof wrong, `entry ${index} ${words} ${n}: ${JSON.stringify(wrong)}`).toBe('string');
          judged++;
          if (typeof wrong === 'string' && wrong.startsWith('the rules admit it')) admitted++;
        }
      }
    }
    // Most were judged to the end, and are not just left open.
    expect(admitted).toBeGreaterThan(0.75 * judged);
  });
});

const further = (role: string, more: Partial<FieldsOf<'key-event'>>) =>
  entry('r1', 'key-event', { ...past.link(), ...add('late', role, more) });
const byAcme = (approvals: readonly string[]) => entry('a1', 'build', build('5', 5), { namespace: 'acme', approvals });

describe('a log that does not', () => {
  test.each([
    ['D16 site', () => further('root', { site: 'zrh' })],
    ['D16 validFrom', () => further('root', { validFrom: T0 - 6 })],
    ['D16 validUntil', () => further('pair', { validUntil: T0 })],
    ['D15 iat', () => entry('late', 'build', build('5', 5), { iat: T0 - 6 })],
    ['A04 approvals', () => entry('r1', 'build', build('5', 5), { approvals: ['r2'] })],
    ['A04 approvals', () => byAcme([])],
    ['A04 approvals', () => byAcme(['a2', 'a3'])],
  ])(
    'is convicted by %s with the whole chain (row %$), and of nothing without one of its links',
    async (found, make) => {
      const { leaves, size } = past.world;
      const bad = make();
      const beat = await signed(entry('log', 'log-event', heartbeat(past)));
      const accused = opened(await signed(bad), size);
      const records = [...logged(leaves), { ...logged([beat])[0]!, index: size + 1 }];
      const wrong = judge(records, accused, () => true);
      if (typeof wrong === 'string' || wrong.what !== 'refused') throw new Error(JSON.stringify(wrong));
      expect(`${wrong.refusal.rule} ${wrong.refusal.field}`).toBe(found);
      const links = records.filter(
        ({ index, statement: { type, namespace } }) =>
          index > 0 && namespace === bad.namespace && CHAIN_TYPES.some((link) => link === type),
      );
      expect(links.length).toBeGreaterThan(0);
      for (const { index: hidden } of links) {
        expect(typeof judge(records, accused, (one) => one !== hidden), `without ${hidden}`).toBe('string');
      }
    },
  );
});
