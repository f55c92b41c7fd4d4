import { expect, test } from 'vitest';

import { LimmatError } from '../../../src/errors.ts';
import { MONITOR_KEY_NAMES, monitorTemplate, parseMonitorConfig } from '../../../src/node/monitor/config.ts';
import { fixedSigner } from '../../support/served-log.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';

const PEER = fixedSigner('peer.example/monitor', SIGNATURE_TYPE.ed25519).vkey;

/** The error of a monitor.toml with this text. */
function refusal(source: string): LimmatError {
  try {
    parseMonitorConfig(source);
  } catch (error) {
    if (error instanceof LimmatError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('the template of a new directory is what it says, and its samples are valid', () => {
  const written = parseMonitorConfig(monitorTemplate({ trust: ['/a "b"/trust\\.txt'], url: 'http://127.0.0.1:1/' }));
  expect(written).toEqual({ trust: ['/a "b"/trust\\.txt'], url: 'http://127.0.0.1:1/' });
  const template = monitorTemplate({ trust: ['logs.txt'] })
    .replace('monitor.example+…', PEER)
    .replace('witness.example+…', PEER);
  const samples = template.replaceAll(/^# (?=[a-z-]+ = |\[\[)/gm, '');
  const all = parseMonitorConfig(samples);
  expect(Object.keys(all).toSorted()).toEqual(MONITOR_KEY_NAMES.toSorted());
  expect(all).toMatchObject({
    interval: 60_000,
    listen: { host: '127.0.0.1', port: 6972 },
    'peers-within': 900_000,
    exec: ['./notify.sh'],
    'webhook-allow': ['https://hooks.example'],
    webhook: [{ url: 'https://hooks.example/limmat' }],
    peer: [{ key: PEER, url: 'https://monitor.example/', operator: 'Example' }],
  });
});

const refused: readonly (readonly [toml: string, says: string])[] = [
  ['trusts = ["a"]', 'unknown key "trusts": did you mean trust?'],
  ['[[peer]]\nkey = "x"', '"peer.0.key"'],
  [`[[peer]]\nkey = "${PEER}"\nurll = "x"`, 'in peer.0: unknown key "urll": did you mean url?'],
  ['[[peer]]\nurl = "https://a.example/"', '"peer.0.key" is missing'],
  ['peer = 7', '"peer"'],
  ['interval = "10ms"', '"interval" must be at least 1s, and is "10ms"'],
  ['interval = "soon"', 'must be a time like 500ms'],
  ['url = "ftp://log.example/"', 'is not an http or https URL'],
  ['url = "https://user:secret@log.example/"', 'must not carry credentials'],
  ['trust = []', '"trust" must name at least one log list'],
  ['exec = "notify.sh"', '"exec" must be a list in brackets'],
  ['webhook-allow = ["https://hooks.example/path"]', 'must be scheme, host and port'],
  ['webhook-allow = ["gopher://hooks.example"]', 'must be scheme, host and port'],
  ['"a\\"b" = 1', 'unknown key "a"b"'],
  ['peers-needed = -1', '"peers-needed" must be a whole number from 0'],
  ['trust = ["a"', 'line 1, column'],
];
test.each(refused)('%j is refused with a sentence', (toml, says) => {
  const { code, message } = refusal(toml);
  expect(code).toBe('bad-config');
  expect(message).toContain('monitor.toml: ');
  expect(message).toContain(says);
});
