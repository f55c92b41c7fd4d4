import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { SIGNATURE_TYPE, formatSignerKey } from '../../src/note/key.ts';
import { channelTimes, loadChannelSigner, makeChannelKey } from '../../src/node/channel-key.ts';
import { dataPaths } from '../../src/node/meta.ts';
import { temporaryDirectory } from '../support/data-log.ts';
import { testKey } from '../support/notes.ts';

const ORIGIN = 'log.example/a';
const HOUR = 3_600_000;

describe('the key for channel heads', () => {
  test('is made once, for its owner alone, and is the same after a restart', () => {
    const paths = dataPaths(temporaryDirectory());
    expect(loadChannelSigner(paths, ORIGIN, nodeCrypto)).toBeUndefined();
    const vkey = makeChannelKey(paths, ORIGIN, nodeCrypto);
    expect(vkey).toMatch(/^log\.example\/a\/channel\+[0-9a-f]{8}\+/);
    expect(makeChannelKey(paths, ORIGIN, nodeCrypto)).toBe(vkey);
    expect(loadChannelSigner(paths, ORIGIN, nodeCrypto)).toMatchObject({ origin: ORIGIN, vkey });
    expect(statSync(paths.channelKey).mode & 0o777).toBe(0o600);
  });

  test('of another log, of another purpose, or that others can read is refused', () => {
    const paths = dataPaths(temporaryDirectory());
    makeChannelKey(paths, ORIGIN, nodeCrypto);
    expect(() => loadChannelSigner(paths, 'log.example/b', nodeCrypto)).toThrow('is named log.example/a/channel');
    chmodSync(paths.channelKey, 0o644);
    expect(() => loadChannelSigner(paths, ORIGIN, nodeCrypto)).toThrow('chmod 600');
    const noteKey = join(temporaryDirectory(), 'log.skey');
    writeFileSync(noteKey, formatSignerKey(testKey(ORIGIN, SIGNATURE_TYPE.ed25519, 1)), { mode: 0o600 });
    expect(() => loadChannelSigner({ channelKey: noteKey }, ORIGIN, nodeCrypto)).toThrow('the name of a channel key');
  });
});

describe('how long channel heads are good for', () => {
  test('is a day, renewed every hour, unless limmat.toml says otherwise', () => {
    expect(channelTimes({})).toEqual({ validityMillis: 24 * HOUR, refreshMillis: HOUR });
    expect(channelTimes({ 'channel-validity': 6 * HOUR, 'channel-refresh': 2 * HOUR })).toEqual({
      validityMillis: 6 * HOUR,
      refreshMillis: 2 * HOUR,
    });
    // A short validity alone shortens the refresh with it.
    expect(channelTimes({ 'channel-validity': HOUR }).refreshMillis).toBe(HOUR / 3);
  });

  test.each([
    [{ 'channel-validity': 6 * HOUR, 'channel-refresh': 2 * HOUR + 1 }, 'channel-refresh'],
    [{ 'refresh-interval': 8 * HOUR + 1 }, 'refresh-interval'],
    [{ 'channel-validity': 2999, 'refresh-interval': 1 }, 'channel-validity'],
  ])('is refused where a head would run out before the next is there: %j', (config, key) => {
    expect(() => channelTimes(config)).toThrow(expect.objectContaining({ code: 'bad-config', details: { key } }));
  });
});
