import { describe, expect, test } from 'vitest';
import { parseChannelHead } from '../../src/note/channel-head.ts';
import { buildChannel, channelPlace, channelType, releaseChannel } from '../../src/record/channel.ts';
import { recordFromJson, recordToJson } from '../../src/record/types.ts';

const build = recordFromJson({
  type: 'build',
  namespace: 'acme',
  fields: {
    product: 'Acme Shield',
    version: '7.1',
    channel: 'stable',
    platform: 'linux/amd64',
    artifacts: [{ digest: { sha256: '00'.repeat(32) } }],
  },
});
const release = recordFromJson({
  type: 'avdb-release',
  namespace: 'acme',
  fields: {
    product: 'Acme Shield',
    database: 'linux/amd64',
    channel: 'stable',
    sequence: 7,
    first: true,
    contentDigest: { sha256: '00'.repeat(32) },
    counts: { total: 5 },
  },
});
const relocation = recordFromJson({
  type: 'relocation',
  namespace: 'acme',
  fields: { relocationId: 'eu-data', action: 'start', activity: 'store' },
});

describe('the channel of a record', () => {
  test('of a build is its platform’s, and its sequence is its index', () => {
    expect(channelPlace(build, 12)).toEqual({
      channel: 'acme/Acme Shield/build:linux%2Famd64/stable',
      sequence: 12,
    });
  });

  test('of a release is its database’s, apart from a platform of that name', () => {
    expect(channelPlace(release, 12)).toEqual({
      channel: 'acme/Acme Shield/avdb-release:linux%2Famd64/stable',
      sequence: 7,
    });
  });

  test('is none for records of other types', () => {
    expect(channelPlace(relocation, 12)).toBeUndefined();
  });

  test('is never that of other names, however they are cut', () => {
    const names = ['a', 'a/b', 'a%2Fb', '/', '%', 'b/a', 'a:b', 'build:a'];
    const all = names.flatMap((product) =>
      names.flatMap((stream) =>
        names.flatMap((channel) => [
          buildChannel('acme', { product, platform: stream, channel }),
          releaseChannel('acme', { product, database: stream, channel }),
        ]),
      ),
    );
    expect(new Set(all).size).toBe(2 * names.length ** 3);
    for (const channel of all) expect(channel.split('/')).toHaveLength(4);
  });

  test('fits into a channel head, with the longest names there are', () => {
    const name = '/'.repeat(256);
    const channel = releaseChannel('n'.repeat(63), { product: name, database: name, channel: name });
    const hash = 'A'.repeat(43).concat('=');
    const text = `limmat/channel-head/v1\no\n1\n${hash}\n${channel}\n0\n${hash}\n1\n0\n${hash}\n1\n2\n`;
    expect(parseChannelHead(text).channel).toBe(channel);
  });

  test('has no step that means another path in a URL', () => {
    const fieldsOf = { build: ['product', 'channel', 'platform'], 'avdb-release': ['product', 'channel', 'database'] };
    for (const record of [build, release]) {
      const { type, namespace, fields } = recordToJson(record);
      for (const field of fieldsOf[record.type === 'build' ? 'build' : 'avdb-release']) {
        for (const [step, isTaken] of [
          ['.', false],
          ['..', false],
          ['...', true],
          ['.a', true],
        ] as const) {
          const read = () => recordFromJson({ type, namespace, fields: { ...Object(fields), [field]: step } });
          if (isTaken) expect(new URL(`http://h/${channelPlace(read(), 1)!.channel}`).pathname).toContain(step);
          else expect(read).toThrow(`${field}: "${step}" is a step of a path`);
        }
      }
    }
  });
});

test('the type of a channel is that of its stream, where it is known', () => {
  expect(channelType('acme/p/build:linux/stable')).toBe('build');
  expect(channelType('acme/p/avdb-release:main/stable')).toBe('avdb-release');
  for (const channel of ['acme/p/linux/stable', 'acme/p/build:/stable', 'acme/p/model:x/stable', 'acme']) {
    expect(channelType(channel)).toBeUndefined();
  }
});
