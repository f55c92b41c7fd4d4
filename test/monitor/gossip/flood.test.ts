import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { utf8, utf8Text } from '../../../src/bytes.ts';
import type { LogHead } from '../../../src/client/state.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { HEAD_BOOK_LIMITS } from '../../../src/monitor/heads.ts';
import { MAX_CONVICTIONS } from '../../../src/monitor/known-evidence.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { between, chooseSeed, seededRandom } from '../../support/random.ts';
import { History, headOf } from '../evidence/support.ts';
import { Network } from './network.ts';
import { toyCrypto, toyKeys } from './toy-crypto.ts';

/** `npm run test:long` sends 100,000. */
const HEADS = process.env['LIMMAT_LONG'] === undefined ? 8000 : 100_000;

/** Bytes in use after everything that can go has gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

describe('a flood of valid heads from a stolen key', () => {
  it('keeps memory bounded and the evidence that there was, and raises the alarm', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
    const honest = { keys, history: History.of(300) };
    const forked = { keys, history: History.of(300, 100) };
    const network = new Network();
    network.add(2, (number) => [number === 0 ? honest : forked]);
    const [monitor, other] = [network.monitors[0]!, network.monitors[1]!];
    await monitor.look(200);
    await other.look(150);
    await network.round();
    const before = [...monitor.files];
    expect(before).toHaveLength(1);
    const own = monitor.log().book.newest();

    const floodHead = (): Promise<LogHead> => {
      // Under the own tree and above it, up to sizes that it never gets to; with times from long ago to tomorrow.
      const size = random() < 0.3 ? between(random, 1, 200) : Math.floor(200 + 2 ** (52 * random()));
      const rootHash = asHash(toyCrypto.sha256(utf8(String(random()))));
      return headOf(keys, { root: () => rootHash }, size);
    };
    const start = heapBytes();
    for (let i = 0; i < HEADS; i++) {
      const note = utf8Text((await floodHead()).note)!;
      // From clients and from a peer by turns.
      if (i % 2 === 0) await monitor.node.handIn(note);
      else await monitor.take(await floodHead(), 'peer');
    }
    await network.idle();
    const grown = heapBytes() - start;
    const { book } = monitor.log();
    console.log(
      `seed ${seed}: ${book.size} heads and ${(book.bytes / 1e6).toFixed(1)} MB of notes kept, ` +
        `${monitor.files.size} files of evidence, heap grown by ${(grown / 1e6).toFixed(1)} MB`,
    );
    expect(book.bytes).toBeLessThanOrEqual(HEAD_BOOK_LIMITS.resolvedBytes + HEAD_BOOK_LIMITS.unresolvedBytes);
    expect(book.unresolved().length).toBeLessThanOrEqual(HEAD_BOOK_LIMITS.unresolved);
    expect(grown).toBeLessThan(100e6);
    expect(book.flood()?.class).toBe('suspicion');
    expect(book.newest()).toBe(own);
    // What was there is there, byte for byte; more came, and not without end.
    for (const [id, file] of before) expect(monitor.files.get(id)).toEqual(file);
    expect(monitor.files.size).toBeGreaterThan(1);
    expect(monitor.files.size).toBeLessThanOrEqual(MAX_CONVICTIONS);
    for (const file of monitor.files.values()) await verifyEvidence(parseEvidence(file), [keys.log]);
    // And the log is watched as before.
    await monitor.look(220);
    expect(book.newest()?.size).toBe(220);
  }, 600_000);
});
