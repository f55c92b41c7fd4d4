import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { SIGNATURE_TYPE, formatVerifierKey, verifierKeyOf } from '../../src/note/key.ts';
import { parseWitnessLogs } from '../../src/witness/index.ts';
import { headKey, logKey, testKey, witnessKey } from '../support/notes.ts';

const [plain, timed, witness] = [logKey, headKey, witnessKey].map((key) => verifierKeyOf(key, nodeCrypto));
const other = verifierKeyOf(testKey('log.example/other', SIGNATURE_TYPE.ed25519, 9, nodeCrypto), nodeCrypto);

describe('the log list of a witness', () => {
  test('is the log lines of a policy or a trust file, keys of one name together', () => {
    const list = `# a comment
log ${plain!.vkey} https://log.example/

witness A ${witness!.vkey} https://w.example/
log\t${other.vkey}
issuer Acme 9f
log ${timed!.vkey}
group g all A
quorum none
`;
    const logs = parseWitnessLogs(utf8(list));
    expect(logs.map(({ origin, keys }) => [origin, keys.map(({ vkey }) => vkey)])).toEqual([
      [plain!.name, [plain!.vkey, timed!.vkey]],
      [other.name, [other.vkey]],
    ]);
  });

  test.each([
    ['no log', `quorum none\n`, /names no log/u],
    ['no key', 'log\n', /line 1/u],
    ['a key that is none', `\nlog ${plain!.vkey}x\n`, /line 2/u],
    ["a witness's key", `log ${witness!.vkey}\n`, /type 0x04/u],
    ['a key twice', `log ${plain!.vkey}\nlog ${plain!.vkey}\n`, /line 2.*too/u],
    [
      'a key under two names',
      `log ${plain!.vkey}\nlog ${formatVerifierKey({ ...plain!, name: 'log.example/b' })}\n`,
      /line 2.*too/u,
    ],
    ['too many words', `log ${plain!.vkey} https://log.example/ x\n`, /line 1/u],
  ])('is refused with %s', (_what, text, message) => {
    const parse = (): unknown => parseWitnessLogs(utf8(text));
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'bad-trust-file' }));
  });

  test('is refused when it is no text', () => {
    expect(() => parseWitnessLogs(Uint8Array.of(0xff, 0x0a))).toThrow(/UTF-8/u);
  });
});
