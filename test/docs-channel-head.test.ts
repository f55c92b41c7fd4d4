// docs/channel-head.md is true: its sample is one, by the key that it names.

import { describe, expect, test } from 'vitest';

import { nodeCrypto } from '../src/adapters/node-crypto.ts';
import { utf8, utf8Text } from '../src/bytes.ts';
import { CHANNEL_REFUSALS } from '../src/client/channel-check.ts';
import { channelHeadVerifier, openChannelHead, recalledDigest } from '../src/note/channel-head.ts';
import { RELEASES, releaseHistory } from './monitor/evidence/samples.ts';
import { channelHeadOf, promisingKeys } from './monitor/evidence/support.ts';
import { blocks, page, tableRows } from './support/markdown.ts';

const PAGE = 'docs/channel-head.md';

describe('docs/channel-head.md', () => {
  test('has a sample that its key signed, and that is made today', async () => {
    const keys = promisingKeys();
    const history = await releaseHistory();
    const [sample] = blocks(PAGE, '');
    const { vkey } = keys.channelSigner;
    expect(page(PAGE)).toContain(`\`${vkey}\``);
    const { head, note } = await openChannelHead(utf8(sample!), [channelHeadVerifier(vkey, nodeCrypto)]);
    expect(utf8Text(note)).toBe(sample);
    const recalled = history.tree.root(3, 4);
    const said = { channel: RELEASES, index: 14, sequence: 9, minimumSequence: 6 };
    expect(head).toEqual(channelHeadOf(keys, history, 20, { ...said, recalledHash: recalledDigest([recalled]) }));
    // Ed25519 signs alike each time.
    expect(utf8Text(await keys.channelSigner.sign(head))).toBe(sample);
  });

  test('lists refusals that there are', () => {
    const codes = tableRows(PAGE, 'code').map(([code]) => code!.slice(1, -1));
    for (const code of codes) expect(CHANNEL_REFUSALS).toContain(code);
    expect(codes).toHaveLength(8);
  });
});
