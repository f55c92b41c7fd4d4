import { describe, expect, it } from 'vitest';

import { sourceOfAddress } from '../../../src/adapters/http/rate-limit.ts';

describe('the source of a request', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('of %s is %s', (address, source) => {
    expect(sourceOfAddress(address)).toBe(source);
  });

  it('is another one for a network beside it', () => {
    expect(sourceOfAddress('2001:db8:1:3::1')).not.toBe(sourceOfAddress('2001:db8:1:2::1'));
  });
});
