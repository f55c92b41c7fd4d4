import { describe, expect, it } from 'vitest';

import {
  comparePlaces,
  keepsStep,
  matterOf,
  mattersMeet,
  type Matter,
  type Place,
  type RelocationAction,
} from '../../src/record/matter.ts';
import { countriesOf, regionsContain, regionsEqual, regionsOverlap } from '../../src/record/regions.ts';
import { RELOCATION_ACTIONS } from '../../src/record/common.ts';

describe('regions', () => {
  it('have each country of the world once, below continents that have none in common', () => {
    const continents = ['002', '019', '142', '150', '009', '010'].map((code) => [...countriesOf(code)]);
    const all = continents.flat();
    // 193 members of the United Nations, two observers, and territories with codes of their own.
    expect(all.length).toBe(248);
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(all)).toEqual(countriesOf('001'));
    expect(all.filter((code) => !/^[A-Z]{2}$/.test(code))).toEqual([]);
  });

  it('contain what is inside them, and a code that nobody knows is itself alone', () => {
    expect(regionsContain(['003'], 'US')).toBe(true);
    expect(regionsContain(['003'], '013')).toBe(true);
    expect(regionsContain(['US', 'CA'], '021')).toBe(false);
    expect(regionsContain(['US', 'CA', 'BM', 'GL', 'PM'], '021')).toBe(true);
    expect(regionsContain(['003'], '005')).toBe(false);
    expect([countriesOf('840'), countriesOf('TW')]).toEqual([new Set(['840']), new Set(['TW'])]);
  });

  it('overlap where a country is in both, and are equal whatever they are called', () => {
    expect(regionsOverlap(['US'], ['003'])).toBe(true);
    expect(regionsOverlap(['003'], ['419'])).toBe(true);
    expect(regionsOverlap(['150'], ['CH', 'RU'])).toBe(true);
    expect(regionsOverlap(['150'], ['US', 'JP'])).toBe(false);
    expect(regionsEqual(['019'], ['003', '005'])).toBe(true);
    expect(regionsEqual(['003'], ['US'])).toBe(false);
  });
});

describe('a matter', () => {
  const matter: Matter = { namespace: 'v', activities: ['store', 'process'], regions: ['003'], category: undefined };
  it('is the same where namespace, an activity, a country and the category, if both say one, are', () => {
    const other = (more: Partial<Matter>): boolean => mattersMeet(matter, { ...matter, ...more });
    expect(other({ regions: ['US'], activities: ['process'], category: 'file-metadata' })).toBe(true);
    expect(other({ namespace: 'w' })).toBe(false);
    expect(other({ activities: ['sign'] })).toBe(false);
    expect(other({ regions: ['150'] })).toBe(false);
    expect(other({ regions: undefined })).toBe(false);
    const files = { ...matter, category: 'suspicious-file' };
    expect(mattersMeet(files, { ...matter, category: 'file-metadata' })).toBe(false);
    const noRegion = { ...matter, regions: undefined };
    expect(mattersMeet(noRegion, noRegion)).toBe(true);
  });

  it('is read from promises and relocations', () => {
    const fields = { relocationId: 'm', action: 'start', activity: 'store', category: 'file-metadata' } as const;
    expect(matterOf({ type: 'relocation', namespace: 'v', fields })).toEqual({
      namespace: 'v',
      activities: ['store'],
      regions: undefined,
      category: 'file-metadata',
    });
    const promise = { commitmentId: 'c', kind: 'relocation', subject: 's', regions: ['CH'] } as const;
    expect(matterOf({ type: 'commitment', namespace: 'v', fields: promise }).activities).toEqual([]);
  });
});

const countryOf = (site: string): string | undefined => ({ 'zrh-1': 'CH', 'zrh-2': 'CH', mow: 'RU' })[site];
const compare = (a: readonly Place[] | undefined, b: readonly Place[] | undefined): string =>
  comparePlaces(a, b, countryOf);

describe('places', () => {
  it('are the same, elsewhere, or nobody can tell', () => {
    expect(compare([{ country: 'CH' }], [{ country: 'CH', name: 'Zurich' }])).toBe('same');
    expect(compare([{ country: 'CH' }], [{ country: 'RU' }])).toBe('elsewhere');
    expect(compare([{ country: 'CH' }], [{ country: 'RU' }, { site: 'zrh-1' }])).toBe('same');
    expect(compare([{ site: 'zrh-1' }], [{ site: 'zrh-2' }])).toBe('elsewhere');
    expect(compare([{ site: 'mow' }], [{ country: 'CH' }])).toBe('elsewhere');
    expect(compare([{ name: 'Zurich' }], [{ country: 'CH' }])).toBe('unknown');
    expect(compare([{ name: 'Zurich' }, { country: 'RU' }], [{ country: 'CH' }])).toBe('unknown');
    expect(compare([{ site: 'unheard-of' }], [{ country: 'CH' }])).toBe('unknown');
    expect(compare(undefined, [{ country: 'CH' }])).toBe('unknown');
  });
});

const keep = (promised: RelocationAction | undefined): string[] =>
  RELOCATION_ACTIONS.filter((done) => keepsStep(promised, done));

it('a step keeps a promise of itself or of one before it', () => {
  expect(keep(undefined)).toEqual(['complete']);
  expect(keep('complete')).toEqual(['complete']);
  expect(keep('start')).toEqual(['start', 'milestone', 'complete']);
  expect(keep('suspend')).toEqual(['suspend']);
});
