import { describe, expect, test } from 'vitest';

import { CONFIG_TEMPLATE, parseConfig } from '../../src/node/config.ts';
import { didYouMean } from '../../src/node/did-you-mean.ts';
import { formatDuration, formatListen, parseDuration, parseListen } from '../../src/node/units.ts';

describe('limmat.toml', () => {
  test('a full one is read', () => {
    const config = parseConfig('listen = "[::1]:7000"\ncheckpoint-interval = "250ms"\nmax-queue-entries = 4096\n');
    expect(config).toEqual({
      listen: { host: '::1', port: 7000 },
      'checkpoint-interval': 250,
      'max-queue-entries': 4096,
    });
  });

  test('the template sets nothing, and every line of it can be switched on', () => {
    expect(parseConfig(CONFIG_TEMPLATE)).toEqual({});
    const lines = [...CONFIG_TEMPLATE.matchAll(/^# ([a-z-]+ = .*)$/gm)].map(([, line]) => line!);
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) expect(Object.keys(parseConfig(line))).toHaveLength(1);
  });

  const refused: readonly (readonly [text: string, message: string])[] = [
    ['lissten = "x"', 'limmat.toml: unknown key "lissten": did you mean listen?'],
    ['colour = "red"', 'limmat.toml: unknown key "colour": the keys are listen, metrics-listen, origin'],
    ['listen = 6962', 'limmat.toml: "listen" must be text in quotes'],
    ['listen = "here"', 'limmat.toml: "listen" must be HOST:PORT like 127.0.0.1:6962, and is "here"'],
    [
      'checkpoint-interval = "soon"',
      'limmat.toml: "checkpoint-interval" must be a time like 500ms, 1s, 10min, 2h, 1d or 0, and is "soon"',
    ],
    ['admission = "closed"', 'limmat.toml: "admission" must be "records" or "open"'],
    [
      'max-queue-entries = 4095',
      'limmat.toml: "max-queue-entries" must be a whole number of at least 4096: the entries that one batch may have',
    ],
    [
      'max-queue-bytes = 16777215',
      'limmat.toml: "max-queue-bytes" must be a whole number of at least 16777216: the bytes that one batch may have',
    ],
    ['max-queue-entries = -5', 'limmat.toml: "max-queue-entries" must be a whole number of at least 4096'],
    ['verify-threads = 1.5', 'limmat.toml: "verify-threads" must be a whole number from 0 to 64'],
    ['verify-threads = 65', 'limmat.toml: "verify-threads" must be a whole number from 0 to 64'],
    ['max-queue-bytes = 0', 'limmat.toml: "max-queue-bytes"'],
    ['listen = "a:1"\nlisten = ', 'limmat.toml: line 2, column'],
  ];
  test.each(refused)('%j is refused', (text, message) => {
    expect(() => parseConfig(text)).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining(message) }),
    );
  });
});

test('times have a unit', () => {
  expect(['0', '250ms', '1s', '10min', '2h', '1d'].map(parseDuration)).toEqual([
    0, 250, 1000, 600_000, 7_200_000, 86_400_000,
  ]);
  for (const text of ['', '1', 's', '-1s', '1 s', '1w', '25d', '1.5s'])
    expect(() => parseDuration(text), text).toThrow(RangeError);
});

test('times are written as they are read', () => {
  for (const text of ['0', '250ms', '1s', '5min', '90min', '2h', '1d']) {
    expect(formatDuration(parseDuration(text))).toBe(text);
  }
  expect(formatDuration(3_600_000)).toBe('1h');
});

test('addresses are read as they are written', () => {
  for (const text of ['127.0.0.1:6962', '[::1]:0', 'localhost:65535'])
    expect(formatListen(parseListen(text))).toBe(text);
  expect(parseListen('7000')).toEqual({ host: '127.0.0.1', port: 7000 });
  expect(parseListen(':7000')).toEqual({ host: '127.0.0.1', port: 7000 });
  for (const text of ['', 'a', 'a:', 'a:b', '1.2.3.4:65536', '::1:80', 'a b:1'])
    expect(() => parseListen(text), text).toThrow(RangeError);
});

test('a guess is made for what is close, and for nothing else', () => {
  expect(didYouMean('lsten', ['listen', 'origin'])).toBe(': did you mean listen?');
  expect(didYouMean('xyz', ['listen', 'origin'])).toBe('');
});
