import { describe, expect, test } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { LimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { LogSource, pastCaches, readersOf, troubleOf } from '../../src/monitor/source.ts';
import type { Way } from '../../src/monitor/source.ts';

const NOBODY: LogReader = {
  url: 'http://log.example/',
  checkpoint: () => Promise.reject(new LimmatError('internal', 'not asked')),
  read: () => Promise.reject(new LimmatError('internal', 'not asked')),
  resource: () => Promise.reject(new LimmatError('internal', 'not asked')),
};

type Answer = ErrorCode | 'good';

/** Asks a source whose ways answer so, one after another each time it is asked; what came of it, and who was asked. */
async function ask(ways: Readonly<Partial<Record<Way['kind'], readonly Answer[]>>>): Promise<string> {
  const source = new LogSource(
    {
      reader: NOBODY,
      fresh: ways.fresh === undefined ? undefined : NOBODY,
      mirrors: ways.mirror === undefined ? [] : [NOBODY],
    },
    nodeHasher,
  );
  const asked: string[] = [];
  const operation = async ({ kind }: Way): Promise<string> => {
    const count = asked.filter((one) => one === kind).length;
    asked.push(kind);
    const answer = ways[kind]![count] ?? ways[kind]!.at(-1)!;
    if (answer !== 'good') throw new LimmatError(answer, kind);
    return 'good';
  };
  const result = await source.attempt(operation).catch((error: unknown) => {
    if (!(error instanceof LimmatError)) throw error;
    return error.code;
  });
  return `${result} after ${asked.join(', ')}`;
}

describe('a log that is asked for something', () => {
  test.each([
    [{ address: ['good'], fresh: ['good'] }, 'good after address'],
    [{ address: ['not-found'], fresh: ['good'] }, 'good after address, fresh'],
    [{ address: ['bad-tile'], fresh: ['good'] }, 'good after address, fresh'],
    [{ address: ['bad-tile'], fresh: ['bad-tile'] }, 'bad-tile after address, fresh'],
    // What does not answer does not answer past caches, but its mirrors may.
    [{ address: ['network'], fresh: ['good'] }, 'network after address'],
    [{ address: ['network'], fresh: ['good'], mirror: ['good'] }, 'good after address, mirror'],
    [{ address: ['network'], mirror: ['not-found'] }, 'network after address, mirror'],
    // Something wrong counts when it was seen twice, and not when the second look failed.
    [{ address: ['bad-tile'], fresh: ['network'] }, 'network after address, fresh'],
    [{ address: ['bad-tile'], fresh: ['network'], mirror: ['bad-tile'] }, 'bad-tile after address, fresh, mirror'],
    [{ address: ['bad-note'], fresh: ['malformed'] }, 'bad-note after address, fresh'],
    [{ address: ['not-found'], fresh: ['bad-tile'] }, 'not-found after address, fresh'],
    // With one way only, the same one is asked again.
    [{ address: ['bad-tile', 'good'] }, 'good after address, address'],
    [{ address: ['bad-tile', 'bad-tile'] }, 'bad-tile after address, address'],
    [{ address: ['bad-tile', 'network'] }, 'network after address, address'],
    [{ address: ['not-found', 'good'] }, 'not-found after address'],
    // Anything else is no matter of reading.
    [{ address: ['internal'], fresh: ['good'] }, 'internal after address'],
    [{ address: ['store-failed'], fresh: ['good'] }, 'store-failed after address'],
  ] as const)('%j: %s', async (ways, outcome) => {
    expect(await ask(ways)).toBe(outcome);
  });

  test('asks past caches with the words for it', async () => {
    const asked: [string, string | null][] = [];
    const { reader, fresh } = readersOf({
      url: 'http://log.example/x',
      fetch: async (url, init) => {
        asked.push([url, new Headers(init.headers).get('cache-control')]);
        return new Response('x');
      },
    });
    await reader.checkpoint();
    await fresh!.checkpoint();
    expect(asked).toEqual([
      ['http://log.example/x/checkpoint', null],
      ['http://log.example/x/checkpoint', 'no-cache'],
    ]);
    await pastCaches(async (_url, init) => {
      expect(new Headers(init.headers).get('accept')).toBe('text/plain');
      expect(new Headers(init.headers).get('pragma')).toBe('no-cache');
      return new Response('');
    })('http://log.example/', { headers: { accept: 'text/plain' } });
  });
});

test.each([
  ['network', 'unreachable', 'unreachable'],
  ['bad-response', 'bad-answer', 'bad-answer'],
  ['not-found', 'bad-answer', 'missing-tile'],
  ['withheld', 'bad-answer', 'missing-tile'],
  ['malformed', 'bad-answer', 'bad-answer'],
  ['bad-note', 'bad-signature', 'bad-signature'],
  ['log-signature-missing', 'unknown-key', 'unknown-key'],
  ['wrong-log', 'wrong-origin', 'wrong-origin'],
  ['bad-tile', 'tile-mismatch', 'tile-mismatch'],
  ['internal', 'own-trouble', 'own-trouble'],
  ['store-failed', 'own-trouble', 'own-trouble'],
] as const)('%s is called %s of a checkpoint and %s of a tile', (code, ofCheckpoint, ofTiles) => {
  expect(troubleOf(new LimmatError(code, ''), 'checkpoint')).toBe(ofCheckpoint);
  expect(troubleOf(new LimmatError(code, ''), 'tiles')).toBe(ofTiles);
  expect(troubleOf(new TypeError('a mistake'), 'tiles')).toBe('own-trouble');
});
