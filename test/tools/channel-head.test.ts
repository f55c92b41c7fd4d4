import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { channelApp, serverApp } from '../../src/adapters/http/index.ts';
import type { App } from '../../src/adapters/http/index.ts';
import { utf8 } from '../../src/bytes.ts';
import { formatIssuer } from '../../src/client/trust.ts';
import { appListener } from '../../src/node/app-listener.ts';
import { listen } from '../../src/node/listen.ts';
import type { Listener } from '../../src/node/listen.ts';
import { signer as vendorKey } from '../support/admission-world.ts';
import type { AdmissionWorld } from '../support/admission-world.ts';
import { BUILDS, RELEASES, channelHistory, channelSigner, headsOf } from '../support/channel-world.ts';
import { temporaryDirectory } from '../support/data-log.ts';
import { ORIGIN } from '../support/records.ts';
import { limmat } from '../support/run-limmat.ts';
import { testSigners } from '../support/test-log.ts';

let world: AdmissionWorld;
let listener: Listener;
let app: App;
/** What the log has published, and when. */
const now = { size: 0, at: 0 };
let dir: string;
let trust: string;

beforeAll(async () => {
  world = await channelHistory();
  listener = await listen((...given) => appListener(app)(...given), { host: '127.0.0.1', port: 0 }, '--listen');
});

afterAll(() => listener.close());

beforeEach(() => {
  Object.assign(now, { size: world.size, at: Math.floor(Date.now() / 1000) });
  serveBy(channelSigner());
  dir = temporaryDirectory();
  trust = join(dir, 'trust.txt');
  const logLines = testSigners(ORIGIN).map(({ vkey }) => `log ${vkey}\n`);
  const issuer = formatIssuer({ iss: 'Vendor AG', key: vendorKey('root').key });
  writeFileSync(trust, `${logLines.join('')}quorum none\n${issuer}\nchannel-key ${channelSigner().vkey}\n`);
});

/** From here on the log's heads are signed by that key. */
function serveBy(signer: ReturnType<typeof channelSigner>): void {
  app = serverApp({ mounts: [{ prefix: '', app: channelApp(headsOf(world, now, { signer }).heads) }] });
}

const notAsked = (): Promise<never> => Promise.reject(new Error('nobody asked for the list'));
const run = (channel: string, ...more: readonly string[]) =>
  limmat('channel-head', channel, '--url', listener.url, '--trust', trust, ...more);

describe('limmat channel-head', () => {
  test('gives the signed head on standard output, byte for byte, with a summary beside it', async () => {
    const { code, stdout, stderr } = await run(RELEASES);
    expect([code, stderr]).toEqual([0, expect.stringContaining('newest     entry 9, number 4;')]);
    expect(stderr).toContain('nothing of it may be used');
    expect(utf8(stdout)).toEqual((await headsOf(world, now).heads.head(RELEASES)).note);
    expect((await run(BUILDS)).stderr).toContain('nothing below number 3 may be used');
  });

  test('writes it into a file for a machine without a network', async () => {
    const out = join(dir, 'shield.head');
    const { code, stdout } = await run(BUILDS, '--out', out, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      origin: ORIGIN,
      channel: BUILDS,
      newest: { index: 7, sequence: 7 },
      minimumSequence: 3,
      size: world.size,
      file: out,
    });
    expect(readFileSync(out, 'utf8')).toContain(`\n${BUILDS}\n`);
  });

  test('refuses what does not hold, and leaves the file as it was', async () => {
    const out = join(dir, 'shield.head');
    writeFileSync(out, 'the one before');
    serveBy(channelSigner(41));
    // The genesis names the other key, so that log signs nothing; this one is only asked for its own sake.
    expect((await run(BUILDS, '--out', out)).code).toBe(3);
    serveBy(channelSigner());
    now.at -= 86_401;
    const expired = await run(BUILDS, '--out', out);
    expect([expired.code, expired.stderr]).toEqual([4, expect.stringContaining(' was valid until ')]);
    writeFileSync(trust, readFileSync(trust, 'utf8').replace(channelSigner().vkey, channelSigner(41).vkey));
    now.at += 86_401;
    const stranger = await run(BUILDS, '--out', out, '--json');
    expect([stranger.code, JSON.parse(stranger.stdout)]).toMatchObject([
      4,
      { error: { code: 'log-signature-missing' } },
    ]);
    expect(readFileSync(out, 'utf8')).toBe('the one before');
  });

  test('with --state refuses one that goes back', async () => {
    const state = join(dir, 'seen');
    expect((await run(RELEASES, '--state', state)).code).toBe(0);
    expect(existsSync(`${state}.channels`)).toBe(true);
    now.size = 7;
    serveBy(channelSigner());
    const back = await run(RELEASES, '--state', state, '--json');
    expect([back.code, JSON.parse(back.stdout)]).toMatchObject([4, { error: { code: 'channel-rollback' } }]);
    expect((await run(RELEASES)).code).toBe(0);
  });

  test('refuses the head of another channel than it asked for', async () => {
    const { heads } = headsOf(world, now);
    app = serverApp({ mounts: [{ prefix: '', app: channelApp({ list: notAsked, head: () => heads.head(BUILDS) }) }] });
    const { code, stderr } = await run(RELEASES);
    expect([code, stderr]).toEqual([4, expect.stringContaining('gave the head of channel')]);
  });

  test('says where the channels are listed when there is no such channel, and what one looks like', async () => {
    const unknown = await run('vendor/Shield 2/build:linux/beta');
    expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('/api/v1/channels lists')]);
    const wrong = await run('vendor/stable');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('NAMESPACE/PRODUCT/STREAM/CHANNEL')]);
  });
});
