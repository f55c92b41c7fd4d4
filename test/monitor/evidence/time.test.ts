import { describe, expect, test } from 'vitest';

import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { TIME_SLACK_SECONDS } from '../../../src/monitor/evidence/kinds/time.ts';
import { backdatedEntry, futureEntry, windowSecondsOf } from '../../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { historyWith } from './samples.ts';
import { History, NOON, headOf, promisingKeys, testKeys } from './support.ts';

const keys = promisingKeys();
const WINDOW = 86_400 + TIME_SLACK_SECONDS;

/** Evidence that entry 12, signed at `iat`, is in the tree of 20 entries signed at NOON. */
async function future(iat: number, by = keys): Promise<Evidence> {
  const history = await historyWith(iat);
  return futureEntry(by.log, await headOf(by, history, 20), history.entry(12));
}

/** Evidence that entry 12, signed at `iat`, was logged after NOON, when there were `size` entries. */
async function backdated(iat: number, size = 12, by = keys): Promise<Evidence> {
  const history = await historyWith(iat);
  return backdatedEntry(
    by.log,
    await headOf(by, history, size),
    await headOf(by, history, 20, NOON + 60),
    history.entry(12),
  );
}

describe('an entry from the future', () => {
  test('convicts beyond the log’s promise and a day, and not at it', async () => {
    expect(windowSecondsOf(keys.log)).toBe(WINDOW);
    await expect(future(NOON + WINDOW)).rejects.toThrow(`not more than ${WINDOW} seconds after`);
    expect(await future(NOON + WINDOW + 1)).toMatchObject({ kind: 'future' });
    for (const iat of [0, NOON - WINDOW, NOON, NOON + 86_400]) await expect(future(iat)).rejects.toThrow(RangeError);
  });

  test('needs a head that says when it was signed', async () => {
    const history = await historyWith(NOON + 10 * WINDOW);
    const undated = await headOf(keys, history, 20, 0);
    await expect(futureEntry(keys.log, undated, history.entry(12))).rejects.toThrow('does not say when');
    const plain = { ...testKeys(keys.log.origin, [SIGNATURE_TYPE.ed25519]) };
    const log = { ...plain.log, iatWindowSeconds: 86_400 };
    await expect(future(NOON + 10 * WINDOW, { ...plain, log })).rejects.toThrow('does not say when');
  });
});

describe('an entry that is backdated', () => {
  test('convicts beyond the log’s promise and a day, and not at it', async () => {
    await expect(backdated(NOON - WINDOW)).rejects.toThrow(`not more than ${WINDOW} seconds before`);
    expect(await backdated(NOON - WINDOW - 1)).toMatchObject({ kind: 'backdated' });
    for (const iat of [NOON - 86_400, NOON, NOON + 2 * WINDOW])
      await expect(backdated(iat)).rejects.toThrow(RangeError);
  });

  test('has to have come after the dated head', async () => {
    for (const size of [0, 1, 12]) expect(await backdated(0, size)).toMatchObject({ kind: 'backdated' });
    for (const size of [13, 20]) await expect(backdated(0, size)).rejects.toThrow('is in the first tree already');
  });

  test('needs the first head to say when it was signed; the second one need not', async () => {
    const history = await historyWith(0);
    const [before, undated] = [await headOf(keys, history, 12), await headOf(keys, history, 20, 0)];
    expect(await backdatedEntry(keys.log, before, undated, history.entry(12))).toMatchObject({ kind: 'backdated' });
    const first = await headOf(keys, history, 12, 0);
    await expect(backdatedEntry(keys.log, first, undated, history.entry(12))).rejects.toThrow('does not say when');
  });
});

describe('times convict only a log that promised something about them', () => {
  test('not one that takes any entry, of which some may be old statements', async () => {
    const open = testKeys();
    await expect(future(NOON + 100 * WINDOW, open)).rejects.toThrow('promised nothing');
    await expect(backdated(0, 12, open)).rejects.toThrow('promised nothing');
    for (const evidence of [await future(NOON + 100 * WINDOW), await backdated(0)]) {
      await expect(verifyEvidence(evidence, [open.log])).rejects.toThrow('nothing here says that the log promised');
    }
  });

  test('by the window that the verifier knows, not one that the file chooses', async () => {
    const evidence = await future(NOON + WINDOW + 1);
    for (const windowSeconds of [0, 1, WINDOW - 1, WINDOW + 1]) {
      const claim = { ...evidence.claim, windowSeconds };
      await expect(verifyEvidence({ ...evidence, claim }, [keys.log])).rejects.toThrow('argues with a window');
    }
    for (const iatWindowSeconds of [0, 3600, 7 * 86_400]) {
      await expect(verifyEvidence(evidence, [{ ...keys.log, iatWindowSeconds }])).rejects.toThrow(
        'argues with a window',
      );
    }
    // Two lists that say different things of one log: the wider promise counts.
    const lists = [keys.log, { ...keys.log, iatWindowSeconds: 7 * 86_400 }];
    await expect(verifyEvidence(evidence, lists)).rejects.toThrow('argues with a window');
  });

  test('by statements: bytes that are none have no time', async () => {
    const history = History.of(20);
    const head = await headOf(keys, history, 20);
    await expect(futureEntry(keys.log, head, history.entry(12))).rejects.toThrow('is not a statement');
  });
});
